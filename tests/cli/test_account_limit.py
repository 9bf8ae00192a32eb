"""A book with a limit per account: `check` and `attest` name an account beyond it; a higher limit takes everyone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from readme_tour import ROOT

EXAMPLE = ROOT / "examples/clearing-house"
Call = Callable[..., int]


def with_legs(text: str, legs: str) -> str:
    """Expected Shortfall alone, underlying by underlying, positions standing alone."""
    assert text.count('netting = "joint"') == text.count('weight = "0.75"') == 1
    before, rest = text.replace('netting = "joint"\n', "").split('weight = "0.75"')
    return f'{before}legs = "{legs}"\nprice_range' + rest.partition("price_range")[2]


def limited(folder: Path, limit: str, call: Call, legs: str | None = None) -> Path:
    """The example of a clearing house with a limit, its risk built."""
    out = folder / limit
    shutil.copytree(EXAMPLE, out)
    policy = out / "market" / "policy.toml"
    text = policy.read_text()
    assert text.count('balance = "5e7" }') == 1
    text = text.replace('balance = "5e7" }', f'balance = "5e7", account = "{limit}" }}')
    policy.write_text(text if legs is None else with_legs(text, legs))
    assert call("risk", "build", out / "market", "-o", out / "risk") == 0
    assert call("keygen", "-o", out / "key") == 0
    return out


def commands(folder: Path) -> tuple[tuple[object, ...], ...]:
    common = (folder / "ledger", "--risk", folder / "risk")
    where = ("-o", folder / "attestation", "--private", folder / "private")
    return ("check", *common), ("attest", *common, "--key", folder / "key", *where)


def test_beyond_the_limit(tmp_path: Path, zkmargin: Call, capsys: pytest.CaptureFixture[str]) -> None:
    folder = limited(tmp_path, "1000", zkmargin)
    for command in commands(folder):
        capsys.readouterr()
        assert zkmargin(*command) == 2
        said = capsys.readouterr().err
        assert "is beyond the money limit of book portfolio; a book with a higher limit" in said
        assert "account C" in said and " pot cross: " in said
    assert not (folder / "attestation").exists()


@pytest.mark.parametrize("legs", [None, "alone"])
def test_within_the_limit(
    legs: str | None, tmp_path: Path, zkmargin: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = limited(tmp_path, "2e7", zkmargin, legs)
    for command in commands(folder):
        assert zkmargin(*command) == 0
    capsys.readouterr()
    assert (
        zkmargin("margin", folder / "ledger", "--risk", folder / "risk", "--account", "C003", "--json") == 0
    )
    (pot,) = json.loads(capsys.readouterr().out)["books"]["portfolio"]["pots"]
    name = "maintenance_requirement"  # liquidity is above the formula by its chords
    assert 0 <= float(pot[name]) - float(pot["formula"][name]) <= 0.012 * float(pot["formula"][name])
    assert ("alone" in json.dumps(pot)) == (legs is not None)
    trust = ("--trust", folder / "key.pub")
    assert zkmargin("audit", folder / "attestation", *trust) == 0
    where = ("--private", folder / "private", "--key", folder / "key")
    assert zkmargin("bundle", *where, "--account", "C003", "-o", folder / "c.bundle") == 0
    shown = ("--attestation", folder / "attestation", "--id", "broker@example.org", *trust)
    assert zkmargin("verify", folder / "c.bundle", *shown) == 0
