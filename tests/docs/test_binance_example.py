"""examples/binance: its README's commands, what they say of its accounts, and the figures that it works out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from example_runs import EXAMPLES, commands, followed, output
from json_schemas import validator

from zkmargin.cli.main import run

TEXT = (EXAMPLES / "binance" / "README.md").read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run the commands of the README, each of which must succeed."""
    folder = tmp_path_factory.mktemp("binance")
    with followed(folder, commands(TEXT)):
        yield folder


def test_margin_is_the_exchanges_formula(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    books = output(capsys, "margin examples/binance/ledger --risk risk")["books"]
    for pot in books["futures"]["pots"]:
        for name, shown in pot["formula"].items():
            over = Decimal(pot[name]) - Decimal(shown)
            assert Decimal("-1e-6") <= over <= Decimal("0.01"), pot["account"]  # 1e-8 a lot, and floats
    unhealthy = [
        (pot["account"], pot["pot"]) for book in books.values() for pot in book["pots"] if not pot["healthy"]
    ]
    assert unhealthy == [("F08", "cross"), ("F09", "BTCUSDT_260327"), ("S05", "cross")]


def test_the_figures_of_the_worked_account(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = TEXT.partition("| contract |")[2].partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip(" %") for cell in line.strip("|").split("|")] for line in table]
    for _, notional, _, rate, amount, margin in rows[:2]:
        assert Decimal(notional) * Decimal(rate) / 100 - Decimal(amount) == Decimal(margin)
    assert Decimal(rows[0][5]) + Decimal(rows[1][5]) == Decimal(rows[2][5])
    (pot,) = output(capsys, "margin examples/binance/ledger --risk risk --account F04")["books"]["futures"][
        "pots"
    ]
    assert Decimal(pot["maintenance_requirement"]) == Decimal(rows[2][5])
    charged = {
        unit["name"]: (unit["maintenance_requirement"], unit["binding_scenario"])
        for unit in pot["risk_units"]
    }
    assert charged == {f"brackets {name}": (margin, f"tier {tier}") for name, _, tier, *_, margin in rows[:2]}


def test_assets_add_up_over_both_books(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit = output(capsys, "audit attestation --trust exchange.key.pub")
    owed = sum(int(totals["owed"]) for totals in audit["totals"].values())
    assert sum(Decimal(of["owed"]) for of in audit["assets"].values()) == Decimal(owed).scaleb(-8)
    assert audit["assets"]["USDT"]["bad_debt"] == "10.59"
    assert Decimal(audit["assets"]["ETH"]["deposits"]) == 42
    assert all(of["net_positions"] == "0" for of in audit["assets"].values())


def test_what_is_written_fits_the_schemas(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    validator("policy").validate(json.loads(Path("risk/policy.json").read_bytes()))
    validator("circuits").validate(json.loads(Path("risk/circuits.json").read_bytes()))
    validator("output-audit").validate(output(capsys, "audit attestation --trust exchange.key.pub"))
    validator("output-margin").validate(output(capsys, "margin examples/binance/ledger --risk risk"))


@pytest.mark.parametrize("account, who", [("F09", "ivo"), ("F12", "house"), ("S04", "nour"), ("S05", "otto")])
def test_customers_are_counted(folder: Path, account: str, who: str) -> None:
    bundle = [
        "--private",
        "private",
        "--key",
        "exchange.key",
        "--account",
        account,
        "-o",
        f"{account}.bundle",
    ]
    assert run(["bundle", *bundle]) == 0
    trust = ["--attestation", "attestation", "--trust", "exchange.key.pub"]
    assert run(["verify", f"{account}.bundle", *trust, "--id", f"{who}@example.com", "--audit"]) == 0
    assert run(["verify", f"{account}.bundle", *trust, "--id", "nobody@example.com"]) == 1
