"""Prover of the booleanity sumcheck (see booleanity_statement for the symbols).

P: draws tau
P: nonces m, s_g; sends C_g, S_g = sum over the cube of g; draws omega
P: per variable, sends the values at 0, 2, 3 of the sum with the earlier variables bound; draws rho_j
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from zkmargin.group.backend import Backend
from zkmargin.group.booleanity import booleanity_sums
from zkmargin.group.multilinear import eq_value
from zkmargin.proofs.booleanity_statement import (
    BooleanityClaim,
    BooleanityProof,
    Cube,
    RoundValues,
    draw_tau,
    mask_challenge,
    mask_size,
    next_claim,
    round_challenge,
)
from zkmargin.proofs.linear_prover import NonceSource
from zkmargin.sparse import SparseWords
from zkmargin.transcript import Transcript


@dataclass(frozen=True)
class BooleanityOpening:
    """What later steps need: v = b(rho), the mask's coefficients and blinding. Secret: never printed."""

    value: int = field(repr=False)
    mask: Sequence[int] = field(repr=False)
    mask_blinding: int = field(repr=False)


def prove(
    backend: Backend,
    transcript: Transcript,
    cube: Cube,
    words: SparseWords,
    witness_digest: bytes,
    nonces: NonceSource,
) -> tuple[BooleanityProof, BooleanityClaim, BooleanityOpening]:
    """Run the rounds over the bits of all rows; ValueError if words and cube do not fit."""
    if (words.rows, len(words.columns)) != (cube.rows, cube.n_words):
        raise ValueError("the words do not have the shape of the cube")
    order = backend.order
    tau = draw_tau(transcript, cube)
    *coefficients, blinding = nonces.nonces(transcript.state, witness_digest, mask_size(cube) + 1)
    mask = Mask(coefficients, order)
    generators = [backend.generators("GM", 0, mask_size(cube)), backend.generators("H", 0, 1)]
    commitment = backend.msm([*coefficients, blinding], backend.concat(generators))
    mask_sum = mask.total()
    omega = mask_challenge(backend, transcript, commitment, mask_sum)
    sums = booleanity_sums(backend, words, tau)
    claim, rounds, rho = omega * mask_sum % order, [], []
    for _ in range(cube.variables):
        values = _masked(sums.round(), omega, mask.round(), order)
        r = round_challenge(transcript, values)
        sums.bind(r)
        mask.bind(r)
        claim = next_claim(claim, values, r, order)
        rounds.append(values)
        rho.append(r)
    return (
        BooleanityProof(commitment, mask_sum, tuple(rounds)),
        BooleanityClaim(omega, tuple(rho), claim, eq_value(tau, rho, order)),
        BooleanityOpening(sums.value(), coefficients, blinding),
    )


class Mask:
    """g, with its lowest variables bound."""

    def __init__(self, coefficients: Sequence[int], order: int) -> None:
        self._order = order
        self._fixed = coefficients[0]  # m_0 and the bound variables' parts
        self._free = [tuple(coefficients[at : at + 3]) for at in range(1, len(coefficients), 3)]
        self._at_1 = sum(map(sum, self._free))  # the free variables' parts at 1; at 0 they are 0

    def total(self) -> int:
        """Return the sum over all corners of the free variables."""
        corners = 1 << len(self._free)
        return (self._fixed * corners + self._at_1 * (corners // 2)) % self._order

    def round(self) -> RoundValues:
        """Return the values at 0, 2, 3 of the sum over all but the lowest free variable."""
        corners = 1 << len(self._free) - 1
        others = (self._at_1 - sum(self._free[0])) * (corners // 2)
        at_0, at_2, at_3 = (
            ((self._fixed + _part(self._free[0], x)) * corners + others) % self._order for x in (0, 2, 3)
        )
        return at_0, at_2, at_3

    def bind(self, challenge: int) -> None:
        """Bind the lowest free variable."""
        part = self._free.pop(0)
        self._fixed = (self._fixed + _part(part, challenge)) % self._order
        self._at_1 -= sum(part)


def _part(coefficients: Sequence[int], x: int) -> int:
    linear, square, cube = coefficients
    return linear * x + square * x * x + cube * x * x * x


def _masked(values: RoundValues, omega: int, mask: RoundValues, order: int) -> RoundValues:
    at_0, at_2, at_3 = ((value + omega * m) % order for value, m in zip(values, mask, strict=True))
    return at_0, at_2, at_3
