"""Bracket margin by the exchanges' own formula, in floats: `notional x rate - amount` of the bracket that holds it.

Source: Binance, "Leverage and Margin of USDS-M Futures": maintenance margin = notional x maintenance margin rate -
maintenance amount; the amounts follow from floors and rates, cum_t = cum_(t-1) + floor_t (r_t - r_(t-1)).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from zkmargin.inputs.market import Market
from zkmargin.inputs.models.bracket import Bracket
from zkmargin.inputs.models.brackets import Brackets, Rates
from zkmargin.inputs.policy import Policy
from zkmargin.margin.portfolios import Figures, Floats, Holdings, Portfolios, book_of, values_and_lots
from zkmargin.risk.brackets import amounts, mark_notional


@dataclass(frozen=True)
class BracketFormula(Holdings):
    """`notional` (K,): quote per unit of every contract, at its mark; `brackets` of each; which rates are marginal."""

    notional: Floats
    kinds: tuple[Rates, Rates]
    brackets: tuple[tuple[Bracket, ...], ...]

    def margin(self, portfolios: Portfolios) -> Figures:
        """Look up the bracket of every position's notional."""
        notional = np.abs(portfolios.positions) * self.notional
        requirement, initial = np.zeros(len(portfolios)), np.zeros(len(portfolios))
        for column, brackets in zip(notional.T, self.brackets, strict=True):
            floors = [bracket.floor for bracket in brackets]
            requirement += looked_up(column, floors, [b.maintenance for b in brackets], self.kinds[0])
            initial += looked_up(column, floors, [b.initial for b in brackets], self.kinds[1])
        return self.figures(portfolios, requirement, initial)


def looked_up(notional: Floats, floors: list[Fraction], rates: list[Fraction], kind: Rates) -> Floats:
    """Return notional x rate - amount of the bracket that holds each notional, shape of `notional`."""
    off = np.array(amounts(floors, rates, kind), dtype=np.float64)
    at = np.searchsorted(np.array(floors, dtype=np.float64), notional, side="right") - 1
    return np.asarray(notional * np.array(rates, dtype=np.float64)[at] - off[at])


def bracket_formula(policy: Policy, market: Market, book_id: str) -> BracketFormula:
    """Return the formula of a book of brackets at a market; raise UsageError for any other book."""
    book, parameters = book_of(policy, book_id, Brackets)
    contracts = [contract for contract in market.contracts if parameters.margins(contract)]
    value, lot = values_and_lots(market, contracts)
    return BracketFormula(
        book=book,
        instruments=tuple(contract.name for contract in contracts),
        assets=market.assets,
        value=value,
        lot=lot,
        notional=np.array([float(mark_notional(market, contract) / contract.lot) for contract in contracts]),
        kinds=(parameters.maintenance, parameters.initial),
        brackets=tuple(map(parameters.brackets, contracts)),
    )
