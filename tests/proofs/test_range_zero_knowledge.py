"""Zero knowledge of ranges and claims, counted: for fixed challenges messages are distributed as simulated.

Over Z_p every generator is a known multiple of every other, so what is equal here is equal as a distribution. On BN254
the same simulators give proofs that the real verifier accepts without a witness.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from claim_cases import claim_case, form
from malicious.simulator import (
    RangeChoices,
    random_choices,
    random_range_choices,
    simulate_linear,
    simulate_range,
    unknown_point,
)
from proof_cases import GivenNonces, Programmed, gen
from toy_groups import Zp

from zkmargin.errors import VerificationError
from zkmargin.group import default_backend
from zkmargin.group.reference import ReferenceBackend
from zkmargin.proofs import claim_statement, claim_verifier, range_prover, range_verifier
from zkmargin.proofs.claim_statement import ClaimProof
from zkmargin.proofs.range_prover import RangeWitness
from zkmargin.proofs.range_statement import RangeProof, RangeStatement
from zkmargin.transcript import Protocol, Transcript

BN = default_backend()
View = Counter[tuple[bytes, ...]]


def view(backend, proof: RangeProof) -> tuple[bytes, ...]:  # type: ignore[no-untyped-def]
    scalars = bytes(proof.openings) + bytes(proof.last)
    return (*map(backend.compress, proof.messages), scalars)


def openings(p: int, sums: Sequence[int]) -> list[RangeWitness]:
    """All ways to open commitments in Z_p to bits."""
    backend = ReferenceBackend(Zp(p))
    f, h = (int.from_bytes(backend.compress(gen(backend, name)), "big") for name in "FH")
    ways = [[(v, (total - v * f) * pow(h, -1, p) % p) for v in (0, 1)] for total in sums]
    return [RangeWitness([v for v, _ in one], [g for _, g in one]) for one in itertools.product(*ways)]


def real_views(p: int, witness: RangeWitness, challenges: Sequence[int]) -> View:
    """Views over all nonces."""
    backend = ReferenceBackend(Zp(p))
    statement = RangeStatement(range_prover.commit(backend, witness), 1)
    return Counter(
        view(
            backend,
            range_prover.prove(backend, Programmed(p, challenges), statement, witness, GivenNonces(nonces)),
        )
        for nonces in itertools.product(range(p), repeat=2 * statement.size + 4)
    )


def simulated_views(p: int, witness: RangeWitness, challenges: Sequence[int]) -> View:
    """Views over all of the simulator's choices; of the witness it sees the commitments."""
    backend = ReferenceBackend(Zp(p))
    statement = RangeStatement(range_prover.commit(backend, witness), 1)
    n, views = statement.size, Counter[tuple[bytes, ...]]()
    for draw in itertools.product(range(p), repeat=2 * n + 4):
        s, t2 = (backend.decompress(value.to_bytes(32, "big"), infinity=True) for value in draw[-2:])
        choices = RangeChoices(draw[:n], draw[n : 2 * n], draw[-4], draw[-3], s, t2)
        views[view(backend, simulate_range(backend, statement, choices, challenges))] += 1
    return views


@pytest.mark.parametrize("total", [0, 1, 2])
def test_one_bit_over_all_challenges(total: int) -> None:
    zero, one = openings(3, [total])
    for challenges in itertools.product((1, 2), repeat=4):
        views = real_views(3, zero, challenges)
        assert views == real_views(3, one, challenges)
        assert views == simulated_views(3, zero, challenges)


def test_two_bits_with_a_fold() -> None:
    witnesses = openings(3, [1, 2])
    challenges = (2, 1, 2, 1, 2)
    expected = simulated_views(3, witnesses[0], challenges)
    assert len(expected) > 1000
    for witness in witnesses[::3]:
        assert real_views(3, witness, challenges) == expected


@pytest.mark.slow
def test_one_bit_in_a_larger_field() -> None:
    zero, one = openings(5, [3])
    for challenges in ((1, 2, 3, 4), (4, 3, 1, 2)):
        views = real_views(5, zero, challenges)
        assert views == real_views(5, one, challenges) == simulated_views(5, zero, challenges)


def test_unblinded_proofs_would_be_told_apart() -> None:
    """What is counted above is not equal by itself: without nonces the bit shows."""
    backend = ReferenceBackend(Zp(3))
    views = []
    for witness in openings(3, [1]):
        statement = RangeStatement(range_prover.commit(backend, witness), 1)
        heard = Programmed(3, (1, 1, 1, 1))
        views.append(
            view(backend, range_prover.prove(backend, heard, statement, witness, GivenNonces([0] * 6)))
        )
    assert views[0] != views[1]


# --- without a witness, on BN254


def drawn(rng: random.Random, count: int) -> list[int]:
    return [rng.randrange(1, BN.order) for _ in range(count)]


@pytest.mark.parametrize(("count", "bits"), [(1, 64), (3, 8)])
def test_simulated_ranges_are_accepted(count: int, bits: int) -> None:
    rng = random.Random(count)
    points = BN.concat([unknown_point(BN, rng) for _ in range(count)])
    statement = RangeStatement(points, bits)
    challenges = drawn(rng, 4 + statement.rounds)
    proof = simulate_range(BN, statement, random_range_choices(BN, statement, rng), challenges)
    range_verifier.verify(BN, Programmed(BN.order, challenges), statement, proof)
    with pytest.raises(VerificationError):  # only because the challenges were given
        range_verifier.verify(BN, Transcript(Protocol.CLAIM, BN.order), statement, proof)


def test_simulated_claims_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a leaf that nobody can open, and of one whose account does not fulfil the forms."""
    rng = random.Random(7)
    forms = [form(equity=1, requirement=1), form(net=1, least=10**9), form(1, net=1)]
    case = claim_case(BN, [(1, 1, 2, 3), (5, 5, 5, 5)], forms)
    unknown = replace(case.statement.leaves[1], a=unknown_point(BN, rng))
    statement = replace(case.statement, leaves=(case.statement.leaves[0], unknown))
    values = BN.concat([unknown_point(BN, rng) for _ in forms])
    links, challenges = [], []
    for leaf in range(2):
        link = claim_statement.link_statement(BN, statement, leaf, values)
        challenges += (own := drawn(rng, 2))
        links.append(simulate_linear(BN, link, random_choices(BN, link, rng), own))
    ranges = RangeStatement(values, statement.bits)
    challenges += (own := drawn(rng, 4 + ranges.rounds))
    proof = ClaimProof(
        values, tuple(links), simulate_range(BN, ranges, random_range_choices(BN, ranges, rng), own)
    )
    with monkeypatch.context() as programmed:
        programmed.setattr(claim_statement, "Transcript", lambda *_: Programmed(BN.order, challenges))
        claim_verifier.verify(BN, statement, proof)
    with pytest.raises(VerificationError):
        claim_verifier.verify(BN, statement, proof)
