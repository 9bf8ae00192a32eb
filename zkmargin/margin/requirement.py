"""Maintenance requirement of the scenarios model: the worst scenario of every risk unit, in margin quanta.

R_u = max(0, worst scenario loss of u, short-option minimum of u)        R = sum of R_u
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from zkmargin.errors import PolicyError
from zkmargin.inputs.eligibility import may_owe
from zkmargin.inputs.models import MODELS
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.margin.revaluation import Exposure, charge_exposure, scenario_exposure, sides
from zkmargin.risk.debts import debt_pnl
from zkmargin.risk.entries import BookRisk, Pnl, RiskUnit
from zkmargin.sparse import EMPTY, INT64_SAFE, SparseValues

Integers = npt.NDArray[Any]  # int64 or object

NOTHING, MINIMUM = -1, -2
"""What binds besides a scenario's number: no loss in any scenario; the short-option minimum."""

_CHUNK = 1 << 17  # pots at once: bounds the memory of the scenario matrix


@dataclass(frozen=True)
class UnitExposure:
    """Everything that one risk unit revalues, and the charges on its short options."""

    name: str
    scenarios: tuple[Exposure, ...]
    charges: tuple[Exposure, ...]

    @property
    def reach(self) -> int:
        """A bound on every loss, minimum and requirement of the unit."""
        return sum(item.reach for item in self.scenarios + self.charges)


@dataclass(frozen=True)
class Requirement:
    """Per pot and unit, shape (pots, units): requirement in margin quanta, and what binds.

    `binding` is the number of the first worst scenario, NOTHING or MINIMUM.
    """

    units: tuple[str, ...]
    values: Integers
    binding: npt.NDArray[np.int16]


def unit_exposures(
    book: BookPolicy,
    risk: BookRisk,
    short_minimum: Mapping[str, Fraction],
    values: Mapping[tuple[str, str], SparseValues],
    margin_quantum: Fraction,
) -> tuple[UnitExposure, ...]:
    """Return what each unit of a book revalues: sides of positions, shocked balances, debts and costs."""

    def exposures(unit: RiskUnit) -> UnitExposure:
        revalued, charged = [], []
        for name, column, pnl, long in _sides(book, risk, unit, values):
            if not len(column):
                continue
            revalued.append(scenario_exposure(column, pnl, long=long, margin_quantum=margin_quantum))
            if not long and (rate := short_minimum.get(name)):
                charged.append(charge_exposure(column, rate, margin_quantum))
        return UnitExposure(unit.name, tuple(revalued), tuple(charged))

    return tuple(exposures(unit) for unit in risk.units)


def worst_cases(units: tuple[UnitExposure, ...], scenarios: int, pots: int) -> Requirement:
    """Return requirement and binding scenario of every pot and unit, in int64 where no sum can reach 2^62."""
    dtype = np.dtype(np.int64 if sum(unit.reach for unit in units) < INT64_SAFE else object)
    values = np.zeros((pots, len(units)), dtype=dtype)
    binding = np.full((pots, len(units)), NOTHING, dtype=np.int16)
    for u, unit in enumerate(units):
        for start in range(0, pots, _CHUNK):
            stop = min(start + _CHUNK, pots)
            values[start:stop, u], binding[start:stop, u] = _worst(unit, scenarios, start, stop, dtype)
    return Requirement(tuple(unit.name for unit in units), values, binding)


def _worst(
    unit: UnitExposure, scenarios: int, start: int, stop: int, dtype: np.dtype[Any]
) -> tuple[Integers, npt.NDArray[np.int16]]:
    pnl = np.zeros((stop - start, scenarios), dtype=dtype)
    minimum = np.zeros((stop - start, 1), dtype=dtype)
    for exposure in unit.scenarios:
        exposure.between(start, stop).add_to(pnl)
    for exposure in unit.charges:
        exposure.between(start, stop).add_to(minimum)
    worst = pnl.argmin(axis=1)
    loss = -pnl[np.arange(len(pnl)), worst]
    floor = minimum[:, 0]
    requirement = np.maximum(np.maximum(loss, floor), 0)
    binding = np.where(floor > loss, MINIMUM, worst)
    return requirement, np.where(requirement > 0, binding, NOTHING).astype(np.int16)


def _sides(
    book: BookPolicy, risk: BookRisk, unit: RiskUnit, values: Mapping[tuple[str, str], SparseValues]
) -> Iterator[tuple[str, SparseValues, Pnl, bool]]:
    """(name, amounts, P&L, held or owed) of what the unit revalues. A cost is owed: it lowers net value."""
    for name in unit.instruments:
        long, short = sides(values.get(("position", name), EMPTY))
        yield name, long, risk.pnl[name], True
        yield name, short, risk.pnl[name], False
    for asset in unit.assets:
        pnl, debts = risk.pnl[asset], debt_pnl(book, risk, asset)
        if book.collateral.get(asset) == "shocked":
            yield asset, values.get(("held", asset), EMPTY), pnl, True
        if debts is not None:
            yield asset, values.get(("owed", asset), EMPTY), debts, False
        paid, received = sides(values.get(("cost", asset), EMPTY))
        yield asset, paid, pnl, False
        yield asset, received, pnl, True


def refuse_unmargined(policy: Policy, risk: BookRisk, values: Mapping[tuple[str, str], SparseValues]) -> None:
    """Raise PolicyError for a position or a debt whose price the book does not move."""
    book = policy.books[risk.book]
    for (kind, name), column in values.items():
        if not len(column) or name in risk.pnl:
            continue
        if kind == "position":
            raise PolicyError(
                "unmargined",
                f"book {book.id} does not margin positions in {name}",
                hint="give its underlying a price_range" if MODELS[book.model].shocks else None,
            )
        if kind == "owed" and not may_owe(policy, book, name):
            raise PolicyError(
                "unmargined", f"book {book.id}: {name} is owed, but has no price_range", hint="give it one"
            )
