"""Books of options for the bench: Expected Shortfall on the standard market, and Derive's two models.

Like `model_books`: each function writes folder/market and folder/ledger of so many accounts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from model_books import HEAD, TIME, Amounts, Asset, cash, nothing, write_assets, write_ledger
from standard_book import write_standard_book

from zkmargin.inputs.returns_file import RETURNS
from zkmargin.inputs.table_writer import write_table
from zkmargin.risk.pricing import black76

# --- Expected Shortfall over 250 days: 256 contracts of the standard market ------------------------------------------

DAYS = 250
SHORTFALL = (
    HEAD.replace("USDT", "USD")
    + """\
[book.portfolio]
model = "historical"
settlement = "USD"
measure = "expected-shortfall"
tail = "0.025"
price_range = { BTC = "0", ETH = "0" }
collateral = { USD = "cash" }
limits = { position = "3.45e7", balance = "1e8" }
pad_to = 1
"""
)
LEGS = SHORTFALL + 'legs = "alone"\n'
RETAIL = LEGS.replace('balance = "1e8"', 'balance = "1e8", account = "1e6"')


def write_shortfall(
    folder: Path, accounts: int, seed: int = 1, *, policy: str = SHORTFALL, positions: int = 8
) -> None:
    """Write the standard market, its past moves and accounts of so many positions."""
    write_standard_book(folder, accounts, seed, policy=policy, positions=positions)
    moves = np.clip(0.03 * np.random.default_rng(seed).standard_t(4, (DAYS, 2)), -0.4, 0.6)
    rows = [
        (f"day {day:03}", asset, f"{move:.4f}", f"{max(-move, 0):.4f}")
        for day, both in enumerate(moves.tolist())
        for asset, move in zip(("BTC", "ETH"), both, strict=True)
    ]
    write_table(folder / "market", "returns", RETURNS.names, rows)


write_retail = partial(write_shortfall, policy=RETAIL, positions=1)

# --- Derive: 280 options on BTC, seven expiries of 20 strikes, six held ----------------------------------------------

SPOT, VOLATILITY = 60_000, 0.6
EXPIRIES = (7, 14, 28, 56, 91, 182, 365)  # days
STRIKES = range(30_000, 90_000, 3_000)
HELD = 6
LIMITS = 'limits = { position = "1e7", balance = "1e8" }\npad_to = 1\n'
PM2 = f"""\
{HEAD}\
[book.options]
model = "derive-pm2"
settlement = "USDT"
underlying = "BTC"
collateral = {{ USDT = "cash" }}
{LIMITS}"""
SRM = f"""\
{HEAD}\
[book.options]
model = "derive-srm"
settlement = "USDT"
underlyings = {{ BTC = {{}} }}
collateral = {{ USDT = "cash" }}
{LIMITS}"""


def write_pm2(folder: Path, accounts: int, seed: int = 1) -> None:
    """Write portfolio margin 2; options of any expiry."""
    _write_options(folder, accounts, PM2, len(EXPIRIES), seed)


def write_srm(folder: Path, accounts: int, seed: int = 1) -> None:
    """Write standard margin; options of two expiries an account."""
    _write_options(folder, accounts, SRM, 2, seed)


def _write_options(folder: Path, accounts: int, policy: str, expiries: int, seed: int) -> None:
    (folder / "market").mkdir()
    (folder / "ledger").mkdir()
    (folder / "market" / "policy.toml").write_text(policy)
    names = _write_market(folder / "market")
    random = np.random.default_rng(seed)
    held = cash(random, accounts)
    balances = {"held": held, "owed": nothing(held)}
    write_ledger(
        folder / "ledger", accounts, "options", balances, _positions(random, accounts, names, expiries)
    )


def _positions(random: np.random.Generator, accounts: int, names: np.ndarray, expiries: int) -> Amounts:
    """Six different options of so many expiries an account, calls and puts, held and sold."""
    count = len(names) // len(EXPIRIES)
    dates = random.permuted(np.tile(np.arange(len(EXPIRIES)), (accounts, 1)), axis=1)[:, :expiries]
    places = random.permuted(np.tile(np.arange(expiries * count), (accounts, 1)), axis=1)[:, :HELD]
    which = np.take_along_axis(dates, places // count, axis=1) * count + places % count
    size = np.minimum(random.lognormal(3, 1.5, accounts * HELD), 5e3).astype(np.int64) + 1
    signed = 10 * size * random.choice([-1, 1], len(size))  # lots of a hundredth in thousandths
    return Amounts(np.repeat(np.arange(accounts), HELD), names[which.reshape(-1)], signed)


def _write_market(folder: Path) -> np.ndarray:
    """Write instruments and prices by one volatility; return the options' names, expiry by expiry."""
    now = datetime.fromisoformat(TIME)
    assets = [
        Asset("USDT", Fraction(1), Fraction(1, 100)),
        Asset("BTC", Fraction(SPOT), Fraction(1, 1000)),
    ]
    contracts: list[tuple[str, ...]] = []
    prices: list[tuple[str, ...]] = []
    for days in EXPIRIES:
        expiry = (now + timedelta(days=days)).isoformat().replace("+00:00", "Z")
        prices.append((TIME, "forward", "BTC", f"{SPOT}", expiry))
        for strike in STRIKES:
            for right in ("call", "put"):
                name, call = f"BTC-{days}-{strike}-{right[0].upper()}", np.array(right == "call")
                terms = ("BTC", "USDT", "0.01", "0.5", expiry, str(strike), right, "", "")
                contracts.append((name, "option", *terms))
                inputs = (np.float64(x) for x in (SPOT, strike, VOLATILITY, days / 365))
                mark = black76(*inputs, 0.0, call)
                prices.append((TIME, "mark", name, f"{max(float(mark), 0.01):.2f}", ""))
                prices.append((TIME, "volatility", name, str(VOLATILITY), ""))
    write_assets(folder, assets, contracts, prices)
    return np.array([contract[0] for contract in contracts])
