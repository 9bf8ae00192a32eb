"""Black-76 prices of options, and the one place where floats end.

    call = df (F N(d1) - K N(d2))      put = df (K N(-d2) - F N(-d1))
    d1 = (ln(F / K) + v^2 T / 2) / (v sqrt T)      d2 = d1 - v sqrt T      df = exp(-r T)

Source: F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976), eq. 16.

Prices are float64: two machines may differ in the last bits. `floor_pnl` turns a price change into an integer
number of units so large that such a difference moves it by one at most, and `Pnl` lets that integer stand for
[v, v + 1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from zkmargin.errors import PolicyError

Floats = npt.NDArray[np.float64]

YEAR = timedelta(days=365)  # ACT/365
FINEST_UNIT = Fraction(1, 10**9)  # quote currency per lot
_UNIT_PER_NOTIONAL = Fraction(1, 10**14)  # some 45 units in the last place of a float64 price
_ERFC = np.frompyfunc(math.erfc, 1, 1)


def black76(
    forward: Floats,
    strike: Floats,
    volatility: Floats,
    years: Floats,
    rate: float,
    call: npt.NDArray[np.bool_],
) -> Floats:
    """Price options on a forward; arguments broadcast (options x scenarios).

    `forward` and `strike` in quote currency, >= 0 and > 0; `volatility` per square root of a year, >= 0;
    `years` > 0, or <= 0 at and after expiry, where the price is the intrinsic value without discount; `rate`
    continuous, per year.
    """
    live = np.maximum(years, 0.0)
    deviation = volatility * np.sqrt(live)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        d1 = d1_of(forward, strike, deviation)
        d2 = d1 - deviation
        sign = np.where(call, 1.0, -1.0)
        value = sign * (forward * _normal_cdf(sign * d1) - strike * _normal_cdf(sign * d2))
        intrinsic = np.maximum(sign * (forward - strike), 0.0)
        # without deviation d1 is infinite or 0/0; with forward 0 it is -infinity, which the formula survives
        return np.asarray(np.exp(-rate * live) * np.where(deviation > 0, np.maximum(value, 0.0), intrinsic))


def black76_delta(
    forward: Floats,
    strike: Floats,
    volatility: Floats,
    years: Floats,
    rate: float,
    call: npt.NDArray[np.bool_],
) -> Floats:
    """Return the change of `black76` per unit of the forward: df N(d1) of a call, -df N(-d1) of a put.

    Shapes and ranges as there, `years` > 0. Source: Black (1976), the derivative of eq. 16.
    """
    deviation = volatility * np.sqrt(years)
    with np.errstate(divide="ignore", invalid="ignore"):
        d1 = np.where(deviation > 0, d1_of(forward, strike, deviation), _sided(forward - strike))
    sign = np.where(call, 1.0, -1.0)
    return np.asarray(sign * np.exp(-rate * years) * _normal_cdf(sign * d1))


def d1_of(forward: Floats, strike: Floats, deviation: Floats) -> Floats:
    """Return d1 of options with deviation = v sqrt T, not finite where that or the forward is 0."""
    return np.asarray(np.log(forward / strike) / deviation + deviation / 2)


def _sided(difference: Floats) -> Floats:
    """Return infinity with the sign of a difference: d1 without deviation; 0 at the strike."""
    return np.where(difference == 0, 0.0, np.copysign(np.inf, difference))


def _normal_cdf(x: Floats) -> Floats:
    """Return the standard normal distribution; erfc keeps the relative precision of the lower tail."""
    return 0.5 * np.asarray(_ERFC(-x / math.sqrt(2.0)), dtype=np.float64)


def years_between(start: datetime, end: datetime) -> float:
    """Return ACT/365 years from `start` to `end`, negative if `end` is earlier."""
    return (end - start) / YEAR


def inexact_unit(lot_notional: Fraction) -> Fraction:
    """Return the unit of an option's P&L: 1e-9 quote per lot, or the power of ten that float64 can tell
    apart.

    `lot_notional`: the larger of forward and strike, times what a lot multiplies it by.
    """
    unit = FINEST_UNIT
    while unit < lot_notional * _UNIT_PER_NOTIONAL:
        unit *= 10
    return unit


def relative_unit(lot_notional: Fraction) -> Fraction:
    """Return the finest power of ten that float64 can tell apart, however small a lot is; `lot_notional` > 0."""
    unit = Fraction(1)
    while unit < lot_notional * _UNIT_PER_NOTIONAL:
        unit *= 10
    while unit / 10 >= lot_notional * _UNIT_PER_NOTIONAL:
        unit /= 10
    return unit


def floor_pnl(
    name: str, change: Sequence[float], factors: Sequence[Fraction], unit: Fraction
) -> tuple[int, ...]:
    """Return floor(change x factor / unit) for each scenario: floats end here.

    The float is taken as the exact number that it is; only this floor rounds. `factors`: lot x multiplier x
    scenario weight. Raise PolicyError where a price is infinite or not a number.
    """
    if not all(map(math.isfinite, change)):
        raise PolicyError(
            "option-price", f"the scenario prices of {name} are not finite", hint="check its inputs"
        )
    return tuple(
        math.floor(Fraction(float(value)) * factor / unit)
        for value, factor in zip(change, factors, strict=True)
    )
