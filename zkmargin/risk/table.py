"""The risk table: every public number of a snapshot that the margin rules need, as exact integers and fractions.

It is computed from policy and market alone, without any account. An auditor computes it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cached_property
from typing import Any

from zkmargin import canonical
from zkmargin.canonical import Json
from zkmargin.errors import DecodeError

JOINT = "joint"  # name of the one unit of a book that nets all underlyings


@dataclass(frozen=True)
class Pnl:
    """Profit and loss of ONE LOT held long, per scenario, in `unit` quote currency, the scenario's weight included.

    `values[s] = floor(true / unit)`. `exact`: equality holds in every scenario (everything but unexpired options).
    Otherwise the true value lies in [v, v + 1), so that the short side's value is -(v + 1): rounded against both.
    """

    unit: Fraction
    values: tuple[int, ...]
    exact: bool

    def long(self, scenario: int) -> Fraction:
        """Return the P&L of a lot held, in quote currency, never above the true value."""
        return self.values[scenario] * self.unit

    def short(self, scenario: int) -> Fraction:
        """Return the P&L of a lot sold or owed, in quote currency, never above the true value."""
        return -(self.values[scenario] + (0 if self.exact else 1)) * self.unit


@dataclass(frozen=True)
class RiskUnit:
    """What is netted inside one worst case: an underlying, or everything ("joint").

    `instruments` are the contracts revalued in it, `assets` those whose own price moves in it, both in name order.
    """

    name: str
    instruments: tuple[str, ...]
    assets: tuple[str, ...]


@dataclass(frozen=True)
class BookRisk:
    """Scenario P&L of one book; empty for a book of the collateral model.

    `pnl` has an entry for every instrument and asset of the units and for nothing else: an instrument without an
    entry cannot be held in the book, an asset without one keeps its price in every scenario. An asset's entry is the
    P&L of one lot of its balance and of one lot of an entry cost in it.
    """

    book: str
    scenarios: tuple[str, ...]
    units: tuple[RiskUnit, ...]
    pnl: dict[str, Pnl]


@dataclass(frozen=True)
class RiskTable:
    """All books of a snapshot.

    `lot_value`: equity quanta per lot of every asset and instrument, rounded once; one mark for all books.
    `short_minimum`: quote currency per lot short, by book of the scenarios model and option.
    """

    time: datetime
    lot_value: dict[str, int]
    short_minimum: dict[str, dict[str, Fraction]]
    books: dict[str, BookRisk]

    def to_json(self) -> Json:
        """Return the value whose canonical encoding is stored and hashed."""
        return {
            "time": _time_text(self.time),
            "lot_value": dict(self.lot_value),
            "short_minimum": {book: dict(rates) for book, rates in self.short_minimum.items()},
            "books": {name: _book_json(book) for name, book in self.books.items()},
        }

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the canonical JSON, 32 bytes."""
        return canonical.digest(self.to_json())

    @classmethod
    def from_json(cls, value: Json) -> RiskTable:
        """Read what `to_json` wrote (integers as decimal strings); raise DecodeError for anything else."""
        try:
            table = cls(
                time=_parse_time(value["time"]),
                lot_value={name: _integer(text) for name, text in _items(value["lot_value"])},
                short_minimum={
                    book: {name: _fraction(text) for name, text in _items(rates)}
                    for book, rates in _items(value["short_minimum"])
                },
                books={name: _parse_book(book) for name, book in _items(value["books"])},
            )
        except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
            raise DecodeError("risk-table", f"not a risk table: {error}") from None
        if canonical.encode(table.to_json()) != canonical.encode(value):
            raise DecodeError("risk-table", "risk table with surplus or non-canonical fields")
        return table


def _book_json(book: BookRisk) -> Json:
    return {
        "book": book.book,
        "scenarios": list(book.scenarios),
        "units": [
            {"name": unit.name, "instruments": list(unit.instruments), "assets": list(unit.assets)}
            for unit in book.units
        ],
        "pnl": {
            name: {"unit": pnl.unit, "values": list(pnl.values), "exact": pnl.exact}
            for name, pnl in book.pnl.items()
        },
    }


def _parse_book(value: Json) -> BookRisk:
    book = BookRisk(
        book=_text(value["book"]),
        scenarios=_texts(value["scenarios"]),
        units=tuple(
            RiskUnit(_text(unit["name"]), _texts(unit["instruments"]), _texts(unit["assets"]))
            for unit in value["units"]
        ),
        pnl={name: _parse_pnl(pnl) for name, pnl in _items(value["pnl"])},
    )
    if any(len(pnl.values) != len(book.scenarios) for pnl in book.pnl.values()):
        raise ValueError(f"book {book.book}: P&L and scenarios differ in number")
    return book


def _parse_pnl(value: Json) -> Pnl:
    if not isinstance(value["exact"], bool):
        raise TypeError("exact is true or false")
    return Pnl(_fraction(value["unit"]), tuple(_integer(item) for item in value["values"]), value["exact"])


def _items(value: Json) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise TypeError("object expected")
    return sorted(value.items())


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("text expected")
    return value


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(_text(item) for item in value)


def _integer(value: Json) -> int:
    return int(_text(value))


def _fraction(value: Json) -> Fraction:
    return Fraction(_text(value))


def _time_text(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _parse_time(text: Json) -> datetime:
    time = datetime.fromisoformat(_text(text))
    if time.utcoffset() is None:
        raise ValueError("time without UTC")
    return time
