"""Range proofs: what is proven, with which bytes, and that both backends send the same."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from claim_cases import often, range_case
from malicious.second_ranges import RangeSteps
from proof_cases import SeededNonces
from toy_groups import Zp

from zkmargin.errors import DecodeError, VerificationError
from zkmargin.group import default_backend
from zkmargin.group.bn254 import Bn254
from zkmargin.group.reference import ReferenceBackend
from zkmargin.proofs import range_prover, range_verifier
from zkmargin.proofs.range_statement import RangeProof, RangeStatement, proof_bytes
from zkmargin.transcript import Protocol, Transcript

BN = ReferenceBackend(Bn254())
FAST = default_backend()
BIG = ReferenceBackend(Zp(2**255 - 19))


def transcript(backend) -> Transcript:  # type: ignore[no-untyped-def]
    return Transcript(Protocol.CLAIM, backend.order)


def prove(backend, case, seed: int = 1) -> RangeProof:  # type: ignore[no-untyped-def]
    nonces = SeededNonces(backend.order, seed)
    return range_prover.prove(backend, transcript(backend), case.statement, case.witness, nonces)


def verify(backend, statement: RangeStatement, proof: RangeProof) -> None:  # type: ignore[no-untyped-def]
    range_verifier.verify(backend, transcript(backend), statement, proof)


@pytest.mark.parametrize("bits", [1, 2, 8, 64, 128])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 16])
def test_values_of_every_size_and_number(bits: int, count: int) -> None:
    rng = random.Random(bits * count)
    ends = [0, (1 << bits) - 1]
    case = range_case(BIG, [*ends, *(rng.randrange(1 << bits) for _ in range(14))][:count], bits)
    proof = prove(BIG, case)
    verify(BIG, case.statement, proof)
    data = proof.to_bytes(BIG)
    assert len(data) == proof_bytes(case.statement.rounds) == 32 * (2 * case.statement.rounds + 9)
    assert RangeProof.from_bytes(BIG, data, case.statement.rounds).to_bytes(BIG) == data


@pytest.mark.parametrize(("bits", "values"), [(64, [2**64 - 1]), (8, [0, 255, 7]), (128, [2**127])])
def test_both_backends_send_the_same_bytes(bits: int, values: list[int]) -> None:
    proofs = []
    for backend in (BN, FAST):
        case = range_case(backend, values, bits)
        proof = prove(backend, case)
        verify(backend, case.statement, proof)
        proofs.append(proof.to_bytes(backend))
    assert proofs[0] == proofs[1]


@pytest.mark.parametrize(("bits", "values"), [(1, [1]), (8, [200]), (4, [3, 0, 15])])
def test_a_second_prover_that_folds_generators_sends_the_same(bits: int, values: list[int]) -> None:
    case = range_case(BN, values, bits)
    nonces = SeededNonces(BN.order, 1)
    again = RangeSteps(BN, transcript(BN), case.statement, case.witness, nonces).prove()
    assert again.to_bytes(BN) == prove(BN, case).to_bytes(BN)


@pytest.mark.parametrize("value", [-1, 256, 2**64, BN.order - 1])
def test_a_value_outside_is_refused_to_be_proven(value: int) -> None:
    case = range_case(BIG, [3, value % BIG.order], 8)
    with pytest.raises(ValueError, match="outside"):
        prove(BIG, case)


@pytest.mark.parametrize(("count", "bits"), [(0, 8), (17, 8), (1, 0), (1, 3), (1, 256), (1, -8)])
def test_statements_that_a_program_got_wrong(count: int, bits: int) -> None:
    points = FAST.generators("BG", 0, count)
    with pytest.raises(ValueError):
        range_prover.prove(
            FAST,
            transcript(FAST),
            RangeStatement(points, bits),
            range_prover.RangeWitness([0] * count, [0] * count),
            SeededNonces(FAST.order),
        )


def test_nonces_are_asked_once_for_a_state_and_witness() -> None:
    nonces = SeededNonces(BN.order)
    case = range_case(BN, [5], 4)
    range_prover.prove(BN, transcript(BN), case.statement, case.witness, nonces)
    assert len(set(nonces.calls)) == len(nonces.calls) == 2
    others = SeededNonces(BN.order)
    case = range_case(BN, [6], 4)
    range_prover.prove(BN, transcript(BN), case.statement, case.witness, others)
    assert not {digest for _, digest in nonces.calls} & {digest for _, digest in others.calls}


def test_other_commitments_are_refused() -> None:
    case, other = range_case(FAST, [5, 9], 8), range_case(FAST, [9, 5], 8)
    proof = prove(FAST, case)
    for statement in (other.statement, replace(case.statement, commitments=other.statement.commitments[:1])):
        with pytest.raises(VerificationError):
            verify(FAST, statement, proof)


def test_every_flipped_byte_is_refused() -> None:
    case = range_case(FAST, [5], 8)
    data = prove(FAST, case).to_bytes(FAST)
    for at in range(0, len(data), often(1, 29)):
        for bit in (0x01, 0x80):
            changed = bytearray(data)
            changed[at] ^= bit
            with pytest.raises(VerificationError):
                verify(
                    FAST, case.statement, RangeProof.from_bytes(FAST, bytes(changed), case.statement.rounds)
                )


def test_every_other_length_is_refused() -> None:
    case = range_case(FAST, [5], 8)
    data = prove(FAST, case).to_bytes(FAST)
    for length in range(len(data) + 40):
        if length != len(data):
            with pytest.raises(DecodeError):
                RangeProof.from_bytes(FAST, (data + bytes(40))[:length], case.statement.rounds)
    for rounds in (case.statement.rounds - 1, case.statement.rounds + 1):
        with pytest.raises(DecodeError):
            RangeProof.from_bytes(FAST, data, rounds)
