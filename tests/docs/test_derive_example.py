"""examples/derive: its README's commands, what it says of its accounts, and the figures that it works out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from example_runs import EXAMPLES, commands, followed, output
from json_schemas import validator

from zkmargin.cli.main import run

TEXT = (EXAMPLES / "derive" / "README.md").read_text()
BINDING = {  # as the README says
    "D2": "-9/50 up",
    "D3": "basis contingency",
    "D4": "-9/50 up",
    "D5": "+9/50 up",
    "D7": "+3 up x 3/250",
    "S1": "better, isolated",
    "S2": "better, maximum loss",
    "S4": "better, isolated",
}
AUDIT = "audit attestation --trust exchange.key.pub"
MARGIN = "margin examples/derive/ledger --risk risk"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run the commands of the README, each of which must succeed."""
    folder = tmp_path_factory.mktemp("derive")
    with followed(folder, commands(TEXT)):
        yield folder


def pots(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    books = output(capsys, MARGIN)["books"]
    return {pot["account"]: pot for book in books.values() for pot in book["pots"]}


def test_what_is_proven_is_the_exchanges_formula_rounded_up(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = pots(capsys)
    assert len(found) == 17
    assert [name for name, pot in found.items() if not pot["healthy"]] == ["D6"]
    for account, pot in found.items():
        for name, exchange_says in pot["formula"].items():
            assert 0 <= Decimal(pot[name]) - Decimal(exchange_says) <= Decimal("0.01"), account


def test_what_binds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = pots(capsys)
    assert {name: found[name]["risk_units"][0]["binding_scenario"] for name in BINDING} == BINDING
    rates = {unit["name"]: Decimal(unit["maintenance_requirement"]) for unit in found["D1"]["risk_units"]}
    assert rates["rates"] == Decimal("487.5")
    assert rates["worst case"] < 1
    assert Decimal(found["E1"]["initial_requirement"]) > 2 * Decimal(found["E1"]["maintenance_requirement"])


def test_the_figures_of_the_worked_account(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = TEXT.partition("| | computed |")[2].partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    for _, computed, amount in rows:
        assert re.fullmatch(r"[\d.,x+() min-]+", computed)
        exact = re.sub(r"[\d.]+", r"Decimal('\g<0>')", computed.replace("x", "*"))
        assert eval(exact) == Decimal(amount)  # noqa: S307 - our own document
    assert Decimal(pots(capsys)["S2"]["maintenance_requirement"]) == Decimal(rows[-1][2])


def test_assets_add_up_over_the_books(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit = output(capsys, AUDIT)
    assert audit["verdict"] == "VERIFIED"
    assert list(audit["totals"]) == ["btc", "eth", "standard"]
    owed = sum(int(totals["owed"]) for totals in audit["totals"].values())
    assert sum(Decimal(of["owed"]) for of in audit["assets"].values()) == Decimal(owed).scaleb(-6)
    assert Decimal(audit["assets"]["USDC"]["loans"]) == 15_900
    assert all(of["net_positions"] == "0" for of in audit["assets"].values())
    assert any(int(amount) for name, amount in audit["totals"]["btc"].items() if name.startswith("position"))


def test_what_is_written_fits_the_schemas(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("policy", "market", "risk", "circuits"):
        validator(name).validate(json.loads(Path(f"risk/{name}.json").read_bytes()))
    validator("output-audit").validate(output(capsys, AUDIT))
    validator("output-margin").validate(output(capsys, MARGIN))


@pytest.mark.parametrize("account, who", [("D6", "farid"), ("E3", "aiko"), ("S2", "kim")])
def test_customers_are_counted(folder: Path, account: str, who: str) -> None:
    bundle = f"{account}.bundle"
    private = ["--private", "private", "--key", "exchange.key"]
    assert run(["bundle", *private, "--account", account, "-o", bundle]) == 0
    trust = ["--attestation", "attestation", "--trust", "exchange.key.pub"]
    assert run(["verify", bundle, *trust, "--id", f"{who}@example.org"]) == 0
    assert run(["verify", bundle, *trust, "--id", "nobody@example.org"]) == 1


def test_a_ratio_that_the_account_does_not_have(folder: Path) -> None:
    claim = ["claim", "chloe.bundle", "equity >= 4 * initial requirement", "--attestation", "attestation"]
    assert run([*claim, "--context", "desk", "-o", "false.claim"]) == 2
    assert not Path("false.claim").exists()
