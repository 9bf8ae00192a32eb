"""Scenario losses of one side of an input, in whole margin quanta.

An amount is the sum of its binary digits. The P&L of a set digit d of a side is floor(2^d x pnl / margin
quantum), so rounding costs at most one quantum per set bit, always against the account. Amounts are looked up
by bytes: a table of 256 sums of digits per byte and scenario.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from zkmargin.risk.entries import Pnl
from zkmargin.sparse import Rows, SparseValues, Values

_BYTE = 8


def digit_pnl(pnl: Fraction, digit: int, margin_quantum: Fraction) -> int:
    """Return the P&L of 2^digit lots in margin quanta, rounded down."""
    numerator = pnl.numerator * margin_quantum.denominator
    return (numerator << digit) // (pnl.denominator * margin_quantum.numerator)


def digit_charge(charge: Fraction, digit: int, margin_quantum: Fraction) -> int:
    """Return the charge of 2^digit lots in margin quanta, rounded up."""
    return -digit_pnl(-charge, digit, margin_quantum)


@dataclass(frozen=True)
class Exposure:
    """One side of an input: rows of the pots that have it, lots (> 0), and what digit d adds to each measure.

    `digits[d][m]`: margin quanta, for measure m: P&L per scenario, or one charge.
    """

    rows: Rows
    lots: Values
    digits: tuple[tuple[int, ...], ...]

    @property
    def reach(self) -> int:
        """A bound on the size of every partial sum."""
        return max((sum(map(abs, measure)) for measure in zip(*self.digits, strict=True)), default=0)

    def between(self, start: int, stop: int) -> Exposure:
        """Return the part in rows start..stop - 1, its rows counted from `start`."""
        low, high = np.searchsorted(self.rows, (start, stop))
        return Exposure(self.rows[low:high] - start, self.lots[low:high], self.digits)

    def add_to(self, sums: npt.NDArray[Any]) -> None:
        """Add this side's measures to the rows of `sums`, shape (pots, measures), in the dtype of `sums`."""
        if not len(self.rows):
            return
        part = np.zeros((len(self.rows), sums.shape[1]), dtype=sums.dtype)
        for first in range(0, len(self.digits), _BYTE):
            table = _byte_table(self.digits[first : first + _BYTE], sums.dtype)
            index = (self.lots >> first) & (len(table) - 1)
            part += table[index.astype(np.int64)]
        sums[self.rows] += part


def scenario_exposure(column: SparseValues, pnl: Pnl, *, long: bool, margin_quantum: Fraction) -> Exposure:
    """Return the P&L of a column's amounts (all > 0), held or owed, in every scenario."""
    side = pnl.long if long else pnl.short
    per_lot = [side(scenario) for scenario in range(len(pnl.values))]
    return _exposure(
        column, [[digit_pnl(value, d, margin_quantum) for value in per_lot] for d in _digits(column)]
    )


def charge_exposure(column: SparseValues, charge: Fraction, margin_quantum: Fraction) -> Exposure:
    """Return a charge (>= 0 quote per lot) on a column's amounts, all > 0, as a single measure."""
    return _exposure(column, [[digit_charge(charge, d, margin_quantum)] for d in _digits(column)])


def sides(column: SparseValues) -> tuple[SparseValues, SparseValues]:
    """Split a signed column into the amounts above zero and the sizes of those below."""
    above, below = column.values > 0, column.values < 0
    return (
        SparseValues(column.rows[above], column.values[above]),
        SparseValues(column.rows[below], -column.values[below]),
    )


def most(column: SparseValues) -> int:
    """Return the largest size of an amount, 0 for an empty column."""
    return max(int(column.values.max()), -int(column.values.min())) if len(column) else 0


def _digits(column: SparseValues) -> range:
    return range(most(column).bit_length())


def _exposure(column: SparseValues, digits: Sequence[Sequence[int]]) -> Exposure:
    return Exposure(column.rows, column.values, tuple(tuple(measures) for measures in digits))


def _byte_table(digits: Sequence[Sequence[int]], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Sum every subset of up to 8 digits, shape (2^digits, measures)."""
    table = np.zeros((1 << len(digits), len(digits[0])), dtype=dtype)
    for d, measures in enumerate(digits):
        table[1 << d : 2 << d] = table[: 1 << d] + np.array(measures, dtype=dtype)
    return table
