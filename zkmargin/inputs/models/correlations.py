"""Correlations of risk factors, and a public triangular factor of their matrix that is never too small.

The requirement is the norm of y = L' x for weighted sensitivities x, where L L' is at least the matrix M as a form,
so norm(y)^2 = x' L L' x >= x' M x. M + 1e-9 times the identity is factored in integers at a scale of
1e-30, whose rounding moves x' L L' x by less than 1e-9 |x|^2 for the sizes that are accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from zkmargin.canonical import Json, fraction_text
from zkmargin.errors import PolicyError
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.json_fields import Fields
from zkmargin.inputs.problems import Fault
from zkmargin.inputs.sections import Section

SCALE = 10**30
RAISED = Fraction(1, 10**9)
DIGITS = 10**18
MAX_FACTORS = 64

Factor = tuple[str, int]  # underlying, bucket of expiries (0 for a delta)
Matrix = list[list[Fraction]]


@dataclass(frozen=True)
class Correlations:
    """Of deltas and of vegas between underlyings, and of vegas between expiry buckets of one underlying."""

    delta: Fraction
    vega: Fraction
    vega_expiries: Fraction

    @staticmethod
    def read(section: Section) -> Correlations:
        """Take the table `correlations`."""
        table = section.section("correlations")
        found = Correlations(*(table.decimal(name) for name in Correlations.__dataclass_fields__))
        table.finish()
        return found

    @staticmethod
    def from_json(value: Json, what: str) -> Correlations:
        """Read what `to_json` wrote; raise DecodeError for any other shape."""
        with Fields(value, what) as fields:
            return Correlations(*(fields.fraction(name) for name in Correlations.__dataclass_fields__))

    def to_json(self) -> Json:
        """Return the three numbers by name."""
        return {name: fraction_text(value) for name, value in vars(self).items()}

    def faults(self) -> Iterator[Fault]:
        """Say which numbers are no correlations."""
        for name, value in vars(self).items():
            if abs(value) > 1:
                yield f"correlations.{name}", decimal_text(value), "not from -1 to 1", None

    def of_deltas(self, factors: Sequence[Factor]) -> Matrix:
        """Return the matrix of deltas."""
        return _matrix(factors, self.delta, Fraction(1))

    def of_vegas(self, factors: Sequence[Factor]) -> Matrix:
        """Return the matrix of vegas."""
        return _matrix(factors, self.vega, self.vega_expiries)


def _matrix(factors: Sequence[Factor], across: Fraction, inside: Fraction) -> Matrix:
    def entry(a: Factor, b: Factor) -> Fraction:
        return Fraction(1) if a == b else inside if a[0] == b[0] else across

    return [[entry(a, b) for b in factors] for a in factors]


def factored(matrix: Matrix) -> Matrix:
    """Return lower triangular L with L L' at least the matrix, entries in units of 1e-18.

    Raise PolicyError for more than 64 factors, and for a matrix that is not positive semi-definite: its root would be
    no norm, so the requirement not convex.
    """
    if len(matrix) > MAX_FACTORS:
        raise PolicyError("correlations", f"{len(matrix)} risk factors", expected=f"at most {MAX_FACTORS}")
    lower: list[list[int]] = []
    for i, row in enumerate(matrix):
        lower.append([])
        for j in range(i + 1):
            raised = row[j] + (RAISED if i == j else 0)
            rest = round(raised * SCALE**2) - sum(a * b for a, b in zip(lower[i], lower[j], strict=False))
            if i != j:
                lower[i].append(rest // lower[j][j])
            elif rest <= 0:
                raise PolicyError(
                    "correlations",
                    "the correlations are not positive semi-definite",
                    hint="their root would not be convex: lower those between underlyings",
                )
            else:
                lower[i].append(isqrt(rest))
    return [[Fraction(round(Fraction(a * DIGITS, SCALE)), DIGITS) for a in row] for row in lower]
