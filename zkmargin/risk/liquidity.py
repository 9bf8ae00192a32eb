"""Costs of closing a position, in whole lots: the parameters of a liquidity add-on, for circuit and formula alike.

Prices are public, so the cost of a lot is the difference of two exact values: at the mark, and at the level of the
order book that takes it.
"""

from __future__ import annotations

import math
from fractions import Fraction

from zkmargin.inputs.liquidity import BookCost, PowerCost, RateCost
from zkmargin.inputs.market import Instrument, Market, lot_notional
from zkmargin.risk.valuation import lot_value, value_at

Curve = list[tuple[Fraction, Fraction]]  # (lots from which it holds, cost of a lot in quote), both rising


def closing_curve(market: Market, contract: Instrument, cost: BookCost | RateCost, *, long: bool) -> Curve:
    """Return the exact marginal cost of closing a position of so many lots, from 0 lots on."""
    if isinstance(cost, RateCost):
        notional = lot_notional(market, contract)
        return [(start / notional, rate * notional) for start, rate in cost.rates]
    depth, mark = market.depth[contract.name], lot_value(market, contract)
    levels, sign = (depth.bids, 1) if long else (depth.asks, -1)
    curve, filled, lost = [], Fraction(0), Fraction(0)
    for price, size in levels:
        lost = max(
            lost, sign * (mark - value_at(market, contract, price))
        )  # none at a level better than the mark
        curve.append((filled, lost))
        filled += size / contract.lot
    return [*curve, (filled, max(lost, cost.beyond * abs(mark)))]


def whole_lots(curve: Curve) -> tuple[list[int], list[Fraction]]:
    """Return knots in whole lots, moved down, and costs of a lot: never below the curve.

    Where two knots fall together the later one holds.
    """
    at = {math.floor(start): cost for start, cost in curve}
    return list(at), list(at.values())


def power_coefficient(market: Market, contract: Instrument, cost: PowerCost) -> tuple[Fraction, Fraction]:
    """Return (quote, size of a lot): the law is quote x (size x lots)^power."""
    return cost.rate * cost.reference, lot_notional(market, contract) / cost.reference
