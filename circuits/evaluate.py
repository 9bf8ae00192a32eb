"""Integer rows over sparse columns, for all accounts at once; what an account does not hold costs nothing.

Arithmetic is int64 where no partial sum can reach 2^62 by what the columns can hold, else Python integers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from zkmargin.circuits.arrays import dot
from zkmargin.circuits.circuit import Circuit
from zkmargin.circuits.draft import Row
from zkmargin.circuits.expression import SideKey
from zkmargin.errors import CircuitError
from zkmargin.sparse import EMPTY, INT64_SAFE, Rows, SparseValues, Values

FEW = 64  # amounts for which bits are multiplied one by one; more are looked up
CHUNK = 8  # bits per table


@dataclass
class State:
    """A witness in the making: amounts of sides in lots, and every other column filled so far."""

    rows: int
    name_of: Callable[[int], str] | None  # what a refusal calls a row; None: nothing is refused
    sides: dict[SideKey, SparseValues]
    columns: dict[int, SparseValues] = field(default_factory=dict)


@dataclass(frozen=True)
class _SideBlock:
    side: SideKey
    widths: tuple[int, ...]
    matrix: Values  # [parts, rows of the block]


class Block:
    """Several rows, evaluated together over the accounts that they touch."""

    def __init__(self, circuit: Circuit, rows: Sequence[Row], reach: int) -> None:
        """Prepare; `reach` bounds whatever is computed from the result."""
        self.dtype = np.dtype(np.int64 if reach < INT64_SAFE else object)
        self.count = len(rows)
        columns = dict.fromkeys(column for row in rows for column in row.columns)
        self.sides = self._sides(circuit, rows)
        self.columns = [
            (column, np.array([row.columns.get(column, 0) for row in rows], dtype=self.dtype))
            for column in columns
        ]

    def _sides(self, circuit: Circuit, rows: Sequence[Row]) -> list[_SideBlock]:
        """Return the coefficients of every side: slices of one matrix over all parts."""
        sides = tuple(sorted({side for row in rows for side in row.sides}))
        parts = circuit.side_parts[sides]
        matrix = np.zeros((len(parts.columns), len(rows)), dtype=self.dtype)
        position = np.zeros(len(circuit.columns), dtype=np.int64)
        position[parts.columns] = np.arange(len(parts.columns))
        for i, row in enumerate(rows):
            matrix[position[circuit.side_parts[row.sides].columns], i] = row.coefficients
        widths = [circuit.columns[column].width for column in parts.columns.tolist()]
        ends = parts.starts + parts.counts
        blocks = zip(sides, parts.starts.tolist(), ends.tolist(), strict=True)
        return [_SideBlock(side, tuple(widths[a:b]), matrix[a:b]) for side, a, b in blocks]

    def evaluate(self, state: State) -> tuple[Rows, Values]:
        """Return the accounts that anything touches, rising, and their values, [accounts, rows]."""
        sides = [(block, state.sides[block.side]) for block in self.sides if block.side in state.sides]
        columns = [(a, state.columns[column]) for column, a in self.columns if column in state.columns]
        at, index = _union(state.rows, [values.rows for _, values in (*sides, *columns)])
        out = np.zeros((len(at), self.count), dtype=self.dtype)
        for block, values in sides:
            out[index(values.rows)] += _digits(values.values, block.widths, block.matrix)
        for a, values in columns:
            out[index(values.rows)] += values.values.astype(self.dtype)[:, None] * a
        return at, out


def reach(circuit: Circuit, row: Row) -> int:
    """Bound the size of a row's value by what the columns can hold."""
    total = sum(abs(a) * circuit.columns[column].capacity for column, a in row.columns.items())
    return total + dot(np.abs(row.coefficients), circuit.side_parts[row.sides].capacities)


def put(state: State, circuit: Circuit, column: int, rows: Rows, values: Values) -> None:
    """Store a column's non-zero values, as int64 where the column is narrow enough; refuse what does not fit.

    At once, because whatever is computed from a column relies on what the column can hold.
    """
    keep = (values != 0).astype(bool)
    if not keep.any():
        return
    found = SparseValues(rows[keep], values[keep])
    if state.name_of is not None:
        _check_width(circuit, column, found, state.name_of)
    dtype = np.int64 if circuit.columns[column].width <= 62 else object
    state.columns[column] = SparseValues(found.rows, found.values.astype(dtype))


def _check_width(circuit: Circuit, index: int, found: SparseValues, name_of: Callable[[int], str]) -> None:
    column = circuit.columns[index]
    beyond = found.rows[np.flatnonzero(found.values > column.capacity)].tolist()
    if beyond:
        raise CircuitError(
            "beyond-limit",
            f"{name_of(beyond[0])}: {column.name} is beyond the money limit of book {circuit.name}",
            hint="a book with a higher limit can take the account",
        )


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
