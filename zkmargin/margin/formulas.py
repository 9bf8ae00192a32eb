"""The exchanges' own formulas, by model: what `zkmargin margin` shows beside what is proven."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zkmargin.inputs.ledger import Pots
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import Policy
from zkmargin.margin.brackets import bracket_formula
from zkmargin.margin.explore import explorer
from zkmargin.margin.historical import historical_formula
from zkmargin.margin.liquidity import liquidity_cost
from zkmargin.margin.portfolios import Figures, FormulaMargin, Holdings
from zkmargin.margin.sensitivities import sensitivity_formula

FORMULAS: Mapping[str, Callable[[Policy, Market, str], Holdings]] = {
    "scenarios": explorer,
    "brackets": bracket_formula,
    "historical": historical_formula,
    "sensitivities": sensitivity_formula,
}


def by_formula(policy: Policy, market: Market, pots: Pots) -> FormulaMargin | None:
    """Return the margin of a ledger's pots by the formula of their book, None where the model requires nothing."""
    formula = FORMULAS.get(policy.books[pots.book].model)
    if formula is None or not len(pots):
        return None
    rules = formula(policy, market, pots.book)
    portfolios = rules.from_pots(pots)
    found = rules.margin(portfolios)
    added = liquidity_cost(market, rules, portfolios)
    return Figures(found.net, found.equity, found.requirement + added, found.initial + added)
