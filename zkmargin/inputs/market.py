"""The market of one snapshot: instruments and prices, all public, all of one time.

Prices are exact fractions of decimal strings. A spot instrument is an asset: its name is the asset's name.
The quote asset is a spot instrument whose price is 1. `market_files` reads a market from a folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from functools import cached_property
from typing import Literal, cast

from zkmargin import canonical
from zkmargin.canonical import Json, fraction_text
from zkmargin.errors import DecodeError
from zkmargin.inputs.depth import Depth
from zkmargin.inputs.feeds import FEED_KINDS, FeedKey, Feeds
from zkmargin.inputs.json_fields import Fields, fraction, strings
from zkmargin.inputs.returns import Returns

Kind = Literal["spot", "perpetual", "future", "option"]
Right = Literal["call", "put"]
KINDS: tuple[Kind, ...] = ("spot", "perpetual", "future", "option")
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Instrument:
    """What can be held: `lot` in units, `tick` in the currency of its price (for information), `multiplier` per unit.

    The value of one unit in the settlement asset is `multiplier * mark`, of an inverse contract
    `-multiplier / mark`.
    """

    name: str
    kind: Kind
    underlying: str
    settlement: str
    lot: Fraction
    tick: Fraction
    expiry: datetime | None = None
    strike: Fraction | None = None
    right: Right | None = None
    multiplier: Fraction = Fraction(1)
    inverse: bool = False

    def to_json(self) -> Json:
        """Return every field but the name as canonical JSON; what the kind has not is the empty text."""
        return {
            "kind": self.kind,
            "underlying": self.underlying,
            "settlement": self.settlement,
            "lot": fraction_text(self.lot),
            "tick": fraction_text(self.tick),
            "expiry": "" if self.expiry is None else time_text(self.expiry),
            "strike": "" if self.strike is None else fraction_text(self.strike),
            "right": self.right or "",
            "multiplier": fraction_text(self.multiplier),
            "inverse": self.inverse,
        }

    @staticmethod
    def from_json(name: str, value: Json) -> Instrument:
        """Read what `to_json` wrote; raise DecodeError for any other shape."""
        what = f"market.instruments.{name}"
        with Fields(value, what) as fields:
            expiry, strike = fields.text("expiry"), fields.text("strike")
            return Instrument(
                name=name,
                kind=cast(Kind, fields.choice("kind", KINDS)),
                underlying=fields.text("underlying"),
                settlement=fields.text("settlement"),
                lot=fields.fraction("lot"),
                tick=fields.fraction("tick"),
                expiry=_time(expiry, what) if expiry else None,
                strike=fraction(strike, what) if strike else None,
                right=cast("Right | None", fields.choice("right", ("", "call", "put")) or None),
                multiplier=fields.fraction("multiplier"),
                inverse=fields.boolean("inverse"),
            )


@dataclass(frozen=True)
class Market:
    """Instruments in the order of (kind, name) by UTF-8 bytes, and prices at `time`.

    `spot` per asset in quote, `mark` per instrument that is not spot, `forward` per underlying and expiry,
    implied `volatility` per option (1 is 100 %), `index` per underlying (the spot price where the market
    names none). `feeds`: what only some models read. Past `returns` and the order books' `depth` by contract are
    optional, for rules that need them.
    """

    time: datetime
    instruments: Mapping[str, Instrument]
    spot: Mapping[str, Fraction]
    mark: Mapping[str, Fraction]
    forward: Mapping[tuple[str, datetime], Fraction]
    volatility: Mapping[str, Fraction]
    index: Mapping[str, Fraction]
    feeds: Feeds = Feeds()  # noqa: RUF009 - frozen
    returns: Returns | None = None
    depth: Mapping[str, Depth] = field(default_factory=dict)

    @property
    def assets(self) -> tuple[str, ...]:
        """Names of the spot instruments, in circuit order."""
        return tuple(name for name, instrument in self.instruments.items() if instrument.kind == "spot")

    @property
    def contracts(self) -> tuple[Instrument, ...]:
        """What can be a position (everything but spot), in circuit order."""
        return tuple(i for i in self.instruments.values() if i.kind != "spot")

    def to_json(self) -> Json:
        """Return the market for canonical JSON; optional tables only where they are there."""
        returns = {} if self.returns is None else {"returns": self.returns.to_json()}
        depth = {name: item.to_json() for name, item in self.depth.items()}
        feeds = {"feeds": _feeds_json(self.feeds)} if self.feeds.of else {}
        return (
            returns
            | ({"depth": depth} if depth else {})
            | feeds
            | {
                "time": time_text(self.time),
                "instruments": {name: item.to_json() for name, item in self.instruments.items()},
                "spot": _prices_json(self.spot),
                "mark": _prices_json(self.mark),
                "forward": [
                    [underlying, time_text(expiry), fraction_text(price)]
                    for (underlying, expiry), price in sorted(self.forward.items())
                ],
                "volatility": _prices_json(self.volatility),
                "index": _prices_json(self.index),
            }
        )

    @staticmethod
    def from_json(value: Json) -> Market:
        """Read what `to_json` wrote; raise DecodeError for another shape. `market_rules` checks the rest."""
        with Fields(value, "market") as fields:
            instruments = fields.mapping("instruments")
            forward: dict[tuple[str, datetime], Fraction] = {}
            for item in fields.items("forward"):
                underlying, expiry, price = strings(item, 3, "market.forward")
                forward[underlying, _time(expiry, "market.forward")] = fraction(price, "market.forward")
            if list(forward) != sorted(forward):
                raise DecodeError("json", "market.forward is not sorted")
            return Market(
                time=_time(fields.text("time"), "market.time"),
                instruments=in_circuit_order(
                    [Instrument.from_json(name, item) for name, item in instruments.items()]
                ),
                spot=fields.fractions("spot"),
                mark=fields.fractions("mark"),
                forward=forward,
                volatility=fields.fractions("volatility"),
                index=fields.fractions("index"),
                feeds=_feeds(fields.items("feeds")) if "feeds" in fields else Feeds(),
                returns=Returns.from_json(fields.take("returns"), "market.returns")
                if "returns" in fields
                else None,
                depth=_depth(fields.mapping("depth")) if "depth" in fields else {},
            )

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the canonical JSON, 32 bytes."""
        return canonical.digest(self.to_json())


