"""A tiny exchange of Derive's models: portfolio margin 2 with a skew scenario, and standard margin beside it."""

from __future__ import annotations

from pathlib import Path

from tests.attestation.margined import load
from zkmargin.attestation.build import Snapshot
from zkmargin.inputs.ledger import Ledger

TIME, MARCH = "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"
POLICY = """
[exchange]
name = "Derived"
quote = "USD"
circuit_version = 1
[units]
equity_quantum = "0.01"
margin_quantum = "1"
[attestation]
max_overstatement = "1000"
publish = ["requirement", "initial_requirement"]

[book.portfolio]
model = "derive-pm2"
settlement = "USD"
underlying = "BTC"
collateral = { USD = "cash", BTC = [["0", "0.9"]] }
hedges = ["BTC"]
initial_haircut = { BTC = "0.05" }
scenarios = [
    { spot = "1.1", volatility = "up" },
    { spot = "0.9", volatility = "down" },
    { spot = "2", volatility = "up", damping = "0.1" },
    { volatility = "linear", damping = "40" },
]
limits = { position = "7000", balance = "7000" }
levels = { call = "1.1", liquidation = "1.0" }
pad_to = 4
minimum_accounts = 4

[book.standard]
model = "derive-srm"
settlement = "USD"
underlyings = { BTC = {} }
collateral = { USD = "cash" }
limits = { position = "7000", balance = "7000" }
pad_to = 2
minimum_accounts = 2
"""
FILES = {
    "market/policy.toml": POLICY,
    "market/instruments.csv": (
        "instrument,kind,underlying,settlement,lot,tick,expiry,strike,right\n"
        "USD,spot,USD,USD,1,1,,,\n"
        "BTC,spot,BTC,USD,1,1,,,\n"
        "PERP,perpetual,BTC,USD,1,1,,,\n"
        f"CALL,option,BTC,USD,1,1,{MARCH},1000,call\n"
        f"HIGH,option,BTC,USD,1,1,{MARCH},1100,call\n"
    ),
    "market/prices.csv": (
        "time,kind,name,expiry,value\n"
        f"{TIME},spot,USD,,1\n{TIME},spot,BTC,,1000\n{TIME},mark,PERP,,1000\n"
        f"{TIME},mark,CALL,,85\n{TIME},mark,HIGH,,47\n{TIME},forward,BTC,{MARCH},1010\n"
        f"{TIME},volatility,CALL,,0.5\n{TIME},volatility,HIGH,,0.5\n"
        f"{TIME},confidence,PERP,,0.5\n"
    ),
    "ledger/accounts.csv": (
        "account,user,user_nonce,book\n"
        "1,alice@example.org,,portfolio\n2,bob@example.org,,portfolio\n"
        "3,carol@example.org,,standard\n4,dora@example.org,,standard\n"
    ),
    "ledger/balances.csv": (
        "account,pot,asset,held,owed\n"
        "1,cross,USD,5000,0\n1,cross,BTC,1,0\n2,cross,USD,1000,0\n3,cross,USD,900,0\n4,cross,USD,400,0\n"
    ),
    "ledger/positions.csv": (
        "account,pot,instrument,quantity,entry_cost\n"
        "1,cross,CALL,-4,\n1,cross,HIGH,6,\n1,cross,PERP,-1,-980\n2,cross,CALL,3,\n2,cross,HIGH,-4,\n"
        "2,cross,PERP,1,980\n3,cross,CALL,-2,\n3,cross,HIGH,2,\n4,cross,HIGH,-1,\n"
    ),
}


def inputs(folder: Path) -> tuple[Snapshot, Ledger]:
    """Write the files and load them."""
    return load(folder, FILES)
