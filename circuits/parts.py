"""Sides of inputs written out in their parts: for every column its lots and what it can hold, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import numpy as np

from zkmargin.circuits.arrays import TermArrays, dot, term_arrays
from zkmargin.circuits.expression import SideKey
from zkmargin.circuits.variables import OUTPUTS, Parts
from zkmargin.sparse import INT64_SAFE, Rows, Values, integers

NARROW = 61  # bits of a column whose capacity is stored in int64


class Bounded(Protocol):
    """A column, in a draft or in a circuit: it can hold up to 2^width - 1."""

    @property
    def width(self) -> int:
        """Bits."""
        ...


@dataclass(frozen=True, eq=False)
class SideParts:
    """The parts of several sides, one side after another; side i begins at `starts[i]` and has `counts[i]`."""

    columns: Rows
    lots: Values
    capacities: Values
    starts: Rows
    counts: Rows


class Capacities:
    """What every variable of a form can hold, outputs nothing; the few columns beyond int64 are kept apart."""

    def __init__(self, columns: Sequence[Bounded]) -> None:
        every = [0] * len(OUTPUTS) + [(1 << column.width) - 1 for column in columns]
        self._wide = {var: most for var, most in enumerate(every) if most >= INT64_SAFE}
        self._narrow = np.array([0 if var in self._wide else most for var, most in enumerate(every)])
        self._is_wide = np.array([var in self._wide for var in range(len(every))])

    def reach(self, form: TermArrays) -> int:
        """Return sum |coefficient| x capacity."""
        sizes = np.abs(form.coefficients)
        at = np.flatnonzero(self._is_wide[form.variables]).tolist()
        wide = sum(int(sizes[i]) * self._wide[int(form.variables[i])] for i in at)
        return dot(sizes, self._narrow[form.variables]) + wide


class PartTable:
    """Looks up the parts of sides; the same sides are written out once."""

    def __init__(self, parts: Callable[[SideKey], Parts], columns: Sequence[Bounded]) -> None:
        self._parts = parts
        self._columns = columns
        self._known: dict[tuple[SideKey, ...], SideParts] = {}

    def __getitem__(self, sides: tuple[SideKey, ...]) -> SideParts:
        """Return the parts of sides; ValueError for a side without any."""
        if sides not in self._known:
            self._known[sides] = self._written_out(sides)
        return self._known[sides]

    def _written_out(self, sides: tuple[SideKey, ...]) -> SideParts:
        of = [self._parts(side) for side in sides]
        if not all(of):
            raise ValueError("a side without columns")
        counts = np.array([len(parts) for parts in of], dtype=np.int64)
        parts = term_arrays(tuple(chain.from_iterable(of)))
        return SideParts(
            columns=parts.variables,
            lots=parts.coefficients,
            capacities=self._capacities(parts.variables),
            starts=np.cumsum(counts) - counts,
            counts=counts,
        )

    def _capacities(self, columns: Rows) -> Values:
        widths = np.array([self._columns[column].width for column in columns.tolist()], dtype=np.int64)
        if len(widths) and widths.max() > NARROW:
            return integers([(1 << width) - 1 for width in widths.tolist()])
        return (1 << widths) - 1
