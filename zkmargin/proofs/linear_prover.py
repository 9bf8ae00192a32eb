"""Prover of LP_k (see linear_statement for the symbols).

    P: absorbs forms, C, Y; draws xi;  u = sum xi^(j-1) u_j, U = xi F, beta = b + sum xi^j y_j
    P: k times, x = (x_low, x_high) and so on, nonces l, r:
         L = <x_low, G_high> + <x_low, u_high> U + l H,   R = <x_high, G_low> + <x_high, u_low> U + r H
         sends L, R; draws e;  x <- x_low + e x_high,  G <- G_low + e^-1 G_high,  u <- u_low + e^-1 u_high,
         beta <- beta + e^-1 l + e r
    P: length h, nonces d, d':  D = <d,G> + <d,u> U + d' H;  sends D; draws c;  sends z = c x + d, z' = c beta + d'

What is folded when is decided in `_stages`, by measurement; the messages do not depend on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from zkmargin.group.backend import SCALAR_BYTES, Backend, Points
from zkmargin.proofs.linear_statement import (
    LinearProof,
    LinearStatement,
    absorb_responses,
    check_statement,
    mask_challenge,
    open_statement,
    round_challenge,
)
from zkmargin.proofs.unfolded import BlockProducts, Generators, Sum, WeightedBlocks, fold_blocks, outer
from zkmargin.transcript import Transcript

# Measured on the reference backend, n = 3,000 and 12,000: rounds before the generators are folded once.
SMALL_BITS = 24  # x below this size pays for BlockProducts: sums of bits over a book
SMALL_ROUNDS, FULL_ROUNDS = 4, 3


class NonceSource(Protocol):
    """Where a prover's nonces come from; the same transcript and witness give the same nonces, no others do."""

    def nonces(self, state: bytes, witness: bytes, count: int) -> list[int]:
        """Return `count` scalars in [0, order), secret, for a transcript state and a witness digest."""
        ...


@dataclass(frozen=True)
class LinearWitness:
    """x (n integers of any sign), b and y_1..y_m. Secret: never printed."""

    vector: Sequence[int] = field(repr=False)
    blinding: int = field(repr=False)
    target_blindings: Sequence[int] = field(repr=False)


def prove(
    backend: Backend,
    transcript: Transcript,
    statement: LinearStatement,
    witness: LinearWitness,
    nonces: NonceSource,
) -> LinearProof:
    """Prove a linear statement and leave the transcript behind the last response.

    The witness is not checked against the statement: a wrong one gives a proof that does not verify. Raise
    ValueError for lengths that do not fit.
    """
    check_statement(backend, statement)
    if len(witness.vector) != statement.size or len(witness.target_blindings) != len(statement.targets):
        raise ValueError("a linear witness has n values and one blinding per target")
    return _Run(backend, transcript, statement, witness, nonces).prove()


class _Run:
    """One run of the prover: x, u, beta and the generators as they fold."""

    def __init__(
        self,
        backend: Backend,
        transcript: Transcript,
        statement: LinearStatement,
        witness: LinearWitness,
        nonces: NonceSource,
    ) -> None:
        order = backend.order
        self._backend, self._transcript, self._statement, self._nonces = (
            backend,
            transcript,
            statement,
            nonces,
        )
        self._fh = backend.concat([backend.generators("F", 0, 1), backend.generators("H", 0, 1)])
        joined = open_statement(backend, transcript, statement)
        padding = statement.padded_size - statement.size
        self._xi = joined.xi
        self._x = [value % order for value in witness.vector] + [0] * padding
        self._u = joined.form + [0] * padding
        self._points = backend.concat([statement.generators, backend.identity(padding)])
        self._weights = [1]
        self._beta = (
            witness.blinding + backend.inner(joined.target_weights, _canonical(witness, order))
        ) % order
        self._digest = witness_digest(witness, order)
        self._left: list[Points] = []
        self._right: list[Points] = []

    def prove(self) -> LinearProof:
        for small, rounds in _stages(self._x, self._statement.rounds):
            self._fold_points()
            generators: Generators = (
                BlockProducts(self._backend, self._points, self._x, rounds)
                if small
                else WeightedBlocks(self._backend, self._points)
            )
            for _ in range(rounds):
                self._halve(generators)
            self._weights = generators.weights
        return self._respond()

    def _halve(self, generators: Generators) -> None:
        half = len(self._x) // 2
        (x_low, x_high), (u_low, u_high) = _halves(self._x, half), _halves(self._u, half)
        nonce_left, nonce_right = self._draw(2)
        to_left, to_right = generators.halves(self._x)
        left = self._commit(to_left, self._backend.inner(x_low, u_high), nonce_left)
        right = self._commit(to_right, self._backend.inner(x_high, u_low), nonce_right)
        e = round_challenge(self._backend, self._transcript, left, right)
        inverse = pow(e, -1, self._backend.order)
        self._x = self._backend.combine(x_low, e, x_high)
        self._u = self._backend.combine(u_low, inverse, u_high)
        generators.fold(e, inverse)
        self._beta = (self._beta + inverse * nonce_left + e * nonce_right) % self._backend.order
        self._left.append(left)
        self._right.append(right)

    def _respond(self) -> LinearProof:
        *d, d_blinding = self._draw(len(self._x) + 1)
        masked = outer(self._weights, d, self._backend.order), self._points
        mask = self._commit(masked, self._backend.inner(d, self._u), d_blinding)
        c = mask_challenge(self._backend, self._transcript, mask)
        responses = self._backend.combine(d, c, self._x)
        blinding_response = (d_blinding + c * self._beta) % self._backend.order
        absorb_responses(self._transcript, responses, blinding_response)
        none = self._backend.identity(0)
        return LinearProof(
            left=self._backend.concat([none, *self._left]),
            right=self._backend.concat([none, *self._right]),
            mask=mask,
            responses=tuple(responses),
            blinding_response=blinding_response,
        )

    def _fold_points(self) -> None:
        if len(self._weights) > 1:
            self._points = fold_blocks(self._backend, self._points, self._weights)
            self._weights = [1]

    def _commit(self, over_generators: Sum, value: int, blinding: int) -> Points:
        """Return the given sum over generators + value U + blinding H."""
        scalars, points = over_generators
        in_f = self._xi * value % self._backend.order
        return self._backend.msm([*scalars, in_f, blinding], self._backend.concat([points, self._fh]))

    def _draw(self, count: int) -> list[int]:
        return self._nonces.nonces(self._transcript.state, self._digest, count)


def witness_digest(witness: LinearWitness, order: int) -> bytes:
    """Hash the whole witness, so that another witness never meets the same nonces: SHA-256 over 32 bytes a scalar."""
    digest = hashlib.sha256(len(witness.vector).to_bytes(8, "big"))
    for value in (*witness.vector, witness.blinding, *witness.target_blindings):
        digest.update((value % order).to_bytes(SCALAR_BYTES, "big"))
    return digest.digest()


def _stages(x: Sequence[int], rounds: int) -> list[tuple[bool, int]]:
    """Stretches of rounds (x is small, number of rounds); between two stretches the generators are folded."""
    small = max(x) >> SMALL_BITS == 0
    first = min(rounds, SMALL_ROUNDS if small else FULL_ROUNDS)
    return [(small, first), (False, rounds - first)] if rounds > first else [(small, first)]


def _halves(values: list[int], half: int) -> tuple[list[int], list[int]]:
    return values[:half], values[half:]


def _canonical(witness: LinearWitness, order: int) -> list[int]:
    return [blinding % order for blinding in witness.target_blindings]
