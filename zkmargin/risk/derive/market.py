"""What Derive's margin rules know of a market: one underlying, its options, perpetual and collateral.

Money in quote currency, times in seconds, confidences of price feeds in [0, 1], all float64.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import TypeVar, cast

from zkmargin.inputs.market import Instrument, Market

SETTLEMENT_WINDOW = 1800  # seconds before expiry in which the settlement average is taken
YEAR = 365 * 86400.0


@dataclass(frozen=True)
class Expiry:
    """`seconds`: to expiry, 0 at and after it; forward = fixed + variable part; `rate`: continuous, per year.

    `confidence`: the least one of forward, rate and volatilities.
    """

    seconds: float
    forward_variable: float
    forward_fixed: float = 0.0
    rate: float = 0.0
    confidence: float = 1.0

    @property
    def forward(self) -> float:
        """Both parts."""
        return self.forward_variable + self.forward_fixed

    @property
    def years(self) -> float:
        """ACT/365."""
        return self.seconds / YEAR


@dataclass(frozen=True)
class Option:
    """`expiry`: its number in the market's `expiries`; `volatility` per square root of a year."""

    expiry: int
    strike: float
    call: bool
    volatility: float


@dataclass(frozen=True)
class Collateral:
    """Haircuts are shares of the value; `initial_haircut` is added to the other for initial margin.

    `hedges`: its value moves with the spot scenarios (the underlying itself, or a wrapped form of it).
    """

    price: float
    maintenance_haircut: float
    initial_haircut: float
    hedges: bool = False
    confidence: float = 1.0


@dataclass(frozen=True)
class Pm2Market:
    """One underlying at one time. Collateral prices are divided by `stable`, the price of what is owed."""

    spot: float
    expiries: tuple[Expiry, ...] = ()
    options: tuple[Option, ...] = ()
    collaterals: tuple[Collateral, ...] = ()
    perpetual: float = 0.0
    stable: float = 1.0
    spot_confidence: float = 1.0
    perpetual_confidence: float = 1.0


@dataclass(frozen=True)
class SrmUnderlying:
    """One of the underlyings that standard margin adds up; its base asset is a unit of the underlying itself."""

    spot: float
    expiries: tuple[Expiry, ...] = ()
    options: tuple[Option, ...] = ()
    perpetual: float = 0.0
    spot_confidence: float = 1.0
    perpetual_confidence: float = 1.0


Number = TypeVar("Number", float, Fraction)


def settlement_forward(forward: Number, average: Number, seconds: Number) -> tuple[Number, Number]:
    """Return (variable, fixed) parts of a forward: in the last 30 minutes the average so far is fixed.

    `average`: of the settlement window so far.
    """
    left = min(
        max(seconds, 0 * seconds), 0 * seconds + SETTLEMENT_WINDOW
    )  # in the arithmetic of the arguments
    share = left / SETTLEMENT_WINDOW
    return forward * share, average * (1 - share)


def market_expiries(market: Market, options: Sequence[Instrument]) -> dict[datetime, Expiry]:
    """Return the expiries of options on one underlying, in order of time."""
    keys = sorted({(option.expiry, option.underlying) for option in options if option.expiry is not None})
    return {at: _expiry(market, underlying, at) for at, underlying in keys}


def market_options(
    market: Market, options: Sequence[Instrument], expiries: Iterable[datetime]
) -> tuple[Option, ...]:
    """Return options in their order; after expiry the volatility does not matter."""
    number = {at: place for place, at in enumerate(expiries)}
    return tuple(
        Option(
            number[cast(datetime, option.expiry)],
            float(option.strike or 0),
            option.right == "call",
            float(market.volatility.get(option.name, 0)),
        )
        for option in options
    )


def _expiry(market: Market, underlying: str, at: datetime) -> Expiry:
    seconds = max((at - market.time).total_seconds(), 0.0)
    forward, average = market.forward[underlying, at], market.feeds.average(underlying, at)
    fixed_at = float(forward if average is None else average)  # without an average so far, at the forward
    variable, fixed = settlement_forward(float(forward), fixed_at, seconds)
    rate, confidence = market.feeds.rate(underlying, at), market.feeds.confidence(underlying, at)
    return Expiry(seconds, variable, fixed, float(rate), float(confidence))
