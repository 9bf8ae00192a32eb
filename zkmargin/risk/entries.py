"""The risk table: every public number of a snapshot that the margin rules need, exactly.

It is computed from policy and market alone, without any account. An auditor computes it again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import cached_property

from zkmargin import canonical
from zkmargin.canonical import Json
from zkmargin.errors import DecodeError
from zkmargin.inputs.json_fields import Fields, integer, strings
from zkmargin.inputs.market import parse_time, time_text

JOINT = "joint"  # name of the one unit of a book that nets all underlyings


@dataclass(frozen=True)
class Pnl:
    """Profit and loss of ONE LOT held long, per scenario, in `unit` quote currency, weight included.

    `values[s] = floor(true / unit)`. `exact`: equality holds in every scenario (everything but unexpired
    options). Otherwise the true value lies in [v, v + 1), so that the short side's value is -(v + 1):
    rounded against both.
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

    `instruments` are the contracts revalued in it, `assets` those whose own price moves in it, both in the
    market's order: by (kind, name).
    """

    name: str
    instruments: tuple[str, ...]
    assets: tuple[str, ...]


@dataclass(frozen=True)
class BookRisk:
    """Scenario P&L of one book; empty for a book of the collateral model.

    `pnl` has an entry for every instrument and asset of the units and for nothing else: an instrument without
    an entry cannot be held in the book, an asset without one keeps its price in every scenario. An asset's
    entry is the P&L of one lot of its balance and of one lot of an entry cost in it. `delta`: cash deltas of unexpired
    options, one entry each, where the book charges deltas; see `zkmargin.risk.deltas`. A model may say otherwise of
    `pnl`, and may have `factors`, numbers by name that pass through floats: see its module in `zkmargin.risk`.
    """

    book: str
    scenarios: tuple[str, ...]
    units: tuple[RiskUnit, ...]
    pnl: dict[str, Pnl]
    delta: dict[str, Pnl] = field(default_factory=dict)
    factors: dict[str, Pnl] = field(default_factory=dict)


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
            "time": time_text(self.time),
            "lot_value": dict(self.lot_value),
            "short_minimum": {book: dict(rates) for book, rates in self.short_minimum.items()},
            "books": {name: _book_json(book) for name, book in self.books.items()},
        }

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the canonical JSON, 32 bytes."""
        return canonical.digest(self.to_json())

    @staticmethod
    def from_json(value: Json) -> RiskTable:
        """Read what `to_json` wrote (integers as decimal strings); raise DecodeError for any other shape."""
        with Fields(value, "risk") as fields:
            return RiskTable(
                time=_time(fields.text("time")),
                lot_value={
                    name: integer(text, f"risk.lot_value.{name}")
                    for name, text in fields.mapping("lot_value").items()
                },
                short_minimum=_short_minimum(fields.mapping("short_minimum")),
                books={name: _book(name, book) for name, book in fields.mapping("books").items()},
            )


def _book_json(book: BookRisk) -> Json:
    groups = (("delta", book.delta), ("factors", book.factors))
    return {name: _pnl_json(entries) for name, entries in groups if entries} | {
        "book": book.book,
        "scenarios": list(book.scenarios),
        "units": [
            {"name": unit.name, "instruments": list(unit.instruments), "assets": list(unit.assets)}
            for unit in book.units
        ],
        "pnl": _pnl_json(book.pnl),
    }


def _pnl_json(entries: dict[str, Pnl]) -> Json:
    return {
        name: {"unit": pnl.unit, "values": list(pnl.values), "exact": pnl.exact}
        for name, pnl in entries.items()
    }


def _book(name: str, value: Json) -> BookRisk:
    what = f"risk.books.{name}"
    with Fields(value, what) as fields:
        groups = {group: group in fields for group in ("delta", "factors")}
        book = BookRisk(
            book=fields.choice("book", (name,)),
            scenarios=_texts(fields.items("scenarios"), f"{what}.scenarios"),
            units=tuple(_unit(unit, f"{what}.units") for unit in fields.items("units")),
            pnl=_pnls(fields.mapping("pnl"), f"{what}.pnl"),
            **{
                group: _pnls(fields.mapping(group), f"{what}.{group}") if there else {}
                for group, there in groups.items()
            },
        )
    named = sorted(name for unit in book.units for name in unit.instruments + unit.assets)
    if named != sorted(book.pnl) or any(len(pnl.values) != len(book.scenarios) for pnl in book.pnl.values()):
        raise DecodeError("risk-table", f"{what}: units, scenarios and P&L do not belong together")
    for group, there in groups.items():
        entries: dict[str, Pnl] = getattr(book, group)
        if there != bool(entries) or any(len(entry.values) != 1 for entry in entries.values()):
            raise DecodeError(
                "risk-table", f"{what}.{group}: deltas and factors have one value each, or left out"
            )
    if not set(book.delta) <= set(book.pnl):
        raise DecodeError("risk-table", f"{what}: deltas are of the instruments")
    return book


def _pnls(value: dict[str, Json], what: str) -> dict[str, Pnl]:
    return {key: _pnl(pnl, f"{what}.{key}") for key, pnl in value.items()}


def _unit(value: Json, what: str) -> RiskUnit:
    with Fields(value, what) as unit:
        return RiskUnit(
            unit.text("name"), _texts(unit.items("instruments"), what), _texts(unit.items("assets"), what)
        )


def _pnl(value: Json, what: str) -> Pnl:
    with Fields(value, what) as fields:
        unit = fields.fraction("unit")
        values = tuple(integer(item, what) for item in fields.items("values"))
        exact = fields.boolean("exact")
    if unit <= 0:
        raise DecodeError("risk-table", f"{what}: unit is not positive", actual=unit)
    return Pnl(unit, values, exact)


def _short_minimum(value: dict[str, Json]) -> dict[str, dict[str, Fraction]]:
    with Fields(value, "risk.short_minimum") as books:
        return {book: books.fractions(book) for book in list(value)}


def _texts(value: list[Json], what: str) -> tuple[str, ...]:
    return tuple(strings(value, len(value), what))


def _time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError:
        raise DecodeError("risk-table", "risk.time is not a time", actual=text) from None
