"""Prover of aggregated ranges (see range_statement for the symbols).

    P: nonces alpha, rho, s_L, s_R:
         A = <a_L, BG> + <a_R, BH> + alpha H,   S = <s_L, BG> + <s_R, BH> + rho H;  sends A, S; draws y, z
    P: l(X) = a_L - z + s_L X,   r(X) = y^i (a_R + z + s_R X) + z^(2+j) 2^i
       t(X) = <l(X), r(X)> = t_0 + t_1 X + t_2 X^2
    P: nonces tau_1, tau_2:  T_k = t_k F + tau_k H;  sends T1, T2; draws x
    P: sends t(x), tau_x = tau_2 x^2 + tau_1 x + sum z^(2+j) g_j, mu = alpha + rho x;  draws w, U = w F
    P: log2 N times, BH' = y^-i BH:
         L = <l_low, BG_high> + <r_high, BH'_low> + <l_low, r_high> U
         R = <l_high, BG_low> + <r_low, BH'_high> + <l_high, r_low> U
         sends L, R; draws e;  l <- l_low + e l_high,  r <- r_low + e^-1 r_high,
         BG <- BG_low + e^-1 BG_high,  BH' <- BH'_low + e BH'_high
    P: sends the last l and r

Generators are never folded: their weights are, so that every sum is one over fixed generators.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from zkmargin.group.backend import SCALAR_BYTES, Backend, Points
from zkmargin.proofs.linear_prover import NonceSource
from zkmargin.proofs.range_statement import (
    RangeForms,
    RangeProof,
    RangeStatement,
    absorb_last,
    base_challenge,
    bit_challenges,
    check_statement,
    open_statement,
    point_challenge,
    range_forms,
    round_challenge,
)
from zkmargin.transcript import Transcript


@dataclass(frozen=True)
class RangeWitness:
    """v_1..v_m in [0, 2^n), g_1..g_m. Secret: never printed."""

    values: Sequence[int] = field(repr=False)
    blindings: Sequence[int] = field(repr=False)


def commit(backend: Backend, witness: RangeWitness) -> Points:
    """Return V_j = v_j F + g_j H."""
    order = backend.order
    sums = [
        backend.combine_generators({"F": [value % order], "H": [blinding % order]})
        for value, blinding in zip(witness.values, witness.blindings, strict=True)
    ]
    return backend.concat([backend.identity(0), *sums])


def prove(
    backend: Backend,
    transcript: Transcript,
    statement: RangeStatement,
    witness: RangeWitness,
    nonces: NonceSource,
) -> RangeProof:
    """Prove that every V_j is in its range and leave the transcript behind the last message.

    Raise ValueError for a value outside [0, 2^n) and for lengths that do not fit. Blindings are not checked: wrong ones
    give a proof that does not verify.
    """
    check_statement(statement)
    if not len(witness.values) == len(witness.blindings) == statement.count:
        raise ValueError("a range witness has one value and one blinding per commitment")
    if any(not 0 <= value < 1 << statement.bits for value in witness.values):
        raise ValueError(f"a value is outside [0, 2^{statement.bits})")
    return _Run(backend, transcript, statement, witness, nonces).prove()


@dataclass(frozen=True, repr=False)
class _Vectors:
    """a_L (bits), s_L, s_R and the blindings alpha, rho of A and S."""

    bits: list[int]
    mask_left: list[int]
    mask_right: list[int]
    alpha: int
    rho: int


class _Run:
    """One run of the prover."""

    def __init__(
        self,
        backend: Backend,
        transcript: Transcript,
        statement: RangeStatement,
        witness: RangeWitness,
        nonces: NonceSource,
    ) -> None:
        self._backend, self._transcript, self._statement = backend, transcript, statement
        self._witness, self._nonces, self._order = witness, nonces, backend.order
        self._digest = witness_digest(witness, backend.order)

    def prove(self) -> RangeProof:
        order = self._order
        open_statement(self._backend, self._transcript, self._statement)
        vectors = self._vectors()
        a, s = self._commit_vectors(vectors)
        y, z = bit_challenges(self._backend, self._transcript, a, s)
        forms = range_forms(self._backend, self._statement, y, z)
        constant, linear = self._polynomials(vectors, forms, z)
        t1, t2, taus = self._commit_coefficients(constant, linear)
        x = point_challenge(self._backend, self._transcript, t1, t2)
        l, r = (self._backend.combine(c, x, d) for c, d in zip(constant, linear, strict=True))
        blindings = [blinding % order for blinding in self._witness.blindings]
        openings = (
            self._backend.inner(l, r),
            (taus[1] * x * x + taus[0] * x + self._backend.inner(forms.target_weights, blindings)) % order,
            (vectors.alpha + vectors.rho * x) % order,
        )
        w = base_challenge(self._transcript, openings)
        left, right, last = _Folding(self._backend, self._transcript, y, w).fold(l, r)
        return RangeProof(a, s, t1, t2, *openings, left, right, last)

    def _vectors(self) -> _Vectors:
        n, size = self._statement.bits, self._statement.size
        padding = self._statement.padded_count - self._statement.count
        bits = [value >> i & 1 for value in (*self._witness.values, *[0] * padding) for i in range(n)]
        alpha, rho, *masks = self._draw(2 + 2 * size)
        return _Vectors(bits, masks[:size], masks[size:], alpha, rho)

    def _commit_vectors(self, vectors: _Vectors) -> tuple[Points, Points]:
        """Return A and S."""
        a_right = [(bit - 1) % self._order for bit in vectors.bits]
        a = {"BG": vectors.bits, "BH": a_right, "H": [vectors.alpha]}
        s = {"BG": vectors.mask_left, "BH": vectors.mask_right, "H": [vectors.rho]}
        return self._backend.combine_generators(a), self._backend.combine_generators(s)

    def _polynomials(
        self, vectors: _Vectors, forms: RangeForms, z: int
    ) -> tuple[tuple[list[int], list[int]], tuple[list[int], list[int]]]:
        """Return the constant and the linear coefficients of (l, r)."""
        order, y = self._order, forms.y_powers
        l_constant = [(bit - z) % order for bit in vectors.bits]
        r_constant = [
            (power * (bit - 1 + z) + weight) % order
            for bit, power, weight in zip(vectors.bits, y, forms.z_weights, strict=True)
        ]
        r_linear = [power * mask % order for power, mask in zip(y, vectors.mask_right, strict=True)]
        return (l_constant, r_constant), (vectors.mask_left, r_linear)

    def _commit_coefficients(
        self, constant: tuple[list[int], list[int]], linear: tuple[list[int], list[int]]
    ) -> tuple[Points, Points, list[int]]:
        """Return T1, T2 and their blindings."""
        inner = self._backend.inner
        t1 = (inner(constant[0], linear[1]) + inner(linear[0], constant[1])) % self._order
        t2 = inner(*linear)
        taus = self._draw(2)
        first, second = (
            self._backend.combine_generators({"F": [t], "H": [tau]})
            for t, tau in zip((t1, t2), taus, strict=True)
        )
        return first, second, taus

    def _draw(self, count: int) -> list[int]:
        return self._nonces.nonces(self._transcript.state, self._digest, count)


class _Folding:
    """The inner product argument: weights of the original generators as they fold."""

    def __init__(self, backend: Backend, transcript: Transcript, y: int, w: int) -> None:
        self._backend, self._transcript, self._order = backend, transcript, backend.order
        self._y_inverse, self._w = pow(y, -1, backend.order), w

    def fold(self, l: list[int], r: list[int]) -> tuple[Points, Points, tuple[int, int]]:
        """Return all L, all R, and the last l and r."""
        self._g, self._h = [1] * len(l), self._backend.powers(self._y_inverse, len(l))
        left, right = [self._backend.identity(0)], [self._backend.identity(0)]
        while len(l) > 1:
            half = len(l) // 2
            (l_low, l_high), (r_low, r_high) = (l[:half], l[half:]), (r[:half], r[half:])
            left.append(self._cross(l_low, r_high, half))
            right.append(self._cross(l_high, r_low, 0))
            e = round_challenge(self._backend, self._transcript, left[-1], right[-1])
            inverse = pow(e, -1, self._order)
            l = self._backend.combine(l_low, e, l_high)
            r = self._backend.combine(r_low, inverse, r_high)
            self._fold_weights(half, e, inverse)
        absorb_last(self._transcript, (l[0], r[0]))
        return self._backend.concat(left), self._backend.concat(right), (l[0], r[0])

    def _cross(self, l: list[int], r: list[int], start: int) -> Points:
        """Return <l, BG> over the halves from `start` on, <r, BH'> over the other ones, and <l, r> U."""
        half = len(l)
        return self._backend.combine_generators(
            {
                "BG": self._spread(self._g, l, start),
                "BH": self._spread(self._h, r, half - start),
                "F": [self._w * self._backend.inner(l, r) % self._order],
            }
        )

    def _spread(self, weights: list[int], values: list[int], start: int) -> list[int]:
        """Return the scalars of the original generators in <values, G>, G one half of the folded generators."""
        half, order = len(values), self._order
        scalars = [0] * len(weights)
        for block in range(start, len(weights), 2 * half):
            scalars[block : block + half] = [
                weight * value % order
                for weight, value in zip(weights[block : block + half], values, strict=True)
            ]
        return scalars

    def _fold_weights(self, half: int, e: int, inverse: int) -> None:
        """Go on to BG_low + e^-1 BG_high and BH'_low + e BH'_high."""
        for weights, factor in ((self._g, inverse), (self._h, e)):
            for block in range(half, len(weights), 2 * half):
                for i in range(block, block + half):
                    weights[i] = weights[i] * factor % self._order


def witness_digest(witness: RangeWitness, order: int) -> bytes:
    """Hash the whole witness, so that another witness never meets the same nonces: SHA-256 over 32 bytes a scalar."""
    digest = hashlib.sha256(len(witness.values).to_bytes(8, "big"))
    for value in (*witness.values, *witness.blindings):
        digest.update((value % order).to_bytes(SCALAR_BYTES, "big"))
    return digest.digest()
