"""Derive's standard margin: per expiry the better of isolated margin and maximum loss.

    net margin = cash + counted base value + perpetual P&L - charges - sum over expiries of min( isolated, bounded )
    isolated   sum over options sold of their charge, mark included; what is held counts nothing
    bounded    max( 0, loss at a price of 0 and at every listed strike ) + unpaired x forward x net short calls

N has options at their marks, so R adds them: R = sum over expiries max( 0, mark + min(isolated, bounded) ) + charges.
The smaller of two ends convexity: `either`. Charges on the perpetual's price, and for initial margin a haircut of the
base asset, charges where feeds are less sure than a threshold and where the quote currency lost its peg.

Source: derivexyz/v2-core, `StandardManager.sol`. Over the exchange's rule: the maximum loss is taken over the strikes
that are listed, not only those held, which differs for portfolios with more calls sold than bought; an expiry counts at
least 0, which differs where marks promise more than any settlement pays. All else is rounding, against the account.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from zkmargin.circuits.atoms import either, maximum, neg
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.expression import Expression, Signed, total
from zkmargin.circuits.trading import BIT, TradingBook
from zkmargin.circuits.variables import InputKey
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.risk.derive.srm_terms import SrmExpiry, SrmTerms
from zkmargin.risk.table import RiskTable


def derive_srm_rules(policy: Policy, market: Market, table: RiskTable, book: BookPolicy) -> Rules:
    """State the rules of a book of the model "derive-srm"."""
    terms = SrmTerms(policy, book, market)
    charged = set(terms.charged_collateral())

    def digits(key: InputKey) -> int | None:
        kind, name = key
        return BIT if kind == "position" or (kind == "held" and name in charged) else None

    rule = _Srm(TradingBook.declare(policy, market, table, book, digits=digits), terms)
    return rule.of.state(rule.requirement(initial=False), rule.requirement(initial=True))


@dataclass(frozen=True)
class _Srm:
    of: TradingBook
    terms: SrmTerms

    def requirement(self, *, initial: bool) -> Expression:
        charges = [self._options(expiry, initial=initial) for expiry in self.terms.expiries]
        charges += list(self._perpetuals(initial=initial))
        if initial:
            charges += list(self._initial_charges())
        return total(charges)

    def _options(self, expiry: SrmExpiry, *, initial: bool) -> Expression:
        """Return an expiry's mark and the better of isolated margin and maximum loss, together at least 0."""
        mark = total(position * self.of.value[name] for name, position in self._positions(expiry).items())
        worst, unpaired = self._losses[expiry.name]
        bounded = worst + unpaired * (self.terms.unpaired(expiry, initial=initial) * expiry.forward)
        isolated = self._isolated(expiry, initial=initial)
        better = either(mark + isolated, mark + bounded, names=("isolated", "maximum loss"))
        margin = "initial" if initial else "maintenance"
        return maximum(f"{margin} options[{expiry.name}]", {"better": better}, floor_zero=True)

    def _isolated(self, expiry: SrmExpiry, *, initial: bool) -> Expression:
        charges = {
            option.name: option.size * (option.initial if initial else option.maintenance)
            for option in expiry.options
        }
        return total(self.of.position[name].short * charge for name, charge in charges.items())

    @cached_property
    def _losses(self) -> dict[str, tuple[Expression, Expression]]:
        """Maximum loss over prices, and net short calls, by expiry: shared by both margins."""
        return {
            expiry.name: (
                maximum(
                    f"maximum loss[{expiry.name}]",
                    {f"at {price}": -self._payoff(expiry, price) for price in expiry.prices},
                    floor_zero=True,
                ),
                neg(f"net short calls[{expiry.name}]", self._net_calls(expiry)),
            )
            for expiry in self.terms.expiries
        }

    def _payoff(self, expiry: SrmExpiry, price: Fraction) -> Expression:
        return total(self.of.position[o.name] * (o.size * o.payoff(price)) for o in expiry.options)

    def _net_calls(self, expiry: SrmExpiry) -> Expression:
        return total(self.of.position[option.name] * option.size for option in expiry.options if option.call)

    def _perpetuals(self, *, initial: bool) -> Iterator[Expression]:
        for perpetual in self.terms.perpetuals:
            rate = perpetual.initial if initial else perpetual.maintenance
            yield self.of.position[perpetual.name].gross * (perpetual.notional * rate)

    def _initial_charges(self) -> Iterator[Expression]:
        """Charges for doubtful feeds and a lost peg, and the extra haircut of base assets."""
        for perpetual in self.terms.perpetuals:
            yield self.of.position[perpetual.name].gross * perpetual.doubt
        for expiry in self.terms.expiries:
            for option in expiry.options:
                yield self.of.position[option.name].short * (option.size * expiry.doubt)
        for asset in self.terms.charged_collateral():
            yield self.of.held[asset] * (self.of.value[asset] * self.terms.collateral_rate(asset))

    def _positions(self, expiry: SrmExpiry) -> dict[str, Signed]:
        return {option.name: self.of.position[option.name] for option in expiry.options}
