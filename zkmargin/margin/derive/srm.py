"""Derive's standard margin (SRM) in float64, vectorised over portfolios.

    net margin = cash + sum over underlyings of
        perpetual P&L - perpetual charge + counted base value - depeg charge - oracle charges
        + sum over expiries of max( isolated, maximum loss )

    isolated      sum over short options of their charge, mark included; a long option counts nothing
    maximum loss  min(0, payoff at price 0 and at every strike held) - unpaired x forward x net short calls

Source: derivexyz/v2-core, `StandardManager.sol`: _getMarketMargin, _calcNetBasicMarginSingleExpiry,
_getIsolatedMarginForCall, _getIsolatedMarginForPut, _calcMaxLoss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from zkmargin.inputs.models.srm_numbers import SrmDepeg, SrmOptionRates, SrmUnderlyingRates
from zkmargin.risk.derive.charges import (
    OptionTerms,
    below_threshold,
    initial_charge,
    maintenance_charge,
    oracle_rate,
)
from zkmargin.risk.derive.market import SrmUnderlying
from zkmargin.risk.pricing import black76

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SrmHoldings:
    """P portfolios' holdings in one underlying: `options` (P, O), the others (P,); `base` >= 0."""

    options: Floats
    perpetual: Floats
    perpetual_pnl: Floats
    base: Floats


@dataclass(frozen=True)
class SrmMargin:
    """Net margin of P portfolios in one underlying, in quote: its parts, each (P,), requirements negative.

    `isolated`, `maximum_loss` (P, E): the two ways of margining an expiry, of which the better counts.
    """

    isolated: Floats
    maximum_loss: Floats
    perpetual: Floats
    perpetual_pnl: Floats
    base: Floats
    oracle: Floats
    depeg: Floats
    mark: Floats  # (P,) mark-to-market of options and base

    @property
    def options(self) -> Floats:
        """The better of the two margins of every expiry, summed."""
        return np.asarray(np.maximum(self.isolated, self.maximum_loss).sum(axis=1))

    @property
    def total(self) -> Floats:
        """What the underlying adds to the account's net margin."""
        parts = self.perpetual + self.perpetual_pnl + self.base + self.oracle + self.depeg
        return self.options + parts


