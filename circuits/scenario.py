"""Scenario portfolio margin (SPAN style): the worst of a set of shocks, per risk unit.

    N = balances + positions - entry costs - what is owed, at their lot values
    E = N - haircuts of collateral that is not shocked
    R = sum over risk units of  max(0, loss in every scenario, short-option minimum)
    I = initial factor x R

A unit's loss in a scenario is minus the P&L of everything whose price moves in it: positions, shocked balances, what
is owed, and entry costs. Collateral is "shocked" (no haircut, P&L in the scenarios), "cash" (neither), cut by marginal
tiers, or absent from the policy: then it counts in N only. A debt gains in a scenario only where collateral in its
asset loses, so that holding and owing the same never lowers a requirement: see `risk.eligibility.debt_pnl`.

Whatever is revalued is stored bit by bit, so that rounding to margin quanta costs at most one quantum per bit.
"""

from __future__ import annotations

from zkmargin.circuits.atoms import maximum, piecewise
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.expression import Expression, Signed, total
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.inputs.widths import balance_bits, cost_bits, position_bits
from zkmargin.risk.eligibility import debt_pnl, may_owe
from zkmargin.risk.table import RiskTable, RiskUnit
from zkmargin.risk.tiers import haircut_schedule

BIT = 1  # digits of one bit


def scenario_rules(policy: Policy, market: Market, table: RiskTable, book: BookPolicy) -> Rules:
    """State the rules of a book of the model "scenarios"."""
    return _ScenarioBook(policy, market, table, book).rules


class _ScenarioBook:
    def __init__(self, policy: Policy, market: Market, table: RiskTable, book: BookPolicy) -> None:
        self.policy, self.market, self.table, self.book = policy, market, table, book
        self.risk = table.books[book.id]
        self.minimum = table.short_minimum.get(book.id, {})
        self.quantum = policy.equity_quantum
        self.rules = Rules(
            book.id,
            version=policy.circuit_version,
            equity_quantum=self.quantum,
            margin_quantum=policy.margin_quantum,
        )
        self._declare_inputs()
        self._state()

    def _declare_inputs(self) -> None:
        book, market, rules, moves = self.book, self.market, self.rules, self.risk.pnl
        contracts = [name for unit in self.risk.units for name in unit.instruments]
        paid_in = dict.fromkeys(market.instruments[name].settlement for name in contracts)
        self.held: dict[str, Expression] = {}
        self.owed: dict[str, Expression] = {}
        self.cost: dict[str, Signed] = {}
        self.position: dict[str, Signed] = {}
        for asset in market.assets:
            bits = {asset: balance_bits(book, market, asset)}
            shocked = BIT if book.collateral.get(asset) == "shocked" else None
            self.held |= rules.amounts("held", bits, digits=shocked)
            if may_owe(self.policy, book, asset):
                self.owed |= rules.amounts(
                    "owed", bits, digits=BIT if debt_pnl(book, self.risk, asset) else None
                )
        for asset in (asset for asset in market.assets if asset in paid_in):
            bits = {asset: cost_bits(book, market, asset)}
            self.cost |= rules.signed("cost", bits, digits=BIT if asset in moves else None)
        for name in contracts:
            bits = {name: position_bits(book, market, market.instruments[name])}
            self.position |= rules.signed("position", bits, digits=BIT)
            if not moves[name].exact:
                rules.tolerate(("position", name), moves[name].unit)

    def _state(self) -> None:
        value = {name: lots * self.quantum for name, lots in self.table.lot_value.items()}
        net = total(
            [self.held[a] * value[a] for a in self.held]
            + [self.owed[a] * -value[a] for a in self.owed]
            + [self.position[k] * value[k] for k in self.position]
            + [self.cost[a] * -value[a] for a in self.cost]
        )
        requirement = total(self._worst_case(unit) for unit in self.risk.units)
        self.rules.net_value(net)
        self.rules.equity(net - total(self._haircut(asset) for asset in self.held))
        self.rules.requirement(requirement)
        self.rules.initial_requirement(requirement * self.book.initial_factor)
        for asset, cost in self.cost.items():
            settled = [p for k, p in self.position.items() if self.market.instruments[k].settlement == asset]
            self.rules.gate(cost, settled, f"cost in {asset} only with a position settled in it")

    def _worst_case(self, unit: RiskUnit) -> Expression:
        """R_u: the largest of zero, the loss in each scenario, and the short-option minimum."""
        losses = {name: -self._pnl(unit, s) for s, name in enumerate(self.risk.scenarios)}
        charges = [self.position[k].short * self.minimum[k] for k in unit.instruments if self.minimum.get(k)]
        if charges:
            losses["short-option minimum"] = total(charges)
        return maximum(f"worst case {unit.name}", losses, floor_zero=True)

    def _pnl(self, unit: RiskUnit, scenario: int) -> Expression:
        """P&L in quote currency of everything that the unit revalues, never above the true one."""
        moved: list[Expression] = []
        for name in unit.instruments:
            pnl, position = self.risk.pnl[name], self.position[name]
            moved += [position.long * pnl.long(scenario), position.short * pnl.short(scenario)]
        for asset in unit.assets:
            pnl = self.risk.pnl[asset]
            if self.book.collateral.get(asset) == "shocked":
                moved.append(self.held[asset] * pnl.long(scenario))
            debts = debt_pnl(self.book, self.risk, asset)
            if debts is not None and asset in self.owed:
                moved.append(self.owed[asset] * debts.short(scenario))
            if asset in self.cost:  # what is still to be paid is owed
                cost = self.cost[asset]
                moved += [cost.long * pnl.short(scenario), cost.short * pnl.long(scenario)]
        return total(moved)

    def _haircut(self, asset: str) -> Expression:
        """Loss of collateral value against market value, in quote currency."""
        rule = self.book.collateral.get(asset)
        if isinstance(rule, str):
            return Expression()
        if rule is None:
            return self.held[asset] * (self.table.lot_value[asset] * self.quantum)
        schedule = haircut_schedule(rule, self.table.lot_value[asset], self.quantum)
        knots, losses = [knot for knot, _ in schedule], [loss * self.quantum for _, loss in schedule]
        return piecewise(f"haircut {asset}", self.held[asset], knots, losses)
