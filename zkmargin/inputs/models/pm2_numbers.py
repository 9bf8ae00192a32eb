"""Numbers of Derive's portfolio margin 2 (PM2); defaults are those of its published test cases.

Source: derivexyz/v2-core, `PMRMLib_2.sol` and the unit tests of `PMRM_2`. An exchange sets its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

VolatilityMove = Literal["up", "none", "down", "linear", "abs"]
SKEWED = ("linear", "abs")


@dataclass(frozen=True)
class Pm2Scenario:
    """`spot`: shocked price over the price; `volatility`: how it moves; `damping`: multiplies the P&L."""

    spot: Fraction
    volatility: VolatilityMove
    damping: Fraction = Fraction(1)

    @property
    def skewed(self) -> bool:
        """Whether the smile is turned, in whichever direction hurts each expiry; options keep their forward."""
        return self.volatility in SKEWED

    @property
    def name(self) -> str:
        """What reports and circuits call it, as `+9/50 up` or `linear`."""
        move = self.spot - 1
        spot = f"{'+' if move > 0 else ''}{move} " if move or not self.skewed else ""
        return f"{spot}{self.volatility}" + (f" x {self.damping}" if self.damping != 1 else "")


@dataclass(frozen=True)
class VolatilityShock:
    """Volatility moves by range x (30 days / time)^power, with a floor on the time and on the raised level."""

    range_up: Fraction = Fraction("0.5")
    range_down: Fraction = Fraction("0.275")
    minimum_up: Fraction = Fraction("0.45")
    short_term_power: Fraction = Fraction("0.3")
    long_term_power: Fraction = Fraction("0.13")
    floor_days: Fraction = Fraction(1)


@dataclass(frozen=True)
class SkewShock:
    """The smile turns by at most cap = base + slope sqrt(T), reached at log-moneyness k*."""

    linear_cap: Fraction = Fraction("0.15")
    linear_slope: Fraction = Fraction("-0.05")
    abs_cap: Fraction = Fraction("0.15")
    abs_slope: Fraction = Fraction("-0.05")
    minimum_k_star: Fraction = Fraction("0.01")
    width_scale: Fraction = Fraction(4)
    volatility_static: Fraction = Fraction("0.6")
    volatility_scale: Fraction = Fraction("-0.1")


@dataclass(frozen=True)
class StaticDiscount:
    """Discount of an expiry's shocked value: base x exp(-T (rate x multiplier + addition)), or over it."""

    long_base: Fraction = Fraction("0.95")
    long_multiplier: Fraction = Fraction(1)
    long_addition: Fraction = Fraction("0.08")
    short_base: Fraction = Fraction("1.04")
    short_multiplier: Fraction = Fraction("0.5")
    short_addition: Fraction = Fraction("0.08")


@dataclass(frozen=True)
class BasisContingency:
    """Loss of each expiry alone at two spot moves, times addition + multiplier x T."""

    spot_up: Fraction = Fraction("1.045")
    spot_down: Fraction = Fraction("0.955")
    addition: Fraction = Fraction("0.5")
    multiplier: Fraction = Fraction(2)


@dataclass(frozen=True)
class OtherContingency:
    """Rates on notional; `*_initial` are added for initial margin. Below thresholds: peg and oracle charges."""

    perpetual: Fraction = Fraction("0.015")
    perpetual_initial: Fraction = Fraction("0.005")
    option: Fraction = Fraction("0.003")
    option_initial: Fraction = Fraction("0.002")
    peg_threshold: Fraction = Fraction("0.98")
    peg_factor: Fraction = Fraction(2)
    confidence_threshold: Fraction = Fraction("0.55")
    confidence_factor: Fraction = Fraction(1)


def spot_ladder(steps: Sequence[str], tails: Sequence[tuple[str, str]]) -> tuple[Pm2Scenario, ...]:
    """Return the scenarios of moves +-steps (the widest with volatility up only), tails and both skews.

    `tails`: (move, damping), with volatility up.
    """
    widest, *inner = [Fraction(step) for step in steps]
    moves = [*inner, Fraction(0), *(-step for step in reversed(inner))]
    grid = [Pm2Scenario(1 + move, volatility) for move in moves for volatility in _EVERY_DIRECTION]
    far = [Pm2Scenario(1 + Fraction(move), "up", Fraction(damping)) for move, damping in tails]
    skews = [Pm2Scenario(Fraction(1), "linear"), Pm2Scenario(Fraction(1), "abs")]
    return (Pm2Scenario(1 + widest, "up"), *grid, Pm2Scenario(1 - widest, "up"), *far, *skews)


_EVERY_DIRECTION: tuple[VolatilityMove, ...] = ("down", "none", "up")
PRESET = "derive-pm2"
"""What a policy calls `PUBLISHED_SCENARIOS`."""

PUBLISHED_SCENARIOS = spot_ladder(
    ("0.18", "0.135", "0.09", "0.045"),
    (
        ("-0.66", "3/55"),
        ("-0.33", "6/55"),
        ("0.5", "0.072"),
        ("1", "0.036"),
        ("2", "0.018"),
        ("3", "0.012"),
    ),
)


@dataclass(frozen=True)
class Pm2Parameters:
    """All numbers of the rule. `maintenance_factor`, `initial_factor` multiply the worst scenario's loss."""

    scenarios: tuple[Pm2Scenario, ...] = PUBLISHED_SCENARIOS
    volatility: VolatilityShock = VolatilityShock()
    skew: SkewShock = SkewShock()
    discount: StaticDiscount = StaticDiscount()
    basis: BasisContingency = BasisContingency()
    other: OtherContingency = OtherContingency()
    maintenance_factor: Fraction = Fraction("0.8")
    initial_factor: Fraction = Fraction(1)
