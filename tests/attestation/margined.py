"""A tiny exchange with margin: one perpetual and one option under two scenarios, three customers, four leaves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from zkmargin.attestation.build import Snapshot
from zkmargin.inputs.ledger import Ledger
from zkmargin.inputs.ledger_files import load_ledger
from zkmargin.inputs.market_files import load_market
from zkmargin.risk.table import build_risk_table

TIME = "2026-01-01T00:00:00Z"
POLICY = """
[exchange]
name = "Margined"
quote = "USD"
circuit_version = 1
[units]
equity_quantum = "0.01"
margin_quantum = "1"
[attestation]
max_overstatement = "1000"
publish = ["requirement"]
[book.portfolio]
model = "scenarios"
settlement = "USD"
scenarios = [
    { price = "1", volatility = "1", weight = "1" },
    { price = "-1", volatility = "1", weight = "1" },
]
price_range = { BTC = "0.1" }
volatility_range = "0.5"
short_option_minimum = "0.01"
initial_factor = "1"
collateral = { USD = "cash" }
limits = { position = "7000", balance = "7000" }
levels = { call = "1.1", liquidation = "1.0" }
pad_to = 4
minimum_accounts = 4
"""
FILES = {
    "market/policy.toml": POLICY,
    "market/instruments.csv": (
        "instrument,kind,underlying,settlement,lot,tick,expiry,strike,right\n"
        "USD,spot,USD,USD,1,1,,,\n"
        "BTC,spot,BTC,USD,1,1,,,\n"
        "PERP,perpetual,BTC,USD,1,1,,,\n"
        "CALL,option,BTC,USD,1,1,2026-03-01T00:00:00Z,1000,call\n"
    ),
    "market/prices.csv": (
        "time,kind,name,expiry,value\n"
        f"{TIME},spot,USD,,1\n"
        f"{TIME},spot,BTC,,1000\n"
        f"{TIME},mark,PERP,,{{perp}}\n"
        f"{TIME},mark,CALL,,80\n"
        f"{TIME},forward,BTC,2026-03-01T00:00:00Z,1010\n"
        f"{TIME},volatility,CALL,,0.5\n"
    ),
    "ledger/accounts.csv": (
        "account,user,user_nonce,book\n"
        "1,alice@example.org,,portfolio\n"
        "2,bob@example.org,,portfolio\n"
        "3,carol@example.org,,portfolio\n"
    ),
    "ledger/balances.csv": (
        "account,pot,asset,held,owed\n1,cross,USD,5000,0\n2,cross,USD,1000,0\n3,cross,USD,40,0\n"
    ),
    "ledger/positions.csv": (
        "account,pot,instrument,quantity,entry_cost\n1,cross,PERP,2,2000\n1,cross,CALL,-3,\n2,cross,PERP,-2,-2000\n"
    ),
}


def inputs(folder: Path, perp: str = "1001") -> tuple[Snapshot, Ledger]:
    """Write the files and load them."""
    return load(folder, {name: text.replace("{perp}", perp) for name, text in FILES.items()})


def load(folder: Path, files: Mapping[str, str]) -> tuple[Snapshot, Ledger]:
    """Write an exchange's files and load them."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    policy, market = load_market(folder / "market")
    snapshot = Snapshot(policy, market, build_risk_table(policy, market))
    return snapshot, load_ledger(folder / "ledger", policy, market)
