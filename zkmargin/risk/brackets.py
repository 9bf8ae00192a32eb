"""Brackets in whole lots: the parameters of a contract's requirement, exact at every lot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

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
        of = amounts(floors, rates, kind)
        values = (rates[t] * notional * knot - of[t] for knot, t in first.items())
        return Charge(tuple(values), tuple(rates[t] * notional for t in first.values()))

    return Schedule(
        tuple(first),
        charge([bracket.maintenance for bracket in brackets], maintenance),
        charge([bracket.initial for bracket in brackets], initial),
    )


def amounts(floors: Sequence[Fraction], rates: Sequence[Fraction], kind: Rates) -> list[Fraction]:
    """Return what each bracket takes off `rate x notional`: the exchanges' `cum`, 0 for whole rates.

    cum_0 = 0, cum_t = cum_(t-1) + floor_t (rate_t - rate_(t-1)).
    """
    steps = (
        floor * (upper - lower) if kind == "marginal" else Fraction(0)
        for floor, (lower, upper) in zip(floors[1:], pairwise(rates), strict=True)
    )
    return list(accumulate(steps, initial=Fraction(0)))
