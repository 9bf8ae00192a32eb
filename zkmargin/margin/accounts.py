"""The calculator: exact equity, requirements and deficits of every pot of a book at once.

It computes the integers that a circuit's honest witness holds, a second time and another way: no circuit is
read here.

    N  net value          balances, positions and costs at their lot values E  equity             N less
    haircuts R  maintenance        sum over risk units of the worst case, scaled from margin to equity quanta
    I  initial            initial factor x R, rounded up to margin quanta where it is no whole number of
    equity quanta
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from zkmargin.errors import UsageError
from zkmargin.inputs.ledger import Pots
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.margin.equity import haircut_amounts, money_dtype, net_amounts, sum_amounts
from zkmargin.margin.levels import level_indices, level_name, ratio
from zkmargin.margin.requirement import (
    MINIMUM,
    NOTHING,
    Integers,
    Requirement,
    refuse_unmargined,
    unit_exposures,
    worst_cases,
)
from zkmargin.risk.entries import RiskTable

SHORT_MINIMUM = "short-option minimum"


@dataclass(frozen=True)
class UnitMargin:
    """One risk unit of a pot: requirement in equity quanta, and the scenario that binds (None: no loss)."""

    name: str
    requirement: int
    binding: str | None


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
class BookMargin:
    """All pots of one book, one entry per pot, in the order of `labels`; integers in equity quanta.

    `units` has requirements in margin quanta and what binds.
    """

    book: BookPolicy
    labels: tuple[tuple[str, str], ...]
    scenarios: tuple[str, ...]
    scale: int  # equity quanta per margin quantum
    net: Integers
    equity: Integers
    requirement: Integers
    initial: Integers
    units: Requirement

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"BookMargin(book={self.book.id!r}, {len(self)} pots)"

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

    def pot(self, row: int) -> PotMargin:
        """Return one pot as Python integers, with its risk units."""
        return PotMargin(
            net=int(self.net[row]),
            equity=int(self.equity[row]),
            requirement=int(self.requirement[row]),
            initial=int(self.initial[row]),
            shortfall=int(self.shortfall[row]),
            bad_debt=int(self.bad_debt[row]),
            units=tuple(self._units(row)),
        )

    def rows_of(self, account: str) -> range:
        """Return the rows of an account's pots: labels are sorted, so they stand together."""
        rows = [row for row, (name, _) in enumerate(self.labels) if name == account]
        return range(rows[0], rows[-1] + 1) if rows else range(0)

    def total(self, rows: Sequence[int]) -> PotMargin:
        """Sum pots: deficits add, a pot's surplus never covers another pot's deficit."""
        return sum_pots([self.pot(row) for row in rows])

    def _units(self, row: int) -> Iterator[UnitMargin]:
        for u, name in enumerate(self.units.units):
            code = int(self.units.binding[row, u])
            binding = {NOTHING: None, MINIMUM: SHORT_MINIMUM}.get(code) if code < 0 else self.scenarios[code]
            yield UnitMargin(name, int(self.units.values[row, u]) * self.scale, binding)


def calculate(policy: Policy, table: RiskTable, pots: Pots) -> BookMargin:
    """Compute the margin of all pots of a book.

    Raise PolicyError for an amount that the book does not margin, UsageError for an unknown book or asset.
    """
    book, risk = policy.books.get(pots.book), table.books.get(pots.book)
    if book is None or risk is None:
        raise UsageError("unknown-book", f"the policy has no book {pots.book!r}")
    if unknown := sorted({name for _, name in pots.values if name not in table.lot_value}):
        raise UsageError("unknown-instrument", f"the risk table has no lot value of {', '.join(unknown)}")
    count = len(pots.labels)
    refuse_unmargined(policy, risk, pots.values)
    exposures = unit_exposures(
        book, risk, table.short_minimum.get(book.id, {}), pots.values, policy.margin_quantum
    )
    units = worst_cases(exposures, len(risk.scenarios), count)
    scale = int(policy.margin_quantum / policy.equity_quantum)
    factor = book.initial_factor * scale

    net_parts = net_amounts(pots.values, table.lot_value)
    cuts = haircut_amounts(book, pots.values, table.lot_value, policy.equity_quantum)
    losses = sum(unit.reach for unit in exposures)
    dtype = money_dtype(
        sum(part.reach for part in net_parts + cuts)
        + losses * max(scale, factor.numerator, book.initial_factor.numerator)
        + (scale + book.initial_factor.denominator)
    )
    net = sum_amounts(net_parts, count, dtype)
    worst = units.values.astype(dtype).sum(axis=1, dtype=dtype)
    return BookMargin(
        book=book,
        labels=pots.labels,
        scenarios=risk.scenarios,
        scale=scale,
        net=net,
        equity=net - sum_amounts(cuts, count, dtype),
        requirement=worst * scale,
        initial=_initial(worst, book.initial_factor, scale),
        units=units,
    )


def calculate_all(policy: Policy, table: RiskTable, pots: Mapping[str, Pots]) -> dict[str, BookMargin]:
    """Compute the margin of every book."""
    return {name: calculate(policy, table, content) for name, content in pots.items()}


def _initial(worst: Integers, factor: Fraction, scale: int) -> Integers:
    """I from R in margin quanta: exact where factor x scale is whole, else up to the next margin quantum."""
    if (factor * scale).denominator == 1:
        return worst * int(factor * scale)
    return -(-worst * factor.numerator // factor.denominator) * scale
