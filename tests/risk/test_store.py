"""The RISK directory: round trip, and every way in which it does not load."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_market import F, book, market, policy, spot_book

from zkmargin import canonical
from zkmargin.errors import InputError, PolicyError, UndecidedError, UsageError, VerificationError
from zkmargin.risk.store import NAMES, RiskFiles, check_circuits, load_risk, save_risk
from zkmargin.risk.table import build_risk_table


@pytest.fixture
def files() -> RiskFiles:
    rules = policy(book(), spot_book())
    digests = {"portfolio": bytes(32), "spot": bytes(range(32))}
    return RiskFiles(rules, market(), build_risk_table(rules, market()), digests)


def test_round_trip(files: RiskFiles, tmp_path: Path) -> None:
    save_risk(files, tmp_path / "risk")
    assert load_risk(tmp_path / "risk") == files
    assert sorted(path.name for path in (tmp_path / "risk").iterdir()) == sorted(NAMES)
    assert [path.name for path in tmp_path.iterdir()] == ["risk"]


def test_nothing_is_overwritten(files: RiskFiles, tmp_path: Path) -> None:
    save_risk(files, tmp_path / "risk")
    with pytest.raises(UsageError, match="exists"):
        save_risk(files, tmp_path / "risk")


@pytest.mark.parametrize("name", NAMES)
def test_missing_or_broken_files(files: RiskFiles, tmp_path: Path, name: str) -> None:
    save_risk(files, tmp_path / "risk")
    path = tmp_path / "risk" / name
    data = path.read_bytes()
    for broken in (data[:-1], data + b"\n", b"[]", b"{}", b""):
        path.write_bytes(broken)
        with pytest.raises((UndecidedError, VerificationError)) as caught:
            load_risk(tmp_path / "risk")
        assert isinstance(caught.value, UndecidedError) or broken == b"{}"
    path.unlink()
    with pytest.raises(UndecidedError, match=name):
        load_risk(tmp_path / "risk")


def test_a_table_of_other_prices_is_false(files: RiskFiles, tmp_path: Path) -> None:
    other = build_risk_table(files.policy, market(mark={"BTC-PERP": F(99_000)}))
    save_risk(replace(files, table=other), tmp_path / "risk")
    with pytest.raises(VerificationError, match="BTC-PERP"):
        load_risk(tmp_path / "risk")


def test_a_last_digit_is_tolerated_and_kept(files: RiskFiles, tmp_path: Path) -> None:
    save_risk(files, tmp_path / "risk")
    path = tmp_path / "risk" / "risk.json"
    value = canonical.decode(path.read_bytes(), "risk")
    values = value["books"]["portfolio"]["pnl"]["ETH-MAR26-4000-C"]["values"]
    values[0] = str(int(values[0]) + 1)
    path.write_bytes(canonical.encode(value))
    loaded = load_risk(tmp_path / "risk")
    assert loaded.tolerance.entries == 1
    assert loaded.table != files.table


def test_refused_policies_stay_refused(files: RiskFiles, tmp_path: Path) -> None:
    rules = replace(files.policy, max_overstatement=F(-1))
    save_risk(replace(files, policy=rules), tmp_path / "risk")
    with pytest.raises(InputError, match="max_overstatement"):
        load_risk(tmp_path / "risk")


def test_circuits_of_other_books(files: RiskFiles, tmp_path: Path) -> None:
    save_risk(replace(files, circuits={"portfolio": bytes(32)}), tmp_path / "risk")
    with pytest.raises(VerificationError, match="books"):
        load_risk(tmp_path / "risk")


def test_compiled_circuits_must_be_those_stored(files: RiskFiles) -> None:
    check_circuits(files, {"portfolio": bytes(32)})
    with pytest.raises(PolicyError, match="portfolio"):
        check_circuits(files, {"portfolio": bytes(31) + b"\1"})
