"""Derive's portfolio margin 2 (PM2) in float64, vectorised over portfolios, with every intermediate result.

    net margin = mark-to-market + cash + factor x min(basis contingency, worst scenario P&L) - contingencies

    P&L of a scenario = damping x ( perpetual (x - 1) + sum over expiries ( D(V_shocked) - V ) + hedges (x - 1) )
    D(V) = long V if V >= 0 else short V;     in skew scenarios an expiry counts -|D(V_shocked) - V|

Source: derivexyz/v2-core, `PMRMLib_2.sol`: getMarginAndMarkToMarket, getScenarioPnL, addPrecomputes. For
looking around, not for proving: `zkmargin.margin.accounts` is exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from zkmargin.errors import UsageError
from zkmargin.inputs.models.pm2_numbers import Pm2Parameters
from zkmargin.risk.derive.charges import below_threshold, oracle_rate
from zkmargin.risk.derive.market import Pm2Market
from zkmargin.risk.derive.pm2_pricing import Pm2Prices, pm2_prices

Floats = npt.NDArray[np.float64]

BASIS = "basis contingency"


@dataclass(frozen=True)
class Pm2Portfolios:
    """P portfolios: `options` (P, O) and `collaterals` (P, C) amounts, `perpetual`, `cash` (P,).

    `perpetual_pnl`: what settling the perpetual now would pay, funding included, in quote.
    """

    cash: Floats
    options: Floats
    collaterals: Floats
    perpetual: Floats
    perpetual_pnl: Floats


@dataclass(frozen=True)
class Pm2Margin:
    """Margin of P portfolios over S scenarios and E expiries, in quote currency. Contingencies are >= 0.

    `expiry_mark`, `expiry_discounted` (P, E): V and D(V); `scenario_pnl` (P, S); `basis` (P,): <= 0;
    `maintenance_contingency`, `initial_contingency`: by what causes them (P,); the latter are added to the former.
    """

    scenarios: tuple[str, ...]
    expiry_mark: Floats
    expiry_discounted: Floats
    value: Floats  # (P,) mark-to-market and cash
    scenario_pnl: Floats
    basis: Floats
    maintenance_factor: float
    initial_factor: float
    maintenance_contingency: dict[str, Floats]
    initial_contingency: dict[str, Floats]

    @cached_property
    def worst(self) -> Floats:
        """P&L of what binds, shape (P,): never above 0."""
        return np.asarray(np.minimum(self.basis, self.scenario_pnl.min(axis=1)))

    @property
    def binding(self) -> npt.NDArray[np.str_]:
        """Name of the scenario that binds, or BASIS, shape (P,)."""
        named = np.array(self.scenarios)[self.scenario_pnl.argmin(axis=1)]
        return np.where(self.scenario_pnl.min(axis=1) < self.basis, named, BASIS)

    @property
    def maintenance(self) -> Floats:
        """Net maintenance margin, shape (P,): healthy if and only if >= 0."""
        return self.value - self.maintenance_requirement

    @property
    def initial(self) -> Floats:
        """Net initial margin, shape (P,)."""
        return self.value - self.initial_requirement

    @property
    def maintenance_requirement(self) -> Floats:
        """Value less net maintenance margin, shape (P,)."""
        return _total(self.maintenance_contingency) - self.maintenance_factor * self.worst

    @property
    def initial_requirement(self) -> Floats:
        """Value less net initial margin, shape (P,)."""
        contingencies = _total(self.maintenance_contingency) + _total(self.initial_contingency)
        return contingencies - self.initial_factor * self.worst


@dataclass(frozen=True)
class Pm2Model:
    """The rule at one market. Build it with `pm2_model`."""

    parameters: Pm2Parameters
    market: Pm2Market
    prices: Pm2Prices

    def portfolios(
        self,
        cash: npt.ArrayLike,
        options: npt.ArrayLike = (),
        collaterals: npt.ArrayLike = (),
        perpetual: npt.ArrayLike = 0.0,
        perpetual_pnl: npt.ArrayLike = 0.0,
    ) -> Pm2Portfolios:
        """Build P portfolios from cash (P,), options (P, O), collaterals (P, C), perpetuals (P,).

        What is left out is 0. Raise UsageError for amounts of another shape.
        """
        money = np.atleast_1d(np.asarray(cash, dtype=np.float64))
        return Pm2Portfolios(
            money,
            _amounts(options, len(money), len(self.market.options)),
            _amounts(collaterals, len(money), len(self.market.collaterals)),
            np.broadcast_to(np.asarray(perpetual, dtype=np.float64), money.shape),
            np.broadcast_to(np.asarray(perpetual_pnl, dtype=np.float64), money.shape),
        )

    def margin(self, portfolios: Pm2Portfolios) -> Pm2Margin:
        """Compute margin and every intermediate result, vectorised over portfolios."""
        rules = self.parameters
        mark = self._by_expiry(portfolios.options, self.prices.mark)
        worth = portfolios.collaterals * self._collateral_prices
        peg = below_threshold(rules.other.peg_threshold, rules.other.peg_factor, Fraction(self.market.stable))
        return Pm2Margin(
            scenarios=tuple(scenario.name for scenario in rules.scenarios),
            expiry_mark=mark,
            expiry_discounted=self._discounted(mark),
            value=portfolios.cash + portfolios.perpetual_pnl + mark.sum(axis=1) + worth.sum(axis=1),
            scenario_pnl=self._scenario_pnl(portfolios, mark, worth),
            basis=self._basis(portfolios, mark),
            maintenance_factor=float(rules.maintenance_factor),
            initial_factor=float(rules.initial_factor + peg),
            maintenance_contingency=self._maintenance_contingency(portfolios, worth),
            initial_contingency=self._initial_contingency(portfolios, worth),
        )

    @property
    def _collateral_prices(self) -> Floats:
        return np.array([item.price for item in self.market.collaterals]) / self.market.stable

    def _by_expiry(self, amounts: Floats, prices: Floats) -> Floats:
        """Sum amounts (P, O) x prices (O,) within each expiry, shape (P, E)."""
        return (amounts * prices) @ self._expiry_of

    @cached_property
    def _expiry_of(self) -> Floats:
        own = np.array([option.expiry for option in self.market.options], dtype=np.intp)
        return np.eye(len(self.market.expiries))[own]

    def _discounted(self, value: Floats) -> Floats:
        return value * np.where(value >= 0, self.prices.long, self.prices.short)

    def _scenario_pnl(self, portfolios: Pm2Portfolios, mark: Floats, worth: Floats) -> Floats:
        hedging = np.array([item.hedges for item in self.market.collaterals], dtype=np.float64)
        delta = portfolios.perpetual * self.market.perpetual + worth @ hedging
        columns = []
        for scenario, prices in zip(self.parameters.scenarios, self.prices.shocked, strict=True):
            change = self._discounted(self._by_expiry(portfolios.options, prices)) - mark
            if scenario.skewed:
                change = -np.abs(change)
            pnl = delta * (float(scenario.spot) - 1.0) + change.sum(axis=1)
            columns.append(float(scenario.damping) * pnl)
        return np.stack(columns, axis=1)

    def _basis(self, portfolios: Pm2Portfolios, mark: Floats) -> Floats:
        moves = [self._by_expiry(portfolios.options, prices) - mark for prices in self.prices.basis]
        return np.asarray(np.minimum(np.minimum(*moves), 0.0) @ self.prices.basis_factor)

    def _maintenance_contingency(self, portfolios: Pm2Portfolios, worth: Floats) -> dict[str, Floats]:
        rules = self.parameters.other
        haircut = np.array([item.maintenance_haircut for item in self.market.collaterals])
        return {
            "perpetual": np.abs(portfolios.perpetual) * self.market.spot * float(rules.perpetual),
            "option": self._naked_shorts(portfolios) * self.market.spot * float(rules.option),
            "collateral": worth @ haircut,
        }

    def _initial_contingency(self, portfolios: Pm2Portfolios, worth: Floats) -> dict[str, Floats]:
        rules, market = self.parameters.other, self.market
        haircut = np.array([item.initial_haircut for item in market.collaterals])
        return {
            "perpetual": np.abs(portfolios.perpetual) * market.spot * float(rules.perpetual_initial),
            "option": self._naked_shorts(portfolios) * market.spot * float(rules.option_initial),
            "collateral": worth @ haircut,
            "oracle": self._oracle(portfolios, worth),
        }

    def _naked_shorts(self, portfolios: Pm2Portfolios) -> Floats:
        """Return contracts sold more than bought, calls and puts of a strike together, shape (P,)."""
        strikes = [(option.expiry, option.strike) for option in self.market.options]
        number = {strike: at for at, strike in enumerate(dict.fromkeys(strikes))}
        per_strike = np.zeros((len(portfolios.cash), len(number)))
        for column, strike in enumerate(strikes):
            per_strike[:, number[strike]] += portfolios.options[:, column]
        return np.asarray(np.maximum(-per_strike, 0.0).sum(axis=1))

    def _oracle(self, portfolios: Pm2Portfolios, worth: Floats) -> Floats:
        """Charge on everything whose feeds are less sure than the threshold, shape (P,)."""
        rules, market = self.parameters.other, self.market
        sure, perpetual = market.spot_confidence, min(market.spot_confidence, market.perpetual_confidence)

        def rates(confidences: Iterable[float], least: float) -> Floats:
            every = [Fraction(min(confidence, least)) for confidence in confidences]
            threshold, factor = rules.confidence_threshold, rules.confidence_factor
            return np.array([float(oracle_rate(threshold, factor, each)) for each in every])

        sizes = self._by_expiry(np.abs(portfolios.options), np.ones(len(market.options)))
        expiries = [each.confidence for each in market.expiries]
        holds = portfolios.perpetual != 0  # its price then enters the options' margin too
        options = np.where(holds, sizes @ rates(expiries, perpetual), sizes @ rates(expiries, sure))
        contracts = options + np.abs(portfolios.perpetual) * rates([perpetual], perpetual)
        return np.asarray(
            contracts * market.spot + worth @ rates((item.confidence for item in market.collaterals), sure)
        )


def pm2_model(parameters: Pm2Parameters, market: Pm2Market) -> Pm2Model:
    """Return the rule at a market, its scenarios priced."""
    return Pm2Model(parameters, market, pm2_prices(parameters, market))


def _total(contingencies: dict[str, Floats]) -> Floats:
    return np.asarray(sum(contingencies.values()))


def _amounts(values: npt.ArrayLike, count: int, names: int) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        return np.zeros((count, names))
    array = np.atleast_2d(array)
    if array.shape != (count, names):
        raise UsageError("shape", "amounts of another shape", expected=(count, names), actual=array.shape)
    return array
