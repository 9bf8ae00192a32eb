"""Greeks of one lot in quote currency, for relative moves: the public numbers of the model "sensitivities".

    delta = F dV/dF      gamma = F^2 d2V/dF2      vega = sigma dV/dsigma        P&L = delta r + gamma r^2 / 2 + vega s

for a price move r and a volatility move s, both relative. Options: Black-76, of which these are the derivatives
(F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976)); everything else is exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from zkmargin.inputs.market import Instrument, Market
from zkmargin.inputs.policy import BookPolicy
from zkmargin.risk.entries import Pnl
from zkmargin.risk.pricing import Floats, black76_delta, d1_of, floor_pnl, inexact_unit, years_between
from zkmargin.risk.scenarios import common_unit, expired, option_terms
from zkmargin.risk.valuation import lot_value

Greeks = tuple[Fraction, Fraction, Fraction]
ZERO = Fraction(0)
SECOND = timedelta(seconds=1)


def black76_greeks(
    forward: Floats,
    strike: Floats,
    volatility: Floats,
    years: Floats,
    rate: float,
    call: npt.NDArray[np.bool_],
) -> Floats:
    """Return (delta, gamma, vega) for relative moves, shape (3, options); every argument positive."""
    deviation = volatility * np.sqrt(years)
    d1 = d1_of(forward, strike, deviation)
    density = np.exp(-rate * years - d1 * d1 / 2) / math.sqrt(2 * math.pi)
    delta = black76_delta(forward, strike, volatility, years, rate, call)
    return np.asarray(forward * np.array([delta, density / deviation, density * deviation]))


def asset_greeks(market: Market, asset: str) -> Greeks:
    """Return the exact Greeks of one lot of an asset held."""
    return market.instruments[asset].lot * market.spot[asset], ZERO, ZERO


def contract_greeks(market: Market, contract: Instrument) -> Greeks:
    """Return the exact Greeks of a perpetual or future; an inverse one keeps its value in quote.

    A linear one that settles in its own underlying is worth price x price: both move.
    """
    value = ZERO if contract.inverse else lot_value(market, contract)
    return (2 * value, 2 * value, ZERO) if contract.settlement == contract.underlying else (value, ZERO, ZERO)


def expired_greeks(market: Market, option: Instrument) -> Greeks:
    """Return the exact Greeks of an option at or after its expiry: of its forward if it is in the money."""
    forward, strike = option_terms(market, option)
    sign = 1 if option.right == "call" else -1
    delta = sign * option.lot * option.multiplier * forward if sign * (forward - strike) > 0 else ZERO
    return delta, ZERO, ZERO


def sensitivity_pnl(
    book: BookPolicy, market: Market, contracts: Sequence[Instrument], assets: Sequence[str]
) -> dict[str, Pnl]:
    """Return delta, gamma and vega of every contract and asset, floored where they pass through floats."""
    live = [item for item in contracts if item.kind == "option" and not expired(market, item)]
    exact = {asset: asset_greeks(market, asset) for asset in assets}
    for item in contracts:
        if item.kind != "option":
            exact[item.name] = contract_greeks(market, item)
        elif item not in live:
            exact[item.name] = expired_greeks(market, item)
    pnl = {}
    for name, values in exact.items():
        unit = common_unit(values)
        pnl[name] = Pnl(unit, tuple(int(value / unit) for value in values), exact=True)
    return pnl | {item.name: _option(book, market, item) for item in live}


def _option(book: BookPolicy, market: Market, option: Instrument) -> Pnl:
    """Return an option's Greeks in a unit so large that float64 noise moves them by one at most."""
    forward, strike = option_terms(market, option)
    volatility, expiry = market.volatility[option.name], option.expiry or market.time
    years = years_between(market.time, expiry)
    f, k, sigma, t = (np.array([float(value)]) for value in (forward, strike, volatility, years))
    greeks = black76_greeks(f, k, sigma, t, float(book.interest), np.array([option.right == "call"]))[:, 0]
    size = option.lot * option.multiplier
    steepest = max(
        Fraction(1), 1 / Fraction(float(volatility) * math.sqrt(years))
    )  # it multiplies the noise too
    unit = inexact_unit(size * max(forward, strike) * steepest**2)
    return Pnl(unit, floor_pnl(option.name, greeks.tolist(), [size] * 3, unit), exact=False)


def days_to_expiry(market: Market, option: Instrument) -> Fraction:
    """Return the exact days from the prices' time to an option's expiry, 0 after it."""
    left = (option.expiry or market.time) - market.time
    return max(ZERO, Fraction(left // SECOND, 24 * 3600))
