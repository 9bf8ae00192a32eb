"""Scenarios: what a price or volatility move does to the value of one lot.

Price moves multiply spot, marks and forwards of an underlying alike; every amount in an asset is valued at
the asset's shocked price. Everything but unexpired options is revalued exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from zkmargin import limits
from zkmargin.errors import PolicyError
from zkmargin.inputs.market import Instrument, Market
from zkmargin.inputs.policy import BookPolicy
from zkmargin.risk.pricing import black76, floor_pnl, inexact_unit, years_between
from zkmargin.risk.shocks import (
    Factors,
    floats,
    measures,
    noise,
    price_factors,
    scenario_weights,
    stressed_volatilities,
    weighted,
)

MOST_DENOMINATOR = 10 ** (2 * limits.MAX_DECIMAL_DIGITS)


def asset_pnl(book: BookPolicy, market: Market, asset: str) -> Factors:
    """Return the exact P&L in quote of one lot of an asset held, per scenario."""
    value = market.instruments[asset].lot * market.spot[asset]
    moves = zip(price_factors(book, asset, linear=True), measures(book, linear=True), strict=True)
    moved = asset if asset in book.price_range else book.settlement  # the quote asset, measured in a coin
    return weighted(book, moved, [value * (price / measure - 1) for price, measure in moves])


def contract_pnl(book: BookPolicy, market: Market, contract: Instrument) -> Factors:
    """Return the exact P&L in quote of one lot of a perpetual or dated future held long, per scenario.

    Linear: m p' s' - m p s; inverse: -(m / p') s' + (m / p) s; with mark p, settlement price s, multiplier m.
    An inverse contract settled in its own underlying keeps its value in quote: its risk is in the entry cost.
    """
    mark, settlement = market.mark[contract.name], market.spot[contract.settlement]
    size = contract.lot * contract.multiplier * settlement
    prices, settled = (
        price_factors(book, asset, linear=True) for asset in (contract.underlying, contract.settlement)
    )
    moves = [(p, s / m) for p, s, m in zip(prices, settled, measures(book, linear=True), strict=True)]
    if not contract.inverse:
        return weighted(
            book, contract.underlying, [size * mark * (price * paid - 1) for price, paid in moves]
        )
    changes = []
    for price, paid in moves:
        if price == 0:
            raise PolicyError(
                "scenario-price",
                f"book {book.id}: a scenario takes the price of {contract.underlying} to 0, where the inverse"
                f" contract {contract.name} has no value",
                hint="lower its price_range",
            )
        changes.append(-size / mark * (paid / price - 1))
    return weighted(book, contract.underlying, changes)


def expired(market: Market, option: Instrument) -> bool:
    """Whether an option is at or after its expiry, where it is worth its intrinsic value."""
    return option.expiry is not None and option.expiry <= market.time


def intrinsic_pnl(book: BookPolicy, market: Market, option: Instrument) -> Factors:
    """Return the exact P&L in quote of one lot of an expired option, per scenario."""
    forward, strike = option_terms(market, option)

    def intrinsic(price: Fraction) -> Fraction:
        return max(price - strike if option.right == "call" else strike - price, Fraction(0))

    size = option.lot * option.multiplier
    moves = zip(price_factors(book, option.underlying), measures(book), strict=True)
    changes = [size * (intrinsic(forward * price) / measure - intrinsic(forward)) for price, measure in moves]
    return weighted(book, option.underlying, changes)


def option_pnl(
    book: BookPolicy, market: Market, options: Sequence[Instrument]
) -> list[tuple[Fraction, tuple[int, ...]]]:
    """Return (unit, floored P&L per scenario) of one lot of each unexpired option, all priced at once."""
    if not options:
        return []
    terms = [option_terms(market, option) for option in options]
    forward = np.array([[float(forward)] for forward, _ in terms])
    strike = np.array([[float(strike)] for _, strike in terms])
    volatility = np.array([[float(market.volatility[option.name])] for option in options])
    years = np.array([[years_between(market.time, option.expiry or market.time)] for option in options])
    call = np.array([[option.right == "call"] for option in options])
    moves = {name: floats(price_factors(book, name)) for name in {option.underlying for option in options}}
    shocked = forward * np.array([moves[option.underlying] for option in options])
    stressed = np.array(
        [
            stressed_volatilities(book, option.underlying, float(sigma), float(time))
            for option, (sigma,), (time,) in zip(options, volatility, years, strict=True)
        ]
    )
    rate = float(book.interest)
    after = black76(shocked, strike, stressed, years, rate, call) / np.array([floats(measures(book))])
    change = after - black76(forward, strike, volatility, years, rate, call)
    out = []
    for option, (future, exercise), row in zip(options, terms, change, strict=True):
        size, weights = option.lot * option.multiplier, scenario_weights(book, option.underlying)
        unit = inexact_unit(size * max(future, exercise) * noise(book, option.underlying))
        factors = [size * weight for weight in weights]
        out.append((unit, floor_pnl(option.name, row.tolist(), factors, unit)))
    return out


def option_terms(market: Market, option: Instrument) -> tuple[Fraction, Fraction]:
    """Return (forward, strike) of an option, in quote. Raise PolicyError for an option without them."""
    if option.expiry is None or option.strike is None:
        raise PolicyError("instrument", f"the option {option.name} has no expiry or no strike")
    return market.forward[option.underlying, option.expiry], option.strike


def common_unit(values: Sequence[Fraction]) -> Fraction:
    """Return the largest number of which all values are whole multiples; 1 if all are zero.

    Raise PolicyError if it needs more digits than a risk table holds.
    """
    numerator = math.gcd(*(value.numerator for value in values))
    denominator = 1
    for value in values:
        denominator = math.lcm(denominator, value.denominator)
        if denominator > MOST_DENOMINATOR:  # it would grow with the number of scenarios
            raise PolicyError(
                "scenario-digits",
                "the scenarios' P&L has more digits than a risk table holds",
                hint="write price ranges, moves and weights with fewer digits",
            )
    return Fraction(numerator, denominator) if numerator else Fraction(1)
