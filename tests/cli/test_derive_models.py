"""A whole exchange of Derive's models: built, margined, attested, audited, and one customer's bundle verified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

POLICY = Path(__file__).parents[2] / "examples/policies/derive.toml"
FILES = {
    "market/instruments.csv": """instrument,kind,underlying,settlement,lot,tick,expiry,strike,right
USDC,spot,USDC,USDC,0.01,0.01,,,
BTC,spot,BTC,USDC,0.0001,0.01,,,
BTC-PERP,perpetual,BTC,USDC,0.001,0.5,,,
BTC-MAR-50000-C,option,BTC,USDC,0.01,0.5,2026-03-27T08:00:00Z,50000,call
BTC-APR-60000-C,option,BTC,USDC,0.01,0.5,2026-04-24T08:00:00Z,60000,call
""",
    "market/prices.csv": """time,kind,name,expiry,value
2026-01-30T08:00:00Z,spot,BTC,,50000
2026-01-30T08:00:00Z,mark,BTC-PERP,,50010
2026-01-30T08:00:00Z,mark,BTC-MAR-50000-C,,4900
2026-01-30T08:00:00Z,mark,BTC-APR-60000-C,,2900
2026-01-30T08:00:00Z,forward,BTC,2026-03-27T08:00:00Z,50500
2026-01-30T08:00:00Z,forward,BTC,2026-04-24T08:00:00Z,50800
2026-01-30T08:00:00Z,rate,BTC,2026-03-27T08:00:00Z,0.05
2026-01-30T08:00:00Z,volatility,BTC-MAR-50000-C,,0.6
2026-01-30T08:00:00Z,volatility,BTC-APR-60000-C,,0.6
""",
    "ledger/accounts.csv": """account,user,book
A1,alice@example.org,btc
A2,bob@example.org,btc
B1,carol@example.org,standard
""",
    "ledger/balances.csv": """account,pot,asset,held,owed
A1,cross,USDC,20000,0
A1,cross,BTC,0.5,0
A2,cross,USDC,1500,0
B1,cross,USDC,3000,0
""",
    "ledger/positions.csv": """account,pot,instrument,quantity,entry_cost
A1,cross,BTC-PERP,-0.128,-6390.00
A1,cross,BTC-MAR-50000-C,-0.4,0
A1,cross,BTC-APR-60000-C,0.3,0
A2,cross,BTC-MAR-50000-C,-0.4,0
B1,cross,BTC-MAR-50000-C,-0.1,0
B1,cross,BTC-APR-60000-C,0.1,0
""",
}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("derive")
    for name, text in {"market/policy.toml": POLICY.read_text(), **FILES}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_from_files_to_a_verified_bundle(
    exchange: Path, zkmargin: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ("--at", "2026-01-30T08:01:00Z")
    key, attestation, private = exchange / "key", exchange / "attestation", exchange / "private"
    assert zkmargin("risk", "build", exchange / "market", "-o", exchange / "risk") == 0
    assert zkmargin("keygen", "-o", key) == 0
    capsys.readouterr()
    assert zkmargin("margin", exchange / "ledger", "--risk", exchange / "risk", "--json") == 0
    books = json.loads(capsys.readouterr().out)["books"].values()
    pots = {pot["account"]: pot for book in books for pot in book["pots"]}
    assert [pots[name]["healthy"] for name in ("A1", "A2", "B1")] == [True, False, True]
    for pot in pots.values():  # what is proven is Derive's own formula, rounded up
        for name, exchange_says in pot["formula"].items():
            assert 0 <= float(pot[name]) - float(exchange_says) <= 0.01
    common = ("--risk", exchange / "risk", "--key", key, "-o", attestation, "--private", private)
    assert zkmargin("attest", exchange / "ledger", *common, *at) == 0
    trust = ("--trust", exchange / "key.pub")
    assert zkmargin("audit", attestation, *trust) == 0
    bundle = exchange / "a1.bundle"
    assert zkmargin("bundle", "--private", private, "--key", key, "--account", "A1", "-o", bundle) == 0
    known = ("--attestation", attestation, "--id", "alice@example.org", *trust)
    assert zkmargin("verify", bundle, *known, "--audit") == 0
