"""Every bit is 0 or 1: the masked sumcheck's cube, mask, transcript and bytes (docs/protocol.md, section 7, steps 1-3).

    x = (bit, word, row)   index variables, low to high: 4 + ceil(log2 n_w) + ceil(log2 M) = L of them
    b(x)                   the bits, absent ones 0          eq(tau, x)   weight of corner x
    g(x) = m_0 + sum_j (m_j1 x_j + m_j2 x_j^2 + m_j3 x_j^3)              the mask, uniform m

    sum over the cube of  eq(tau, x) (b(x)^2 - b(x)) + omega g(x)  =  omega S_g

    draw tau; absorb mask/commit (C_g = <m,GM> + s_g H), mask/sum (S_g), draw omega;
    L x (absorb round/poly: values at 0, 2, 3; draw rho_j)

A round's value at 1 is the running claim less the value at 0: that check holds by construction. What the rounds leave
is a claim about one point, c = eq(tau,rho) (b(rho)^2 - b(rho)) + omega g(rho), which the caller must show.

Sumcheck: Lund, Fortnow, Karloff, Nisan 1992; the mask as a sum of univariates: Xie et al., "Libra", 2019. Three
coefficients per variable and m_0 are needed, none is spare: for fixed challenges they map bijectively to S_g and all
messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkmargin.group.backend import Backend, Points
from zkmargin.transcript import Label, Transcript

BIT_VARIABLES = 4
WORD_BITS = 1 << BIT_VARIABLES
VALUES_PER_ROUND = 3  # a cubic, less the value at 1
MASK_DEGREE = 3

RoundValues = tuple[int, int, int]  # at 0, 2, 3


@dataclass(frozen=True)
class Cube:
    """The index variables of `rows` rows of `n_bits` bits."""

    n_bits: int
    rows: int

    @property
    def n_words(self) -> int:
        """Words of a row, the last one perhaps in part."""
        return -(-self.n_bits // WORD_BITS)

    @property
    def word_variables(self) -> int:
        """ceil(log2 n_w)."""
        return (self.n_words - 1).bit_length()

    @property
    def row_variables(self) -> int:
        """ceil(log2 M)."""
        return (self.rows - 1).bit_length()

    @property
    def variables(self) -> int:
        """L, the number of rounds."""
        return BIT_VARIABLES + self.word_variables + self.row_variables

    def parts(self, point: Sequence[int]) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
        """Cut a point into its coordinates for bit, word and row."""
        split = BIT_VARIABLES + self.word_variables
        return point[:BIT_VARIABLES], point[BIT_VARIABLES:split], point[split:]


@dataclass(frozen=True)
class BooleanityProof:
    """C_g, S_g and the values of each round."""

    mask_commitment: Points
    mask_sum: int
    rounds: tuple[RoundValues, ...]


@dataclass(frozen=True)
class BooleanityClaim:
    """What the rounds leave to be shown: c = eq (b(rho)^2 - b(rho)) + omega g(rho), with eq = eq(tau, rho)."""

    omega: int
    rho: tuple[int, ...]
    value: int
    eq: int


def mask_size(cube: Cube) -> int:
    """Return 3 L + 1, the number of mask coefficients."""
    return MASK_DEGREE * cube.variables + 1


def mask_form(rho: Sequence[int], order: int) -> list[int]:
    """Return u with <m, u> = g(rho): 1, then rho_j, rho_j^2, rho_j^3 for each variable."""
    form = [1 % order]
    for r in rho:
        form += [r % order, r * r % order, r * r * r % order]
    return form


def draw_tau(transcript: Transcript, cube: Cube) -> list[int]:
    """Draw the weights' point."""
    return transcript.challenges(Label.BOOL_TAU, cube.variables)


def mask_challenge(backend: Backend, transcript: Transcript, commitment: Points, mask_sum: int) -> int:
    """Bind C_g and S_g, draw omega: after S_g, or S_g could make up for bits that are none."""
    transcript.absorb_points(Label.MASK_COMMIT, backend, commitment)
    transcript.absorb_scalars(Label.MASK_SUM, [mask_sum])
    return transcript.challenge(Label.MASK_OMEGA)


def round_challenge(transcript: Transcript, values: RoundValues) -> int:
    """Bind the values of a round, draw its rho."""
    transcript.absorb_scalars(Label.ROUND_POLY, values)
    return transcript.challenge(Label.ROUND_RHO)


def next_claim(claim: int, values: RoundValues, rho: int, order: int) -> int:
    """Return at rho the cubic with these values at 0, 2, 3 and with value `claim` at 0 and 1 together."""
    at_0, at_2, at_3 = values
    at_1 = claim - at_0
    x, y, z, w = rho, rho - 1, rho - 2, rho - 3
    sixfold = 3 * x * z * w * at_1 - 3 * x * y * w * at_2 + x * y * z * at_3 - y * z * w * at_0
    return sixfold * pow(6, -1, order) % order
