"""The public numbers of a book of the model "derive-srm": all of them exact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cached_property

from zkmargin.inputs.eligibility import may_hold
from zkmargin.inputs.market import Instrument, Market, time_text
from zkmargin.inputs.models.derive_srm import DeriveSrm
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.risk.derive.charges import (
    OptionTerms,
    below_threshold,
    initial_charge,
    maintenance_charge,
    oracle_rate,
)
from zkmargin.risk.derive.market import settlement_forward

ZERO = Fraction(0)


@dataclass(frozen=True)
class SrmOption:
    """An option's terms and its isolated charges per contract sold; `size`: contracts per lot."""

    name: str
    size: Fraction
    strike: Fraction
    call: bool
    maintenance: Fraction
    initial: Fraction

    def payoff(self, price: Fraction) -> Fraction:
        """Return what one contract pays at a settlement price."""
        return max(price - self.strike if self.call else self.strike - price, ZERO)


@dataclass(frozen=True)
class SrmExpiry:
    """Options of one underlying and time; `doubt`: initial charge per contract sold for feeds and peg."""

    underlying: str
    name: str
    forward: Fraction
    doubt: Fraction
    options: tuple[SrmOption, ...]

    @property
    def prices(self) -> tuple[Fraction, ...]:
        """Settlement prices at which the maximum loss is looked for: 0 and every strike."""
        return tuple(sorted({ZERO, *(option.strike for option in self.options)}))


@dataclass(frozen=True)
class SrmPerpetualTerms:
    """`notional` of a lot at its mark; rates of it; `doubt`: initial charge per lot for feeds and peg."""

    name: str
    notional: Fraction
    maintenance: Fraction
    initial: Fraction
    doubt: Fraction


@dataclass(frozen=True)
class SrmTerms:
    """One book at one market."""

    policy: Policy
    book: BookPolicy
    market: Market

    @cached_property
    def parameters(self) -> DeriveSrm:
        """The book's parameters; PolicyError for a book of another model."""
        return self.book.own(DeriveSrm)

    @cached_property
    def expiries(self) -> tuple[SrmExpiry, ...]:
        """Every expiry of every underlying."""
        own: dict[tuple[str, datetime], list[Instrument]] = {}
        for item in self._contracts("option"):
            if item.expiry is not None:
                own.setdefault((item.underlying, item.expiry), []).append(item)
        return tuple(self._expiry(underlying, at, items) for (underlying, at), items in sorted(own.items()))

    @cached_property
    def perpetuals(self) -> tuple[SrmPerpetualTerms, ...]:
        """Every perpetual, by lot."""
        return tuple(self._perpetual(item) for item in self._contracts("perpetual"))

    def unpaired(self, expiry: SrmExpiry, *, initial: bool) -> Fraction:
        """Return the share of the forward that a net short call costs."""
        rates = self.parameters.underlyings[expiry.underlying].option
        return rates.unpaired_initial if initial else rates.unpaired_maintenance

    def charged_collateral(self) -> Iterator[str]:
        """Yield the assets that count by rates."""
        return (asset for asset, rule in self.book.collateral.items() if not isinstance(rule, str))

    def collateral_rate(self, asset: str) -> Fraction:
        """Return what initial margin asks of an asset's value on top of the maintenance haircut."""
        extra, rates = (
            self.parameters.initial_haircut.get(asset, ZERO),
            self.parameters.underlyings.get(asset),
        )
        if rates is None:
            return extra
        sure = self.market.feeds.confidence(asset)
        return extra + oracle_rate(rates.oracle.base_threshold, rates.oracle.factor, sure)

    def _expiry(self, underlying: str, at: datetime, items: list[Instrument]) -> SrmExpiry:
        feeds, oracle = self.market.feeds, self.parameters.underlyings[underlying].oracle
        sure = min(feeds.confidence(underlying), feeds.confidence(underlying, at))
        rate = oracle_rate(oracle.option_threshold, oracle.factor, sure)
        return SrmExpiry(
            underlying,
            f"{underlying} {time_text(at)}",
            self._forward(underlying, at),
            self._doubt(underlying, rate),
            tuple(self._option(item) for item in items),
        )

    def _forward(self, underlying: str, at: datetime) -> Fraction:
        """Return the forward with its settled part."""
        forward, average = self.market.forward[underlying, at], self.market.feeds.average(underlying, at)
        seconds = Fraction(int((at - self.market.time).total_seconds()))
        return sum(settlement_forward(forward, forward if average is None else average, seconds), ZERO)

    def _option(self, item: Instrument) -> SrmOption:
        rates = self.parameters.underlyings[item.underlying].option
        spot, mark = self.market.index[item.underlying], self.market.mark[item.name]
        terms = OptionTerms(spot, mark, item.strike or ZERO, item.right == "call")
        charges = maintenance_charge(rates, terms), initial_charge(rates, terms)
        return SrmOption(item.name, item.lot * item.multiplier, terms.strike, terms.call, *charges)

    def _perpetual(self, item: Instrument) -> SrmPerpetualTerms:
        rates, size = self.parameters.underlyings[item.underlying], item.lot * item.multiplier
        sure = min(self.market.feeds.confidence(name) for name in (item.underlying, item.name))
        rate = oracle_rate(rates.oracle.perpetual_threshold, rates.oracle.factor, sure)
        return SrmPerpetualTerms(
            item.name,
            size * self.market.mark[item.name],
            rates.perpetual.maintenance,
            rates.perpetual.initial,
            size * self._doubt(item.underlying, rate),
        )

    def _doubt(self, underlying: str, rate: Fraction) -> Fraction:
        """Return the initial charge on one contract's notional: doubtful feeds at this rate, and a lost peg."""
        depeg, peg = self.parameters.depeg, self.market.feeds.peg(self.policy.quote)
        return self.market.index[underlying] * (rate + below_threshold(depeg.threshold, depeg.factor, peg))

    def _contracts(self, kind: str) -> list[Instrument]:
        return [item for item in self.market.contracts if item.kind == kind and may_hold(self.book, item)]
