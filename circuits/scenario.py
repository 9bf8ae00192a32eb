"""Scenario portfolio margin (SPAN style): the worst of a set of shocks, per risk unit.

    N = balances + positions - entry costs - what is owed, at their lot values
    E = N - haircuts of collateral that is not shocked
    R = sum over risk units of  max(0, loss in every scenario, short-option minimum)
    I = initial factor x R

A unit's loss in a scenario is minus the P&L of everything whose price moves in it: positions, shocked balances, what
is owed, and entry costs. Collateral is "shocked" (no haircut, P&L in the scenarios), "cash" (neither), cut by marginal
tiers, or absent from the policy: then it counts in N only. A debt gains in a scenario only where collateral in its
asset loses, so that holding and owing the same never lowers a requirement: see `risk.debts.debt_pnl`.

A book with parameters has charges beside its scenarios: `portfolio_margin` states its R from the same parts.

Whatever is revalued is stored bit by bit, so that rounding to margin quanta costs at most one quantum per bit. Where
the policy says so, a position that is all that an account has in a unit stands alone: see `alone`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from zkmargin.circuits.alone import NettingUnit
from zkmargin.circuits.atoms import maximum
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.expression import Expression, total, weighted
from zkmargin.circuits.portfolio_margin import delta_rate, portfolio_requirement
from zkmargin.circuits.trading import BIT, TradingBook
from zkmargin.circuits.variables import InputKey
from zkmargin.inputs.market import Market
from zkmargin.inputs.models.scenarios import PortfolioMargin
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.risk.debts import debt_pnl
from zkmargin.risk.table import RiskTable, RiskUnit


def scenario_rules(policy: Policy, market: Market, table: RiskTable, book: BookPolicy) -> Rules:
    """State the rules of a book of the model "scenarios"."""
    return ScenarioBook(policy, market, table, book).rules()


class ScenarioBook:
    """What a book can hold and what scenarios do to it; models differ in what a requirement makes of the losses."""

    def __init__(self, policy: Policy, market: Market, table: RiskTable, book: BookPolicy) -> None:
        self.book = book
        self.risk = table.books[book.id]
        self.minimum = table.short_minimum.get(book.id, {})
        contracts = [market.instruments[name] for unit in self.risk.units for name in unit.instruments]
        self.netting: list[NettingUnit] = []  # units of which positions can stand alone
        self.of = TradingBook.declare(policy, market, table, book, contracts, self._digits)
        for name in self.of.position:
            if not self.risk.pnl[name].exact:
                self.of.rules.tolerate(("position", name), self._tolerance(name))

    def rules(self) -> Rules:
        """State the requirement."""
        requirement = self._requirement()
        legs = {name: leg for unit in self.netting for name, leg in unit.legs.items()}
        return self.of.state(requirement, requirement * self.book.initial_factor, legs)

    def requirement(self, unit: RiskUnit) -> Expression:
        """R_u: the largest of zero, the loss in each scenario, and the short-option minimum."""
        losses = self.losses(unit) | self.short_minimum(unit)
        return self.worst_case(f"worst case {unit.name}", unit.instruments, losses)

    def worst_case(
        self,
        name: str,
        contracts: Sequence[str],
        losses: Mapping[str, Expression],
        allowances: Mapping[str, Fraction] | None = None,
    ) -> Expression:
        """Return max(0, losses) of a unit's contracts, less allowances; what can stand alone has legs."""
        unit = None if allowances else self.netting_unit(name, contracts, losses)
        if unit is not None:
            return unit.worst_case(losses)
        return maximum(name, losses, floor_zero=True, allowances=allowances)

    def netting_unit(
        self, name: str, contracts: Sequence[str], losses: Mapping[str, Expression]
    ) -> NettingUnit | None:
        """Declare legs of contracts, None if the policy has none or the contracts cannot lose."""
        positions = {contract: self.of.position[contract] for contract in contracts}
        own = {side for position in positions.values() for side in position.sides}
        loses = any(loss.sides.get(side, 0) > 0 for loss in losses.values() for side in own)
        if self.book.legs is None or not loses:
            return None
        others = (
            Expression({side: a for side, a in loss.sides.items() if side not in own})
            for loss in losses.values()
        )
        self.netting.append(self.of.rules.netting_unit(name, positions, others))
        return self.netting[-1]

    def alone(self) -> Expression:
        """Return what stands alone in any unit, charged by itself; to be added to the charges of all units."""
        return self.of.rules.charged_alone(self.netting) if self.netting else Expression()

    def losses(self, unit: RiskUnit) -> dict[str, Expression]:
        """Return a unit's loss in every scenario, in quote currency, never below the true one."""
        return {name: -self.pnl(unit, s) for s, name in enumerate(self.risk.scenarios)}

    def short_minimum(self, unit: RiskUnit) -> dict[str, Expression]:
        """Return the short-option minimum by its label, nothing for a unit without one."""
        charges = list(self.short_minimums(unit.instruments))
        return {"short-option minimum": total(charges)} if charges else {}

    def short_minimums(self, contracts: Iterable[str]) -> Iterator[Expression]:
        """Yield the charge of every contract that has one."""
        for name in contracts:
            if self.minimum.get(name):
                yield self.of.position[name].short * self.minimum[name]

    def _requirement(self) -> Expression:
        rules = self.book.parameters
        if isinstance(rules, PortfolioMargin):
            return portfolio_requirement(self, rules)
        return total(map(self.requirement, self.risk.units)) + self.alone()

    def _tolerance(self, name: str) -> Fraction:
        """Return how much of R per lot is the rounding of P&L and delta in the risk table."""
        rules, unit = self.book.parameters, self.risk.pnl[name].unit
        if not isinstance(rules, PortfolioMargin):
            return unit
        rate = delta_rate(self.of.market, rules, self.of.market.instruments[name])
        delta = self.risk.delta[name].unit * rate if name in self.risk.delta else Fraction(0)
        return unit * rules.maintenance_factor + delta

    def _digits(self, key: InputKey) -> int | None:
        """Store bit by bit what a scenario revalues."""
        kind, name = key
        revalued = {
            "held": self.book.collateral.get(name) == "shocked",
            "owed": debt_pnl(self.book, self.risk, name) is not None,
            "cost": name in self.risk.pnl,
            "position": True,
        }
        return BIT if revalued[kind] else None

    def pnl(self, unit: RiskUnit, scenario: int) -> Expression:
        """P&L in quote currency of everything that the unit revalues, never above the true one."""
        moved: list[tuple[Expression, Fraction]] = []
        for name in unit.instruments:
            pnl, position = self.risk.pnl[name], self.of.position[name]
            moved += [(position.long, pnl.long(scenario)), (position.short, pnl.short(scenario))]
        for asset in unit.assets:
            pnl = self.risk.pnl[asset]
            if self.book.collateral.get(asset) == "shocked":
                moved.append((self.of.held[asset], pnl.long(scenario)))
            debts = debt_pnl(self.book, self.risk, asset)
            if debts is not None and asset in self.of.owed:
                moved.append((self.of.owed[asset], debts.short(scenario)))
            if asset in self.of.cost:  # what is still to be paid is owed
                cost = self.of.cost[asset]
                moved += [(cost.long, pnl.short(scenario)), (cost.short, pnl.long(scenario))]
        return weighted(moved)
