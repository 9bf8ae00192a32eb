"""Margin under other prices, for exploring: a market after a move, requirement along a ladder of prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from zkmargin.inputs.market import Instrument, Market
from zkmargin.inputs.policy import Policy
from zkmargin.margin.formulas import formula_of, with_liquidity
from zkmargin.margin.portfolios import Floats, Portfolios
from zkmargin.risk.pricing import black76, years_between
from zkmargin.risk.scenarios import option_terms


def move_market(
    market: Market,
    moves: Mapping[str, float],
    *,
    volatility: float = 0.0,
    interest: Fraction = Fraction(0),
) -> Market:
    """Return the market after price moves by underlying (-0.1: 10 % lower) and a volatility move, all
    relative.

    Spot, marks, index and forwards of an underlying move alike; an option's mark by its change of Black-76
    value; the levels of an order book move with its contract's mark.
    """
    exact = {name: 1 + Fraction(move).limit_denominator(10**9) for name, move in moves.items()}
    stress = 1 + Fraction(volatility).limit_denominator(10**9)

    def scaled(prices: Mapping[str, Fraction], underlying: Mapping[str, str]) -> dict[str, Fraction]:
        return {name: price * exact.get(underlying[name], 1) for name, price in prices.items()}

    of = {name: item.underlying for name, item in market.instruments.items()}
    after = replace(
        market,
        spot=scaled(market.spot, of),
        mark=scaled(market.mark, of),
        index=scaled(market.index, {name: name for name in market.index}),
        forward={key: price * exact.get(key[0], 1) for key, price in market.forward.items()},
        volatility={name: value * stress for name, value in market.volatility.items()},
    )
    options = [item for item in market.contracts if item.kind == "option"]
    marks = {item.name: _remark(market, after, item, interest) for item in options}
    after = replace(after, mark={**after.mark, **marks})
    change = {name: after.mark[name] / market.mark[name] for name in market.depth if market.mark[name]}
    depth = {name: levels.scaled(change.get(name, Fraction(1))) for name, levels in market.depth.items()}
    return replace(after, depth=depth)


def ladder(
    policy: Policy,
    market: Market,
    book_id: str,
    portfolios: Portfolios,
    underlying: str,
    moves: Sequence[float],
) -> tuple[Floats, Floats]:
    """Return (equity, requirement) by the book's formula, shapes (len(moves), P), after moves of an underlying.

    Raise UsageError for a book whose model requires nothing.
    """
    interest = policy.books[book_id].interest
    markets = [move_market(market, {underlying: move}, interest=interest) for move in moves]
    found = [with_liquidity(moved, formula_of(policy, moved, book_id), portfolios) for moved in markets]
    return np.array([item.equity for item in found]), np.array([item.requirement for item in found])


def _remark(market: Market, after: Market, option: Instrument, interest: Fraction) -> Fraction:
    """Return an option's new mark in its settlement asset: moved by the change of its Black-76 value."""
    before = market.mark[option.name] * market.spot[option.settlement]
    change = _black(after, option, interest) - _black(market, option, interest)
    return max(Fraction(0), before + change) / after.spot[option.settlement]


def _black(market: Market, option: Instrument, interest: Fraction) -> Fraction:
    """Return the Black-76 value of one option in quote, without lot and multiplier."""
    forward, strike = option_terms(market, option)
    years = years_between(market.time, option.expiry) if option.expiry else 0.0
    price = black76(
        np.array([float(forward)]),
        np.array([float(strike)]),
        np.array([float(market.volatility.get(option.name, 0))]),
        np.array([years]),
        float(interest),
        np.array([option.right == "call"]),
    )
    return Fraction(float(price[0]))
