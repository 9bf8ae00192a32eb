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

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from zkmargin.margin.derive.market import SrmUnderlying
from zkmargin.margin.derive.srm_parameters import SrmParameters
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
    """The rule for one underlying at one market; `stable`: price of what cash is held in."""

    parameters: SrmParameters
    underlying: SrmUnderlying
    stable: float = 1.0

    @cached_property
    def mark(self) -> Floats:
        """Black-76 price of every option on its forward, without discounting, shape (O,)."""
        expiries = [self.underlying.expiries[option.expiry] for option in self.underlying.options]
        return black76(
            np.array([each.forward_variable + each.forward_fixed for each in expiries]),
            self._strike,
            np.array([option.volatility for option in self.underlying.options]),
            np.array([each.years for each in expiries]),
            0.0,
            self._call,
        )

    @cached_property
    def maintenance_charge(self) -> Floats:
        """Isolated maintenance margin of one option sold, mark included, shape (O,)."""
        rates, spot = self.parameters.option, self.underlying.spot
        call = float(rates.call_spot) * spot
        put = np.maximum(float(rates.put_spot) * spot, float(rates.put_mark) * self.mark)
        return self.mark + np.where(self._call, call, put)

    @cached_property
    def initial_charge(self) -> Floats:
        """Isolated initial margin of one option sold, mark included, shape (O,)."""
        rates, spot = self.parameters.option, self.underlying.spot
        away = np.maximum(np.where(self._call, self._strike - spot, spot - self._strike), 0.0) / spot
        share = np.maximum(float(rates.maximum_spot) - away, float(rates.minimum_spot))
        charge = share * spot + self.mark
        least = float(rates.put_initial_scale) * self.maintenance_charge
        return np.where(self._call, charge, np.maximum(charge, least))

    def margin(self, holdings: SrmHoldings, *, initial: bool) -> SrmMargin:
        """Compute one underlying's part of the net margin and what it consists of."""
        held, rules, market = holdings, self.parameters, self.underlying
        rate = rules.perpetual_initial if initial else rules.perpetual_maintenance
        share = rules.base_factor * (rules.base_initial_scale if initial else 1)
        unpaired = rules.option.unpaired_initial if initial else rules.option.unpaired_maintenance
        charge = self.initial_charge if initial else self.maintenance_charge
        value = held.base * market.spot
        nothing = np.zeros(len(held.base))
        return SrmMargin(
            isolated=self._by_expiry(np.minimum(held.options, 0.0) * charge),
            maximum_loss=self._maximum_loss(held.options, float(unpaired)),
            perpetual=-np.abs(held.perpetual) * market.perpetual * float(rate),
            perpetual_pnl=held.perpetual_pnl,
            base=value * float(share),
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
        forward = np.array([each.forward_variable + each.forward_fixed for each in self.underlying.expiries])
        return worst + unpaired * forward * np.minimum(net_calls, 0.0)

    def _short(self, holdings: SrmHoldings) -> Floats:
        """Contracts sold, per expiry, shape (P, E)."""
        return self._by_expiry(np.maximum(-holdings.options, 0.0))

    def _depeg(self, holdings: SrmHoldings) -> Floats:
        rules = self.parameters
        below = max(float(rules.depeg_threshold) - self.stable, 0.0) * float(rules.depeg_factor)
        size = self._short(holdings).sum(axis=1) + np.abs(holdings.perpetual)
        return np.asarray(size * below * self.underlying.spot)

    def _oracle(self, holdings: SrmHoldings) -> Floats:
        rules, market = self.parameters.oracle, self.underlying

        def rate(confidence: Floats, threshold: float) -> Floats:
            return np.where(confidence < threshold, (1.0 - confidence) * float(rules.factor), 0.0)

        sure = market.spot_confidence
        perpetual = rate(np.array(min(sure, market.perpetual_confidence)), float(rules.perpetual_threshold))
        options = rate(
            np.array([min(sure, each.confidence) for each in market.expiries]), float(rules.option_threshold)
        )
        base = rate(np.array(sure), float(rules.base_threshold))
        sizes = (
            perpetual * np.abs(holdings.perpetual) + self._short(holdings) @ options + base * holdings.base
        )
        return np.asarray(sizes * market.spot)


def srm_net_margin(
    cash: Floats, models: Mapping[str, SrmModel], holdings: Mapping[str, SrmHoldings], *, initial: bool
) -> Floats:
    """Return net margin of P portfolios over all underlyings, shape (P,): healthy if and only if >= 0."""
    parts = (models[name].margin(held, initial=initial).total for name, held in holdings.items())
    return np.asarray(cash + sum(parts))
