"""Zero knowledge, counted: for fixed challenges the prover's messages are distributed exactly as the simulator's.

Over Z_p every generator is a known multiple of every other, so nothing is hidden by a hard problem: what is equal here
is equal as a distribution. On BN254 the same simulators give proofs that the real verifier accepts without a witness.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from counting import rank
from malicious.simulator import Choices, random_choices, simulate_linear, simulate_split, unknown_point
from proof_cases import (
    GivenNonces,
    LinearCase,
    Programmed,
    commit,
    gen,
    linear_case,
    target,
    tiny_book,
    tiny_circuit,
    transcript,
)
from toy_groups import Zp

from zkmargin.errors import VerificationError
from zkmargin.group.bn254 import Bn254
from zkmargin.group.reference import ReferenceBackend
from zkmargin.proofs import linear_prover, linear_verifier, totals_prover, totals_statement, totals_verifier
from zkmargin.proofs.linear_prover import LinearWitness
from zkmargin.proofs.linear_statement import LinearProof
from zkmargin.proofs.totals_statement import TotalsStatement, open_totals

BN = ReferenceBackend(Bn254())
Zp_ = ReferenceBackend[int]


def zp(p: int) -> Zp_:
    return ReferenceBackend(Zp(p))


def residues(backend: Zp_, points) -> tuple[int, ...]:  # type: ignore[no-untyped-def]
    """Points of Z_p as integers."""
    data = backend.compress(points)
    return tuple(int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32))


def point(backend: Zp_, values: Sequence[int]):  # type: ignore[no-untyped-def]
    """Points of Z_p from integers."""
    return backend.decompress(b"".join(v.to_bytes(32, "big") for v in values), infinity=True)


def view(backend: Zp_, proof: LinearProof) -> tuple[int, ...]:
    return (
        *residues(backend, proof.left), *residues(backend, proof.right), *residues(backend, proof.mask),
        *proof.responses, proof.blinding_response,
    )  # fmt: skip


def real_views(backend: Zp_, case: LinearCase, challenges: Sequence[int]) -> Counter[tuple[int, ...]]:
    """Views over all nonces."""
    count = 2 * case.statement.rounds + case.statement.responses + 1
    return Counter(
        view(
            backend,
            linear_prover.prove(
                backend,
                Programmed(backend.order, challenges),
                case.statement,
                case.witness,
                GivenNonces(nonces),
            ),
        )
        for nonces in itertools.product(range(backend.order), repeat=count)
    )


def simulated_views(backend: Zp_, case: LinearCase, challenges: Sequence[int]) -> Counter[tuple[int, ...]]:
    """Views over all of the simulator's choices."""
    k, h = case.statement.rounds, case.statement.responses
    views: Counter[tuple[int, ...]] = Counter()
    for draw in itertools.product(range(backend.order), repeat=2 * k + h + 1):
        choices = Choices(
            point(backend, draw[:k]), point(backend, draw[k : 2 * k]), draw[2 * k : 2 * k + h], draw[-1]
        )
        views[view(backend, simulate_linear(backend, case.statement, choices, challenges))] += 1
    return views


def challenge_lists(p: int, k: int, every: int) -> Iterator[tuple[int, ...]]:
    return itertools.islice(itertools.product(range(1, p), repeat=k + 2), 0, None, every)


@pytest.mark.parametrize(
    ("p", "n", "k", "m", "every"),
    [
        (5, 1, 0, 1, 1),
        (5, 2, 0, 2, 5),
        (7, 1, 0, 2, 1),
        (11, 1, 0, 1, 9),
        (5, 2, 1, 1, 23),
        pytest.param(5, 2, 1, 1, 1, marks=pytest.mark.slow),
        pytest.param(7, 2, 1, 1, 77, marks=pytest.mark.slow),
        pytest.param(5, 3, 1, 2, 37, marks=pytest.mark.slow),
    ],
)
def test_views_are_distributed_as_simulated(p: int, n: int, k: int, m: int, every: int) -> None:
    backend = zp(p)
    case = linear_case(backend, n, k, m)
    for challenges in challenge_lists(p, k, every):
        assert real_views(backend, case, challenges) == simulated_views(backend, case, challenges)


def test_two_witnesses_of_one_statement_give_the_same_views() -> None:
    backend = zp(5)
    g, h, f = (residues(backend, gen(backend, family))[0] for family in ("GB", "H", "F"))
    one = LinearWitness([2], 3, [1])
    # x + 1 is paid for by the blindings: in Z_p a commitment opens to everything.
    two = LinearWitness([3], (3 - g * pow(h, -1, 5)) % 5, [(1 - 4 * f * pow(h, -1, 5)) % 5])
    base = linear_case(backend, 1, 0)
    statement = replace(
        base.statement,
        commitment=commit(backend, [2], 3, gen(backend, "GB")),
        targets=target(backend, 8, 1),
        forms=((4,),),
    )
    views = [real_views(backend, LinearCase(statement, witness), (2, 3)) for witness in (one, two)]
    assert views[0] == views[1]


