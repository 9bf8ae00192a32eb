"""Risk-table entries of the model "derive-pm2": where its floats end.

`pnl` of an option is the VALUE of one lot in each scenario, before the static discount, and after spot moves up and
down for the basis contingency; of the perpetual and of collateral that hedges it is the change of a lot's value, before
damping. `factors` are the discounts of every expiry. What is not exact stands for [v, v + 1) units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from zkmargin.errors import PolicyError
from zkmargin.inputs.eligibility import may_hold
from zkmargin.inputs.market import Instrument, Market, time_text
from zkmargin.inputs.models.derive_pm2 import DerivePm2
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.risk.derive.market import Pm2Market, market_expiries, market_options
from zkmargin.risk.derive.pm2_pricing import Pm2Prices, pm2_prices
from zkmargin.risk.entries import BookRisk, Pnl, RiskUnit
from zkmargin.risk.pricing import floor_pnl, relative_unit
from zkmargin.risk.scenarios import common_unit
from zkmargin.risk.valuation import lot_value

BASIS_UP, BASIS_DOWN = "basis up", "basis down"
FACTOR_UNIT = Fraction(1, 10**12)


def pm2_options(book: BookPolicy, market: Market) -> list[Instrument]:
    """Return the options that a book margins, in circuit order."""
    return [item for item in market.contracts if item.kind == "option" and may_hold(book, item)]


def book_market(book: BookPolicy, market: Market) -> Pm2Market:
    """Return options and expiries of a book's underlying as the engine takes them, with its spot and peg."""
    parameters, options = book.own(DerivePm2), pm2_options(book, market)
    expiries = market_expiries(market, options)
    return Pm2Market(
        spot=float(market.index[parameters.underlying]),
        expiries=tuple(expiries.values()),
        options=market_options(market, options, expiries),
    )


def long_factor(expiry: str) -> str:
    """Name of the discount of an expiry's value above 0."""
    return f"discount.long[{expiry}]"


def short_factor(expiry: str) -> str:
    """Name of the discount of an expiry's value below 0."""
    return f"discount.short[{expiry}]"


def pm2_risk(policy: Policy, book: BookPolicy, market: Market) -> BookRisk:
    """Return what a book's options are worth in every scenario, discounts, and the P&L of what moves with spot."""
    parameters, options = book.own(DerivePm2), pm2_options(book, market)
    prices = pm2_prices(parameters.numbers, book_market(book, market))
    values = np.vstack([prices.shocked, prices.basis])
    _refuse_infinite(book, values, prices.long, prices.short)
    names = tuple(scenario.name for scenario in parameters.numbers.scenarios)
    pnl = {option.name: _value(option, values[:, i]) for i, option in enumerate(options)}
    moving = [item for item in market.contracts if item.kind == "perpetual" and may_hold(book, item)]
    moving += [market.instruments[asset] for asset in parameters.hedges]
    pnl |= {item.name: _change(parameters, market, item) for item in moving}
    unit = RiskUnit(
        parameters.underlying,
        tuple(item.name for item in market.contracts if item.name in pnl),
        tuple(asset for asset in market.assets if asset in parameters.hedges),
    )
    factors = _discounts(prices, [time_text(at) for at in market_expiries(market, options)])
    return BookRisk(book.id, (*names, BASIS_UP, BASIS_DOWN), (unit,), pnl, factors=factors)


def _refuse_infinite(book: BookPolicy, *numbers: npt.NDArray[np.float64]) -> None:
    if not all(np.isfinite(each).all() for each in numbers):
        message = f"book {book.id}: a scenario price or a static discount is not finite"
        raise PolicyError("option-price", message, hint="check rates, shocks and discounts")


def _value(option: Instrument, values: npt.NDArray[np.float64]) -> Pnl:
    size = option.lot * option.multiplier
    unit = relative_unit(size * max(Fraction(float(values.max(initial=0.0))), option.strike or Fraction(0)))
    return Pnl(unit, floor_pnl(option.name, values.tolist(), [size] * len(values), unit), exact=False)


def _change(parameters: DerivePm2, market: Market, item: Instrument) -> Pnl:
    """Return the exact change of a lot's value in every scenario, and under the two basis moves."""
    numbers = parameters.numbers
    spots = [scenario.spot for scenario in numbers.scenarios] + [
        numbers.basis.spot_up,
        numbers.basis.spot_down,
    ]
    changes = [lot_value(market, item) * (spot - 1) for spot in spots]
    unit = common_unit(changes)
    return Pnl(unit, tuple(int(change / unit) for change in changes), exact=True)


def _discounts(prices: Pm2Prices, expiries: Sequence[str]) -> dict[str, Pnl]:
    out = {}
    for i, expiry in enumerate(expiries):
        out[long_factor(expiry)] = _factor(float(prices.long[i]))
        out[short_factor(expiry)] = _factor(float(prices.short[i]))
    return out


def _factor(value: float) -> Pnl:
    """Return a discount in whole units: exact after expiry, where it is 1."""
    return Pnl(FACTOR_UNIT, (math.floor(Fraction(value) / FACTOR_UNIT),), exact=value == 1.0)
