"""Another system's file becomes a book that attests: nothing dropped, odd rows counted, every customer included."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zkmargin.cli.main import run

SAMPLE = Path(__file__).resolve().parents[2].parent / "shared" / "vectors" / "binance"
HEADER = "rn,id,e_aa,d_aa,aa,vl_aa,m_aa,pm_aa,e_bb,d_bb,bb,vl_bb,m_bb,pm_bb,total_net_balance_usdt"
USERS = f"""{HEADER}
0,{"00" * 32},5.5,0,5.5,1,0,0,10,0,10,0,0,0,0.0
1,{"11" * 32},3,0,3,2,1,0,0,4000,-4000,0,0,0,0.0
2,{"22" * 32},1,0,1,1,1,1,0,90000,-90000,0,0,0,0.0
"""
ASSETS = """symbol,usdt_price,loan_tiers_ratio,margin_tiers_ratio,portfolio_tiers_ratio
aa,2000.00000000,"[0-10000:100,10000-20000:90]","[0-10000:100]","[0-10000:50]"
bb,1.00000000,"","",""
"""


def zkmargin(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


def attest(users: Path, assets: Path, out: Path) -> None:
    assert zkmargin("import", "binance", users, assets, "-o", out, "--at", "2026-01-01T00:00:00Z") == 0
    assert zkmargin("risk", "build", out / "market", "-o", out / "risk") == 0
    assert zkmargin("keygen", "-o", out / "key") == 0
    common = ("--risk", out / "risk", "--key", out / "key")
    assert zkmargin("attest", out / "ledger", *common, "-o", out / "a", "--private", out / "p") == 0


def audited(out: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    capsys.readouterr()
    assert zkmargin("audit", out / "a", "--trust", out / "key.pub", "--json") in (0, 4)
    totals = json.loads(capsys.readouterr().out)["totals"]["spot"]
    return {name: int(total) for name, total in totals.items()}


def test_a_typed_sample_attests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "users.csv").write_text(USERS)
    (tmp_path / "assets.csv").write_text(ASSETS)
    attest(tmp_path / "users.csv", tmp_path / "assets.csv", tmp_path / "out")
    totals = audited(tmp_path / "out", capsys)
    report = json.loads((tmp_path / "out" / "p" / "report.json").read_text())
    assert report["accounts"] == 3
    assert [pot["account"] for pot in report["books"]["spot"]["unhealthy"]] == ["22" * 32]
    assert totals["shortfall"] > 0 and totals["bad_debt"] > 0


def test_the_published_sample_attests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not SAMPLE.is_dir():
        pytest.skip("../shared/vectors/binance is not here: the exchange's own sample file was not attested")
    attest(SAMPLE / "sample_users0.csv", SAMPLE / "cex_assets_info.csv", tmp_path / "out")
    totals = audited(tmp_path / "out", capsys)
    report = json.loads((tmp_path / "out" / "p" / "report.json").read_text())
    assert report["accounts"] == 100  # nothing dropped
    assert len(report["books"]["spot"]["unhealthy"]) == 10  # all ten owe more than their collateral covers
    assert totals["bad_debt"] == 0 and totals["shortfall"] > 0  # N stays positive everywhere
