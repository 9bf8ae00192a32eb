"""A tiny exchange with leverage brackets beside spot with pledges: two books, two customers in one, one in the other.

PERP at 1,000: 5 % to 3 lots and 10 % of what is above, initially 1/10 and from 3 lots on 1/5 of everything.
"""

from __future__ import annotations

from pathlib import Path

from tests.attestation.margined import load
from zkmargin.attestation.build import Snapshot
from zkmargin.inputs.ledger import Ledger

TIME = "2026-01-01T00:00:00Z"
POLICY = """
[exchange]
name = "Bracketed"
quote = "USD"
[units]
equity_quantum = "0.01"
margin_quantum = "1"
[attestation]
publish = ["requirement"]

[book.perp]
model = "brackets"
settlement = "USD"
initial_rates = "whole"
collateral = { USD = "cash" }
limits = { position = "7000", balance = "7000" }
levels = { call = "1.1", liquidation = "1.0" }
pad_to = 4
minimum_accounts = 4
[book.perp.brackets]
PERP = [
    { from = "0", maintenance = "0.05", leverage = "10" },
    { from = "3000", maintenance = "0.1", leverage = "5" },
]

[book.spot]
model = "collateral"
settlement = "USD"
limits = { balance = "7000" }
pad_to = 2
minimum_accounts = 2
[book.spot.pools.loan]
BTC = [["0", "0.9"], ["2000", "0.5"]]
"""
FILES = {
    "market/policy.toml": POLICY,
    "market/instruments.csv": (
        "instrument,kind,underlying,settlement,lot,tick\n"
        "USD,spot,USD,USD,1,1\n"
        "BTC,spot,BTC,USD,1,1\n"
        "PERP,perpetual,BTC,USD,1,1\n"
    ),
    "market/prices.csv": (
        f"time,kind,name,value\n{TIME},spot,USD,1\n{TIME},spot,BTC,1000\n{TIME},mark,PERP,1000\n"
    ),
    "ledger/accounts.csv": (
        "account,user,user_nonce,book\n"
        "1,alice@example.org,,perp\n"
        "2,bob@example.org,,perp\n"
        "3,carol@example.org,,spot\n"
    ),
    "ledger/balances.csv": (
        "account,pot,asset,held,owed,pledged_loan\n"
        "1,cross,USD,5000,0,\n"
        "1,isolated,USD,120,0,\n"
        "2,cross,USD,900,0,\n"
        "3,cross,BTC,4,0,3\n"
        "3,cross,USD,0,1500,\n"
    ),
    "ledger/positions.csv": (
        "account,pot,instrument,quantity,entry_cost\n"
        "1,cross,PERP,4,3900\n1,isolated,PERP,-2,-2000\n2,cross,PERP,-2,-2050\n"
    ),
}


def inputs(folder: Path) -> tuple[Snapshot, Ledger]:
    """Write the files and load them."""
    return load(folder, FILES)
