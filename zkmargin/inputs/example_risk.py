"""Rough sizes and requirements with which the example's accounts are given enough collateral, or too little.

Floats throughout: nothing of this is published, only the lots that follow from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from zkmargin.inputs.example_market import black_76, years_to
from zkmargin.inputs.market import Instrument, Market

PRICE_RANGE = {"BTC": 0.16, "ETH": 0.18}  # as in the example's policy
VOLATILITY_RANGE, SHORT_OPTION_MINIMUM = 0.5, 0.005
_MOVES = [(thirds / 3, sign) for thirds in range(-3, 4) for sign in (1, -1)]


class Sizes:
    """What lots are worth and what portfolios may lose, in quote currency."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._loss = {item.name: _losses(market, item) for item in market.contracts}
        self._value = {item.name: float(_lot_value(market, item)) for item in market.contracts}

    def notional(self, item: Instrument) -> float:
        """Return the value of the underlying of one lot."""
        size = item.lot * item.multiplier
        return float(size if item.inverse else size * self._market.index[item.underlying])

    def lots(self, asset: str, value: float) -> int:
        """Return how many lots of an asset are worth about `value`."""
        return round(value / float(self._market.spot[asset] * self._market.instruments[asset].lot))

    def worth(self, asset: str, lots: int) -> float:
        """Return the value of lots of an asset."""
        return float(lots * self._market.instruments[asset].lot * self._market.spot[asset])

    def estimate(self, positions: Mapping[str, int], costs: Mapping[str, int]) -> tuple[float, float]:
        """Return roughly the requirement of positions, and what they are worth less their cost."""
        scans = {asset: np.zeros(len(_MOVES)) for asset in PRICE_RANGE}
        minimum = value = 0.0
        for name, lots in positions.items():
            item = self._market.instruments[name]
            scans[item.underlying] += lots * self._loss[name]
            value += lots * self._value[name] - self.worth(item.settlement, costs[name])
            if item.kind == "option" and lots < 0:
                minimum += SHORT_OPTION_MINIMUM * -lots * self.notional(item)
        return max(sum(float(scan.max(initial=0)) for scan in scans.values()), minimum), value


def _lot_value(market: Market, item: Instrument) -> Fraction:
    mark, settlement = market.mark[item.name], market.spot[item.settlement]
    return item.lot * item.multiplier * (-1 / mark if item.inverse else mark) * settlement


def _losses(market: Market, item: Instrument) -> npt.NDArray[np.float64]:
    """Loss of one lot held long under each move of price and volatility."""
    moves = [(price * PRICE_RANGE[item.underlying], sign * VOLATILITY_RANGE) for price, sign in _MOVES]
    size = float(item.lot * item.multiplier)
    if item.kind == "option":
        return np.array([-size * _option_gain(market, item, *move) for move in moves])
    # An inverse contract is a constant in quote, and what it cost, in coins, moves instead.
    exposure = size if item.inverse else float(_lot_value(market, item))
    return np.array([-exposure * price for price, _ in moves])


def _option_gain(market: Market, item: Instrument, price: float, volatility: float) -> float:
    if item.expiry is None or item.strike is None or item.right is None:
        raise ValueError(item.name)
    forward, strike = float(market.forward[item.underlying, item.expiry]), float(item.strike)
    years, sigma = years_to(item.expiry), float(market.volatility[item.name])
    shocked = black_76(item.right, forward * (1 + price), strike, years, sigma * (1 + volatility))
    return shocked - black_76(item.right, forward, strike, years, sigma)
