"""Portfolio margin around the worst scenario: what exchanges of options add to it, as data of the policy.

    R = maintenance factor x sum over groups of  max(0, worst scenario + basis, minimum charges)

A group is a risk unit. With a gain offset it is all of them together, scenario by scenario: a unit's loss counts in
full, its gain by the offset and up to the cap. The charges:

    basis             sum over expiries of  rate x |net cash delta|: the forwards of one expiry move alone
    minimum delta     (net rate - hedged rate / 2) x |net cash delta| + hedged rate / 2 x gross cash delta
    minimum charge    marginal multipliers of a rate x gross cash delta
    short-option minimum, as in the plain model

Deductions lower a group's loss in a scenario. The minimums are alternatives, each summed over the group. Deltas of
options are floored in the risk table, so each sign of a net delta has a bound of its own, never below the true one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

from zkmargin.circuits.atoms import floored, maximum
from zkmargin.circuits.expression import Expression, total
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.market import Instrument, Market, time_text
from zkmargin.inputs.models.named_rates import lookup
from zkmargin.inputs.models.scenarios import MinimumCharge, PortfolioMargin
from zkmargin.risk.deltas import basis_rate, cash_delta
from zkmargin.risk.entries import RiskUnit

if TYPE_CHECKING:
    from zkmargin.circuits.scenario import ScenarioBook

Key = TypeVar("Key", bound=Hashable)
Contracts = Sequence[Instrument]


def portfolio_requirement(book: ScenarioBook, rules: PortfolioMargin) -> Expression:
    """Return R of a book with rules beyond the plain model's."""
    return _PortfolioMargin(book, rules).requirement()


def delta_rate(market: Market, rules: PortfolioMargin, contract: Instrument) -> Fraction:
    """Return the most that R holds of a contract's cash delta."""
    move = lookup(rules.basis, contract.underlying)
    rates = lookup(rules.minimum_delta, contract.underlying)
    charge = lookup(rules.minimum_charge, contract.underlying)
    basis = basis_rate(market, move, contract.expiry) if move else Fraction(0)
    least = rates.net if rates else Fraction(0)
    steepest = charge.rate * charge.multipliers[-1][1] if charge else Fraction(0)
    return rules.maintenance_factor * max(basis, least, steepest)


@dataclass(frozen=True)
class _PortfolioMargin:
    book: ScenarioBook
    rules: PortfolioMargin

    def requirement(self) -> Expression:
        units = self.book.risk.units
        groups = [(unit,) for unit in units] if self.rules.gain_offset is None else [units]
        charges = total(map(self._charge, groups))
        return (charges + self.book.alone()) * self.rules.maintenance_factor

    def _charge(self, units: Sequence[RiskUnit]) -> Expression:
        """Return the charge of one group."""
        name = units[0].name if len(units) == 1 else "all"
        contracts = [self.book.of.market.instruments[item] for unit in units for item in unit.instruments]
        losses = {
            label: total(self._counted(unit, s) for unit in units)
            for s, label in enumerate(self.book.risk.scenarios)
        }
        basis, minimums = list(self._basis(contracts)), self._minimums(contracts)
        worst = losses if basis else losses | minimums
        held = [contract.name for contract in contracts]
        scan = self.book.worst_case(f"worst case {name}", held, worst, self.rules.deductions)
        if not basis:
            return scan
        whole = total([scan, *basis])
        if not minimums:
            return whole
        return maximum(f"charge {name}", {"worst case and basis": whole} | minimums, floor_zero=True)

    def _counted(self, unit: RiskUnit, scenario: int) -> Expression:
        """Return a unit's loss in a scenario, of a gain X what counts: max(-X, -off X, -cap)."""
        loss, offset, cap = -self.book.pnl(unit, scenario), self.rules.gain_offset, self.rules.gain_cap
        name = f"loss of {unit.name} in {self.book.risk.scenarios[scenario]}"
        if offset is None or (offset == 1 and cap is None):
            return loss
        if cap is not None:
            return floored(name, {"loss": loss, "offset": loss * offset}, -cap)
        return loss * offset + maximum(name, {"loss": loss * (1 - offset)}, floor_zero=True)

    def _basis(self, contracts: Contracts) -> Iterator[Expression]:
        """Yield the charge of every expiry, of perpetuals as one."""
        for (underlying, expiry), held in _grouped(contracts, lambda c: (c.underlying, c.expiry)).items():
            move = lookup(self.rules.basis, underlying)
            if move is not None:
                rate = basis_rate(self.book.of.market, move, expiry)
                yield self._net(
                    f"basis {underlying} {time_text(expiry) if expiry else 'perpetual'}", held, rate
                )

    def _minimums(self, contracts: Contracts) -> dict[str, Expression]:
        """Return the alternatives to the worst case, each where the book has it."""
        found = {
            "minimum delta": list(self._minimum_delta(contracts)),
            "minimum charge": list(self._minimum_charge(contracts)),
            "short-option minimum": list(self.book.short_minimums(c.name for c in contracts)),
        }
        return {label: total(charges) for label, charges in found.items() if charges}

    def _minimum_delta(self, contracts: Contracts) -> Iterator[Expression]:
        for underlying, held in _grouped(contracts, lambda c: c.underlying).items():
            rates = lookup(self.rules.minimum_delta, underlying)
            if rates is not None:
                yield self._net(f"net delta {underlying}", held, rates.net - rates.hedged / 2)
                yield self._gross(held) * (rates.hedged / 2)

    def _minimum_charge(self, contracts: Contracts) -> Iterator[Expression]:
        for underlying, held in _grouped(contracts, lambda c: c.underlying).items():
            charge = lookup(self.rules.minimum_charge, underlying)
            if charge is not None:
                yield _multiplied(f"minimum charge {underlying}", self._gross(held) * charge.rate, charge)

    def _net(self, name: str, contracts: Contracts, rate: Fraction) -> Expression:
        """Return rate x |net cash delta|, either sign with its own bound."""
        up, down = [], []
        for contract in contracts:
            delta = cash_delta(self.book.of.market, self.book.risk, contract)
            least, most = delta.long(0) * rate, -delta.short(0) * rate
            position = self.book.of.position[contract.name]
            up += [position.long * most, position.short * -least]
            down += [position.long * -least, position.short * most]
        return maximum(name, {"long": total(up), "short": total(down)}, floor_zero=True)

    def _gross(self, contracts: Contracts) -> Expression:
        """Return the sum of cash deltas, each without its sign."""
        deltas = [cash_delta(self.book.of.market, self.book.risk, contract) for contract in contracts]
        sizes = [max(-delta.long(0), -delta.short(0)) for delta in deltas]
        return total(
            self.book.of.position[c.name].gross * size for c, size in zip(contracts, sizes, strict=True)
        )


def _multiplied(name: str, raw: Expression, charge: MinimumCharge) -> Expression:
    """Return marginal multipliers of an amount >= 0: the largest of its lines, by x amount - constant."""
    pieces, allowances, before, constant = {}, {}, Fraction(0), Fraction(0)
    for start, by in charge.multipliers:
        label = f"{decimal_text(by)} x from {decimal_text(start)}"
        pieces[label], constant, before = raw * by, constant + start * (by - before), by
        if constant:
            allowances[label] = constant
    return maximum(name, pieces, floor_zero=True, allowances=allowances)


def _grouped(contracts: Contracts, key: Callable[[Instrument], Key]) -> dict[Key, list[Instrument]]:
    groups: dict[Key, list[Instrument]] = {}
    for contract in contracts:
        groups.setdefault(key(contract), []).append(contract)
    return groups
