"""The public part of Derive's portfolio margin: every price, discount and factor, before any account.

Source: derivexyz/v2-core, `PMRMLib_2.sol`: _getExpiryShockedMTM, _getExpirySkewedShockedMTM, _addVolShocks,
_addStaticDiscount, _addBasisContingency. After expiry nothing is discounted: so the published cases, where
the contract still applies the base discount to what is held long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zkmargin.inputs.models.pm2_numbers import (
    Pm2Parameters,
    Pm2Scenario,
    SkewShock,
    StaticDiscount,
    VolatilityMove,
    VolatilityShock,
)
from zkmargin.risk.derive.market import Pm2Market
from zkmargin.risk.pricing import black76

Floats = npt.NDArray[np.float64]

_TERM = 30.0  # days: reference term of the volatility shock, and where its power changes


@dataclass(frozen=True)
class Pm2Prices:
    """Prices of S scenarios, O options and E expiries, undiscounted.

    `mark` (O,), `shocked` (S, O), `basis` (2, O): up and down; `long`, `short`: discounts of an expiry's value
    above and below 0 (E,); `basis_factor` (E,).
    """

    mark: Floats
    shocked: Floats
    basis: Floats
    long: Floats
    short: Floats
    basis_factor: Floats


def pm2_prices(parameters: Pm2Parameters, market: Pm2Market) -> Pm2Prices:
    """Price every option in every scenario with Black-76; numbers out of proportion give what is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return _priced(parameters, _OptionPricing(market))


def _priced(parameters: Pm2Parameters, pricing: _OptionPricing) -> Pm2Prices:
    rules = parameters.basis
    long, short = static_discounts(parameters.discount, pricing.years, pricing.rate)
    return Pm2Prices(
        mark=pricing.prices(1.0, pricing.volatility),
        shocked=np.array([_shocked(pricing, parameters, s) for s in parameters.scenarios]),
        basis=np.array(
            [pricing.prices(float(spot), pricing.volatility) for spot in (rules.spot_up, rules.spot_down)]
        ),
        long=long,
        short=short,
        basis_factor=float(rules.addition) + float(rules.multiplier) * pricing.years,
    )


def _shocked(pricing: _OptionPricing, parameters: Pm2Parameters, scenario: Pm2Scenario) -> Floats:
    if scenario.skewed:
        skew = skew_multiplier(
            parameters.skew,
            pricing.option_years,
            pricing.log_moneyness,
            absolute=scenario.volatility == "abs",
        )
        return pricing.prices(1.0, pricing.volatility * skew)
    volatility = shocked_volatility(
        parameters.volatility, pricing.option_years, pricing.volatility, scenario.volatility
    )
    return pricing.prices(float(scenario.spot), volatility)


class _OptionPricing:
    """A market's options as arrays: `prices` per spot move (as a factor) and volatilities, shape (O,)."""

    def __init__(self, market: Pm2Market) -> None:
        expiry = np.array([option.expiry for option in market.options], dtype=np.intp)
        self.years = np.array([each.years for each in market.expiries])
        self.rate = np.maximum([each.rate for each in market.expiries], 0.0)
        self.option_years = self.years[expiry]
        self.volatility = np.array([option.volatility for option in market.options], dtype=np.float64)
        self._discount = np.exp(-self.rate * self.years)[expiry]
        self._variable = np.array([each.forward_variable for each in market.expiries])[expiry]
        self._fixed = np.array([each.forward_fixed for each in market.expiries])[expiry]
        self._strike = np.array([option.strike for option in market.options], dtype=np.float64)
        self._call = np.array([option.call for option in market.options], dtype=np.bool_)

    @property
    def log_moneyness(self) -> Floats:
        """ln(strike / forward)."""
        return np.asarray(np.log(self._strike / (self._variable + self._fixed)))

    def prices(self, spot: float, volatility: Floats) -> Floats:
        """Return Black-76 prices with the variable part of the forward times `spot`."""
        forward = self._variable * spot + self._fixed
        undiscounted = black76(forward, self._strike, volatility, self.option_years, 0.0, self._call)
        return np.asarray(self._discount * undiscounted)


def volatility_multipliers(shock: VolatilityShock, years: Floats) -> tuple[Floats, Floats]:
    """Return (up, down): 1 + range_up m and max(0, 1 - range_down m), with m = (30 d / max(T, floor))^power."""
    days = years * 365.0
    power = np.where(days <= _TERM, float(shock.short_term_power), float(shock.long_term_power))
    term = (_TERM / np.maximum(days, float(shock.floor_days))) ** power
    return 1.0 + float(shock.range_up) * term, np.maximum(1.0 - float(shock.range_down) * term, 0.0)


def shocked_volatility(
    shock: VolatilityShock, years: Floats, volatility: Floats, move: VolatilityMove
) -> Floats:
    """Return the volatility after a move up (with its minimum), down or none."""
    up, down = volatility_multipliers(shock, years)
    if move == "up":
        return np.maximum(volatility * up, float(shock.minimum_up))
    return volatility * down if move == "down" else volatility


def skew_multiplier(shock: SkewShock, years: Floats, log_moneyness: Floats, *, absolute: bool) -> Floats:
    """Return what a turn of the smile multiplies a volatility by: 1 + k cap / k*, within 1 +- cap, at least 0.

    k: log-moneyness, its size if `absolute`; cap = base + slope sqrt(T);
    k* = max(minimum, sqrt(T) width (static + scale sqrt(T))).
    """
    root = np.sqrt(years)
    base, slope = (shock.abs_cap, shock.abs_slope) if absolute else (shock.linear_cap, shock.linear_slope)
    cap = float(base) + float(slope) * root
    level = float(shock.volatility_static) + float(shock.volatility_scale) * root
    k_star = np.maximum(root * float(shock.width_scale) * level, float(shock.minimum_k_star))
    k = np.abs(log_moneyness) if absolute else log_moneyness
    turn = k * cap / k_star
    bounded = np.where(k >= 0, np.minimum(turn, cap), np.maximum(turn, -cap))
    return np.asarray(np.maximum(1.0 + bounded, 0.0))


def static_discounts(rules: StaticDiscount, years: Floats, rate: Floats) -> tuple[Floats, Floats]:
    """Return (long, short) discounts of every expiry's shocked value; 1 after expiry.

    long = base exp(-T (rate multiplier + addition)); short = min(exp(rate T), base exp(+T (...))).
    """
    long = float(rules.long_base) * np.exp(
        -years * (rate * float(rules.long_multiplier) + float(rules.long_addition))
    )
    short = float(rules.short_base) * np.exp(
        years * (rate * float(rules.short_multiplier) + float(rules.short_addition))
    )
    live = years > 0
    return np.where(live, long, 1.0), np.where(live, np.minimum(np.exp(rate * years), short), 1.0)
