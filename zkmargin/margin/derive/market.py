"""What Derive's margin rules know of a market: one underlying, its options, perpetual and collateral.

Money in quote currency, times in seconds, confidences of price feeds in [0, 1], all float64.
"""

from __future__ import annotations

from dataclasses import dataclass

SETTLEMENT_WINDOW = 1800.0  # seconds before expiry in which the settlement average is taken
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


def settlement_forward(forward: float, average: float, seconds: float) -> tuple[float, float]:
    """Return (variable, fixed) parts of a forward: in the last 30 minutes the average so far is fixed.

    `average`: of the settlement window so far.
    """
    share = min(max(seconds, 0.0) / SETTLEMENT_WINDOW, 1.0)
    return forward * share, average * (1.0 - share)
