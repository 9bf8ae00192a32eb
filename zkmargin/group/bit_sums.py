"""Sums of generators over the set bits of sparse rows: the bulk of committing a book.

A word column is cut into digits of 1, 4 or 8 bits. The subset sums of a digit's generators are one table,
so that a row costs one addition per non-zero digit. A larger digit pays when enough rows touch the
column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from zkmargin.group.curve import Point, add_each, sum_lists
from zkmargin.sparse import SparseValues, SparseWords

WORD_BITS = 16
DIGIT_BITS_FROM = ((448, 8), (12, 4), (0, 1))  # (rows that touch the column, bits of a digit), measured

Generators = Callable[[Sequence[int]], list[Point]]
Table = list[Point]  # indexed by the digit; entry 0 stands for no addition


def sum_bits(words: SparseWords, n_bits: int, generators: Generators) -> list[Point]:
    """Return for each row the sum of generator t over its set bits t; no bit is set at or beyond `n_bits`.

    `generators` gives those at a list of indices; only those that are needed are asked for.
    """
    rows: list[list[Point]] = [[] for _ in range(words.rows)]
    plans = [
        (entries, _digit_bits(len(entries)), _wanted(column, entries, n_bits))
        for column, entries in enumerate(words.columns)
        if len(entries)
    ]
    wanted = sorted(index for _, _, indices in plans for index in indices if index is not None)
    at = dict(zip(wanted, generators(wanted), strict=True))
    bases = [
        [at[index] for index in indices[first : first + bits] if index is not None]
        for _, bits, indices in plans
        for first in range(0, WORD_BITS, bits)
    ]
    tables = iter(subset_sums(bases))
    for entries, bits, _ in plans:
        for first in range(0, WORD_BITS, bits):
            _spread(rows, entries, first, bits, next(tables))
    return sum_lists(rows)


def subset_sums(bases: Sequence[Sequence[Point]]) -> list[Table]:
    """Return for each list of points the table of its subset sums, all tables in common batches."""
    tables: list[Table] = [[None] for _ in bases]
    for bit in range(max(map(len, bases), default=0)):
        active = [(table, base[bit]) for table, base in zip(tables, bases, strict=True) if bit < len(base)]
        sums = iter(
            add_each(
                [point for table, _ in active for point in table[1:]],
                [point for table, point in active for _ in table[1:]],
            )
        )
        for table, point in active:
            table += [point, *(next(sums) for _ in range(len(table) - 1))]
    return tables


def _digit_bits(touched: int) -> int:
    return next(bits for least, bits in DIGIT_BITS_FROM if touched >= least)


def _wanted(column: int, entries: SparseValues, n_bits: int) -> list[int | None]:
    """Return the generator index of each bit of a word column, None where none is needed."""
    used = int(np.bitwise_or.reduce(entries.values)) if _digit_bits(len(entries)) == 1 else -1
    return [
        WORD_BITS * column + bit if used >> bit & 1 and WORD_BITS * column + bit < n_bits else None
        for bit in range(WORD_BITS)
    ]


def _spread(rows: list[list[Point]], entries: SparseValues, first: int, bits: int, table: Table) -> None:
    """Append to each row that touches the column the table entry of its digit."""
    digits = (entries.values.astype(np.int64) >> first) & ((1 << bits) - 1)
    touched = np.flatnonzero(digits)
    for row, digit in zip(entries.rows[touched].tolist(), digits[touched].tolist(), strict=True):
        rows[row].append(table[digit])