def test_a_prover_without_its_mask_is_seen() -> None:
    """The count would notice a nonce that is not drawn: D's first nonce fixed to 0."""
    backend, challenges = zp(5), (2, 3)
    case = linear_case(backend, 2, 0)
    views = Counter(
        view(
            backend,
            linear_prover.prove(
                backend, Programmed(5, challenges), case.statement, case.witness, GivenNonces((0, *nonces))
            ),
        )
        for nonces in itertools.product(range(5), repeat=2)
    )
    assert set(views) < set(simulated_views(backend, case, challenges))


# --- the totals' proof is larger: nonces -> messages is affine, and a bijection by rank


def _totals_view(
    backend: Zp_, totals: TotalsStatement, witness, challenges, nonces: Iterable[int]
) -> np.ndarray:  # type: ignore[no-untyped-def]
    proof = totals_prover.prove(backend, totals, witness, GivenNonces(nonces))
    free = (
        *residues(backend, proof.target_a), *proof.a.responses, proof.a.blinding_response,
        *residues(backend, proof.b.left), *residues(backend, proof.b.right), *proof.b.responses,
        proof.b.blinding_response,
    )  # fmt: skip
    return np.array(free, dtype=np.int64)


@pytest.mark.parametrize("p", [5, 7, 11])
def test_nonces_and_messages_of_the_totals_are_in_bijection(p: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then, for fixed challenges, all messages but D are uniform, and D follows from the equations: as simulated."""
    backend, rng = zp(p), random.Random(p)
    book = tiny_book(backend)
    size = 1 + 5 + 2 * 2 + 11  # s_A; d, d' of A; l, r twice; d, d' of B
    for _ in range(3):
        challenges = [rng.randrange(1, p) for _ in range(1 + 2 + 2 + 2)]
        monkeypatch.setattr(totals_statement, "Transcript", lambda *_, c=challenges: Programmed(p, c))

        def run(nonces: Sequence[int], drawn: Sequence[int] = challenges) -> np.ndarray:
            return _totals_view(backend, book.statement, book.witness, drawn, nonces)

        origin = run([0] * size)
        columns = [(run([int(i == j) for i in range(size)]) - origin) % p for j in range(size)]
        matrix = np.array(columns).T
        assert matrix.shape == (size, size)
        assert rank(matrix, p) == size
        for _ in range(5):
            nonces = [rng.randrange(p) for _ in range(size)]
            assert ((matrix @ np.array(nonces) + origin - run(nonces)) % p == 0).all()


# --- without a witness, on BN254


@pytest.mark.parametrize(("size", "rounds", "forms"), [(4, 0, 1), (21, 3, 2)])
def test_simulated_linear_proofs_are_accepted(size: int, rounds: int, forms: int) -> None:
    rng = random.Random(2)
    base = linear_case(BN, size, rounds, forms).statement
    statement = replace(
        base,
        commitment=unknown_point(BN, rng),
        targets=BN.concat([unknown_point(BN, rng) for _ in range(forms)]),
    )
    challenges = [rng.randrange(1, BN.order) for _ in range(rounds + 2)]
    proof = simulate_linear(BN, statement, random_choices(BN, statement, rng), challenges)
    linear_verifier.verify(BN, Programmed(BN.order, challenges), statement, proof)
    with pytest.raises(VerificationError):  # only because the challenges were given
        linear_verifier.verify(BN, transcript(BN), statement, proof)


def test_simulated_totals_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    circuit = tiny_circuit()
    statement = TotalsStatement(
        bytes(32), "nobody", circuit, 7, [1, 2, 3, 4, 5, 6, 7], unknown_point(BN, rng), unknown_point(BN, rng)
    )
    delta = rng.randrange(1, BN.order)
    real = totals_statement.Transcript
    monkeypatch.setattr(totals_statement, "Transcript", lambda *_: Programmed(BN.order, [delta]))
    _, split = open_totals(BN, statement)
    proof, drawn = simulate_split(BN, split, rng, lambda: rng.randrange(1, BN.order))
    monkeypatch.setattr(totals_statement, "Transcript", lambda *_: Programmed(BN.order, [delta, *drawn]))
    totals_verifier.verify(BN, statement, proof)
    monkeypatch.setattr(totals_statement, "Transcript", real)
    with pytest.raises(VerificationError):
        totals_verifier.verify(BN, statement, proof)
