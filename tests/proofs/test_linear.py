"""LP_k: honest proofs over BN254 and toy groups, its bytes, and what is no statement."""

from dataclasses import replace

import pytest
from malicious.second_prover import LinearSteps
from proof_cases import SeededNonces, commit, gen, linear_case, target, transcript
from toy_groups import FreeModule, names

from zkmargin.errors import DecodeError, VerificationError
from zkmargin.group.bn254 import Bn254
from zkmargin.group.reference import ReferenceBackend
from zkmargin.proofs import linear_prover, linear_verifier, unfolded
from zkmargin.proofs.linear_prover import LinearWitness
from zkmargin.proofs.linear_statement import LinearProof, LinearStatement, fold_rounds, proof_bytes

BN = ReferenceBackend(Bn254())
FREE = ReferenceBackend(FreeModule(11, names(H=1, F=1, GB=20)))


def code_of(error: pytest.ExceptionInfo[VerificationError]) -> str:
    return error.value.code


@pytest.mark.parametrize(
    ("size", "rounds", "forms", "bound"),
    [
        (1, 0, 1, None),
        (4, 0, 2, None),
        (3, 2, 1, None),
        (5, 1, 3, None),
        (21, 5, 1, 200),
        (16, 6, 2, 2),
        (19, 4, 2, None),
    ],
)
def test_honest_proofs_verify_and_equal_those_of_the_second_prover(
    size: int, rounds: int, forms: int, bound: int | None
) -> None:
    case = linear_case(BN, size, rounds, forms, bound=bound)
    proof = linear_prover.prove(BN, transcript(BN), case.statement, case.witness, SeededNonces(BN.order))
    linear_verifier.verify(BN, transcript(BN), case.statement, proof)
    second = LinearSteps(BN, transcript(BN), case.statement, case.witness).prove()
    assert second.to_bytes(BN) == proof.to_bytes(BN)


@pytest.mark.parametrize("first", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("bound", [None, 50])
def test_when_generators_are_folded_does_not_change_the_messages(
    first: int, bound: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = linear_case(BN, 37, 6, bound=bound)
    expected = LinearSteps(BN, transcript(BN), case.statement, case.witness).prove()
    monkeypatch.setattr(linear_prover, "SMALL_ROUNDS", first)
    monkeypatch.setattr(linear_prover, "FULL_ROUNDS", first)
    proof = linear_prover.prove(BN, transcript(BN), case.statement, case.witness, SeededNonces(BN.order))
    assert proof.to_bytes(BN) == expected.to_bytes(BN)


def test_honest_proofs_over_the_free_module(monkeypatch: pytest.MonkeyPatch) -> None:
    # So small a field makes infinity an honest message now and then.
    monkeypatch.setattr(linear_verifier, "check_points", lambda *_: None)
    for size in (1, 2, 3, 8, 13):
        for rounds in range(5):
            case = linear_case(FREE, size, rounds, forms=2)
            nonces = SeededNonces(FREE.order)
            proof = linear_prover.prove(FREE, transcript(FREE), case.statement, case.witness, nonces)
            linear_verifier.verify(FREE, transcript(FREE), case.statement, proof)


def test_negative_witness_values_are_residues() -> None:
    x, b, y, u = [-5, 3, -1], 7, 9, (2, 3, 4)
    points = gen(BN, "GB", 3)
    statement = LinearStatement(commit(BN, x, b, points), target(BN, -5, y), (u,), points, 1)
    proof = linear_prover.prove(
        BN, transcript(BN), statement, LinearWitness(x, b, [y]), SeededNonces(BN.order)
    )
    linear_verifier.verify(BN, transcript(BN), statement, proof)


def test_prover_and_verifier_leave_the_transcript_in_one_state() -> None:
    case = linear_case(BN, 5, 1)
    mine, theirs = transcript(BN), transcript(BN)
    proof = linear_prover.prove(BN, mine, case.statement, case.witness, SeededNonces(BN.order))
    linear_verifier.verify(BN, theirs, case.statement, proof)
    assert mine.state == theirs.state


def test_nonces_are_asked_for_once_per_state_with_the_whole_witness() -> None:
    case = linear_case(BN, 8, 2)
    nonces = SeededNonces(BN.order)
    linear_prover.prove(BN, transcript(BN), case.statement, case.witness, nonces)
    states = [state for state, _ in nonces.calls]
    assert len(states) == len(set(states)) == 3
    digests = {digest for _, digest in nonces.calls}
    w = case.witness
    for other in (
        replace(w, vector=[w.vector[0] + 1, *w.vector[1:]]),
        replace(w, blinding=w.blinding + 1),
        replace(w, target_blindings=[w.target_blindings[0] + 1]),
    ):
        assert linear_prover.witness_digest(other, BN.order) not in digests


def test_a_witness_does_not_print() -> None:
    assert "12345" not in repr(LinearWitness([12345], 12345, [12345]))


# --- bytes


def test_bytes_come_back() -> None:
    case = linear_case(BN, 21, 2)
    proof = linear_prover.prove(BN, transcript(BN), case.statement, case.witness, SeededNonces(BN.order))
    data = proof.to_bytes(BN)
    assert len(data) == 32 * 5 + 32 * 7 == proof_bytes(2, 6)
    again = LinearProof.from_bytes(BN, data, 2, 6)
    linear_verifier.verify(BN, transcript(BN), case.statement, again)
    assert again.to_bytes(BN) == data


def _encoded() -> bytes:
    case = linear_case(BN, 4, 1)
    return linear_prover.prove(
        BN, transcript(BN), case.statement, case.witness, SeededNonces(BN.order)
    ).to_bytes(BN)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda data: data[:-1], "linear/length"),
        (lambda data: data + b"\x00", "linear/length"),
        (lambda data: b"", "linear/length"),
        (lambda data: data[:-32] + BN.order.to_bytes(32, "big"), "scalar/range"),
        (lambda data: data[:-32] + b"\xff" * 32, "scalar/range"),
        (lambda data: BN.compress(BN.identity(1)) + data[32:], "infinity"),
    ],
)
def test_other_bytes_are_refused(change, code: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DecodeError) as error:
        LinearProof.from_bytes(BN, change(_encoded()), 1, 2)
    assert code_of(error) == code


