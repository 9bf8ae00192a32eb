"""Sums of digit x coefficient over sparse columns: native where it was built, NumPy elsewhere, equal results.

Sums that cannot reach 2^62 are worked in int64; those that cannot reach 2^126 natively in lanes of 128 bits, else, like
all larger ones, in Python integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from zkmargin import native
from zkmargin.sparse import EMPTY, Halves, Rows, SparseValues, Values, halves, joined

_kernels = native.load()
INT128_SAFE = 1 << 126  # sums of two such values do not wrap in 128 bits
FEW = 64  # amounts for which bits are multiplied one by one; more are looked up
CHUNK = 8  # bits per table


@dataclass(frozen=True, eq=False)
class Term:
    """What an amount counts for: `widths` of its digits, the lowest first, and `matrix` [digits, sums].

    A single digit is the amount as it is. The matrix is int64 where the sums are, else Python integers.
    """

    widths: tuple[int, ...]
    matrix: Values

    @cached_property
    def halves(self) -> Halves:
        """The coefficients in 128 bits."""
        return halves(self.matrix)


Terms = Sequence[tuple[Term, SparseValues]]


def term_sums(rows: int, count: int, terms: Terms, dtype: npt.DTypeLike, reach: int) -> tuple[Rows, Values]:
    """Return the rows that any term touches, rising, and their sums, [touched, count] of `dtype`.

    `reach` bounds amounts, coefficients and partial sums; `dtype` is int64 only if it is below 2^62.
    """
    if _kernels is None or reach >= INT128_SAFE:
        return _numpy_sums(rows, count, terms, np.dtype(dtype))
    if np.dtype(dtype) != object:
        at, sums = _kernels.term_sums(rows, count, 64, [_narrow(term, column) for term, column in terms])
        return at, sums.reshape(len(at), count)
    at, sums = _kernels.term_sums(rows, count, 128, [_wide(term, column) for term, column in terms])
    return at, joined(sums.reshape(len(at), count, 2))


def _narrow(term: Term, column: SparseValues) -> tuple[Rows, Values, tuple[int, ...], Values]:
    amounts = np.ascontiguousarray(column.values, dtype=np.int64)
    return np.ascontiguousarray(column.rows), amounts, term.widths, term.matrix.reshape(-1)


def _wide(term: Term, column: SparseValues) -> tuple[Rows, Values, tuple[int, ...], Values]:
    amounts = halves(column.values).reshape(-1)
    return np.ascontiguousarray(column.rows), amounts, term.widths, term.halves.reshape(-1)


def _numpy_sums(rows: int, count: int, terms: Terms, dtype: np.dtype[Any]) -> tuple[Rows, Values]:
    at, index = _union(rows, [column.rows for _, column in terms])
    out = np.zeros((len(at), count), dtype=dtype)
    for term, column in terms:
        out[index(column.rows)] += _digits(column.values, term.widths, term.matrix)
    return at, out


def _union(rows: int, groups: Sequence[Rows]) -> tuple[Rows, Any]:
    """Return the rows of all groups, rising, and a function from rows to their positions among them."""
    groups = [group for group in groups if len(group)]
    if not groups:
        return EMPTY.rows, lambda _: EMPTY.rows
    if 8 * sum(map(len, groups)) > rows:
        touched = np.zeros(rows, dtype=bool)
        for group in groups:
            touched[group] = True
        position = np.cumsum(touched) - 1
        return np.flatnonzero(touched), lambda group: position[group]
    at = np.unique(np.concatenate(groups))
    return at, lambda group: np.searchsorted(at, group)


def _digits(values: Values, widths: tuple[int, ...], matrix: Values) -> Values:
    """Sum of digit x coefficient of its part; digits lie from the lowest bit on."""
    lots = values.astype(matrix.dtype)
    if len(widths) == 1:
        return _outer(lots, matrix[0])
    if max(widths) == 1 and len(values) > FEW and matrix.dtype != object:
        return _looked_up(lots, matrix)
    out = np.zeros((len(values), matrix.shape[1]), dtype=matrix.dtype)
    shift = 0
    for width, row in zip(widths, matrix, strict=True):
        out += _outer((lots >> shift) & ((1 << width) - 1), row)
        shift += width
    return out


def _outer(values: Values, row: Values) -> Values:
    product: Values = values[:, None] * row[None, :]
    return product


def _looked_up(lots: npt.NDArray[np.int64], matrix: Values) -> Values:
    """Sum of the coefficients of the bits that are set, by tables over 8 bits."""
    out = np.zeros((len(lots), matrix.shape[1]), dtype=matrix.dtype)
    for start in range(0, len(matrix), CHUNK):
        chunk = matrix[start : start + CHUNK]
        table = np.zeros((1 << len(chunk), matrix.shape[1]), dtype=matrix.dtype)
        for bit, row in enumerate(chunk):
            table[1 << bit : 2 << bit] = table[: 1 << bit] + row
        out += table[(lots >> start) & (len(table) - 1)]
    return out
