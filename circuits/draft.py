"""A circuit while it is written: columns without a place yet, integer rows over sides of inputs and columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, lcm
from typing import NamedTuple

import numpy as np

from zkmargin import limits
from zkmargin.circuits.arrays import floored, products
from zkmargin.circuits.expression import SideKey
from zkmargin.circuits.parts import PartTable
from zkmargin.circuits.variables import InputKey, Parts
from zkmargin.errors import CircuitError
from zkmargin.sparse import EMPTY, Values

Place = tuple[int, ...]  # where a column comes to lie: by block, then beside what it is used with

BALANCES, COSTS, WORST_CASES, RESULTS, POSITIONS = range(
    5
)  # blocks; those that most accounts touch come first
FINEST = 1 << 16  # a row may be written in a unit finer by at most this factor


class DraftColumn(NamedTuple):
    """`high` is the most that the canonical witness of any inputs puts into it; `width` bits hold that."""

    name: str
    high: int
    width: int
    place: Place

    @property
    def capacity(self) -> int:
        """The most that a cheating prover can put into it."""
        return (1 << self.width) - 1


@dataclass(frozen=True)
class DraftInput:
    """An input and the parts (column, lots) of its sides."""

    key: InputKey
    sides: tuple[Parts, ...]


@dataclass(frozen=True, eq=False)
class Row:
    """An integer row: a coefficient for every column, and for every part of every side.

    `sides` rise; `coefficients` are those of their parts, one side after another.
    """

    columns: dict[int, int]
    sides: tuple[SideKey, ...] = ()
    coefficients: Values = field(default_factory=lambda: EMPTY.values)
    prices: dict[SideKey, Fraction] = field(default_factory=dict)  # per lot, before rounding

    def plus(self, columns: dict[int, int]) -> Row:
        """Return the row with further columns (none that it has)."""
        return replace(self, columns={**self.columns, **columns})

    @property
    def shape(self) -> object:
        """A key that two rows share if and only if their coefficients are the same."""
        found = self.coefficients
        exact = tuple(found.tolist()) if found.dtype.hasobject else found.tobytes()
        return tuple(sorted(self.columns.items())), self.sides, exact


@dataclass(frozen=True)
class Form:
    """A linear form in some unit, exact: coefficients per lot of sides and per unit of columns."""

    sides: dict[SideKey, Fraction] = field(default_factory=dict)
    columns: dict[int, Fraction] = field(default_factory=dict)

    def __neg__(self) -> Form:
        return Form({side: -a for side, a in self.sides.items()}, {j: -a for j, a in self.columns.items()})

    def scaled(self, factor: Fraction) -> Form:
        """Return the form times a public number."""
        if factor == 1:
            return self
        return Form(
            {side: a * factor for side, a in self.sides.items()},
            {column: a * factor for column, a in self.columns.items()},
        )


def add_forms(forms: Iterable[Form]) -> Form:
    """Sum forms of one unit, without zero coefficients."""
    sides: dict[SideKey, Fraction] = {}
    columns: dict[int, Fraction] = {}
    for form in forms:
        for side, a in form.sides.items():
            sides[side] = sides[side] + a if side in sides else a
        for column, a in form.columns.items():
            columns[column] = columns[column] + a if column in columns else a
    return Form({k: a for k, a in sides.items() if a}, {k: a for k, a in columns.items() if a})


class Columns:
    """The columns of a draft and what rows over them can reach."""

    def __init__(self, money_limit: Fraction | None = None) -> None:
        self.money_limit = money_limit
        self.columns: list[DraftColumn] = []
        self.bits = 0
        self.inputs: list[DraftInput] = []
        self.written_out = PartTable(self.parts, self.columns)

    def add(self, name: str, high: int, place: Place) -> int:
        """Add a column just wide enough for `high`, at least one bit; refuse more than `limits.MAX_WIDTH`."""
        width = max(1, high.bit_length())
        if width > limits.MAX_WIDTH:
            raise CircuitError(
                "width",
                f"{name}: needs {width} bits, a column has at most {limits.MAX_WIDTH}",
                hint="coarsen the unit or lower a limit",
            )
        self.bits += width
        if self.bits > limits.MAX_COLUMN_BITS:
            raise CircuitError(
                "width",
                f"{name}: the circuit needs more than {limits.MAX_COLUMN_BITS} bits",
                hint="coarsen the margin quantum, lower a limit, or split the book",
            )
        self.columns.append(DraftColumn(name, high, width, (*place, len(self.columns))))
        return len(self.columns) - 1

    def within_limit(self, high: int, unit: Fraction) -> int:
        """Return `high`, or what the book's money limit allows of `unit` if that is less."""
        return high if self.money_limit is None else min(high, ceil(self.money_limit / unit))

    def add_input(
        self, key: InputKey, bits: int, sides: tuple[str, ...], digits: int | None, at: Place
    ) -> int:
        """Add an input of `bits` bits per side, each side whole or in digits of so many bits."""
        step = digits or bits
        parts = tuple(
            tuple(
                (self.add(_part_name(key, side, digits, d), (1 << min(step, bits - d)) - 1, at), 1 << d)
                for d in range(0, bits, step)
            )
            for side in sides
        )
        self.inputs.append(DraftInput(key, parts))
        return len(self.inputs) - 1

    def parts(self, side: SideKey) -> Parts:
        """Return the (column, lots) of a side."""
        return self.inputs[side[0]].sides[side[1]]

    def capacity(self, side: SideKey) -> int:
        """Return the lots that a side can hold."""
        return sum(lots * self.columns[column].capacity for column, lots in self.parts(side))

    def rounded(self, form: Form, name: str) -> tuple[Row, int]:
        """Return the row `finer x form` with coefficients floored, and the `finer` that keeps columns' whole.

        Over non-negative columns a floored inequality implies the exact one: the only rounding rule.
        """
        finer = lcm(*(a.denominator for a in form.columns.values()))
        if finer > FINEST:
            raise CircuitError(
                "factors",
                f"{name}: one convex term is used with incommensurable factors (1/{finer})",
                hint="give each use its own",
            )
        sides = tuple(sorted(form.sides))
        prices = {side: form.sides[side] if finer == 1 else form.sides[side] * finer for side in sides}
        parts = self.written_out[sides]
        coefficients = floored(parts.lots, parts.counts, list(prices.values()))
        columns = {column: int(a * finer) for column, a in form.columns.items()}
        return Row(columns, sides, coefficients, prices), finer

    def least(self, row: Row) -> int:
        """Return the lowest value over everything that the columns can hold (what a cheat may use)."""
        low = sum(a * self.columns[column].capacity for column, a in row.columns.items() if a < 0)
        return low + int(np.minimum(self._reached(row), 0).sum())

    def canonical_range(self, row: Row) -> tuple[int, int]:
        """Return lowest and highest value over the canonical witnesses of all inputs that fit (sizes columns).

        Canonical: at most one side of a pair is not zero.
        """
        low = sum(a * self.columns[column].high for column, a in row.columns.items() if a < 0)
        high = sum(a * self.columns[column].high for column, a in row.columns.items() if a > 0)
        if not row.sides:
            return low, high
        reached, starts = self._reached(row), self.written_out[row.sides].starts
        below, above = (np.add.reduceat(clip(reached, 0), starts) for clip in (np.minimum, np.maximum))
        items = np.array([item for item, _ in row.sides])
        first = np.flatnonzero(np.diff(items, prepend=-1))  # first side of each input: sides rise
        low += int(np.minimum.reduceat(below, first).sum())
        high += int(np.maximum.reduceat(above, first).sum())
        return low, high

    def _reached(self, row: Row) -> Values:
        """Return coefficient x capacity of every part."""
        return products(row.coefficients, self.written_out[row.sides].capacities)


def _part_name(key: InputKey, side: str, digits: int | None, digit: int) -> str:
    return f"{key[0]}[{key[1]}]{side}" + (f".{digit}" if digits else "")
