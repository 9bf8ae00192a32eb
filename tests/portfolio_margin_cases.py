"""Books of portfolio margin with charges: the presets under examples/policies, at small markets of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path

import small_market as sm

from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.inputs.market import Instrument, Market, in_circuit_order
from zkmargin.inputs.market_files import load_market
from zkmargin.inputs.policy import Policy
from zkmargin.inputs.policy_file import parse_policy
from zkmargin.risk.table import RiskTable, build_risk_table

F = Fraction
EXAMPLES = Path(__file__).parent.parent / "examples"
JUNE = sm.TIME + timedelta(days=147)


def preset(name: str, **changes: object) -> Policy:
    """The policy of examples/policies/NAME.toml, its one book changed; underlyings that `market` lacks are left out."""
    policy = parse_policy((EXAMPLES / "policies" / f"{name}.toml").read_text())
    book = policy.books["portfolio"]
    known = {asset: size for asset, size in book.price_range.items() if asset in ("BTC", "ETH", "SOL")}
    return replace(policy, books={"portfolio": replace(book, price_range=known, **changes)})  # type: ignore[arg-type]


def market(*more: Instrument) -> Market:
    """BTC, ETH and SOL: perpetuals, an inverse one, a future, options of two expiries of which one is over."""
    options = [
        sm.option("BTC-JUN26-80000-P", "BTC", "0.1", 80_000, "put", expiry=JUNE),
        sm.option("BTC-JAN26-90000-C", "BTC", "0.1", 90_000, "call", expiry=sm.TIME),
        sm.contract("SOL-PERP", "SOL", "0.1"),
    ]
    base = sm.market(
        *options,
        *more,
        mark={"BTC-JUN26-80000-P": F(4_100), "BTC-JAN26-90000-C": F(10_000), "SOL-PERP": F("200.1")},
        forward={("BTC", JUNE): F(103_000), ("BTC", sm.TIME): F(100_000)},
        volatility={"BTC-JUN26-80000-P": F("0.6")},
    )
    return replace(base, instruments=in_circuit_order(list(base.instruments.values())))


@cache
def compiled(name: str, book: str = "portfolio") -> tuple[Policy, Market, RiskTable, CompiledBook]:
    """A preset's book at its market: "deribit" at the example exchange, the others at `market`."""
    if name == "deribit":
        policy, prices = load_market(EXAMPLES / "deribit" / "market")
    else:
        policy, prices = _trimmed(preset(name)), market()
    table = build_risk_table(policy, prices)
    return policy, prices, table, compile_circuit(policy, prices, table, book)


def _trimmed(policy: Policy) -> Policy:
    """Drop the rows of underlyings that are not there."""
    book = policy.books["portfolio"]
    rules = book.parameters
    changes = {}
    for key in ("volatility", "basis", "minimum_delta", "minimum_charge"):
        rows = getattr(rules, key)
        changes[key] = {name: row for name, row in rows.items() if name == "*" or name in book.price_range}
    for key in ("moves", "weights"):
        table = getattr(rules, key)
        changes[key] = {
            scenario: {n: v for n, v in row.items() if n == "*" or n in book.price_range}
            for scenario, row in table.items()
        }
    return replace(policy, books={"portfolio": replace(book, parameters=replace(rules, **changes))})  # type: ignore[type-var]
