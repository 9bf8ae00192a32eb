"""Integer rows over sparse columns, for all accounts at once; what an account does not hold costs nothing.

What the columns can hold bounds every partial sum, and so chooses the arithmetic; see `term_sums`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from zkmargin.circuits.arrays import dot, products
from zkmargin.circuits.circuit import Circuit
from zkmargin.circuits.draft import Row
from zkmargin.circuits.expression import SideKey
from zkmargin.circuits.term_sums import Term, term_sums
from zkmargin.sparse import INT64_SAFE, Rows, SparseValues, Values


@dataclass
class State:
    """A witness in the making: amounts of sides in lots, and every other column filled so far."""

    rows: int
    sides: dict[SideKey, SparseValues]
    columns: dict[int, SparseValues]


class Block:
    """Several rows, evaluated together over the accounts that they touch."""

    def __init__(self, circuit: Circuit, rows: Sequence[Row], reach: int) -> None:
        """Prepare; `reach` bounds whatever is computed from the result."""
        self.reach = max(reach, _largest(circuit, rows))
        self.dtype = np.dtype(np.int64 if self.reach < INT64_SAFE else object)
        self.count = len(rows)
        self.sides = dict(self._sides(circuit, rows))
        self.columns = dict(self._columns(circuit, rows))

    def _sides(self, circuit: Circuit, rows: Sequence[Row]) -> Iterator[tuple[SideKey, Term]]:
        """Yield the coefficients of every side: slices of one matrix over all parts."""
        sides = _sides_of(rows)
        parts = circuit.side_parts[sides]
        matrix = np.zeros((len(parts.columns), len(rows)), dtype=self.dtype)
        position = np.zeros(len(circuit.columns), dtype=np.int64)
        position[parts.columns] = np.arange(len(parts.columns))
        for i, row in enumerate(rows):
            matrix[position[circuit.side_parts[row.sides].columns], i] = row.coefficients
        widths = [circuit.columns[column].width for column in parts.columns.tolist()]
        ends = parts.starts + parts.counts
        for side, a, b in zip(sides, parts.starts.tolist(), ends.tolist(), strict=True):
            yield side, Term(tuple(widths[a:b]), matrix[a:b])

    def _columns(self, circuit: Circuit, rows: Sequence[Row]) -> Iterator[tuple[int, Term]]:
        for column in dict.fromkeys(column for row in rows for column in row.columns):
            matrix = np.array([[row.columns.get(column, 0) for row in rows]], dtype=self.dtype)
            yield column, Term((circuit.columns[column].width,), matrix)

    def evaluate(self, state: State) -> tuple[Rows, Values]:
        """Return the accounts that anything touches, rising, and their values, [accounts, rows]."""
        sides = [(term, state.sides[side]) for side, term in self.sides.items() if side in state.sides]
        columns = [(term, state.columns[j]) for j, term in self.columns.items() if j in state.columns]
        return term_sums(state.rows, self.count, [*sides, *columns], self.dtype, self.reach)


def reach(circuit: Circuit, row: Row) -> int:
    """Bound the size of a row's value by what the columns can hold."""
    total = sum(abs(a) * circuit.columns[column].capacity for column, a in row.columns.items())
    return total + dot(np.abs(row.coefficients), circuit.side_parts[row.sides].capacities)


def _largest(circuit: Circuit, rows: Sequence[Row]) -> int:
    """Bound every amount that rows take in, also where its coefficient is 0."""
    parts = circuit.side_parts[_sides_of(rows)]
    last = parts.starts + parts.counts - 1
    amounts = products(parts.lots[last], parts.capacities[last] + 1)
    capacities = [circuit.columns[column].capacity for row in rows for column in row.columns]
    return max([*amounts.tolist(), *capacities], default=0)


def _sides_of(rows: Sequence[Row]) -> tuple[SideKey, ...]:
    return tuple(sorted({side for row in rows for side in row.sides}))


def put(state: State, circuit: Circuit, column: int, rows: Rows, values: Values) -> None:
    """Store a column's non-zero values, as int64 where the column is narrow enough."""
    keep = (values != 0).astype(bool)
    if not keep.any():
        return
    dtype = np.int64 if circuit.columns[column].width <= 62 else object
    state.columns[column] = SparseValues(rows[keep], values[keep].astype(dtype))
