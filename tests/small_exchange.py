"""A small market and ledger as texts, which tests change line by line."""

from __future__ import annotations

from pathlib import Path

POLICY = """\
[exchange]
name = "Small"
quote = "USD"

[units]
equity_quantum = "1e-6"
margin_quantum = "1e-4"

[attestation]
max_price_age = "5m"
publish = ["requirement"]

[book.portfolio]
model = "scenarios"
settlement = "USD"
scenarios = "span-16"
price_range = { BTC = "0.16", ETH = "0.18" }
volatility_range = "0.5"
short_option_minimum = "0.005"
initial_factor = "1.25"
collateral = { USD = "cash", BTC = "shocked", ETH = [["0", "0.95"], ["1000000", "0.9"]] }
limits = { position = "1e7", balance = "1e9" }
levels = { warning = "1.5", call = "1.1", liquidation = "1.0" }
pad_to = 4
minimum_accounts = 16

[book.spot]
model = "collateral"
settlement = "USD"
limits = { balance = "1e9" }
pools = { loan = { BTC = [["0", "1"], ["100000", "0.5"]] }, margin = { BTC = [["0", "0.9"]] } }
"""

INSTRUMENTS = """\
instrument,kind,underlying,settlement,lot,tick,expiry,strike,right,multiplier,inverse
USD,spot,USD,USD,0.01,0.01,,,,,
BTC,spot,BTC,USD,0.0001,0.01,,,,,
ETH,spot,ETH,USD,0.001,0.01,,,,,
BTC-PERP,perpetual,BTC,USD,0.001,0.5,,,,,
BTC-PERP-INVERSE,perpetual,BTC,BTC,1,0.5,,,,100,true
BTC-MAR,future,BTC,USD,0.001,0.5,2026-03-27T08:00:00Z,,,,
BTC-60000-C,option,BTC,USD,0.01,0.5,2026-03-27T08:00:00Z,60000,call,,
"""

PRICES = """\
time,kind,name,expiry,value
2026-01-30T08:00:00Z,spot,BTC,,60000
2026-01-30T08:00:00Z,spot,ETH,,3000
2026-01-30T08:00:00Z,mark,BTC-PERP,,60010.5
2026-01-30T08:00:00Z,mark,BTC-PERP-INVERSE,,60020
2026-01-30T08:00:00Z,mark,BTC-MAR,,60600
2026-01-30T08:00:00Z,mark,BTC-60000-C,,5000.25
2026-01-30T08:00:00Z,forward,BTC,2026-03-27T08:00:00Z,60600
2026-01-30T08:00:00Z,volatility,BTC-60000-C,,0.55
"""

ACCOUNTS = """\
account,user,user_nonce,book
A1,alice@example.com,000102030405060708090a0b0c0d0e0f,portfolio
A2,bob@example.com,,portfolio
A3,carol@example.com,,spot
A4,dave@example.com,,portfolio
"""

BALANCES = """\
account,pot,asset,held,owed,pledged_loan,pledged_margin
A1,cross,USD,10000.00,0,,
A1,isolated-1,USD,500,0,,
A2,cross,BTC,1.5,0.25,,
A3,cross,BTC,2,0,0.5,0.25
A3,cross,USD,0,20000,,
"""

POSITIONS = """\
account,pot,instrument,quantity,entry_cost
A1,cross,BTC-PERP,0.25,15000.00
A1,cross,BTC-MAR,-0.25,-15100.5
A1,isolated-1,BTC-60000-C,-0.1,
A2,cross,BTC-PERP-INVERSE,-300,0.5
"""

MARKET_FILES = {"policy.toml": POLICY, "instruments.csv": INSTRUMENTS, "prices.csv": PRICES}
LEDGER_FILES = {"accounts.csv": ACCOUNTS, "balances.csv": BALANCES, "positions.csv": POSITIONS}


def write_files(folder: Path, files: dict[str, str]) -> Path:
    """Write texts as they stand into a folder, which is created."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode("utf-8"))
    return folder


def write_market(folder: Path, **changed: str) -> Path:
    """Write the market; `policy`, `instruments` or `prices` replace a file's text."""
    return write_files(folder, _changed(MARKET_FILES, changed))


def write_ledger(folder: Path, **changed: str) -> Path:
    """Write the ledger; `accounts`, `balances` or `positions` replace a file's text."""
    return write_files(folder, _changed(LEDGER_FILES, changed))


def _changed(files: dict[str, str], changed: dict[str, str]) -> dict[str, str]:
    unknown = set(changed) - {name.partition(".")[0] for name in files}
    if unknown:
        raise ValueError(f"no such file: {unknown}")
    return {name: changed.get(name.partition(".")[0], text) for name, text in files.items()}
