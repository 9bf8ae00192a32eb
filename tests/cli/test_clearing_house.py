"""The example of a clearing house with each of its policies, through every command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from readme_tour import ROOT

from zkmargin.cli.main import run

EXAMPLE, POLICIES = ROOT / "examples/clearing-house", ROOT / "examples/policies"
# by how much a requirement may lie above the formula: chords of the power law and the norm, relative; cents a digit
ABOVE = {"clearing-house": 0.012, "greeks": 0.0, "simm": 0.0035, "value-at-risk": 0.012}


def call(*arguments: object, code: int = 0) -> None:
    assert run([str(item) for item in arguments]) == code


def policy(name: str) -> str:
    """Return a preset; value at risk is the clearing house's with the other measure."""
    if name != "value-at-risk":
        return (POLICIES / f"{name}.toml").read_text()
    text = policy("clearing-house")
    assert text.count('"expected-shortfall"') == 1
    return text.replace('"expected-shortfall"', '"value-at-risk"')


@pytest.fixture(scope="module", params=sorted(ABOVE))
def exchange(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with one policy, its risk built and attested."""
    out = tmp_path_factory.mktemp("cleared") / str(request.param)
    shutil.copytree(EXAMPLE, out)
    (out / "market" / "policy.toml").write_text(policy(str(request.param)))
    call("risk", "build", out / "market", "-o", out / "risk")
    call("keygen", "-o", out / "key")
    common = ("--risk", out / "risk", "--key", out / "key")
    call("attest", out / "ledger", *common, "-o", out / "attestation", "--private", out / "private")
    return out


def test_ledger_and_attestation_pass(exchange: Path) -> None:
    call("check", exchange / "ledger", "--risk", exchange / "risk")
    call("audit", exchange / "attestation", "--trust", exchange / "key.pub", "--market", exchange / "market")


def test_a_customer_verifies(exchange: Path) -> None:
    bundle = exchange / "broker.bundle"
    call(
        "bundle",
        "--private",
        exchange / "private",
        "--key",
        exchange / "key",
        "--account",
        "C003",
        "-o",
        bundle,
    )
    common = ("--attestation", exchange / "attestation", "--trust", exchange / "key.pub")
    call("verify", bundle, *common, "--id", "broker@example.org", "--audit")


def test_requirements_are_the_formula_rounded_up(exchange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    call("margin", exchange / "ledger", "--risk", exchange / "risk", "--json")
    pots = json.loads(capsys.readouterr().out)["books"]["portfolio"]["pots"]
    assert len(pots) == 6
    for pot in pots:
        for name in ("maintenance_requirement", "initial_requirement"):
            proven, formula = float(pot[name]), float(pot["formula"][name])
            assert 0 <= proven - formula <= ABOVE[exchange.name] * formula + 3, pot["account"]


def test_other_moves_are_noticed(exchange: Path, tmp_path: Path) -> None:
    """An auditor whose market has one other past move or order-book level does not accept the attestation."""
    for name, old, new in (("returns", ",0.00560,", ",0.00561,"), ("depth", ",89995,25", ",89995,24")):
        market = tmp_path / name
        shutil.copytree(exchange / "market", market)
        text = (market / f"{name}.csv").read_text()
        assert old in text
        (market / f"{name}.csv").write_text(text.replace(old, new, 1))
        call("audit", exchange / "attestation", "--trust", exchange / "key.pub", "--market", market, code=1)
