"""The margin of pots: what a calculator returns, in exact integers of equity quanta."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from zkmargin.inputs.policy import BookPolicy
from zkmargin.margin.levels import level_indices, level_name, ratio

Integers = npt.NDArray[Any]  # int64 or object


@dataclass(frozen=True)
class UnitMargin:
    """One risk unit or charge of a pot: requirement in equity quanta, and the scenario, piece or tier that binds.

    `binding` is None where nothing does (no loss).
    """

    name: str
    requirement: int
    binding: str | None


class Charges(Protocol):
    """What the requirement of each pot consists of."""

    def of(self, row: int) -> Iterator[UnitMargin]:
        """Yield the risk units or charges of one pot."""
        ...


@dataclass(frozen=True, repr=False)
class PotMargin:
    """One pot, or a sum of pots (without units): everything in equity quanta."""

    net: int
    equity: int
    requirement: int
    initial: int
    shortfall: int
    bad_debt: int
    units: tuple[UnitMargin, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether no pot is short: for a sum, whether every one of them is healthy."""
        return self.shortfall == 0

    @property
    def ratio(self) -> Fraction | None:
        """E / R, None for infinite."""
        return ratio(self.equity, self.requirement)


def sum_pots(pots: Sequence[PotMargin]) -> PotMargin:
    """Sum pots: deficits add, a pot's surplus never covers another pot's deficit."""
    return PotMargin(
        net=sum(pot.net for pot in pots),
        equity=sum(pot.equity for pot in pots),
        requirement=sum(pot.requirement for pot in pots),
        initial=sum(pot.initial for pot in pots),
        shortfall=sum(pot.shortfall for pot in pots),
        bad_debt=sum(pot.bad_debt for pot in pots),
    )


@dataclass(frozen=True, repr=False)
class BookFigures:
    """N, E, R, I of all pots of one book and what follows, in the order of `labels`; integers in equity quanta."""

    book: BookPolicy
    labels: tuple[tuple[str, str], ...]
    net: Integers
    equity: Integers
    requirement: Integers
    initial: Integers

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(book={self.book.id!r}, {len(self)} pots)"

    @cached_property
    def shortfall(self) -> Integers:
        """max(R - E, 0)."""
        return np.asarray(np.maximum(self.requirement - self.equity, 0))

    @cached_property
    def surplus(self) -> Integers:
        """max(E - R, 0)."""
        return np.asarray(np.maximum(self.equity - self.requirement, 0))

    @cached_property
    def bad_debt(self) -> Integers:
        """max(-N, 0)."""
        return np.asarray(np.maximum(-self.net, 0))

    @cached_property
    def owed(self) -> Integers:
        """max(N, 0): what the customer is owed."""
        return np.asarray(np.maximum(self.net, 0))

    @cached_property
    def healthy(self) -> npt.NDArray[np.bool_]:
        """E >= R."""
        return np.asarray(self.equity >= self.requirement, dtype=bool)

    @cached_property
    def levels(self) -> npt.NDArray[np.int16]:
        """Position in the policy's levels, -1 where none is reached."""
        return level_indices(self.equity, self.requirement, self.book.levels)

    def level(self, row: int) -> str:
        """Return the name of a pot's level."""
        return level_name(int(self.levels[row]), self.book.levels)


@dataclass(frozen=True, repr=False)
class BookMargin(BookFigures):
    """The figures of a book's pots, and `charges`: what a requirement consists of."""

    charges: Charges

    def pot(self, row: int) -> PotMargin:
        """Return one pot as Python integers, with its risk units."""
        return PotMargin(
            net=int(self.net[row]),
            equity=int(self.equity[row]),
            requirement=int(self.requirement[row]),
            initial=int(self.initial[row]),
            shortfall=int(self.shortfall[row]),
            bad_debt=int(self.bad_debt[row]),
            units=tuple(self.charges.of(row)),
        )

    def rows_of(self, account: str) -> range:
        """Return the rows of an account's pots: labels are sorted, so they stand together."""
        rows = [row for row, (name, _) in enumerate(self.labels) if name == account]
        return range(rows[0], rows[-1] + 1) if rows else range(0)

    def total(self, rows: Sequence[int]) -> PotMargin:
        """Sum pots: deficits add, a pot's surplus never covers another pot's deficit."""
        return sum_pots([self.pot(row) for row in rows])
