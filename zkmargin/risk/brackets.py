"""Brackets in whole lots: the parameters of a contract's requirement, for circuit and formula alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from zkmargin.inputs.market import Instrument, Market
from zkmargin.inputs.models.brackets import Bracket
from zkmargin.risk.valuation import lot_value


@dataclass(frozen=True)
class Schedule:
    """Knots in lots from 0, and per lot from each knot on: maintenance and initial requirement in quote currency."""

    knots: tuple[int, ...]
    maintenance: tuple[Fraction, ...]
    initial: tuple[Fraction, ...]


def mark_notional(market: Market, contract: Instrument) -> Fraction:
    """Return the value in quote of what one lot refers to, at the mark; an inverse lot is worth its multiplier."""
    return abs(contract.lot * contract.multiplier if contract.inverse else lot_value(market, contract))


def bracket_schedule(market: Market, contract: Instrument, brackets: tuple[Bracket, ...]) -> Schedule:
    """Return the brackets of a contract per lot.

    Knots are moved down to whole lots, so that no lot has a lower rate than the rule's; where two knots fall together
    the later bracket holds.
    """
    notional = mark_notional(market, contract)
    at = {math.floor(bracket.floor / notional): bracket for bracket in brackets}
    return Schedule(
        tuple(at),
        tuple(bracket.maintenance * notional for bracket in at.values()),
        tuple(bracket.initial * notional for bracket in at.values()),
    )
