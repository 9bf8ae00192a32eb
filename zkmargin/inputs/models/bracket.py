"""One bracket: rates for a notional from a floor on, written as an array or as a table.

["50000", "0.005", "0.01"]                                       floor, maintenance rate, initial rate
{ from = "50000", maintenance = "0.005", leverage = "100" }      initial rate 1 / leverage
{ from = "0", initial = "0.05", maintenance_fraction = "0.6" }   maintenance rate: a fraction of the initial one
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from zkmargin import limits
from zkmargin.canonical import Json
from zkmargin.errors import DecodeError
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.json_fields import fraction, strings
from zkmargin.inputs.problems import Fault

if TYPE_CHECKING:
    from zkmargin.inputs.sections import Section

EXAMPLE = '["50000", "0.005", "0.01"] or { from = "50000", maintenance = "0.005", leverage = "100" }'


@dataclass(frozen=True)
class Bracket:
    """Maintenance and initial rate of a notional in quote currency from `floor` to the next bracket's floor."""

    floor: Fraction
    maintenance: Fraction
    initial: Fraction


def read_brackets(section: Section, name: str) -> tuple[Bracket, ...]:
    """Take an array of brackets."""
    value = section.raw(name)
    if not isinstance(value, list) or not all(isinstance(item, list | dict) for item in value):
        section.fault(name, repr(value), "not an array of brackets", EXAMPLE)
        return ()
    return tuple(_read(section, name, item) for item in value)


def _read(section: Section, name: str, item: Any) -> Bracket:
    if isinstance(item, dict):
        return _table(section.table(name, item))
    if len(item) != 3:
        section.fault(name, repr(item), "not [floor, maintenance rate, initial rate]", EXAMPLE)
        return Bracket(Fraction(0), Fraction(0), Fraction(0))
    return Bracket(*(section.exact(name, number) for number in item))


def _table(table: Section) -> Bracket:
    floor = table.decimal("from")
    initial = 1 / _leverage(table) if "leverage" in table else table.decimal("initial")
    if "maintenance_fraction" in table:
        maintenance = initial * table.decimal("maintenance_fraction")
    else:
        maintenance = table.decimal("maintenance")
    table.finish()
    return Bracket(floor, maintenance, initial)


def _leverage(table: Section) -> Fraction:
    leverage = table.decimal("leverage")
    if leverage <= 0:
        table.fault("leverage", decimal_text(leverage), "must be positive")
        return Fraction(1)
    return leverage


def decode_brackets(value: Json, what: str) -> tuple[Bracket, ...]:
    """Read an array of [floor, maintenance rate, initial rate]; raise DecodeError for any other shape."""
    if not isinstance(value, list):
        raise DecodeError("json", f"{what} is not an array of brackets")
    return tuple(Bracket(*(fraction(text, what) for text in strings(item, 3, what))) for item in value)


def bracket_faults(name: str, brackets: tuple[Bracket, ...]) -> Iterator[Fault]:
    """Say why brackets make no requirement that rises with the position: floors rise from 0, and rates rise."""
    if not 1 <= len(brackets) <= limits.MAX_TIERS:
        yield name, None, f"{len(brackets)} brackets", f"1 to {limits.MAX_TIERS}"
        return
    if brackets[0].floor != 0:
        yield name, decimal_text(brackets[0].floor), "the first bracket does not begin at 0", None
    for bracket in brackets:
        if not 0 <= bracket.maintenance <= bracket.initial:
            rate = decimal_text(bracket.maintenance)
            yield name, rate, "a maintenance rate below 0 or above the initial rate", "0.004 is 0.4 %"
    for lower, upper in pairwise(brackets):
        if upper.floor <= lower.floor:
            yield name, decimal_text(upper.floor), "crossed brackets", "each begins above the one before"
        if upper.maintenance < lower.maintenance or upper.initial < lower.initial:
            hint = "rates rise with notional: a falling one is not convex and cannot be proven"
            yield name, decimal_text(upper.floor), "a rate falls", hint