@dataclass(frozen=True)
class SrmModel:
    """The rule for one underlying at one market; `stable`: price of what cash is held in.

    `base_rate`: share of the base asset's value that counts for maintenance and for initial margin; `marks` (O,) of
    options where they are not their Black-76 prices.
    """

    rates: SrmUnderlyingRates
    depeg: SrmDepeg
    underlying: SrmUnderlying
    base_rate: tuple[float, float]
    stable: float = 1.0
    marks: Floats | None = None

    @cached_property
    def mark(self) -> Floats:
        """Mark of every option, by default its Black-76 price on its forward without discounting, shape (O,)."""
        if self.marks is not None:
            return self.marks
        expiries = [self.underlying.expiries[option.expiry] for option in self.underlying.options]
        return black76(
            np.array([each.forward for each in expiries]),
            self._strike,
            np.array([option.volatility for option in self.underlying.options]),
            np.array([each.years for each in expiries]),
            0.0,
            self._call,
        )

    @cached_property
    def maintenance_charge(self) -> Floats:
        """Isolated maintenance margin of one option sold, mark included, shape (O,)."""
        return self._charges(maintenance_charge)

    @cached_property
    def initial_charge(self) -> Floats:
        """Isolated initial margin of one option sold, mark included, shape (O,)."""
        return self._charges(initial_charge)

    def _charges(self, charge: Callable[[SrmOptionRates, OptionTerms], Fraction]) -> Floats:
        spot, options = Fraction(self.underlying.spot), self.underlying.options
        terms = [
            OptionTerms(spot, Fraction(mark), Fraction(option.strike), option.call)
            for option, mark in zip(options, self.mark.tolist(), strict=True)
        ]
        return np.array([float(charge(self.rates.option, each)) for each in terms])

    def margin(self, holdings: SrmHoldings, *, initial: bool) -> SrmMargin:
        """Compute one underlying's part of the net margin and what it consists of."""
        held, rates, market = holdings, self.rates, self.underlying
        rate = rates.perpetual.initial if initial else rates.perpetual.maintenance
        unpaired = rates.option.unpaired_initial if initial else rates.option.unpaired_maintenance
        charge = self.initial_charge if initial else self.maintenance_charge
        value = held.base * market.spot
        nothing = np.zeros(len(held.base))
        return SrmMargin(
            isolated=self._by_expiry(np.minimum(held.options, 0.0) * charge),
            maximum_loss=self._maximum_loss(held.options, float(unpaired)),
            perpetual=-np.abs(held.perpetual) * market.perpetual * float(rate),
            perpetual_pnl=held.perpetual_pnl,
            base=value * self.base_rate[initial],
            oracle=-self._oracle(held) if initial else nothing,
            depeg=-self._depeg(held) if initial else nothing,
            mark=held.options @ self.mark + value / self.stable,
        )

    @cached_property
    def _strike(self) -> Floats:
        return np.array([option.strike for option in self.underlying.options], dtype=np.float64)

    @cached_property
    def _call(self) -> npt.NDArray[np.bool_]:
        return np.array([option.call for option in self.underlying.options], dtype=np.bool_)

    @cached_property
    def _expiry_of(self) -> Floats:
        own = np.array([option.expiry for option in self.underlying.options], dtype=np.intp)
        return np.eye(len(self.underlying.expiries))[own]

    def _by_expiry(self, values: Floats) -> Floats:
        return np.asarray(values @ self._expiry_of)

    def _payoff(self, price: float) -> Floats:
        gain = np.where(self._call, price - self._strike, self._strike - price)
        return np.maximum(gain, 0.0)

    def _maximum_loss(self, options: Floats, unpaired: float) -> Floats:
        worst = np.minimum(self._by_expiry(options * self._payoff(0.0)), 0.0)
        for strike in np.unique(self._strike):
            held = (
                self._by_expiry(np.where(self._strike == strike, options != 0, False).astype(np.float64)) > 0
            )
            payoff = self._by_expiry(options * self._payoff(float(strike)))
            worst = np.minimum(worst, np.where(held, payoff, 0.0))
        net_calls = self._by_expiry(np.where(self._call, options, 0.0))
        forward = np.array([each.forward for each in self.underlying.expiries])
        return worst + unpaired * forward * np.minimum(net_calls, 0.0)

    def _short(self, holdings: SrmHoldings) -> Floats:
        """Contracts sold, per expiry, shape (P, E)."""
        return self._by_expiry(np.maximum(-holdings.options, 0.0))

    def _depeg(self, holdings: SrmHoldings) -> Floats:
        lost = below_threshold(self.depeg.threshold, self.depeg.factor, Fraction(self.stable))
        size = self._short(holdings).sum(axis=1) + np.abs(holdings.perpetual)
        return np.asarray(size * float(lost) * self.underlying.spot)

    def _oracle(self, holdings: SrmHoldings) -> Floats:
        rules, market = self.rates.oracle, self.underlying

        def rate(threshold: Fraction, *confidences: float) -> float:
            return float(oracle_rate(threshold, rules.factor, Fraction(min(confidences))))

        sure = market.spot_confidence
        options = np.array([rate(rules.option_threshold, sure, each.confidence) for each in market.expiries])
        sizes = (
            np.abs(holdings.perpetual) * rate(rules.perpetual_threshold, sure, market.perpetual_confidence)
            + self._short(holdings) @ options
            + holdings.base * rate(rules.base_threshold, sure)
        )
        return np.asarray(sizes * market.spot)


def srm_net_margin(
    cash: Floats, models: Mapping[str, SrmModel], holdings: Mapping[str, SrmHoldings], *, initial: bool
) -> Floats:
    """Return net margin of P portfolios over all underlyings, shape (P,): healthy if and only if >= 0."""
    parts = (models[name].margin(held, initial=initial).total for name, held in holdings.items())
    return np.asarray(cash + sum(parts))
