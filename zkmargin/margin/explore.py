"""Explore margin with NumPy arrays in float64: for looking around, not for proving.

    model = explorer(policy, market, "portfolio")
    books = model.portfolios(positions={"BTC-PERP": [1.0, -2.0]}, held={"USD": [20_000.0, 9_000.0]})
    found = model.margin(books)
    found.requirement, found.binding, found.losses[0]         # shapes (P,), (P, U), (U, S)

Under other prices: `zkmargin.margin.whatif`. Quantities are in units (not lots), money in quote currency.
`zkmargin.margin.accounts` computes the same in exact integers; tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zkmargin.errors import UsageError
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.margin.portfolios import Floats, Holdings, Portfolios, values_and_lots
from zkmargin.risk.debts import debt_pnl
from zkmargin.risk.entries import BookRisk
from zkmargin.risk.table import book_risk, short_minimum

__all__ = ["NO_LOSS", "SHORT_MINIMUM", "Explored", "Explorer", "Floats", "Portfolios", "explorer"]

NO_LOSS, SHORT_MINIMUM = "", "short-option minimum"


@dataclass(frozen=True)
class Explored:
    """Margin of P portfolios over U risk units and S scenarios, in quote currency.

    `losses` (P, U, S): loss in every scenario, gains negative; `minimum` (P, U): short-option minimum;
    `unit_requirement` (P, U); `net`, `equity`, `requirement`, `initial` (P,).
    """

    units: tuple[str, ...]
    scenarios: tuple[str, ...]
    net: Floats
    equity: Floats
    losses: Floats
    minimum: Floats
    unit_requirement: Floats
    initial_factor: float

    @property
    def requirement(self) -> Floats:
        """Maintenance requirement, shape (P,)."""
        return np.asarray(self.unit_requirement.sum(axis=1))

    @property
    def initial(self) -> Floats:
        """Initial requirement, shape (P,)."""
        return self.initial_factor * self.requirement

    @property
    def ratio(self) -> Floats:
        """E / R, shape (P,), infinite (of the sign of E) where nothing is required."""
        with np.errstate(divide="ignore", invalid="ignore"):
            quotient = self.equity / self.requirement
        free = np.where(self.equity >= 0, np.inf, -np.inf)
        return np.where(self.requirement > 0, quotient, free)

    @property
    def binding(self) -> npt.NDArray[np.str_]:
        """Name of the scenario that binds, shape (P, U); "" where nothing is lost in any."""
        worst = np.array(self.scenarios)[self.losses.argmax(axis=2)]
        named = np.where(self.minimum > self.losses.max(axis=2), SHORT_MINIMUM, worst)
        return np.where(self.unit_requirement > 0, named, NO_LOSS)


@dataclass(frozen=True)
class Explorer(Holdings):
    """Margin rules of a book of the scenarios model at one market.

    `pnl` (K + A, S): P&L in quote of one unit held long; `unit_of` (K + A, U): 1 where a row is netted in a
    unit, else 0.
    """

    scenarios: tuple[str, ...]
    units: tuple[str, ...]
    pnl: Floats
    unit_of: Floats
    short_minimum: Floats  # (K,)
    shocked: npt.NDArray[np.bool_] = field(repr=False)  # (A,) held balances that enter the scenarios
    debt_pnl: Floats = field(
        repr=False
    )  # (A, S) P&L in quote of one unit, of which what is owed is the other side

    def margin(self, portfolios: Portfolios) -> Explored:
        """Compute margin and every scenario's loss, vectorised over portfolios."""
        moved = portfolios.held * self.shocked - portfolios.cost
        exposures = np.hstack([portfolios.positions, moved, -portfolios.owed])
        moves, unit_of = np.vstack([self.pnl, self.debt_pnl]), self._unit_of_all()
        losses = np.stack([-(exposures * unit_of[:, u]) @ moves for u in range(len(self.units))], axis=1)
        short = np.maximum(-portfolios.positions, 0) * self.short_minimum
        minimum = short @ self.unit_of[: len(self.instruments)]
        net = self.net(portfolios)
        return Explored(
            units=self.units,
            scenarios=self.scenarios,
            net=net,
            equity=net - self.haircuts(portfolios).sum(axis=1),
            losses=losses,
            minimum=minimum,
            unit_requirement=np.maximum(np.maximum(losses.max(axis=2), minimum), 0.0),
            initial_factor=float(self.book.initial_factor),
        )

    def _unit_of_all(self) -> Floats:
        return np.vstack([self.unit_of, self.unit_of[len(self.instruments) :]])


def explorer(policy: Policy, market: Market, book_id: str) -> Explorer:
    """Return the scenarios of a book of that model at a market: all its rules, unless it has parameters.

    With parameters (charges beside the scenarios) the formula is `portfolio_margin.scenario_formula`.
    Raise UsageError for any other book, PolicyError as `build_risk_table` does; lot values are not rounded
    here.
    """
    book = policy.books.get(book_id)
    if book is None or book.model != "scenarios":
        raise UsageError("unknown-book", f"{book_id!r} is no book of the scenarios model")
    return revaluation_of(policy, market, book)


def revaluation_of(policy: Policy, market: Market, book: BookPolicy) -> Explorer:
    """Return the revaluation of a book's scenarios, and of the market's past ones if its model has history."""
    risk = book_risk(policy, book, market)
    contracts = [item for item in market.contracts if item.name in risk.pnl]
    names = [item.name for item in contracts] + list(market.assets)
    value, lot = values_and_lots(market, contracts)
    minimum = [
        short_minimum(book, market, item) / item.lot if item.kind == "option" else 0 for item in contracts
    ]
    return Explorer(
        book=book,
        scenarios=risk.scenarios,
        units=tuple(unit.name for unit in risk.units),
        instruments=tuple(item.name for item in contracts),
        assets=market.assets,
        value=value,
        lot=lot,
        pnl=_pnl_matrix(risk, names) / lot[:, None],
        unit_of=_membership(risk, names),
        short_minimum=np.array([float(rate) for rate in minimum]),
        shocked=np.array([book.collateral.get(asset) == "shocked" for asset in market.assets]),
        debt_pnl=_debt_matrix(book, risk, market.assets) / lot[len(contracts) :, None],
    )


def _debt_matrix(book: BookPolicy, risk: BookRisk, assets: tuple[str, ...]) -> Floats:
    rows = [debt_pnl(book, risk, asset) for asset in assets]
    scenarios = range(len(risk.scenarios))
    return np.array([[float(row.long(s)) if row else 0.0 for s in scenarios] for row in rows])


def _pnl_matrix(risk: BookRisk, names: Sequence[str]) -> Floats:
    out = np.zeros((len(names), len(risk.scenarios)))
    for row, name in enumerate(names):
        if (pnl := risk.pnl.get(name)) is not None:
            out[row] = [float(value * pnl.unit) for value in pnl.values]
    return out


def _membership(risk: BookRisk, names: Sequence[str]) -> Floats:
    members = [set(unit.instruments + unit.assets) for unit in risk.units]
    return np.array([[float(name in unit) for unit in members] for name in names])