def test_another_shape_than_the_verifiers_is_refused() -> None:
    data = _encoded()
    for rounds, responses in ((0, 2), (1, 3), (0, 5), (2, 1)):
        with pytest.raises(DecodeError):
            LinearProof.from_bytes(BN, data, rounds, responses)


# --- k


@pytest.mark.parametrize(
    ("size", "accounts", "rounds"),
    [(1, 1, 0), (16, 1, 0), (17, 1, 1), (32, 128, 1), (33, 128, 2), (3000, 200, 7), (12000, 200, 9), (12000, 2000, 6),
     (3000, 10**6, 0), (17, 136, 0), (17, 135, 1)],
)  # fmt: skip
def test_fold_rounds(size: int, accounts: int, rounds: int) -> None:
    assert fold_rounds(size, accounts) == rounds


@pytest.mark.parametrize(("size", "accounts"), [(0, 1), (1, 0)])
def test_fold_rounds_needs_something(size: int, accounts: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        fold_rounds(size, accounts)


# --- programming errors


@pytest.mark.parametrize(
    "change",
    [
        {"forms": ()},
        {"forms": ((1, 2, 3),)},
        {"forms": ((1, 2, 3, -1),)},
        {"forms": ((1, 2, 3, BN.order),)},
        {"forms": ((1, 2, 3, 4), (1, 2, 3, 4))},
        {"rounds": -1},
        {"rounds": 41},
        {"commitment": gen(BN, "GB", 2)},
        {"targets": gen(BN, "GB", 2)},
        {"generators": gen(BN, "GB", 0), "forms": ((),)},
    ],
)
def test_no_statement(change: dict[str, object]) -> None:
    case = linear_case(BN, 4, 1)
    proof = LinearSteps(BN, transcript(BN), case.statement, case.witness).prove()
    statement = replace(case.statement, **change)  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        linear_verifier.verify(BN, transcript(BN), statement, proof)
    with pytest.raises(ValueError):
        linear_prover.prove(BN, transcript(BN), statement, case.witness, SeededNonces(BN.order))


@pytest.mark.parametrize("change", [{"vector": [1]}, {"target_blindings": []}])
def test_no_witness(change: dict[str, list[int]]) -> None:
    case = linear_case(BN, 4, 1)
    with pytest.raises(ValueError, match="witness"):
        linear_prover.prove(
            BN,
            transcript(BN),
            case.statement,
            replace(case.witness, **change),
            SeededNonces(BN.order),  # type: ignore[arg-type]
        )


# --- folding


@pytest.mark.parametrize("at_once", [1, 5, 8, 12, 1 << 15])
def test_fold_blocks_is_the_weighted_sum_of_blocks(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfolded, "FOLD_AT_ONCE", at_once)
    points, weights = gen(BN, "GB", 12), [1, BN.order - 1, 12345678901234567890, 0]
    folded = unfolded.fold_blocks(BN, points, weights)
    assert len(folded) == 3
    for at in range(3):
        expected = BN.msm(weights, BN.gather(points, range(at, 12, 3)))
        assert BN.equal(folded[at : at + 1], expected)
