"""Books of other margin models for the bench: synthetic, reproducible, of the sizes that docs/margin.md speaks of.

Each function writes folder/market and folder/ledger of so many accounts: one book, every account one pot with cash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from standard_book import MONEY, decimals, write_parquet

from zkmargin.inputs.market_files import INSTRUMENTS, PRICES
from zkmargin.inputs.table_writer import write_table

TIME = "2026-01-30T08:00:00Z"
QUANTITY = pa.decimal128(18, 3)

Integers = npt.NDArray[np.int64]

HEAD = """\
[exchange]
name = "Bench"
quote = "USDT"
[units]
equity_quantum = "1e-6"
margin_quantum = "1e-4"
[attestation]
max_overstatement = "1000"
"""


class Asset(NamedTuple):
    """A spot instrument: name, price in quote, lot."""

    name: str
    price: Fraction
    lot: Fraction


class Amounts(NamedTuple):
    """Rows of one kind in a ledger: account number, name, thousandths of a unit."""

    account: Integers
    name: npt.NDArray[np.str_]
    amount: Integers


def write_assets(
    folder: Path, assets: Sequence[Asset], more: Sequence[Sequence[str]], prices: object
) -> None:
    """Write instruments and prices: the quote asset, `assets`, and further rows."""
    rows = [(a.name, "spot", a.name, "USDT", _text(a.lot), _text(a.lot), "", "", "", "", "") for a in assets]
    write_table(folder, "instruments", INSTRUMENTS.names, [*rows, *map(tuple, more)])
    spot = [(TIME, "spot", a.name, _text(a.price), "") for a in assets if a.name != "USDT"]
    write_table(folder, "prices", PRICES.names, [*spot, *prices])  # type: ignore[misc]


def write_ledger(
    folder: Path,
    accounts: int,
    book: str,
    balances: Mapping[str, Amounts],
    positions: Amounts | None,
) -> None:
    """Write accounts, balances (by column: held, owed, pledged_...) and positions without entry cost."""
    names = np.array([f"A{i:08}" for i in range(accounts)])
    write_parquet(
        folder / "accounts.parquet",
        account=pa.array(names),
        user=[f"user{i}@example.org" for i in range(accounts)],
        user_nonce=[""] * accounts,
        book=[book] * accounts,
    )
    held = balances["held"]
    columns = {
        name: decimals(rows.amount, QUANTITY) for name, rows in balances.items()
    }  # all of one length, row by row
    write_parquet(
        folder / "balances.parquet",
        account=pa.array(names[held.account]),
        pot=["cross"] * len(held.account),
        asset=pa.array(held.name),
        **columns,
    )
    rows = positions or Amounts(np.zeros(0, np.int64), np.array([], dtype=str), np.zeros(0, np.int64))
    write_parquet(
        folder / "positions.parquet",
        account=pa.array(names[rows.account]),
        pot=pa.array(["cross"] * len(rows.account), pa.string()),
        instrument=pa.array(rows.name),
        quantity=decimals(rows.amount, QUANTITY),
        entry_cost=decimals(np.zeros(len(rows.account), np.int64), MONEY),
    )


def chosen(random: np.random.Generator, accounts: int, names: Sequence[str], each: int) -> Amounts:
    """Return `each` different names an account, popular ones more often; amounts log-normal, still unsigned."""
    weight = 1 / np.arange(1, len(names) + 1)
    keys = random.exponential(size=(accounts, len(names))) / weight  # smallest keys: a weighted draw
    which = np.argpartition(keys, each, axis=1)[:, :each]
    amount = np.minimum(random.lognormal(3, 1.5, accounts * each), 1e5).astype(np.int64) + 1
    return Amounts(np.repeat(np.arange(accounts), each), np.array(names)[which.reshape(-1)], amount)


def cash(random: np.random.Generator, accounts: int) -> Amounts:
    """Return USDT for every account, in cents; few fall short."""
    amount = (np.minimum(random.lognormal(13, 1, accounts), 9e7) * 100).astype(np.int64) * 10 + 1000
    return Amounts(np.arange(accounts), np.full(accounts, "USDT"), amount)


def nothing(like: Amounts) -> Amounts:
    """Return zeros in the rows of other amounts."""
    return like._replace(amount=np.zeros(len(like.amount), np.int64))


# --- brackets: 349 contracts, eight brackets each, five positions ----------------------------------------------------

CONTRACTS, POSITIONS = 349, 5
RATES = ("0.004", "0.005", "0.01", "0.02", "0.025", "0.05", "0.125", "0.5")
FLOORS = (0, 50_000, 600_000, 3_000_000, 12_000_000, 70_000_000, 100_000_000, 230_000_000)


def write_brackets(folder: Path, accounts: int, seed: int = 1) -> None:
    """Write a book of perpetuals with brackets, sizes as on a retail exchange."""
    random = np.random.default_rng(seed)
    coins = [f"C{i:03}" for i in range(CONTRACTS)]
    (folder / "market").mkdir()
    (folder / "ledger").mkdir()
    assets = [Asset("USDT", Fraction(1), Fraction(1, 100))]
    assets += [Asset(coin, Fraction(10 + 3 * i), Fraction(1, 1000)) for i, coin in enumerate(coins)]
    perpetuals = [(f"{c}-PERP", "perpetual", c, "USDT", "0.001", "0.01", "", "", "", "", "") for c in coins]
    marks = [(TIME, "mark", f"{a.name}-PERP", _text(a.price), "") for a in assets[1:]]
    write_assets(folder / "market", assets, perpetuals, marks)
    brackets = "\n".join(
        f"{c}-PERP = [{', '.join(_bracket(i, t) for t in range(len(RATES)))}]" for i, c in enumerate(coins)
    )
    (folder / "market" / "policy.toml").write_text(
        HEAD
        + '[book.perp]\nmodel = "brackets"\nsettlement = "USDT"\ncollateral = { USDT = "cash" }\n'
        + 'limits = { position = "1e9", balance = "1e8" }\npad_to = 1\n[book.perp.brackets]\n'
        + brackets
    )
    positions = chosen(random, accounts, [f"{c}-PERP" for c in coins], POSITIONS)
    signs = random.choice([-1, 1], len(positions.amount))
    held = cash(random, accounts)
    write_ledger(
        folder / "ledger",
        accounts,
        "perp",
        {"held": held, "owed": nothing(held)},
        positions._replace(amount=positions.amount * 50 * signs),
    )


def _bracket(contract: int, tier: int) -> str:
    """Return one bracket; smaller contracts have lower floors, as on exchanges."""
    floor = FLOORS[tier] // (1 + contract // 20)
    return f'["{floor}", "{RATES[tier]}", "{_text(2 * Fraction(RATES[tier]))}"]'


# --- collateral: 483 assets, three pools, six held, four of them pledged, one debt -----------------------------------

ASSETS, HELD, PLEDGED = 483, 6, 4
POOLS = ("loan", "margin", "portfolio")


def write_collateral(folder: Path, accounts: int, seed: int = 1) -> None:
    """Write a book of collateral with haircut tiers; pledges go to one pool each."""
    random = np.random.default_rng(seed)
    coins = [f"C{i:03}" for i in range(ASSETS - 1)]
    (folder / "market").mkdir()
    (folder / "ledger").mkdir()
    assets = [Asset("USDT", Fraction(1), Fraction(1, 1000))]
    assets += [Asset(coin, Fraction(1 + i, 4), Fraction(1, 1000)) for i, coin in enumerate(coins)]
    write_assets(folder / "market", assets, [], [])
    pools = "".join(
        f"[book.spot.pools.{pool}]\n" + "".join(f"{a.name} = {_tiers(i)}\n" for i, a in enumerate(assets))
        for pool in POOLS
    )
    (folder / "market" / "policy.toml").write_text(
        HEAD + '[book.spot]\nmodel = "collateral"\nsettlement = "USDT"\nlimits = { balance = "1e7" }\n'
        "pad_to = 1\n" + pools
    )
    held = chosen(random, accounts, [a.name for a in assets], HELD)
    held = held._replace(amount=held.amount * 1000)
    column = np.tile(np.arange(HELD), accounts)
    pool = random.integers(0, len(POOLS), len(column))
    balances = {
        "held": held,
        "owed": held._replace(amount=np.where(column == HELD - 1, held.amount // 10, 0)),
    }
    for number, name in enumerate(POOLS):
        pledged = np.where((column < PLEDGED) & (pool == number), held.amount // 2, 0)
        balances[f"pledged_{name}"] = held._replace(amount=pledged)
    write_ledger(folder / "ledger", accounts, "spot", balances, None)


def _tiers(asset: int) -> str:
    """Return haircut tiers: five for the large assets, two for the others."""
    tiers = [("0", "0.95"), ("10000", "0.9"), ("100000", "0.8"), ("1000000", "0.5"), ("5000000", "0")]
    kept = tiers if asset < 40 else [tiers[0], tiers[2]]
    return "[" + ", ".join(f'["{start}", "{rate}"]' for start, rate in kept) + "]"


def _text(value: Fraction) -> str:
    return f"{value.numerator / value.denominator:.12f}".rstrip("0").rstrip(".")
