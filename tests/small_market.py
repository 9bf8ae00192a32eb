"""A market small enough to compute by hand, and policies on it, built without files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from zkmargin.inputs.ledger import Pots, User
from zkmargin.inputs.market import Instrument, Market, in_circuit_order
from zkmargin.inputs.policy import BookPolicy, Policy, Scenario
from zkmargin.inputs.presets import PRESETS
from zkmargin.sparse import sparse

TIME = datetime(2026, 1, 30, 8, tzinfo=UTC)
MARCH = datetime(2026, 3, 27, 8, tzinfo=UTC)
F = Fraction


def spot(name: str, lot: str) -> Instrument:
    """An asset of quote currency USD."""
    return Instrument(name, "spot", name, "USD", F(lot), F("0.01"))


def contract(name: str, underlying: str, lot: str, **changes: Any) -> Instrument:
    """A linear perpetual settled in USD, unless changed."""
    base = Instrument(name, "perpetual", underlying, "USD", F(lot), F("0.1"))
    return replace(base, **changes)


def option(name: str, underlying: str, lot: str, strike: int, right: str, **changes: Any) -> Instrument:
    """An option that expires in March, settled in USD, unless changed."""
    terms = {"kind": "option", "expiry": MARCH, "strike": F(strike), "right": right}
    return contract(name, underlying, lot, **(terms | changes))


INSTRUMENTS = (
    spot("USD", "0.01"),
    spot("BTC", "0.0001"),
    spot("ETH", "0.001"),
    spot("SOL", "0.01"),
    contract("BTC-PERP", "BTC", "0.001"),
    contract("ETH-PERP", "ETH", "0.01"),
    contract("BTC-INVERSE", "BTC", "10", settlement="BTC", inverse=True),
    contract("BTC-MAR26", "BTC", "0.001", kind="future", expiry=MARCH),
    option("BTC-MAR26-110000-C", "BTC", "0.1", 110_000, "call"),
    option("BTC-MAR26-90000-P", "BTC", "0.1", 90_000, "put"),
    option("ETH-MAR26-4000-C", "ETH", "1", 4_000, "call"),
)


def market(*more: Instrument, time: datetime = TIME, **prices: Mapping[Any, Fraction]) -> Market:
    """BTC at 100,000 and ETH at 4,000; `more` instruments, `prices` on top of the standard ones."""
    standard: dict[str, dict[Any, Fraction]] = {
        "spot": {"USD": F(1), "BTC": F(100_000), "ETH": F(4_000), "SOL": F(200)},
        "mark": {
            "BTC-PERP": F(100_010),
            "ETH-PERP": F(4_001),
            "BTC-INVERSE": F(100_000),
            "BTC-MAR26": F(101_000),
            "BTC-MAR26-110000-C": F(4_500),
            "BTC-MAR26-90000-P": F(3_100),
            "ETH-MAR26-4000-C": F(300),
        },
        "forward": {("BTC", MARCH): F(101_000), ("ETH", MARCH): F(4_040)},
        "volatility": {
            "BTC-MAR26-110000-C": F("0.5"),
            "BTC-MAR26-90000-P": F("0.55"),
            "ETH-MAR26-4000-C": F("0.7"),
        },
        "index": {"USD": F(1), "BTC": F(100_000), "ETH": F(4_000), "SOL": F(200)},
    }
    merged = {kind: table | dict(prices.get(kind, {})) for kind, table in standard.items()}
    return Market(time=time, instruments=in_circuit_order([*INSTRUMENTS, *more]), **merged)  # type: ignore[arg-type]


UP_DOWN = (Scenario("up", F(1), F(0)), Scenario("down", F(-1), F(0)))


def book(**changes: Any) -> BookPolicy:
    """A scenarios book on span-16 with a range of 16 % for BTC and 18 % for ETH."""
    base = BookPolicy(
        id="portfolio",
        model="scenarios",
        settlement="USD",
        netting="underlying",
        scenario_set="span-16",
        scenarios=PRESETS["span-16"],
        price_range={"BTC": F("0.16"), "ETH": F("0.18")},
        volatility_range=F("0.5"),
        interest=F(0),
        short_option_minimum=F("0.005"),
        initial_factor=F("1.25"),
        collateral={
            "USD": "cash",
            "BTC": "shocked",
            "ETH": ((F(0), F("0.95")), (F(1_000_000), F("0.9"))),
        },
        pools={},
        position_limit=F(10**7),
        balance_limit=F(10**9),
        levels=(("warning", F("1.5")), ("call", F("1.1")), ("liquidation", F(1))),
        pad_to=1,
        minimum_accounts=1,
    )
    return replace(base, **changes)


def spot_book(**changes: Any) -> BookPolicy:
    """A collateral book with two pools."""
    pools = {
        "loan": {"BTC": ((F(0), F("0.9")), (F(50_000), F("0.5"))), "USD": ((F(0), F(1)),)},
        "margin": {"BTC": ((F(0), F("0.8")),)},
    }
    base = {"id": "spot", "model": "collateral", "scenarios": (), "price_range": {}, "collateral": {}}
    return book(**(base | {"pools": pools, "initial_factor": F(1), "position_limit": F(0)} | changes))


def policy(*books: BookPolicy, **changes: Any) -> Policy:
    """A policy in USD with quanta 1e-6 and 1e-4."""
    base = Policy(
        exchange="Example",
        quote="USD",
        circuit_version=1,
        equity_quantum=F("0.000001"),
        margin_quantum=F("0.0001"),
        max_price_age=None,
        max_overstatement=F(1),
        publish=(),
        books={item.id: item for item in sorted(books or (book(),), key=lambda item: item.id)},
    )
    return replace(base, **changes)


def pots(
    *rows: Mapping[tuple[str, str], int],
    book_id: str = "portfolio",
    labels: tuple[tuple[str, str], ...] | None = None,
) -> Pots:
    """One pot per mapping of amounts in lots."""
    keys = sorted({key for row in rows for key in row})
    values = {key: sparse(range(len(rows)), [row.get(key, 0) for row in rows]) for key in keys}
    names = labels or tuple((f"a{i:05}", "cross") for i in range(len(rows)))
    return Pots(book_id, names, values, tuple(User(name) for name, _ in names))
