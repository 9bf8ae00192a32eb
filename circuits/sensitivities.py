"""Sensitivities: delta, short gamma and vega times moves (Greeks margin; FRTB's and SIMM's aggregation by a norm).

Without correlations, for moves p of the underlying u and v of volatilities, and an offset a,

    R_u = p |delta| + max(0, -p^2 gamma / 2) + a / 2 sum over buckets |vega| + (v - a / 2) |sum of vega|
    R   = max(sum of R_u, short-option minimums)

With correlations, L the public factor of their matrix (see `correlations.factored`),

    R = max(norm(L' p delta) + norm(L' v vega) + sum of max(0, -p^2 gamma / 2), short-option minimums)

The Greeks of an option lie within one unit above the public numbers: what one unit of each could add is charged on
long plus short. What is owed in an asset whose balances are not shocked hedges nothing: it is charged by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from zkmargin.circuits.atoms import maximum, norm
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.expression import Expression, total
from zkmargin.circuits.scenario import ScenarioBook
from zkmargin.inputs.market import Market
from zkmargin.inputs.models.correlations import Factor, Matrix, factored
from zkmargin.inputs.models.sensitivities import MEASURES, Sensitivities
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.risk.greeks import days_to_expiry
from zkmargin.risk.table import RiskTable, RiskUnit

DELTA, GAMMA, VEGA = range(len(MEASURES))
ROUNDED = 2  # a norm grows by at most the root of a diagonal entry of L L' times what a factor lacks: below 2


def sensitivity_rules(policy: Policy, market: Market, table: RiskTable, book: BookPolicy) -> Rules:
    """State the rules of a book of the model "sensitivities"."""
    return _SensitivityBook(policy, market, table, book).rules()


class _SensitivityBook(ScenarioBook):
    def __init__(self, policy: Policy, market: Market, table: RiskTable, book: BookPolicy) -> None:
        super().__init__(policy, market, table, book)
        self.parameters = book.own(Sensitivities)
        self.deltas = {(unit.name, 0): self._delta(unit) for unit in self.risk.units}
        self.vegas = {factor: self._vega(factor) for factor in self.parameters.vegas(book)}

    def rules(self) -> Rules:
        """State the requirement."""
        rest = [self._short_gamma(unit) for unit in self.risk.units] + list(self._charges())
        sized = self._aggregated() if self.parameters.correlations else self._added()
        charged = total([*sized, *rest])
        least = total(charge for unit in self.risk.units for charge in self.short_minimum(unit).values())
        pieces = {"sensitivities": charged, "short-option minimum": least}
        requirement = maximum("requirement", pieces, floor_zero=True)
        requirement = requirement if least.sides else charged
        return self.of.state(requirement, requirement * self.book.initial_factor)

    # ---- sensitivities, in quote currency ----
    def _delta(self, unit: RiskUnit) -> Expression:
        """Gain for a rise by the price range: positions, shocked balances and their debts, entry costs."""
        parts = [self._positions(unit.instruments, DELTA)]
        for asset in unit.assets:
            value = self.risk.pnl[asset].long(DELTA)
            if asset in self.of.cost:
                parts.append(self.of.cost[asset] * -value)
            if self.book.collateral.get(asset) == "shocked":
                owed = self.of.owed.get(asset, Expression())
                parts.append((self.of.held[asset] - owed) * value)
        return total(parts) * self.book.price_range[unit.name]

    def _vega(self, factor: Factor) -> Expression:
        """Relative vega of one bucket of expiries."""
        underlying, bucket = factor
        options = [
            name
            for unit in self.risk.units
            for name in unit.instruments
            if unit.name == underlying and self._bucket(name) == bucket
        ]
        return self._positions(options, VEGA)

    def _bucket(self, name: str) -> int | None:
        item = self.of.market.instruments[name]
        return None if item.expiry is None else self.parameters.bucket(days_to_expiry(self.of.market, item))

    def _positions(self, names: Iterable[str], measure: int) -> Expression:
        return total(self.of.position[name] * self.risk.pnl[name].long(measure) for name in names)

    # ---- charges ----
    def _short_gamma(self, unit: RiskUnit) -> Expression:
        """Loss of a short gamma at the price range, either way."""
        move = self.book.price_range[unit.name]
        loss = self._positions(unit.instruments, GAMMA) * (-move * move / 2)
        return maximum(f"short gamma {unit.name}", {"loss": loss}, floor_zero=True)

    def _added(self) -> Iterator[Expression]:
        """Every underlying by itself; vega with an offset between expiries."""
        half = self.parameters.offset / 2
        for (name, _), delta in self.deltas.items():
            yield _size(f"delta {name}", delta)
            vegas = {b: vega for (underlying, b), vega in self.vegas.items() if underlying == name}
            yield from (_size(f"vega {name} bucket {b}", vega * half) for b, vega in vegas.items())
            yield _size(f"net vega {name}", total(vegas.values()) * (self.book.volatility_range - half))

    def _aggregated(self) -> Iterator[Expression]:
        """All underlyings by correlation."""
        deltas, vegas = self.parameters.matrices(self.book)
        moved = {factor: vega * self.book.volatility_range for factor, vega in self.vegas.items()}
        yield _correlated("delta", list(self.deltas.values()), deltas)
        yield _correlated("vega", list(moved.values()), vegas)

    def _charges(self) -> Iterator[Expression]:
        """Charge what public numbers leave open, and debts that hedge nothing."""
        volatility = self.book.volatility_range
        for unit in self.risk.units:
            move = self.book.price_range[unit.name]
            for name in unit.instruments:
                if not self.risk.pnl[name].exact:
                    error = ROUNDED * self.risk.pnl[name].unit * (move + move * move / 2 + volatility)
                    self.of.rules.tolerate(("position", name), 2 * error)
                    yield self.of.position[name].gross * error
            for asset in unit.assets:
                shocked = self.book.collateral.get(asset) == "shocked" or asset == self.book.settlement
                if asset in self.of.owed and not shocked:
                    yield self.of.owed[asset] * (self.risk.pnl[asset].long(DELTA) * move)


def _size(name: str, value: Expression) -> Expression:
    return maximum(name, {"long": value, "short": -value}, floor_zero=True) if value.sides else Expression()


def _correlated(name: str, factors: list[Expression], matrix: Matrix) -> Expression:
    """Return the root of the quadratic form of the factors; those that nothing can have are left out."""
    lower = factored(matrix)
    parts = {
        f"{name} {j}": total(
            factor * row[j] for factor, row in zip(factors, lower, strict=True) if j < len(row)
        )
        for j in range(len(lower))
    }
    held = {label: part for label, part in parts.items() if part.sides}
    return norm(name, held) if held else Expression()
