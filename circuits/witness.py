"""A filled circuit: what every account's row is, stored by column, zeros left out. Secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from zkmargin.circuits.circuit import Circuit, variable
from zkmargin.circuits.expression import SideKey
from zkmargin.errors import VerificationError
from zkmargin.sparse import EMPTY, Field, SparseValues, SparseWords, Values, words


@dataclass(frozen=True, repr=False)
class AccountRow:
    """One account: outputs (N, E, R, I) and the columns that are not zero."""

    outputs: tuple[int, int, int, int]
    columns: Mapping[int, int]


@dataclass(frozen=True, repr=False)
class Witness:
    """All accounts of one book.

    `outputs[i]` is (N, E, R, I) of row i in equity quanta; `sides` holds the inputs in lots, whatever columns they
    are cut into, `auxiliary` every other column.
    """

    circuit: Circuit
    rows: int
    outputs: Values
    sides: Mapping[SideKey, SparseValues]
    auxiliary: Mapping[int, SparseValues]

    def __repr__(self) -> str:
        return f"Witness({self.circuit.name!r}, {self.rows} rows)"

    def fields(self) -> Iterator[Field]:
        """Yield everything that is not zero as bits at its place; a side's digits lie together, lowest first."""
        circuit = self.circuit
        for (index, side), values in self.sides.items():
            parts = circuit.inputs[index].sides[side].parts
            width = sum(circuit.columns[column].width for column, _ in parts)
            yield Field(circuit.offsets[parts[0][0]], width, values)
        for column, values in self.auxiliary.items():
            yield Field(circuit.offsets[column], circuit.columns[column].width, values)

    def words(self) -> SparseWords:
        """Return the rows as bit strings, cut into 16-bit words."""
        return words(self.rows, self.circuit.n_words, self.fields())

    @cached_property
    def columns(self) -> tuple[SparseValues, ...]:
        """Every column in circuit order, digits one by one (slow where there are many)."""
        out = [EMPTY] * len(self.circuit.columns)
        for (index, side), values in self.sides.items():
            shift = 0
            for column, _ in self.circuit.inputs[index].sides[side].parts:
                width = self.circuit.columns[column].width
                digit = (values.values >> shift) & ((1 << width) - 1)
                keep = (digit != 0).astype(bool)
                out[column] = SparseValues(values.rows[keep], digit[keep])
                shift += width
        for column, values in self.auxiliary.items():
            out[column] = values
        return tuple(out)

    def row(self, index: int) -> AccountRow:
        """Return one account's row."""
        found: dict[int, int] = {}
        for (item, side), values in self.sides.items():
            lots = _entry(values, index)
            for column, _ in self.circuit.inputs[item].sides[side].parts if lots else ():
                width = self.circuit.columns[column].width
                found[column] = lots & ((1 << width) - 1)
                lots >>= width
        found |= {column: _entry(values, index) for column, values in self.auxiliary.items()}
        n, e, r, i = (int(value) for value in self.outputs[index])
        return AccountRow((n, e, r, i), {column: value for column, value in found.items() if value})


def _entry(column: SparseValues, row: int) -> int:
    at = int(np.searchsorted(column.rows, row))
    return int(column.values[at]) if at < len(column) and column.rows[at] == row else 0


def check_row(circuit: Circuit, row: AccountRow) -> None:
    """Check widths and every equation on one row; raise VerificationError naming the first that does not hold.

    Equations that touch nothing that the row has hold by themselves: there are no constants.
    """
    for column, value in row.columns.items():
        if not 0 <= value <= circuit.columns[column].capacity:
            name, width = circuit.columns[column].name, circuit.columns[column].width
            raise VerificationError("row-width", f"{name}: a value does not fit its {width} bits")
    values = dict(enumerate(row.outputs)) | {variable(column): value for column, value in row.columns.items()}
    sums: dict[int, int] = {}
    for var, value in values.items():
        for equation, coefficient in circuit.incidence[var] if value else ():
            sums[equation] = sums.get(equation, 0) + coefficient * value
    wrong = [equation for equation, value in sums.items() if value]
    if wrong:
        name = circuit.equations[min(wrong)].name
        raise VerificationError("equation", f"equation '{name}' does not hold")
