from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_exchange import BALANCES, write_ledger, write_market

from zkmargin.cli.main import run

AT = "2026-01-30T08:01:00Z"

USERS = """\
rn,id,e_btc,d_btc,btc,vl_btc,m_btc,pm_btc,total_net_balance_usdt
0,aa,1,0,1,1,0.5,0,1
1,bb,0.1,2,0,0.1,0,0,0
"""
ASSETS = "symbol,usdt_price,loan_tiers_ratio,margin_tiers_ratio,portfolio_tiers_ratio\nbtc,65100.22,[0-10000:100],,\n"


def call(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> tuple[str, str]:
    assert run(list(map(str, arguments))) == code
    out, err = capsys.readouterr()
    return out, err


@pytest.fixture
def risk(tmp_path: Path) -> Path:
    market = write_market(tmp_path / "market")
    assert run(["risk", "build", str(market), "-o", str(tmp_path / "risk"), "--at", AT]) == 0
    return tmp_path / "risk"


def test_check_counts_what_it_read(risk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = write_ledger(tmp_path / "ledger")
    capsys.readouterr()
    out, err = call(capsys, "check", ledger, "--risk", risk, "--json")
    report = json.loads(out)
    assert report["books"]["portfolio"] == {
        "accounts": 3, "isolated_pots": 1, "positions": 4, "balances": 3, "loans": 1,
    }  # fmt: skip
    assert report["control_totals"] is False and len(report["input_digest"]) == 64
    assert "no control totals given" in err
    (ledger / "control.csv").write_text("name,total\nUSD,-9500\n")
    assert "control totals agree" in call(capsys, "check", ledger, "--risk", risk)[1]
    (ledger / "control.csv").write_text("name,total\nUSD,9500\n")
    assert "control.csv:2 [total] '9500'" in call(capsys, "check", ledger, "--risk", risk, code=2)[1]


def test_check_names_every_problem(risk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    balances = BALANCES.replace("10000.00", "1e4").replace("A2,cross", "A\x1b[2J9,cross")
    ledger = write_ledger(tmp_path / "ledger", balances=balances)
    capsys.readouterr()
    out, err = call(capsys, "check", ledger, "--risk", risk, "--json", code=2)
    assert "balances.csv:2 [held] '1e4': an exponent is not accepted" in err
    assert "balances.csv:4 [account]" in err and "\x1b" not in err
    assert [problem["row"] for problem in json.loads(out)["error"]["problems"]] == [2, 4]


def test_a_market_with_problems_leaves_no_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    market = write_market(tmp_path / "market", prices="time,kind\n")
    _, err = call(capsys, "risk", "build", market, "-o", tmp_path / "risk", code=2)
    assert "prices.csv:1 [name]: the column is missing" in err
    assert [path.name for path in tmp_path.iterdir()] == ["market"]


def test_example_writes_and_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "exchange"
    call(capsys, "example", "-o", target, "--accounts", 5, "--format", "parquet")
    assert sorted(path.name for path in target.iterdir()) == ["ledger", "market"]
    before = (target / "ledger/accounts.parquet").read_bytes()
    assert "exists already" in call(capsys, "example", "-o", target, "--accounts", 6, code=2)[1]
    assert (target / "ledger/accounts.parquet").read_bytes() == before


@pytest.mark.parametrize("option", [("--accounts", "0"), ("--instruments", "3"), ("--format", "xml")])
def test_example_refuses(tmp_path: Path, option: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "example", "-o", tmp_path / "e", "--accounts", "3", *option, code=2)
    assert not (tmp_path / "e").exists()


def test_example_goes_through_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "example", "-o", tmp_path / "e", "--accounts", 30)
    call(capsys, "risk", "build", tmp_path / "e/market", "-o", tmp_path / "risk")
    assert (
        "control totals agree" in call(capsys, "check", tmp_path / "e/ledger", "--risk", tmp_path / "risk")[1]
    )


def test_import_reports_cuts_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "users.csv").write_text(USERS)
    (tmp_path / "assets.csv").write_text(ASSETS)
    files = (tmp_path / "users.csv", tmp_path / "assets.csv")
    out, err = call(capsys, "import", "binance", *files, "-o", tmp_path / "out", "--at", AT, "--json")
    assert "users.csv:2: aa: btc pledged for margin beyond the holding: 0.5 -> 0" in err
    report = json.loads(out)
    assert (report["accounts"], report["short"]) == (2, 1)
    cut = {"file": "users.csv", "row": 2, "account": "aa", "asset": "btc"}
    assert report["cuts"] == [{**cut, "pool": "margin", "pledged": "0.5", "kept": "0"}]
    assert AT in (tmp_path / "out/market/prices.csv").read_text()
    call(capsys, "risk", "build", tmp_path / "out/market", "-o", tmp_path / "risk")
    call(capsys, "check", tmp_path / "out/ledger", "--risk", tmp_path / "risk")


@pytest.mark.parametrize("arguments", [("okx", "users.csv"), ("binance",), ("binance", "absent.csv")])
def test_import_refuses(
    tmp_path: Path, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    call(capsys, "import", *arguments, "-o", tmp_path / "out", code=2)
    assert not list(tmp_path.iterdir())


def test_import_of_bad_rows_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "users.csv").write_text(USERS.replace("0.1,2", "0.1,-2"))
    (tmp_path / "assets.csv").write_text(ASSETS)
    files = (tmp_path / "users.csv", tmp_path / "assets.csv")
    assert (
        "users.csv:3 [d_btc]" in call(capsys, "import", "binance", *files, "-o", tmp_path / "out", code=2)[1]
    )
    call(capsys, "import", "binance", *files, "-o", tmp_path / "out", "--at", "today", code=2)
    assert len(list(tmp_path.iterdir())) == 2
