"""Brackets in whole lots: the parameters of a contract's requirement, exact at every lot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from zkmargin.inputs.market import Instrument, Market
from zkmargin.inputs.models.bracket import Bracket
from zkmargin.inputs.models.brackets import Rates
from zkmargin.risk.valuation import lot_value


@dataclass(frozen=True)
class Charge:
    """A requirement in quote currency: its value at each knot and what each further lot adds from there on."""

    values: tuple[Fraction, ...]
    slopes: tuple[Fraction, ...]


@dataclass(frozen=True)
class Schedule:
    """Knots in lots, from 0: the first lot of each bracket."""

    knots: tuple[int, ...]
    maintenance: Charge
    initial: Charge

    @property
    def last_of_first(self) -> int:
        """The last lot of the first bracket, 0 where nothing begins after it."""
        return self.knots[1] - 1 if len(self.knots) > 1 else 0


def mark_notional(market: Market, contract: Instrument) -> Fraction:
    """Return the value in quote of what one lot refers to, at the mark; an inverse lot is worth its multiplier."""
    return abs(contract.lot * contract.multiplier if contract.inverse else lot_value(market, contract))


def bracket_schedule(
    market: Market, contract: Instrument, brackets: tuple[Bracket, ...], maintenance: Rates, initial: Rates
) -> Schedule:
    """Return the brackets of a contract per lot; of brackets that begin in the same lot the last one counts."""
    notional = mark_notional(market, contract)
    floors = [bracket.floor for bracket in brackets]
    first = {math.ceil(floor / notional): t for t, floor in enumerate(floors)}

    def charge(rates: list[Fraction], kind: Rates) -> Charge:
        values = (requirement(floors, rates, knot * notional, kind) for knot in first)
        return Charge(tuple(values), tuple(rates[t] * notional for t in first.values()))

    return Schedule(
        tuple(first),
        charge([bracket.maintenance for bracket in brackets], maintenance),
        charge([bracket.initial for bracket in brackets], initial),
    )


def requirement(floors: list[Fraction], rates: list[Fraction], notional: Fraction, kind: Rates) -> Fraction:
    """Return what a notional requires: `rate x notional - amount` of its bracket, the amount 0 for whole rates.

    A bracket holds its floor. The amount is the exchanges' `cum`: cum_t = cum_(t-1) + floor_t (r_t - r_(t-1)).
    """
    at = max(t for t, floor in enumerate(floors) if floor <= notional)
    steps = zip(floors[1 : at + 1], pairwise(rates), strict=False)
    amount = sum((floor * (upper - lower) for floor, (lower, upper) in steps), Fraction(0))
    return rates[at] * notional - (amount if kind == "marginal" else 0)
