"""Read a MARKET folder: policy.toml, instruments and prices, returns and depth if any (CSV or Parquet)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import cast

from zkmargin.inputs.depth_file import load_depth
from zkmargin.inputs.feeds import DATED, FEED_KINDS, FeedKey, Feeds
from zkmargin.inputs.market import KINDS, Instrument, Kind, Market, Right, in_circuit_order
from zkmargin.inputs.market_row import Row
from zkmargin.inputs.market_rules import check_market, check_together, instrument_faults
from zkmargin.inputs.policy import Policy
from zkmargin.inputs.policy_file import read_policy
from zkmargin.inputs.problems import Problems
from zkmargin.inputs.returns_file import load_returns
from zkmargin.inputs.tables import Schema, Table, read_table

INSTRUMENTS = Schema(
    ("instrument", "kind", "underlying", "settlement", "lot", "tick"),
    ("expiry", "strike", "right", "multiplier", "inverse"),
)
PRICES = Schema(("time", "kind", "name", "value"), ("expiry",))
UNDATED_KINDS = ("spot", "mark", "volatility", "index")
PRICE_KINDS = (*UNDATED_KINDS, "forward", *FEED_KINDS)


def load_market(folder: Path) -> tuple[Policy, Market]:
    """Read policy and market; raise InputError with all problems of all files."""
    problems = Problems()
    policy = _policy(folder / "policy.toml", problems)
    instruments = _instruments(read_table(folder, "instruments", INSTRUMENTS, problems), problems)
    prices = _Prices(problems)
    prices.read(read_table(folder, "prices", PRICES, problems))
    returns, depth = load_returns(folder, problems), load_depth(folder, problems)
    problems.raise_if_any()
    if policy is None or prices.time is None:
        raise ValueError("unreachable: both are there when there is no problem")
    if policy.quote not in {item.name for item in instruments}:
        hint = f"add a spot instrument {policy.quote}"
        problems.add("instruments.csv", None, None, policy.quote, "the quote asset is missing", hint)
        problems.raise_if_any()
    market = replace(_market(policy.quote, instruments, prices, prices.time), returns=returns, depth=depth)
    problems.extend(check_market(market))
    problems.raise_if_any()
    problems.extend(check_together(policy, market))
    problems.raise_if_any()
    return policy, market


def _policy(path: Path, problems: Problems) -> Policy | None:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        problems.add(path.name, None, None, None, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        problems.add(path.name, None, None, None, "not UTF-8", "save the file as UTF-8")
    else:
        return read_policy(text, path.name, problems)
    return None


def _market(quote: str, instruments: list[Instrument], prices: _Prices, time: datetime) -> Market:
    """Put a market together: the quote asset's price is 1, an index is the spot price unless one is given."""
    spot = {quote: Fraction(1), **prices.of["spot"]}
    underlyings = {item.underlying for item in instruments if item.kind != "spot"}
    index = {asset: spot[asset] for asset in sorted(underlyings) if asset in spot}
    return Market(
        time=time,
        instruments=in_circuit_order(instruments),
        spot=spot,
        mark=prices.of["mark"],
        forward=prices.forward,
        volatility=prices.of["volatility"],
        index={**index, **prices.of["index"]},
        feeds=Feeds(prices.feeds),
    )


def _instruments(table: Table | None, problems: Problems) -> list[Instrument]:
    if table is None:
        return []
    found: dict[str, Instrument] = {}
    for number, fields in table.rows(*INSTRUMENTS.names):
        row, before = Row(table.file, number, problems), problems.count
        item = _instrument(row, fields)
        if problems.count == before:
            for fault in instrument_faults(item):
                row.fault(*fault)
        if item.name in found:
            row.fault("instrument", item.name, "the instrument stands twice")
        found[item.name] = item
    if not len(table) and table.complete:
        problems.add(table.file, None, None, None, "no instruments")
    return list(found.values())


def _instrument(row: Row, fields: tuple[str, ...]) -> Instrument:
    name, kind, underlying, settlement, lot, tick, expiry, strike, right, multiplier, inverse = fields
    return Instrument(
        name=name,
        kind=cast(Kind, row.choice("kind", kind, KINDS)),
        underlying=underlying,
        settlement=settlement,
        lot=row.decimal("lot", lot),
        tick=row.decimal("tick", tick),
        expiry=row.optional(row.time, "expiry", expiry),
        strike=row.optional(row.decimal, "strike", strike),
        right=cast("Right | None", row.choice("right", right, ("", "call", "put")) or None),
        multiplier=row.decimal("multiplier", multiplier or "1"),
        inverse=row.choice("inverse", inverse, ("", "false", "true")) == "true",
    )


class _Prices:
    """All prices by kind and name, and their one time."""

    def __init__(self, problems: Problems) -> None:
        self.of: dict[str, dict[str, Fraction]] = {kind: {} for kind in UNDATED_KINDS}
        self.forward: dict[tuple[str, datetime], Fraction] = {}
        self.feeds: dict[FeedKey, Fraction] = {}
        self.time: datetime | None = None
        self._time_text = ""
        self._problems = problems

    def read(self, table: Table | None) -> None:
        if table is None:
            return
        for number, (time, kind, name, value, expiry) in table.rows(*PRICES.names):
            row = Row(table.file, number, self._problems)
            self._check_time(row, time)
            before = self._problems.count
            row.choice("kind", kind, PRICE_KINDS)
            price = row.decimal("value", value)
            if self._problems.count == before:
                self._add(row, kind, name, expiry, price)
        if not len(table) and table.complete:
            self._problems.add(table.file, None, None, None, "no prices")

    def _check_time(self, row: Row, time: str) -> None:
        if not self._time_text:
            self._time_text, self.time = time, row.time("time", time)
        elif time != self._time_text:
            row.fault(
                "time", time, "not the time of the first row", f"one snapshot, one time: {self._time_text}"
            )

    def _add(self, row: Row, kind: str, name: str, expiry: str, price: Fraction) -> None:
        if kind == "forward":
            if (at := row.time("expiry", expiry)) is not None:
                if (name, at) in self.forward:
                    row.fault("name", name, "the forward price stands twice")
                self.forward[name, at] = price
            return
        if kind in FEED_KINDS:
            self._add_feed(row, kind, name, expiry, price)
            return
        if expiry:
            row.fault("expiry", expiry, f"a {kind} price has none", "leave it empty")
        if name in self.of[kind]:
            row.fault("name", name, f"the {kind} price stands twice")
        self.of[kind][name] = price

    def _add_feed(self, row: Row, kind: str, name: str, expiry: str, value: Fraction) -> None:
        at = row.time("expiry", expiry) if expiry or kind in DATED else None
        if (kind, name, at) in self.feeds:
            row.fault("name", name, f"the {kind} stands twice")
        self.feeds[kind, name, at] = value