def in_circuit_order(instruments: list[Instrument]) -> dict[str, Instrument]:
    """Order instruments by (kind, name) in UTF-8 bytes, which is the order of Python's code points."""
    return {item.name: item for item in sorted(instruments, key=lambda item: (item.kind, item.name))}


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 time in UTC, whole seconds, such as 2026-01-30T08:00:00Z; raise ValueError."""
    normal = text.removesuffix("+00:00") + "Z" * text.endswith("+00:00")
    time = datetime.strptime(normal, TIME_FORMAT).replace(tzinfo=UTC)
    if time_text(time) != normal:  # strptime takes single digits too
        raise ValueError(text)
    return time


def time_text(time: datetime) -> str:
    """Write a UTC time as 2026-01-30T08:00:00Z."""
    return f"{time.year:04}-{time:%m-%dT%H:%M:%SZ}"


def lot_notional(market: Market, instrument: Instrument) -> Fraction:
    """Return the value in quote of what one lot refers to: lot x multiplier x index.

    A unit of an inverse contract is worth its multiplier in quote by itself. Of a perpetual or future that settles in a
    coin the index says nothing, as its price may be in quote or in the coin: there it is the value at the mark.
    """
    if instrument.kind == "spot":
        return instrument.lot * market.spot[instrument.name]
    size, settlement = instrument.lot * instrument.multiplier, instrument.settlement
    if instrument.inverse:
        return size
    in_quote = settlement == market.instruments[settlement].settlement
    if in_quote or instrument.kind == "option":
        return size * market.index[instrument.underlying]
    return size * market.mark[instrument.name] * market.spot[settlement]


def _time(text: str, what: str) -> datetime:
    try:
        time = parse_time(text)
    except ValueError:
        raise DecodeError("json", f"{what}: not a time", actual=text) from None
    if time_text(time) != text:
        raise DecodeError("json", f"{what}: not the one text of that time", actual=text)
    return time


def _feeds_json(feeds: Feeds) -> Json:
    rows = [(kind, name, time_text(at) if at else "", value) for (kind, name, at), value in feeds.of.items()]
    return [[*row[:3], fraction_text(row[3])] for row in sorted(rows)]


def _feeds(items: list[Json]) -> Feeds:
    what = "market.feeds"
    found: dict[FeedKey, Fraction] = {}
    for item in items:
        kind, name, expiry, value = strings(item, 4, what)
        if kind not in FEED_KINDS:
            raise DecodeError("json", f"{what}: unknown kind", actual=kind)
        found[kind, name, _time(expiry, what) if expiry else None] = fraction(value, what)
    feeds = Feeds(found)
    if not items or _feeds_json(feeds) != items:
        raise DecodeError("json", f"{what} is not sorted, or says something twice")
    return feeds


def _depth(value: dict[str, Json]) -> dict[str, Depth]:
    if not value:
        raise DecodeError("json", "market.depth is empty")
    return {name: Depth.from_json(item, f"market.depth.{name}") for name, item in value.items()}


def _prices_json(prices: Mapping[str, Fraction]) -> Json:
    return {name: fraction_text(price) for name, price in prices.items()}
