"""Liquidity add-ons in floats: order books walked level by level, power laws as they stand."""

from __future__ import annotations

import numpy as np

from zkmargin.inputs.liquidity import Cost, PowerCost, cost_of
from zkmargin.inputs.market import Instrument, Market, lot_notional
from zkmargin.margin.portfolios import Floats, Holdings, Portfolios
from zkmargin.risk.liquidity import Curve, closing_curve


def liquidity_cost(market: Market, rules: Holdings, portfolios: Portfolios) -> Floats:
    """Return what closing every position costs in quote, shape (P,)."""
    total = np.zeros(len(portfolios))
    for column, name in enumerate(rules.instruments):
        cost = cost_of(rules.book.liquidity, name)
        if cost is not None:
            lots = portfolios.positions[:, column] / rules.lot[column]
            total += _cost(market, market.instruments[name], cost, lots)
    return total


def _cost(market: Market, contract: Instrument, cost: Cost, lots: Floats) -> Floats:
    if isinstance(cost, PowerCost):
        size = np.abs(lots) * float(lot_notional(market, contract)) / float(cost.reference)
        return np.asarray(float(cost.rate * cost.reference) * size ** float(cost.power))
    sides = ((np.maximum(lots, 0), True), (np.maximum(-lots, 0), False))
    return np.asarray(
        sum(_walked(closing_curve(market, contract, cost, long=long), held) for held, long in sides)
    )


def _walked(curve: Curve, lots: Floats) -> Floats:
    """Take from each level what it holds."""
    starts = [float(start) for start, _ in curve] + [np.inf]
    parts = (
        float(cost) * np.clip(lots - start, 0.0, end - start)
        for (_, cost), start, end in zip(curve, starts, starts[1:], strict=False)
    )
    return np.asarray(sum(parts))
