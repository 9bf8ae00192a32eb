"""A tiny exchange of portfolio margin with every charge: a perpetual, a future and a call."""

from __future__ import annotations

from pathlib import Path

from tests.attestation import margined
from zkmargin.attestation.build import Snapshot
from zkmargin.inputs.ledger import Ledger

TIME, MARCH = "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"
POLICY = """
[exchange]
name = "Charged"
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
netting = "underlying"
scenarios = [
    { price = "1", volatility = "1" },
    { price = "-1", volatility = "1" },
    { name = "crash", price = "0", volatility = "1", weight = "0.25" },
]
price_range = { BTC = "0.1" }
short_option_minimum = "0.01"
initial_factor = "2"
collateral = { USD = "cash" }
limits = { position = "7000", balance = "7000" }
levels = { call = "1.1", liquidation = "1.0" }
pad_to = 4
minimum_accounts = 4
[book.portfolio.portfolio_margin]
maintenance_factor = "0.5"
linear_cap = "1"
[book.portfolio.portfolio_margin.moves]
crash = "-0.6"
[book.portfolio.portfolio_margin.volatility]
"*" = { up = "0.5", down = "0.25", minimum = "0.5", short_power = "0.3", long_power = "0.13", days_floor = "1" }
[book.portfolio.portfolio_margin.basis]
BTC = { minimum = "0.01", annualised = "0.1" }
[book.portfolio.portfolio_margin.minimum_delta]
BTC = { net = "0.05", hedged = "0.02" }
[book.portfolio.portfolio_margin.minimum_charge]
BTC = { rate = "0.05", multipliers = [["0", "1"], ["100", "3"]] }
"""
FILES = margined.FILES | {  # the same accounts and balances
    "market/policy.toml": POLICY,
    "market/instruments.csv": (
        "instrument,kind,underlying,settlement,lot,tick,expiry,strike,right\n"
        "USD,spot,USD,USD,1,1,,,\n"
        "BTC,spot,BTC,USD,1,1,,,\n"
        "PERP,perpetual,BTC,USD,1,1,,,\n"
        f"MARCH,future,BTC,USD,1,1,{MARCH},,\n"
        f"CALL,option,BTC,USD,1,1,{MARCH},1000,call\n"
    ),
    "market/prices.csv": (
        "time,kind,name,expiry,value\n"
        f"{TIME},spot,USD,,1\n"
        f"{TIME},spot,BTC,,1000\n"
        f"{TIME},mark,PERP,,1001\n"
        f"{TIME},mark,MARCH,,1010\n"
        f"{TIME},mark,CALL,,80\n"
        f"{TIME},forward,BTC,{MARCH},1010\n"
        f"{TIME},volatility,CALL,,0.5\n"
    ),
    "ledger/positions.csv": (
        "account,pot,instrument,quantity,entry_cost\n"
        "1,cross,PERP,2,2000\n1,cross,CALL,-3,\n2,cross,PERP,-3,-3000\n2,cross,MARCH,3,3020\n3,cross,CALL,1,\n"
    ),
}


def inputs(folder: Path) -> tuple[Snapshot, Ledger]:
    """Write the files and load them."""
    return margined.load(folder, FILES)
