"""A book with a limit per account: `check` and `attest` name an account beyond it; a higher limit takes everyone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from readme_tour import ROOT

EXAMPLE = ROOT / "examples/clearing-house"
Call = Callable[..., int]


def limited(folder: Path, limit: str, call: Call) -> Path:
    """The example of a clearing house with a limit, its risk built."""
    out = folder / limit
    shutil.copytree(EXAMPLE, out)
    policy = out / "market" / "policy.toml"
    text = policy.read_text()
    assert text.count('balance = "5e7" }') == 1
    policy.write_text(text.replace('balance = "5e7" }', f'balance = "5e7", account = "{limit}" }}'))
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


def test_within_the_limit(tmp_path: Path, zkmargin: Call) -> None:
    folder = limited(tmp_path, "2e7", zkmargin)
    for command in commands(folder):
        assert zkmargin(*command) == 0
    assert zkmargin("audit", folder / "attestation", "--trust", folder / "key.pub") == 0
