"""Rows of exact numbers by name ("*": all others), as a policy holds them: read, written, looked up.

A row is a frozen dataclass of fractions; its fields are the keys of the policy's table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from zkmargin.canonical import Json, fraction_text
from zkmargin.errors import DecodeError
from zkmargin.inputs.json_fields import Fields

if TYPE_CHECKING:
    from zkmargin.inputs.sections import Section

OTHERS = "*"
Row = TypeVar("Row")
Value = TypeVar("Value")


@dataclass(frozen=True)
class VolatilityShock:
    """Relative ranges of a volatility move of 1, up and down, at 30 days; they change with (30 / days)^power.

    `short_power` up to 30 days to expiry, `long_power` beyond; fewer days count as `days_floor`. After a move up a
    volatility is at least `minimum`.
    """

    up: Fraction
    down: Fraction
    minimum: Fraction
    short_power: Fraction
    long_power: Fraction
    days_floor: Fraction


@dataclass(frozen=True)
class BasisMove:
    """How far the forwards of one expiry move alone, relative: `annualised` x years to expiry, at least `minimum`."""

    minimum: Fraction
    annualised: Fraction


@dataclass(frozen=True)
class DeltaRates:
    """Rates of the index on the net delta, and on the delta that is hedged: (gross - net) / 2."""

    net: Fraction
    hedged: Fraction


def lookup(rows: Mapping[str, Value], name: str) -> Value | None:
    """Return the row of a name, that of "*" if it has none of its own."""
    return rows.get(name, rows.get(OTHERS))


def read_rows(section: Section, key: str, row: type[Row]) -> dict[str, Row]:
    """Take a table of rows, empty if it is not there."""
    table = section.section(key, required=False)
    return {name: _row(table.section(name), row) for name in sorted(table.names())}


def rows_json(rows: Mapping[str, Any]) -> Json:
    """Return rows as objects of exact numbers."""
    return {
        name: {key: fraction_text(value) for key, value in vars(row).items()} for name, row in rows.items()
    }


def decoded_rows(value: Mapping[str, Json], row: type[Row], what: str) -> dict[str, Row]:
    """Read what `rows_json` wrote; raise DecodeError for any other shape."""
    out = {}
    for name, item in value.items():
        with Fields(item, f"{what}.{name}") as found:
            out[name] = row(*(found.fraction(key) for key in _keys(row)))
    return out


def read_numbers(section: Section, key: str) -> dict[str, dict[str, Fraction]]:
    """Take a table of tables of numbers; a number in place of an inner table is for all names."""
    table = section.section(key, required=False)
    return {name: _numbers(table, name) for name in sorted(table.names())}


def numbers_json(numbers: Mapping[str, Mapping[str, Fraction]]) -> Json:
    """Return a table of tables of numbers."""
    return {
        name: {key: fraction_text(value) for key, value in inner.items()} for name, inner in numbers.items()
    }


def decoded_numbers(value: Json, what: str) -> dict[str, dict[str, Fraction]]:
    """Read what `numbers_json` wrote; raise DecodeError for any other shape."""
    if not isinstance(value, dict):
        raise DecodeError("json", f"{what} is not an object")
    with Fields(value, what) as outer:
        return {name: outer.fractions(name) for name in value}


def _numbers(table: Section, name: str) -> dict[str, Fraction]:
    if not isinstance(table.raw(name), dict):
        return {OTHERS: table.decimal(name)}
    inner = table.section(name)
    return {key: inner.decimal(key) for key in sorted(inner.names())}


def _row(section: Section, row: type[Row]) -> Row:
    found = row(*(section.decimal(key) for key in _keys(row)))
    section.finish()
    return found


def _keys(row: type[Any]) -> list[str]:
    return [field.name for field in fields(row)]
