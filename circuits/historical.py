"""Historical margin: expected shortfall or value at risk over past moves, mixed with the worst of stress scenarios.

    R = sum over risk units of  max(weight x H_u + (1 - weight) x S_u, short-option minimum)
    H = mean of the worst tail x n of n losses, or the ceil(tail x n)-th largest of them; at least 0
    S = max(0, loss in every stress scenario)

Losses are those of `scenario`, over the book's stress scenarios and the market's past ones.
"""

from __future__ import annotations

import math

from zkmargin.circuits.atoms import expected_shortfall, maximum, value_at_risk
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.expression import Expression
from zkmargin.circuits.scenario import ScenarioBook
from zkmargin.inputs.market import Market
from zkmargin.inputs.models.historical import Historical
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.risk.table import RiskTable, RiskUnit


def historical_rules(policy: Policy, market: Market, table: RiskTable, book: BookPolicy) -> Rules:
    """State the rules of a book of the model "historical"."""
    return _HistoricalBook(policy, market, table, book).rules()


class _HistoricalBook(ScenarioBook):
    def __init__(self, policy: Policy, market: Market, table: RiskTable, book: BookPolicy) -> None:
        super().__init__(policy, market, table, book)
        self.parameters = book.own(Historical)

    def requirement(self, unit: RiskUnit) -> Expression:
        """R_u: the mix of history and stress, and the short-option minimum."""
        mixed, least = self._mixed(unit), self.short_minimum(unit)
        return maximum(f"requirement {unit.name}", {"history": mixed, **least}) if least else mixed

    def _mixed(self, unit: RiskUnit) -> Expression:
        losses = list(self.losses(unit).items())
        if not any(loss.sides for _, loss in losses):
            return Expression()
        stress = len(self.book.scenarios)
        mixed = self._history(unit, dict(losses[stress:])) * self.parameters.weight
        if stress:
            worst = maximum(f"stress {unit.name}", dict(losses[:stress]), floor_zero=True)
            mixed += worst * (1 - self.parameters.weight)
        return mixed

    def _history(self, unit: RiskUnit, losses: dict[str, Expression]) -> Expression:
        tail = self.parameters.tail
        if self.parameters.measure == "expected-shortfall":
            name = f"expected shortfall {unit.name}"
            netting = self.netting_unit(name, unit.instruments, losses)
            return netting.shortfall(losses, tail) if netting else expected_shortfall(name, losses, tail)
        ignored = math.ceil(tail * len(losses)) - 1
        return value_at_risk(f"value at risk {unit.name}", losses, ignored)
