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

Factors = tuple[Fraction, ...]  # one per scenario
MOST_DENOMINATOR = 10 ** (2 * limits.MAX_DECIMAL_DIGITS)


def price_factors(book: BookPolicy, underlying: str) -> Factors:
    """Return the shocked price over the price, per scenario: 1 + move x range, or 1 without a range.

    Raise PolicyError where a price would become negative.
    """
    span = book.price_range.get(underlying, Fraction(0))
    factors = tuple(1 + scenario.price_move(underlying, span) for scenario in book.scenarios)
    for scenario, factor in zip(book.scenarios, factors, strict=True):
        if factor < 0:
            raise PolicyError(
                "scenario-price",
                f"book {book.id}: scenario {scenario.name} makes the price of {underlying} negative",
                actual=factor,
                hint="lower its price_range or the scenario's price move",
            )
    return factors


def volatility_factors(book: BookPolicy, underlying: str) -> Factors:
    """Return sigma' / sigma per scenario: 1 + move x volatility_range; raise PolicyError below 0."""
    span = book.volatility_range
    factors = tuple(1 + scenario.volatility_move(underlying, span) for scenario in book.scenarios)
    for scenario, factor in zip(book.scenarios, factors, strict=True):
        if factor < 0:
            raise PolicyError(
                "scenario-volatility",
                f"book {book.id}: scenario {scenario.name} makes volatilities negative",
                actual=factor,
                hint="lower volatility_range or the scenario's volatility move",
            )
    return factors


def weighted(book: BookPolicy, changes: Sequence[Fraction]) -> Factors:
    """Multiply each scenario's P&L by its weight."""
    return tuple(scenario.weight * change for scenario, change in zip(book.scenarios, changes, strict=True))


def asset_pnl(book: BookPolicy, market: Market, asset: str) -> Factors:
    """Return the exact P&L in quote of one lot of an asset held, per scenario."""
    value = market.instruments[asset].lot * market.spot[asset]
    return weighted(book, [value * (factor - 1) for factor in price_factors(book, asset)])


def contract_pnl(book: BookPolicy, market: Market, contract: Instrument) -> Factors:
    """Return the exact P&L in quote of one lot of a perpetual or dated future held long, per scenario.

    Linear: m p' s' - m p s; inverse: -(m / p') s' + (m / p) s; with mark p, settlement price s, multiplier m.
    An inverse contract settled in its own underlying keeps its value in quote: its risk is in the entry cost.
    """
    mark, settlement = market.mark[contract.name], market.spot[contract.settlement]
    size = contract.lot * contract.multiplier * settlement
    moves = zip(
        price_factors(book, contract.underlying), price_factors(book, contract.settlement), strict=True
    )
    if not contract.inverse:
        return weighted(book, [size * mark * (price * paid - 1) for price, paid in moves])
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
    return weighted(book, changes)


def expired(market: Market, option: Instrument) -> bool:
    """Whether an option is at or after its expiry, where it is worth its intrinsic value."""
    return option.expiry is not None and option.expiry <= market.time


def intrinsic_pnl(book: BookPolicy, market: Market, option: Instrument) -> Factors:
    """Return the exact P&L in quote of one lot of an expired option, per scenario."""
    forward, strike = option_terms(market, option)

    def intrinsic(price: Fraction) -> Fraction:
        return max(price - strike if option.right == "call" else strike - price, Fraction(0))

    size = option.lot * option.multiplier
    factors = price_factors(book, option.underlying)
    return weighted(book, [size * (intrinsic(forward * f) - intrinsic(forward)) for f in factors])


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
    moves = {name: _floats(price_factors(book, name)) for name in {option.underlying for option in options}}
    shocked = forward * np.array([moves[option.underlying] for option in options])
    stresses = {name: _floats(volatility_factors(book, name)) for name in moves}
    stressed = volatility * np.array([stresses[option.underlying] for option in options])
    rate = float(book.interest)
    change = black76(shocked, strike, stressed, years, rate, call) - black76(
        forward, strike, volatility, years, rate, call
    )
    heaviest = max(
        [Fraction(1), *(scenario.weight for scenario in book.scenarios)]
    )  # it multiplies the noise too
    out = []
    for option, (future, exercise), row in zip(options, terms, change, strict=True):
        size = option.lot * option.multiplier
        unit = inexact_unit(size * max(future, exercise) * heaviest)
        factors = [size * scenario.weight for scenario in book.scenarios]
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


def _floats(values: Sequence[Fraction]) -> list[float]:
    return [float(value) for value in values]
