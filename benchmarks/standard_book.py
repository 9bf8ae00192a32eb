"""The standard book: 256 contracts on BTC and ETH, eight positions an account, two thirds of them in one underlying.

Lots of 0.001 BTC and 0.01 ETH, position sides of 20 bits, 16 scenarios per underlying, slacks in 1e-4 USD. Sizes are
log-normal; every account holds cash. Reproducible: one seed, one book.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from zkmargin.inputs.example_market import example_market, write_market
from zkmargin.inputs.market import Market, in_circuit_order

CONTRACTS, POSITIONS = 256, 8
LOTS = {"BTC": Fraction(1, 1000), "ETH": Fraction(1, 100)}
QUANTITY = pa.decimal128(18, 3)
MONEY = pa.decimal128(18, 2)
POLICY = """\
[exchange]
name = "Standard"
quote = "USD"
circuit_version = 1
[units]
equity_quantum = "1e-6"
margin_quantum = "1e-4"
[attestation]
max_overstatement = "2"
[book.portfolio]
model = "scenarios"
settlement = "USD"
scenarios = "span-16"
price_range = { BTC = "0.16", ETH = "0.18", USDT = "0.02" }
volatility_range = "0.5"
short_option_minimum = "0.005"
initial_factor = "1.25"
collateral = { USD = "cash" }
limits = { position = "3.45e7", balance = "1e8" }
pad_to = 1
minimum_accounts = 16
"""


def write_standard_book(
    folder: Path, accounts: int, seed: int = 1, *, policy: str = POLICY, positions: int = POSITIONS
) -> None:
    """Write folder/market (CSV) and folder/ledger (Parquet)."""
    market = standard_market()
    for name in ("market", "ledger"):
        (folder / name).mkdir(parents=True)
    write_market(folder / "market", market, "csv")
    (folder / "market" / "policy.toml").write_text(policy)
    _write_ledger(folder / "ledger", market, accounts, positions, np.random.default_rng(seed))


def standard_market() -> Market:
    """Return 256 linear contracts in USD on BTC and ETH; lots of 0.001 BTC and 0.01 ETH."""
    market = example_market(CONTRACTS + 4)
    linear = [item for item in market.contracts if item.settlement == "USD" and item.underlying in LOTS]
    kept = [replace(item, lot=LOTS[item.underlying]) for item in linear[-CONTRACTS:]]
    spots = [market.instruments[asset] for asset in market.assets]
    return replace(
        market, instruments=in_circuit_order([*spots, *kept]), **_prices(market, {i.name for i in kept})
    )


def _prices(market: Market, kept: set[str]) -> dict[str, dict[str, Fraction]]:
    return {
        kind: {name: price for name, price in getattr(market, kind).items() if name in kept}
        for kind in ("mark", "volatility")
    }


def _write_ledger(
    folder: Path, market: Market, accounts: int, positions: int, random: np.random.Generator
) -> None:
    names = [f"A{i:08}" for i in range(accounts)]
    write_parquet(
        folder / "accounts.parquet",
        account=names,
        user=[f"user{i}@example.org" for i in range(accounts)],
        user_nonce=[""] * accounts,
        book=["portfolio"] * accounts,
    )
    cash = (np.minimum(random.lognormal(14, 1, accounts), 9e7) * 100).astype(np.int64) + 100  # few fall short
    write_parquet(
        folder / "balances.parquet",
        account=names,
        pot=["cross"] * accounts,
        asset=["USD"] * accounts,
        held=decimals(cash, MONEY),
        owed=decimals(np.zeros(accounts, np.int64), MONEY),
    )
    which, lots = _positions(market, accounts, positions, random)
    step = np.array([int(item.lot * 1000) for item in market.contracts])
    contracts = np.array([item.name for item in market.contracts])
    write_parquet(
        folder / "positions.parquet",
        account=pa.array(np.repeat(np.array(names), positions)),
        pot=["cross"] * (accounts * positions),
        instrument=pa.array(contracts[which]),
        quantity=decimals(lots * step[which], QUANTITY),
        entry_cost=decimals(np.zeros(len(lots), np.int64), MONEY),
    )


def _positions(
    market: Market, accounts: int, positions: int, random: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return contract and signed lots of every position, so many an account."""
    pools = [
        np.array([i for i, item in enumerate(market.contracts) if item.underlying == asset]) for asset in LOTS
    ]
    chosen = np.empty((accounts, positions), np.int64)
    kinds = random.integers(0, 3, accounts)  # BTC only, ETH only, both
    for row, kind in enumerate(kinds):
        if kind < 2:
            chosen[row] = random.choice(pools[kind], positions, replace=False)
        else:
            half = positions // 2
            chosen[row, :half] = random.choice(pools[0], half, replace=False)
            chosen[row, half:] = random.choice(pools[1], positions - half, replace=False)
    size = np.minimum(random.lognormal(4, 2, accounts * positions), 4e5).astype(np.int64) + 1
    return chosen.reshape(-1), size * random.choice([-1, 1], len(size))


def decimals(values: npt.NDArray[np.int64], kind: pa.Decimal128Type) -> pa.Array:
    """Return integers as decimals of the type's scale: 1234 at scale 3 is 1.234."""
    wide = np.stack([values, values >> 63], axis=1).astype("<i8")
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(wide.tobytes())])


def write_parquet(path: Path, **columns: object) -> None:
    """Write one table."""
    pq.write_table(pa.table(columns), path)
