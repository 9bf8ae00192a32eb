"""Derive's portfolio margin 2, one underlying.

    R = maintenance factor x worst + contingencies       I = initial factor x worst + the same and initial contingencies
    worst = max( 0, basis contingency, loss in every scenario )
    loss  = damping x ( sum over expiries ( V - D(V_shocked) ) - (spot move) x what moves with spot )
    D(V)  = long V if V >= 0 else short V  =  long V - (short - long) neg(V),    concave as long as long <= short

V is an expiry's value at its marks. A skew scenario turns the smile in whichever direction hurts an expiry, so that it
counts max(loss, gain): its gain D(V_shocked) - V is the smaller of two, which ends convexity: `either`.

    basis contingency   sum over expiries of max(0, loss when spot moves up, down) x (addition + multiplier T)
    contingencies       perpetual: rate x |q| x spot;  per strike, what is sold more than bought of calls and puts:
                        rate x spot;  initial margin: rates of its own on top, a haircut of collateral, and charges
                        where feeds are less sure than the threshold

The maintenance haircut of collateral is in E. Source: derivexyz/v2-core, `PMRMLib_2.sol`. Over the exchange's rule: a
low confidence of the perpetual's price always counts for options too, not only where a perpetual is held; the factor of
initial margin is rounded up to a denominator that columns can carry. Everything else is rounding, against the account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from zkmargin.circuits.atoms import either, maximum, neg
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.draft import FINEST
from zkmargin.circuits.expression import Expression, total, weighted
from zkmargin.circuits.parameters import Named
from zkmargin.circuits.trading import BIT, TradingBook
from zkmargin.circuits.variables import InputKey
from zkmargin.inputs.market import Market
from zkmargin.inputs.models.pm2_numbers import Pm2Scenario
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.risk.derive.pm2_entries import BASIS_DOWN, BASIS_UP, long_factor, short_factor
from zkmargin.risk.derive.pm2_terms import Pm2Terms
from zkmargin.risk.table import RiskTable


def derive_pm2_rules(policy: Policy, market: Market, table: RiskTable, book: BookPolicy) -> Rules:
    """State the rules of a book of the model "derive-pm2".

    Raise CurvatureError, naming the discounts, where an expiry's long discount is above its short one.
    """
    terms = Pm2Terms(policy, book, market, table.books[book.id])
    charged = set(terms.charged_collateral())

    def digits(key: InputKey) -> int | None:
        kind, name = key
        return BIT if kind == "position" or (kind == "held" and name in charged) else None

    of = TradingBook.declare(policy, market, table, book, digits=digits)
    for expiry, options in terms.expiries.items():
        for option in options:
            of.rules.tolerate(("position", option.name), terms.inexactness(expiry, option))
    rule = _Pm2(of, terms)
    return of.state(rule.requirement(), rule.initial_requirement())


@dataclass(frozen=True)
class _Pm2:
    of: TradingBook
    terms: Pm2Terms

    def requirement(self) -> Expression:
        factor = self.terms.parameters.numbers.maintenance_factor
        return self.worst * factor + total(self._contingencies(initial=False))

    def initial_requirement(self) -> Expression:
        return self.worst * self.terms.initial_factor(FINEST) + total(self._contingencies(initial=True))

    @cached_property
    def worst(self) -> Expression:
        """The largest of zero, basis contingency and the loss in every scenario."""
        scenarios = self.terms.parameters.numbers.scenarios
        losses = {shock.name: self._loss(number, shock) for number, shock in enumerate(scenarios)}
        return maximum("worst case", {"basis contingency": self._basis(), **losses}, floor_zero=True)

    def _loss(self, scenario: int, shock: Pm2Scenario) -> Expression:
        loss = self._skew_loss if shock.skewed else self._expiry_loss
        losses = total(loss(expiry, scenario, shock.name) for expiry in self.terms.expiries)
        return (losses - self._spot_gain(scenario)) * shock.damping

    def _expiry_loss(self, expiry: str, scenario: int, name: str) -> Expression:
        """V - D(V_shocked); what is held is valued not above, what is sold not below its true value."""
        long, short = self.terms.discounts(expiry).of_losses
        spread = Named(short, short_factor(expiry)) - Named(long, long_factor(expiry))
        value = self._value(expiry, scenario, gain=False)
        debt: Expression = neg(f"short value[{expiry}, {name}]", value) * spread
        return self._marks[expiry] - value * long + debt

    def _skew_loss(self, expiry: str, scenario: int, name: str) -> Expression:
        """max(loss, gain), the gain's values and discounts rounded the other way."""
        long, short = self.terms.discounts(expiry).of_gains
        value, mark = self._value(expiry, scenario, gain=True), self._marks[expiry]
        first, second = value * long - mark, value * short - mark
        pieces: dict[str, object] = {"loss": self._expiry_loss(expiry, scenario, name)}
        if long > short:  # equal but for their rounding: then the larger of the two, which is convex
            pieces |= {"gain held": first, "gain owed": second}
        else:
            pieces["gain"] = first if long == short else either(first, second, names=("held", "owed"))
        return maximum(f"skew[{expiry}, {name}]", pieces, floor_zero=True)

    def _basis(self) -> Expression:
        """Every expiry's loss at the worse of two spot moves, without discount."""
        charges = []
        for expiry in self.terms.expiries:
            losses = {
                move: self._marks[expiry]
                - self._value(expiry, self.terms.risk.scenarios.index(move), gain=False)
                for move in (BASIS_UP, BASIS_DOWN)
            }
            charges.append(
                maximum(f"basis[{expiry}]", losses, floor_zero=True) * self.terms.basis_factor(expiry)
            )
        return total(charges)

    def _contingencies(self, *, initial: bool) -> Iterator[Expression]:
        terms, rules = self.terms, self.terms.parameters.numbers.other
        for name, notional in terms.perpetuals.items():
            rate = rules.perpetual + (rules.perpetual_initial + terms.oracle(name) if initial else 0)
            yield self.of.position[name].gross * (notional * rate)
        for sold in self.naked.values():
            yield sold * (terms.spot * (rules.option + (rules.option_initial if initial else 0)))
        if initial:
            yield from self._doubtful_options()
            for asset in terms.charged_collateral():
                yield self.of.held[asset] * (self.of.value[asset] * terms.collateral_rate(asset))

    @cached_property
    def naked(self) -> Mapping[tuple[str, Fraction], Expression]:
        """Contracts sold more than bought, calls and puts of a strike together, by expiry and strike."""
        legs: dict[tuple[str, Fraction], list[Expression]] = {}
        for expiry, options in self.terms.expiries.items():
            for option in options:
                held = self.of.position[option.name] * option.size
                legs.setdefault((expiry, option.strike), []).append(held)
        return {
            (expiry, strike): neg(f"naked shorts[{expiry}, {strike}]", total(held))
            for (expiry, strike), held in legs.items()
        }

    def _doubtful_options(self) -> Iterator[Expression]:
        terms = self.terms
        for expiry, options in terms.expiries.items():
            rate = terms.oracle(*terms.perpetuals, expiry=expiry)
            for option in options:
                yield self.of.position[option.name].gross * (option.size * terms.spot * rate)

    def _spot_gain(self, scenario: int) -> Expression:
        """Return what the perpetual and hedging collateral gain where spot moves."""
        moving: dict[str, Expression] = {name: self.of.position[name] for name in self.terms.perpetuals}
        moving |= {asset: self.of.held[asset] for asset in self.terms.parameters.hedges}
        return total(held * self.terms.spot_gain(scenario, name) for name, held in moving.items())

    @cached_property
    def _marks(self) -> Mapping[str, Expression]:
        """Every expiry's value at its marks."""
        return {
            expiry: total(self.of.position[option.name] * self.of.value[option.name] for option in options)
            for expiry, options in self.terms.expiries.items()
        }

    def _value(self, expiry: str, scenario: int, *, gain: bool) -> Expression:
        """Return an expiry's value in a scenario: not above the true one, or not below it where a gain is charged."""
        sides: list[tuple[Expression, Fraction]] = []
        for option in self.terms.expiries[expiry]:
            position, bounds = self.of.position[option.name], (option.low(scenario), option.high(scenario))
            held, sold = reversed(bounds) if gain else bounds
            sides += [(position.long, held), (position.short, -sold)]
        return weighted(sides)
