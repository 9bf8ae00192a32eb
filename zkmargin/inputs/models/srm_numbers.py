"""Numbers of Derive's standard margin (SRM); defaults are those of its published test cases.

Source: derivexyz/v2-core, `StandardManager.sol` and the unit test of its `test-cases.json`. An exchange sets
its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class SrmOptionRates:
    """Charges on a short option, as shares of the spot (`put_mark`: of its mark); `unpaired_*`: of the forward.

    Initial margin falls with the distance out of the money, from `maximum_spot` to `minimum_spot`;
    `put_initial_scale` x maintenance margin is its minimum for a put.
    """

    maximum_spot: Fraction = Fraction("0.15")
    minimum_spot: Fraction = Fraction("0.1")
    call_spot: Fraction = Fraction("0.075")
    put_spot: Fraction = Fraction("0.075")
    put_mark: Fraction = Fraction("0.075")
    put_initial_scale: Fraction = Fraction("1.05")
    unpaired_initial: Fraction = Fraction("1.2")
    unpaired_maintenance: Fraction = Fraction("1.1")


@dataclass(frozen=True)
class SrmPerpetual:
    """Shares of the perpetual's price."""

    maintenance: Fraction = Fraction("0.05")
    initial: Fraction = Fraction("0.065")


@dataclass(frozen=True)
class SrmOracle:
    """Below a confidence threshold (1 - confidence) x factor of the notional is charged for initial margin."""

    perpetual_threshold: Fraction = Fraction("0.5")
    option_threshold: Fraction = Fraction("0.5")
    base_threshold: Fraction = Fraction("0.5")
    factor: Fraction = Fraction("0.4")


@dataclass(frozen=True)
class SrmUnderlyingRates:
    """All rates of one underlying."""

    option: SrmOptionRates = SrmOptionRates()
    perpetual: SrmPerpetual = SrmPerpetual()
    oracle: SrmOracle = SrmOracle()


@dataclass(frozen=True)
class SrmDepeg:
    """(threshold - price of the quote currency) x factor of the notional is charged for initial margin."""

    threshold: Fraction = Fraction("0.98")
    factor: Fraction = Fraction("1.2")
