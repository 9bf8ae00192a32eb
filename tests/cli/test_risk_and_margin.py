"""`risk build`, `risk show` and `margin` as a user runs them, on a generated exchange."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from zkmargin.cli.main import run
from zkmargin.inputs import load_ledger
from zkmargin.margin.accounts import calculate_all
from zkmargin.risk.store import load_risk


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exchange of 60 accounts with its RISK directory."""
    folder = tmp_path_factory.mktemp("cli") / "exchange"
    assert run(["example", "-o", str(folder), "--accounts", "60"]) == 0
    assert run(["risk", "build", str(folder / "market"), "-o", str(folder / "risk")]) == 0
    return folder


def output(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert run([str(item) for item in arguments]) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_build_writes_what_show_reads(exchange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = output(capsys, "risk", "show", exchange / "risk")
    files = load_risk(exchange / "risk")
    for digest in (files.policy.digest, files.market.digest, files.table.digest, *files.circuits.values()):
        assert digest.hex() in err
    assert "books.portfolio.initial_factor" in out
    assert "1.25" in out
    assert "books.portfolio.interest" in out  # a default that the file does not name
    assert "overstates the requirement of an account by at most 0." in err


def test_show_as_json(exchange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = output(capsys, "risk", "show", exchange / "risk", "--json")
    found = json.loads(out)
    files = load_risk(exchange / "risk")
    assert found["digests"]["risk_table"] == files.table.digest.hex()
    circuit = found["books"]["portfolio"]["circuit"]
    assert circuit["digest"] == files.circuits["portfolio"].hex()
    assert circuit["bits"] > circuit["columns"] > 0
    assert Fraction(found["books"]["portfolio"]["overstatement"]) > 0
    assert found["books"]["spot"]["risk_units"] == []


def test_show_explains_circuits(exchange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = output(capsys, "risk", "show", exchange / "risk", "--circuit")
    assert "BTC" in out
    assert "equity quantum 0.000001, margin quantum 0.0001" in out
    assert "short-option minimum" in out
    again, _ = output(capsys, "risk", "show", exchange / "risk", "--circuit", "--json")
    assert set(json.loads(again)["explanation"]) == {"portfolio", "spot"}


def test_an_existing_directory_is_refused(exchange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = output(capsys, "risk", "build", exchange / "market", "-o", exchange / "risk", code=2)
    assert "exists" in err


def edited(exchange: Path, target: Path, old: str, new: str) -> Path:
    folder = target / "market"
    folder.mkdir()
    for path in (exchange / "market").iterdir():
        text = path.read_text()
        if path.name == "policy.toml":
            assert old in text
            text = text.replace(old, new)
        (folder / path.name).write_text(text)
    return folder


def test_too_much_rounding_is_refused(
    exchange: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = edited(exchange, tmp_path, 'max_overstatement = "1"', 'max_overstatement = "0.000001"')
    _, err = output(capsys, "risk", "build", folder, "-o", tmp_path / "risk", code=2)
    assert "max_overstatement" in err
    assert not (tmp_path / "risk").exists()


def test_stale_and_future_prices_are_refused(
    exchange: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = edited(
        exchange, tmp_path, 'max_overstatement = "1"', 'max_overstatement = "1"\nmax_price_age = "5m"'
    )
    for at, code, word in (
        ("2026-01-30T08:05:00Z", 0, "risk table"),
        ("2026-01-30T08:05:01Z", 2, "stale"),
        ("2026-01-30T07:59:59Z", 2, "future"),
        (None, 2, "stale"),  # the example's fixed time is long ago
    ):
        target = tmp_path / f"risk {at}"
        options = ["--at", at] if at else []
        _, err = output(capsys, "risk", "build", folder, "-o", target, *options, code=code)
        assert word in err
        assert target.exists() == (code == 0)


def test_altered_risk_table_is_false(
    exchange: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "risk"
    folder.mkdir()
    for path in (exchange / "risk").iterdir():
        text = path.read_text()
        if path.name == "risk.json":
            value = json.loads(text)
            value["lot_value"]["BTC"] = str(int(value["lot_value"]["BTC"]) + 1)
            text = json.dumps(value, sort_keys=True, separators=(",", ":"))
        (folder / path.name).write_text(text)
    _, err = output(capsys, "risk", "show", folder, code=1)
    assert "lot value of BTC" in err


def test_margin_lists_every_pot_and_counts_the_unhealthy(
    exchange: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = output(capsys, "margin", exchange / "ledger", "--risk", exchange / "risk", "--json")
    found = json.loads(out)
    files = load_risk(exchange / "risk")
    margins = calculate_all(
        files.policy, files.table, load_ledger(exchange / "ledger", files.policy, files.market).pots
    )
    quantum = files.policy.equity_quantum
    unhealthy = 0
    for name, margin in margins.items():
        pots = found["books"][name]["pots"]
        assert all("ratio" in pot for pot in pots)
        assert [(pot["account"], pot["pot"]) for pot in pots] == list(margin.labels)
        for row, pot in enumerate(pots):
            exact = margin.pot(row)
            assert Fraction(pot["equity"]) == exact.equity * quantum
            assert Fraction(pot["maintenance_requirement"]) == exact.requirement * quantum
            assert Fraction(pot["initial_requirement"]) == exact.initial * quantum
            assert pot["healthy"] == (exact.equity >= exact.requirement)
            assert pot["level"] == margin.level(row)
        unhealthy += found["books"][name]["unhealthy"]
    assert unhealthy == sum(int((~margin.healthy).sum()) for margin in margins.values())
    assert unhealthy > 0
    assert f"{unhealthy} of {sum(map(len, margins.values()))} pots unhealthy" in err
    table, _ = output(capsys, "margin", exchange / "ledger", "--risk", exchange / "risk")
    assert len(table.splitlines()) == 1 + sum(map(len, margins.values()))
    assert "…" not in table


def test_margin_of_one_account(exchange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = load_risk(exchange / "risk")
    pots = load_ledger(exchange / "ledger", files.policy, files.market).pots["portfolio"]
    account = next(name for name, pot in pots.labels if pot != "cross")
    arguments = ("margin", exchange / "ledger", "--risk", exchange / "risk", "--account", account)
    out, _ = output(capsys, *arguments, "--json")
    book = json.loads(out)["books"]["portfolio"]
    assert len(book["pots"]) == 2
    assert "ratio" not in book["sum"]  # pots are not netted, so a ratio of sums would say nothing
    assert Fraction(book["sum"]["net_value"]) == sum(Fraction(pot["net_value"]) for pot in book["pots"])
    table, _ = output(capsys, *arguments)
    assert "(sum)" in table


def test_unknown_account(exchange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = output(
        capsys, "margin", exchange / "ledger", "--risk", exchange / "risk", "--account", "nobody", code=2
    )
    assert "nobody" in err
