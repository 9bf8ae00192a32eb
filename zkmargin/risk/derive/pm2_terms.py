"""The public numbers of a book of the model "derive-pm2", each rounded against the account, under its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cached_property

from zkmargin.inputs.eligibility import may_hold
from zkmargin.inputs.market import Instrument, Market, time_text
from zkmargin.inputs.models.derive_pm2 import DerivePm2
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.risk.derive.charges import below_threshold, oracle_rate
from zkmargin.risk.derive.pm2_entries import long_factor, short_factor
from zkmargin.risk.entries import BookRisk, Pnl

ZERO = Fraction(0)
YEAR = 365 * 86400


@dataclass(frozen=True)
class OptionValue:
    """Bounds of a lot's value in every scenario, before discount; `size`: contracts per lot."""

    name: str
    strike: Fraction
    size: Fraction
    value: Pnl

    def low(self, scenario: int) -> Fraction:
        """Return a value not above the true one."""
        return self.value.long(scenario)

    def high(self, scenario: int) -> Fraction:
        """Return a value not below the true one."""
        return -self.value.short(scenario)


@dataclass(frozen=True)
class Discounts:
    """Bounds of an expiry's discounts: of its value above 0 and below 0."""

    long: Pnl
    short: Pnl

    @property
    def of_losses(self) -> tuple[Fraction, Fraction]:
        """(long, short), so that a loss is not below the rule's."""
        return self.long.long(0), -self.short.short(0)

    @property
    def of_gains(self) -> tuple[Fraction, Fraction]:
        """(long, short), so that a gain is not below the rule's."""
        return -self.long.short(0), self.short.long(0)


@dataclass(frozen=True)
class Pm2Terms:
    """One book at one market."""

    policy: Policy
    book: BookPolicy
    market: Market
    risk: BookRisk

    @cached_property
    def parameters(self) -> DerivePm2:
        """The book's parameters."""
        return self.book.own(DerivePm2)

    @property
    def spot(self) -> Fraction:
        """Index of the underlying: what charges on notionals refer to."""
        return self.market.index[self.parameters.underlying]

    @cached_property
    def perpetuals(self) -> Mapping[str, Fraction]:
        """Notional of a lot in quote, by perpetual."""
        return {item.name: item.lot * item.multiplier * self.spot for item in self._contracts("perpetual")}

    @cached_property
    def expiries(self) -> Mapping[str, tuple[OptionValue, ...]]:
        """Options by the time of their expiry."""
        out: dict[str, list[OptionValue]] = {expiry: [] for expiry in self._times}
        for item in self._contracts("option"):
            if item.expiry is not None and item.strike is not None:
                size, value = item.lot * item.multiplier, self.risk.pnl[item.name]
                out[time_text(item.expiry)].append(OptionValue(item.name, item.strike, size, value))
        return {expiry: tuple(options) for expiry, options in out.items()}

    def discounts(self, expiry: str) -> Discounts:
        """Return the discounts of an expiry."""
        return Discounts(self.risk.factors[long_factor(expiry)], self.risk.factors[short_factor(expiry)])

    def basis_factor(self, expiry: str) -> Fraction:
        """Return what the loss at a basis move is multiplied by: addition + multiplier x years."""
        rules, seconds = (
            self.parameters.numbers.basis,
            (self._times[expiry] - self.market.time).total_seconds(),
        )
        return rules.addition + rules.multiplier * Fraction(max(int(seconds), 0), YEAR)

    def spot_gain(self, scenario: int, name: str) -> Fraction:
        """Return the change of a lot of the perpetual or of hedging collateral in a scenario, before damping."""
        return self.risk.pnl[name].long(scenario)

    def oracle(self, *names: str, expiry: str | None = None) -> Fraction:
        """Return the charge on a notional that depends on these feeds, on the spot price, and on an expiry's."""
        feeds, rules, underlying = (
            self.market.feeds,
            self.parameters.numbers.other,
            self.parameters.underlying,
        )
        sure = [feeds.confidence(name) for name in (underlying, *names)]
        if expiry is not None:
            sure.append(feeds.confidence(underlying, self._times[expiry]))
        return oracle_rate(rules.confidence_threshold, rules.confidence_factor, min(sure))

    def collateral_rate(self, asset: str) -> Fraction:
        """Return what initial margin asks of an asset's value on top of the maintenance haircut."""
        return self.parameters.initial_haircut.get(asset, ZERO) + self.oracle(asset)

    def charged_collateral(self) -> Iterator[str]:
        """Yield the assets that count by rates."""
        return (asset for asset, rule in self.book.collateral.items() if not isinstance(rule, str))

    def initial_factor(self, denominator: int) -> Fraction:
        """Return the factor of the worst case for initial margin, what a lost peg costs on top.

        Rounded up to a multiple of the maintenance factor with at most this denominator (and the options' rates').
        """
        numbers = self.parameters.numbers
        peg = self.market.feeds.peg(self.policy.quote)
        lost = below_threshold(numbers.other.peg_threshold, numbers.other.peg_factor, peg)
        option = numbers.other.option or Fraction(1)
        shared = (numbers.other.option_initial / option).denominator
        multiple = (numbers.initial_factor + lost) / numbers.maintenance_factor
        return numbers.maintenance_factor * least_above(multiple, max(denominator // shared, 1))

    def inexactness(self, expiry: str, option: OptionValue) -> Fraction:
        """Return by how much R can be off for a lot because its values and the discounts are rounded."""
        numbers, value, discounts = self.parameters.numbers, option.value, self.discounts(expiry)
        worth = max(map(abs, value.values)) * value.unit
        step = value.unit * max(discounts.of_losses[1], Fraction(1)) + worth * discounts.long.unit
        counted = max(self.basis_factor(expiry), *(scenario.damping for scenario in numbers.scenarios))
        return step * numbers.maintenance_factor * counted

    @cached_property
    def _times(self) -> Mapping[str, datetime]:
        times = {item.expiry for item in self._contracts("option") if item.expiry is not None}
        return {time_text(at): at for at in sorted(times)}

    def _contracts(self, kind: str) -> list[Instrument]:
        return [item for item in self.market.contracts if item.kind == kind and may_hold(self.book, item)]


def least_above(value: Fraction, denominator: int) -> Fraction:
    """Return the smallest fraction >= value whose denominator is at most `denominator`."""
    near = value.limit_denominator(denominator)
    if near >= value:
        return near
    # its right neighbour in the Farey sequence: p' q - p q' = 1 with the largest q' that fits
    p, q = near.numerator, near.denominator
    least = pow(-p, -1, q) if q > 1 else 0
    size = least + q * ((denominator - least) // q)
    return Fraction(p * size + 1, q * size)
