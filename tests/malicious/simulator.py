"""Simulators: accepting transcripts without any witness, for whoever may fix the challenges beforehand.

That such a simulator exists, with the distribution of the real prover, is what zero knowledge means. No real
transcript grants its wish: there, challenges are hashes of what was sent.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from proof_cases import Programmed, gen, target, weighted

from zkmargin.group.backend import Backend, Points
from zkmargin.proofs.linear_statement import LinearProof, LinearStatement
from zkmargin.proofs.linear_verifier import replay, residual
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
    mask = residual(backend, statement, blank, drawn)  # D enters the residual as -D
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


def unknown_point(backend: Backend, rng: random.Random) -> Points:
    """A point of which nobody here uses an opening."""
    return weighted(backend, ([rng.randrange(1, backend.order)], gen(backend, "GM")))
