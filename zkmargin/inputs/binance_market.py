"""The market and policy that make a Binance import provable: units fine enough for its lots, limits wide enough."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from pathlib import Path

from zkmargin.errors import PolicyError
from zkmargin.inputs.binance_assets import POOLS, Asset
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.market import time_text
from zkmargin.inputs.market_files import INSTRUMENTS, PRICES
from zkmargin.inputs.policy import Tiers
from zkmargin.inputs.table_writer import write_table

QUOTE = "usdt"
QUOTE_DECIMALS = 2
TOLERANCE = Fraction(1, 10**7)  # of a lot's value, in rounding it to whole quanta
FINEST = 30  # decimals of a quantum
LEAST_LIMIT, HEADROOM = 10**6, 10

POLICY = """\
[exchange]
name = "Binance import"
quote = {quote}
circuit_version = 1

[units]
equity_quantum = "1e-{decimals}"
margin_quantum = "1e-{decimals}"

[book.spot]
model = "collateral"
settlement = {quote}
limits = {{ balance = "{limit}" }}
pad_to = 16
minimum_accounts = 16
"""


def write_binance_market(
    folder: Path, assets: Mapping[str, Asset], largest: Mapping[str, Fraction], time: datetime
) -> None:
    """Write policy, instruments and prices; `largest` is the largest amount of each asset in any account."""
    quote = assets.get(QUOTE, Asset(QUOTE, Fraction(1), {}))
    if quote.price != 1:
        raise PolicyError("quote-price", f"prices are in {QUOTE}, and its own is not 1", actual=quote.price)
    quote.decimals = max(quote.decimals, QUOTE_DECIMALS)
    listed = {**assets, QUOTE: quote}
    limit = _limit(listed, largest)
    policy = POLICY.format(quote=_text(QUOTE), decimals=quantum_decimals(listed), limit=limit)
    tables = [_pool(pool, assets, limit) for pool in POOLS]
    (folder / "policy.toml").write_text("\n".join([policy, *tables]), encoding="utf-8")
    write_table(folder, "instruments", INSTRUMENTS.required, map(_instrument, listed.values()))
    rows = ((time_text(time), "spot", a.name, decimal_text(a.price)) for a in listed.values())
    write_table(folder, "prices", PRICES.required, rows)


def quantum_decimals(assets: Mapping[str, Asset]) -> int:
    """Return the fewest decimals of a quantum in which every lot's value is whole within the tolerance."""
    values = [asset.price / 10**asset.decimals for asset in assets.values()]
    for decimals in range(FINEST + 1):
        scale = 10**decimals
        if all(abs(round(value * scale) - value * scale) <= TOLERANCE * value * scale for value in values):
            return decimals
    raise PolicyError("quantum", f"a lot is worth too little for a quantum of {FINEST} decimals")


def _limit(assets: Mapping[str, Asset], largest: Mapping[str, Fraction]) -> int:
    """Return a power of ten that leaves headroom above the largest balance's value."""
    most = max((amount * assets[name].price for name, amount in largest.items()), default=Fraction(0))
    limit = LEAST_LIMIT
    while limit < HEADROOM * most:
        limit *= 10
    return limit


def _pool(pool: str, assets: Mapping[str, Asset], limit: int) -> str:
    lines = [f"[book.spot.pools.{pool}]"]
    for asset in assets.values():
        pairs = ", ".join(
            f'["{decimal_text(start)}", "{decimal_text(rate)}"]'
            for start, rate in _reachable(asset.tiers[pool], limit)
        )
        lines.append(f"{_text(asset.name)} = [{pairs}]")
    return "\n".join([*lines, ""])


def _reachable(tiers: Tiers, limit: int) -> Iterator[tuple[Fraction, Fraction]]:
    """Leave out tiers that begin above what a column can hold, which is less than twice the limit."""
    return (tier for tier in tiers if tier[0] <= 2 * limit)


def _instrument(asset: Asset) -> tuple[str, ...]:
    lot = decimal_text(Fraction(1, 10**asset.decimals))
    return asset.name, "spot", asset.name, QUOTE, lot, lot


def _text(name: str) -> str:
    """Quote a name for TOML, whose basic strings are JSON's."""
    return json.dumps(name, ensure_ascii=False)
