"""Simulators: accepting transcripts without any witness, for whoever may fix the challenges beforehand.

That such a simulator exists, with the distribution of the real prover, is what zero knowledge means. No real
transcript grants its wish: there, challenges are hashes of what was sent.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from proof_cases import Programmed, gen, target, weighted

from zkmargin.group.backend import Backend, Points
from zkmargin.proofs import range_prover, range_verifier
from zkmargin.proofs.equations import residual
from zkmargin.proofs.linear_statement import LinearProof, LinearStatement
from zkmargin.proofs.linear_verifier import replay
from zkmargin.proofs.linear_verifier import residual as linear_residual
from zkmargin.proofs.range_statement import RangeProof, RangeStatement
from zkmargin.proofs.split_statement import SplitProof, SplitStatement


@dataclass(frozen=True)
class Choices:
    """What a simulator of LP_k draws freely: all L and R, all responses."""

    left: Points
    right: Points
    responses: Sequence[int]
    blinding_response: int


def random_choices(backend: Backend, statement: LinearStatement, rng: random.Random) -> Choices:
    def scalar() -> int:
        return rng.randrange(1, backend.order)

    def points() -> Points:
        return backend.scale(
            backend.concat([gen(backend, "H")] * statement.rounds + [backend.identity(0)]),
            [scalar() for _ in range(statement.rounds)],
        )

    return Choices(points(), points(), [scalar() for _ in range(statement.responses)], scalar())


def simulate_linear(
    backend: Backend, statement: LinearStatement, choices: Choices, challenges: Sequence[int]
) -> LinearProof:
    """Solve the verifier's equation for D, under the challenges xi, e_1..e_k, c."""
    blank = LinearProof(
        choices.left, choices.right, backend.identity(1), tuple(choices.responses), choices.blinding_response
    )
    drawn = replay(backend, Programmed(backend.order, challenges), statement, blank)
    mask = linear_residual(backend, statement, blank, drawn)  # D enters the residual as -D
    return LinearProof(blank.left, blank.right, mask, blank.responses, blank.blinding_response)


def simulate_split(
    backend: Backend, statement: SplitStatement, rng: random.Random, draw: Callable[[], int]
) -> tuple[SplitProof, list[int]]:
    """Return a proof and the challenges under which it is accepted: xi, c of A; xi, e_1..e_k, c of B."""
    target_a = target(backend, 0, rng.randrange(1, backend.order))
    part_a, part_b = statement.part_a(backend, target_a), statement.part_b(backend, target_a)
    for_a, for_b = [draw() for _ in range(2)], [draw() for _ in range(2 + statement.rounds)]
    a = simulate_linear(backend, part_a, random_choices(backend, part_a, rng), for_a)
    b = simulate_linear(backend, part_b, random_choices(backend, part_b, rng), for_b)
    return SplitProof(target_a, a, b), for_a + for_b


@dataclass(frozen=True)
class RangeChoices:
    """What a simulator of a range proof draws freely: l, r, tau_x, mu, S, T2."""

    l: Sequence[int]
    r: Sequence[int]
    value_blinding: int
    blinding: int
    s: Points
    t2: Points


def random_range_choices(backend: Backend, statement: RangeStatement, rng: random.Random) -> RangeChoices:
    def scalars(count: int) -> list[int]:
        return [rng.randrange(1, backend.order) for _ in range(count)]

    points = (unknown_point(backend, rng) for _ in range(2))
    return RangeChoices(scalars(statement.size), scalars(statement.size), *scalars(2), *points)


def simulate_range(
    backend: Backend, statement: RangeStatement, choices: RangeChoices, challenges: Sequence[int]
) -> RangeProof:
    """Solve the verifier's equations for T1 and A, under the challenges y, z, x, w, e_1..e_k."""
    y, z, x, w, *folds = challenges
    heard = Programmed(backend.order, folds)
    left, right, last = range_prover._Folding(backend, heard, y, w).fold(list(choices.l), list(choices.r))
    none, value = backend.identity(1), backend.inner(choices.l, choices.r)
    openings = (value, choices.value_blinding, choices.blinding)
    blank = RangeProof(none, choices.s, none, choices.t2, *openings, left, right, last)
    drawn = range_verifier.RangeChallenges(y, z, x, w, tuple(folds))
    of_poly, of_product = (
        residual(backend, equation) for equation in range_verifier.equations(backend, statement, blank, drawn)
    )  # T1 enters the first as -x T1, A the second as -A
    t1 = backend.scale(of_poly, [pow(x, -1, backend.order)])
    return replace(blank, a=of_product, t1=t1)


def unknown_point(backend: Backend, rng: random.Random) -> Points:
    """A point of which nobody here uses an opening."""
    return weighted(backend, ([rng.randrange(1, backend.order)], gen(backend, "GM")))
