"""Exact integers in arrays: int64 where no sum can wrap, Python integers elsewhere.

Floats decide which of the two it is, with a factor of two to spare, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

import numpy as np

from zkmargin.circuits.variables import Terms
from zkmargin.sparse import INT64_SAFE, Rows, Values, integers


@dataclass(frozen=True, eq=False)
class TermArrays:
    """A form's terms as arrays: `variables[i]`, rising, has `coefficients[i]`."""

    variables: Rows
    coefficients: Values

    def at(self, variables: Rows) -> Values:
        """Return the coefficients of some variables, 0 where one does not stand."""
        if not len(self.variables):
            return np.zeros(len(variables), dtype=np.int64)
        place = np.minimum(np.searchsorted(self.variables, variables), len(self.variables) - 1)
        out: Values = np.where(self.variables[place] == variables, self.coefficients[place], 0)
        return out

    def dense(self, count: int) -> Values:
        """Return the coefficient of each of `count` variables."""
        out: Values = np.zeros(count, dtype=self.coefficients.dtype)
        out[self.variables] = self.coefficients
        return out


def term_arrays(terms: Terms) -> TermArrays:
    """Return terms as arrays."""
    try:
        pairs = np.fromiter(chain.from_iterable(terms), dtype=np.int64, count=2 * len(terms)).reshape(-1, 2)
    except OverflowError:
        return TermArrays(np.array([var for var, _ in terms]), integers([a for _, a in terms]))
    if len(pairs) and not -INT64_SAFE < pairs.min() <= pairs.max() < INT64_SAFE:
        return TermArrays(pairs[:, 0], pairs[:, 1].astype(object))
    return TermArrays(pairs[:, 0], pairs[:, 1])


def products(a: Values, b: Values) -> Values:
    """Return a x b element by element; the sum of the result is exact as well."""
    native = not (a.dtype.hasobject or b.dtype.hasobject)
    if not native or np.abs(a.astype(np.float64) * b).sum() >= INT64_SAFE / 2:
        a, b = a.astype(object), b.astype(object)
    out: Values = a * b
    return out


def dot(a: Values, b: Values) -> int:
    """Return the sum of a x b."""
    return int(products(a, b).sum())


def plus_multiple(x: Values, a: int, y: Values) -> Values:
    """Return x + a y."""
    native = not (x.dtype.hasobject or y.dtype.hasobject)
    if not native or max(abs(a), _size(x) + abs(a) * _size(y)) >= INT64_SAFE:
        x, y = x.astype(object), y.astype(object)
    out: Values = x + a * y
    return out


def floored(lots: Values, counts: Rows, prices: Sequence[Fraction]) -> Values:
    """Return floor(lots x price) per part; the i-th price is that of the next `counts[i]` parts.

    Over non-negative columns a floored inequality implies the exact one: the only rounding rule.
    """
    exact, denominators = _priced(lots, counts, prices)
    return _narrowed(exact // denominators)


def remainders(lots: Values, counts: Rows, prices: Sequence[Fraction]) -> Values:
    """Return what `floored` leaves of each part, in units of 1 / the denominator of its price."""
    exact, denominators = _priced(lots, counts, prices)
    return _narrowed(exact % denominators)


def _priced(lots: Values, counts: Rows, prices: Sequence[Fraction]) -> tuple[Values, Values]:
    """Return lots x numerator, and the denominator, per part."""
    numerators = np.repeat(integers([price.numerator for price in prices]), counts)
    denominators = np.repeat(integers([price.denominator for price in prices]), counts)
    return products(lots, numerators), denominators


def _narrowed(values: Values) -> Values:
    return integers(values.tolist()) if values.dtype.hasobject else values


def _size(values: Values) -> int:
    """Return the largest absolute value."""
    return max(abs(int(values.max())), abs(int(values.min()))) if len(values) else 0
