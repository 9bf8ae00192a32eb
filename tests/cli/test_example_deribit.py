"""examples/deribit through every command: what a user of the example runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zkmargin.cli.main import run

BINDING = {  # as the example's README says
    "B1": "-1 up",
    "B2": "+50 %",
    "B3": "+200 %",
    "B4": "-66 %",
    "B5": "+1 up",
    "B6": "-1 up",
    "E1": "+1 down",
    "E2": "-66 %",
}
EXAMPLE = Path(__file__).parents[2] / "examples" / "deribit"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example attested."""
    out = tmp_path_factory.mktemp("deribit")
    assert call("risk", "build", EXAMPLE / "market", "-o", out / "risk") == 0
    assert call("keygen", "-o", out / "key") == 0
    where = (
        "--risk",
        out / "risk",
        "--key",
        out / "key",
        "-o",
        out / "attestation",
        "--private",
        out / "private",
    )
    assert call("attest", EXAMPLE / "ledger", *where) == 0
    return out


def call(*arguments: object) -> int:
    return run([str(argument) for argument in arguments])


def answer(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> dict[str, object]:
    capsys.readouterr()
    assert call(*arguments, "--json") == code
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


def test_the_ledger_is_in_order(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer(capsys, "check", EXAMPLE / "ledger", "--risk", folder / "risk")


def test_what_is_proven_is_the_formula_rounded_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "margin", EXAMPLE / "ledger", "--risk", folder / "risk")
    pots = [pot for book in found["books"].values() for pot in book["pots"]]  # type: ignore[attr-defined]
    assert len(pots) == 10
    assert [pot["account"] for pot in pots if not pot["healthy"]] == ["B6"]
    for pot in pots:
        over = float(pot["maintenance_requirement"]) - float(pot["formula"]["maintenance_requirement"])
        assert -1e-6 <= over <= 0.2, pot["account"]
    worst = {pot["account"]: pot["risk_units"][0]["binding_scenario"] for pot in pots if pot["risk_units"]}
    assert worst == BINDING
    names = {unit["name"] for pot in pots for unit in pot["risk_units"]}
    assert {"worst case BTC", "basis BTC perpetual", "basis ETH 2026-03-27T08:00:00Z"} <= names


def test_the_audit_passes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ("audit", folder / "attestation", "--trust", folder / "key.pub", "--market", EXAMPLE / "market")
    assert answer(capsys, *common)["verdict"] == "VERIFIED"


@pytest.mark.parametrize(("account", "user"), [("B2", "bruno@example.org"), ("E2", "ivan@example.org")])
def test_customers_verify(account: str, user: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = folder / f"{account}.bundle"
    assert (
        call(
            "bundle",
            "--private",
            folder / "private",
            "--key",
            folder / "key",
            "--account",
            account,
            "-o",
            bundle,
        )
        == 0
    )
    common = ("verify", bundle, "--attestation", folder / "attestation", "--trust", folder / "key.pub")
    assert answer(capsys, *common, "--id", user, "--audit")["verdict"] == "VERIFIED"
    answer(capsys, *common, "--id", "somebody@example.org", code=1)


def test_another_market_is_not_the_attested_one(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    market = tmp_path / "market"
    market.mkdir()
    for path in (EXAMPLE / "market").iterdir():
        (market / path.name).write_text(
            path.read_text().replace('maintenance_factor = "0.8"', 'maintenance_factor = "0.7"')
        )
    common = ("audit", folder / "attestation", "--trust", folder / "key.pub", "--market", market)
    answer(capsys, *common, code=1)
