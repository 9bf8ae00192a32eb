"""The exchanges' own formulas, by model: what `zkmargin margin` shows beside what is proven."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zkmargin.errors import UsageError
from zkmargin.inputs.ledger import Pots
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import Policy
from zkmargin.margin.brackets import bracket_formula
from zkmargin.margin.derive.pm2_formula import pm2_formula
from zkmargin.margin.derive.srm_formula import srm_formula
from zkmargin.margin.historical import historical_formula
from zkmargin.margin.liquidity import liquidity_cost
from zkmargin.margin.portfolio_margin import scenario_formula
from zkmargin.margin.portfolios import Figures, FormulaMargin, Holdings, Portfolios
from zkmargin.margin.sensitivities import sensitivity_formula

FORMULAS: Mapping[str, Callable[[Policy, Market, str], Holdings]] = {
    "scenarios": scenario_formula,
    "brackets": bracket_formula,
    "derive-pm2": pm2_formula,
    "derive-srm": srm_formula,
    "historical": historical_formula,
    "sensitivities": sensitivity_formula,
}


def formula_of(policy: Policy, market: Market, book_id: str) -> Holdings:
    """Return the formula of a book at a market; raise UsageError for a book whose model requires nothing."""
    book = policy.books.get(book_id)
    if book is None or book.model not in FORMULAS:
        known = ", ".join(FORMULAS)
        raise UsageError("unknown-book", f"{book_id!r} is no book of the models {known}")
    return FORMULAS[book.model](policy, market, book_id)


def by_formula(policy: Policy, market: Market, pots: Pots) -> FormulaMargin | None:
    """Return the margin of a ledger's pots by the formula of their book, None where the model requires nothing."""
    if policy.books[pots.book].model not in FORMULAS or not len(pots):
        return None
    rules = formula_of(policy, market, pots.book)
    return with_liquidity(market, rules, rules.from_pots(pots))


def with_liquidity(market: Market, rules: Holdings, portfolios: Portfolios) -> FormulaMargin:
    """Return a formula's margin of portfolios with what closing their positions costs at a market."""
    found = rules.margin(portfolios)
    added = liquidity_cost(market, rules, portfolios)
    return Figures(found.net, found.equity, found.requirement + added, found.initial + added)
