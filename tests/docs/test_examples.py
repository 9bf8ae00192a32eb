"""examples/: its index, and every policy at a small market, from files to an audited attestation."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from example_runs import EXAMPLES, commands, followed
from readme_tour import inside

from zkmargin.cli.main import run

INDEX, TABLE = ((EXAMPLES / name / "README.md").read_text() for name in ("", "policies"))
EXCHANGES = sorted(folder.parent.name for folder in EXAMPLES.glob("*/ledger"))
POLICIES = sorted((EXAMPLES / "policies").glob("*.toml"))
OWN = {(EXAMPLES / name / "market/policy.toml").resolve() for name in EXCHANGES}  # run in their own exchanges
PRICES = {"BTC": 60_000, "ETH": 2_500, "SOL": 150, "ADA": 1, "HYPE": 40}
TIME, EXPIRY = "2026-03-02T08:00:00Z", "2026-03-27T08:00:00Z"


def test_the_index_names_every_example() -> None:
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert set(re.findall(r"^\| \[([\w-]+)\]", INDEX, re.MULTILINE)) == folders
    assert sorted(re.findall(r"^\| `([\w-]+\.toml)`", TABLE, re.MULTILINE)) == [
        path.name for path in POLICIES
    ]
    assert EXCHANGES == ["binance", "clearing-house", "deribit", "derive"]


@pytest.mark.parametrize("name", [item for item in EXCHANGES if item != "derive"])
def test_the_commands_of_the_index(name: str, tmp_path: Path) -> None:
    """With another exchange's name; those of derive are the first of its own page, which a test runs."""
    lines = commands(INDEX)
    assert lines in (EXAMPLES / "derive/README.md").read_text()
    with followed(tmp_path, lines.replace("derive", name)):
        assert (tmp_path / "attestation").is_dir()


def write_files(folder: Path, policy: Path) -> None:
    """Write a market of perpetuals and a call, and two accounts of one book who trade with each other."""
    text = policy.read_text()
    found = tomllib.loads(text)
    quote, (book, rules) = found["exchange"]["quote"], next(iter(found["book"].items()))
    assets = rules.get("price_range", ("BTC", "ETH", "SOL"))
    spot = "".join(f"{name},spot,{name},{quote},0.001,0.01,,,\n" for name in (quote, *assets))
    perpetuals = "".join(f"{name}-PERP,perpetual,{name},{quote},0.01,0.01,,,\n" for name in assets)
    prices = "".join(
        f"{TIME},spot,{name},,{PRICES[name]}\n{TIME},mark,{name}-PERP,,{PRICES[name]}\n" for name in assets
    )
    files = {
        "market/policy.toml": text,
        "market/instruments.csv": "instrument,kind,underlying,settlement,lot,tick,expiry,strike,right\n"
        f"{spot}{perpetuals}CALL,option,BTC,{quote},0.001,0.01,{EXPIRY},65000,call\n",
        "market/prices.csv": f"time,kind,name,expiry,value\n{prices}{TIME},mark,CALL,,1200\n"
        f"{TIME},forward,BTC,{EXPIRY},60200\n{TIME},volatility,CALL,,0.5\n",
        "ledger/accounts.csv": f"account,user,book\n1,alice@example.org,{book}\n2,bob@example.org,{book}\n",
        "ledger/balances.csv": f"account,pot,asset,held,owed\n1,cross,{quote},90000,0\n2,cross,{quote},50000,0\n",
        "ledger/positions.csv": "account,pot,instrument,quantity,entry_cost\n"
        "1,cross,BTC-PERP,0.5,30000\n1,cross,ETH-PERP,-2,-5000\n2,cross,BTC-PERP,-0.5,-30000\n2,cross,ETH-PERP,2,5000\n",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)


@pytest.mark.parametrize("policy", [path for path in POLICIES if path not in OWN], ids=lambda path: path.stem)
def test_a_policy_runs(policy: Path, tmp_path: Path) -> None:
    write_files(tmp_path, policy)
    with inside(tmp_path):
        for command in (
            "risk build market -o risk",
            "check ledger --risk risk",
            "margin ledger --risk risk",
            "keygen -o key",
            "attest ledger --risk risk --key key -o attestation --private private",
            "audit attestation --trust key.pub --market market",
            "bundle --private private --key key --account 1 -o alice.bundle",
            "verify alice.bundle --attestation attestation --trust key.pub --id alice@example.org",
        ):
            assert run(command.split()) == 0, command
