"""Equations of verifiers, merged: many proofs are checked by one multi-scalar multiplication.

    an equation:  sum_i g_i G_i + sum_j s_j P_j = 0,  G_i named generators, P_j points of statement and proof
    seed     = SHA-256("zkm/v1/merge" || state_1 || .. || state_k)
    weight_i = SHA-256(seed || i || 0) || SHA-256(seed || i || 1) mod order, 0 becomes 1
    check    sum_i weight_i equation_i = 0

# Soundness
Error 1 / (order - 1) for the merge. The states are those of the proofs' transcripts behind their last message, so that
the weights are fixed by everything that they merge and by nothing that a prover may still choose. An equation with a
part that no transcript heard must not be merged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zkmargin.errors import VerificationError
from zkmargin.group.backend import Backend, Points

PREFIX = b"zkm/v1/merge"


@dataclass(frozen=True)
class Equation:
    """Weights of generators by family, from index 0 on; scalars and points; the error of who does not fulfil it."""

    code: str
    message: str
    generators: Mapping[str, Sequence[int]]
    scalars: Sequence[int]
    points: Points


def check_equations(backend: Backend, states: Sequence[bytes], equations: Sequence[Equation]) -> None:
    """Raise the VerificationError of the first equation that does not hold; ValueError for no equation.

    `states` are the transcripts' states (32 bytes each) behind the last message of every proof.
    """
    if not states or not equations:
        raise ValueError("there is nothing to check")
    weights = merge_weights(states, len(equations), backend.order)
    if all(backend.is_identity(residual(backend, merge(backend, equations, weights)))):
        return
    for equation in equations:
        if not all(backend.is_identity(residual(backend, equation))):
            raise VerificationError(equation.code, equation.message)
    raise VerificationError("merge", "merged equations do not hold")


def merge_weights(states: Sequence[bytes], count: int, order: int) -> list[int]:
    """Return one weight in [1, order) an equation."""
    seed = hashlib.sha256(PREFIX + b"".join(states)).digest()
    return [_weight(seed + number.to_bytes(8, "big"), order) for number in range(count)]


def _weight(message: bytes, order: int) -> int:
    wide = b"".join(hashlib.sha256(message + half).digest() for half in (b"\x00", b"\x01"))
    return int.from_bytes(wide, "big") % order or 1


def merge(backend: Backend, equations: Sequence[Equation], weights: Sequence[int]) -> Equation:
    """Return the sum of the equations, each times its weight."""
    order = backend.order
    generators: dict[str, list[int]] = {}
    scalars: list[int] = []
    for equation, weight in zip(equations, weights, strict=True):
        for family, own in equation.generators.items():
            sums = generators.setdefault(family, [])
            sums += [0] * (len(own) - len(sums))
            for i, value in enumerate(own):
                sums[i] += weight * value
        scalars += [weight * scalar % order for scalar in equation.scalars]
    reduced = {family: [value % order for value in sums] for family, sums in generators.items()}
    points = backend.concat([backend.identity(0), *(equation.points for equation in equations)])
    return Equation("merge", "merged", reduced, scalars, points)


def residual(backend: Backend, equation: Equation) -> Points:
    """Return the sum that must be infinity."""
    return backend.add(
        backend.combine_generators(equation.generators), backend.msm(equation.scalars, equation.points)
    )
