"""A tiny exchange of two books: expected shortfall over five days with closing costs, and correlated sensitivities."""

from __future__ import annotations

from pathlib import Path

from tests.attestation.margined import load
from zkmargin.attestation.build import Snapshot
from zkmargin.inputs.ledger import Ledger

TIME = "2026-01-01T00:00:00Z"
EXPIRY = "2026-03-01T00:00:00Z"
POLICY = """
[exchange]
name = "Cleared"
quote = "USD"
[units]
equity_quantum = "0.01"
margin_quantum = "1"
[attestation]
max_overstatement = "1000"
publish = ["requirement"]

[book.cleared]
model = "historical"
settlement = "USD"
measure = "expected-shortfall"
tail = "0.4"
price_range = { BTC = "0", ETH = "0" }
netting = "joint"
collateral = { USD = "cash" }
limits = { position = "7000", balance = "7000" }
pad_to = 4
minimum_accounts = 4
[book.cleared.liquidity]
PERP = { beyond = "0.1" }

[book.desk]
model = "sensitivities"
settlement = "USD"
price_range = { BTC = "0.1", ETH = "0.2" }
volatility_range = "0.25"
correlations = { delta = "0.5", vega = "0.5", vega_expiries = "1" }
collateral = { USD = "cash" }
limits = { position = "7000", balance = "7000" }
pad_to = 2
minimum_accounts = 2
"""
MOVES = (
    ("mon", "-0.1", "-0.2"),
    ("tue", "-0.05", "0"),
    ("wed", "0", "0.1"),
    ("thu", "0.05", "0"),
    ("fri", "0.1", "0"),
)
FILES = {
    "market/policy.toml": POLICY,
    "market/instruments.csv": (
        "instrument,kind,underlying,settlement,lot,tick,expiry,strike,right\n"
        "USD,spot,USD,USD,1,1,,,\n"
        "BTC,spot,BTC,USD,1,1,,,\n"
        "ETH,spot,ETH,USD,1,1,,,\n"
        "PERP,perpetual,BTC,USD,1,1,,,\n"
        "ETH-PERP,perpetual,ETH,USD,1,1,,,\n"
        f"CALL,option,BTC,USD,1,1,{EXPIRY},1000,call\n"
    ),
    "market/prices.csv": (
        "time,kind,name,expiry,value\n"
        f"{TIME},spot,USD,,1\n{TIME},spot,BTC,,1000\n{TIME},spot,ETH,,500\n"
        f"{TIME},mark,PERP,,1000\n{TIME},mark,ETH-PERP,,500\n{TIME},mark,CALL,,80\n"
        f"{TIME},forward,BTC,{EXPIRY},1010\n{TIME},volatility,CALL,,0.5\n"
    ),
    "market/returns.csv": "scenario,asset,price\n"
    + "".join(f"{day},BTC,{btc}\n{day},ETH,{eth}\n" for day, btc, eth in MOVES),
    "market/depth.csv": (
        "instrument,side,price,size\nPERP,bid,995,1\nPERP,bid,990,2\nPERP,ask,1005,1\nPERP,ask,1010,2\n"
    ),
    "ledger/accounts.csv": (
        "account,user,user_nonce,book\n"
        "1,alice@example.org,,cleared\n2,bob@example.org,,cleared\n3,carol@example.org,,desk\n"
    ),
    "ledger/balances.csv": (
        "account,pot,asset,held,owed\n1,cross,USD,5000,0\n2,cross,USD,900,0\n3,cross,USD,3000,0\n"
    ),
    "ledger/positions.csv": (
        "account,pot,instrument,quantity,entry_cost\n"
        "1,cross,PERP,2,2000\n2,cross,PERP,-2,-2000\n2,cross,ETH-PERP,1,500\n"
        "3,cross,CALL,-3,\n3,cross,PERP,2,2000\n3,cross,ETH-PERP,-2,-1000\n"
    ),
}


def legs(folder: Path) -> tuple[Snapshot, Ledger]:
    """The same with risk units of one asset, where every position of the first book stands alone; no closing costs."""
    alone = POLICY.replace('netting = "joint"', 'legs = "alone"')
    before, _, after = alone.partition("[book.cleared.liquidity]\n")
    return inputs(folder, before + after.partition("\n")[2])


def inputs(folder: Path, policy: str = POLICY) -> tuple[Snapshot, Ledger]:
    """Write the files and load them."""
    return load(folder, FILES | {"market/policy.toml": policy})
