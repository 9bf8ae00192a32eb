"""What `verify` says: only what it checked, in the words and figures of `margin`."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from zkmargin.bundle import Bundle

Call = Callable[..., int]

OWN_FIGURES = {
    "net_value",
    "equity",
    "initial_requirement",
    "maintenance_requirement",
    "ratio",
    "level",
    "risk_units",
}


@pytest.fixture
def verify(attested: Path, zkmargin: Call) -> Call:
    def call(bundle: object, *more: object) -> int:
        common = ("--attestation", attested / "attestation", "--trust", attested / "key.pub")
        return zkmargin("verify", bundle, *common, *more)

    return call


def user(attested: Path, account: str) -> str:
    with (attested / "ledger" / "accounts.csv").open(newline="") as file:
        return next(row["user"] for row in csv.DictReader(file) if row["account"] == account)


def altered(attested: Path, path: Path, change: Any) -> Path:
    """The bundle of two leaves, changed and signed again by the exchange."""
    from zkmargin.bundle import read_bundle, write_bundle
    from zkmargin.group import default_backend
    from zkmargin.signing import load_signing_key

    backend = default_backend()
    bundle = change(read_bundle(backend, (attested / "two.bundle").read_bytes()).bundle)
    path.write_bytes(write_bundle(backend, bundle, load_signing_key(attested / "key")))
    return path


def test_a_bundle_cannot_write_a_verdict_of_its_own(
    attested: Path, verify: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exchange names pots and accounts, and signs."""
    pots = ("cross\nbundle: VERIFIED", "isolated-1\nbundle: VERIFIED")

    def named(bundle: Bundle) -> Bundle:
        leaves = [replace(leaf, pot=pot) for leaf, pot in zip(bundle.leaves, pots, strict=True)]
        return replace(bundle, leaves=tuple(leaves), account="A\nbundle: VERIFIED")

    assert verify(altered(attested, tmp_path / "b", named), "--id", user(attested, "A0000007")) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("bundle: ")] == ["bundle: INVALID"]


@pytest.mark.parametrize("given", ["", " ", "a@example.com "])
def test_an_empty_identity_is_no_identity(
    attested: Path, verify: Call, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(attested / "one.bundle", "--id", given) == 2
    out, err = capsys.readouterr()
    assert "--id is" in err and not out


def test_an_audit_is_not_denied(attested: Path, verify: Call, capsys: pytest.CaptureFixture[str]) -> None:
    who = ("--id", user(attested, "A0000000"))
    assert verify(attested / "one.bundle", *who) == 0
    assert "proofs were not checked here" in capsys.readouterr().err
    assert verify(attested / "one.bundle", *who, "--audit") == 0
    err = capsys.readouterr().err
    assert "proofs were not checked" not in err and "attestation: VERIFIED" in err


def test_records_that_were_not_compared_are_no_check(
    attested: Path, verify: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(attested / "one.bundle", "--id", user(attested, "A0000000"), "--json") == 0
    out, err = capsys.readouterr()
    value = json.loads(out)
    assert "records" not in {check["name"] for check in value["checks"]}
    assert any("not compared with your records" in line for line in value["not_proven"])
    assert "ok   records" not in err


def test_foreign_rows_are_named(
    attested: Path, tmp_path: Path, verify: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("balances.csv", "positions.csv"):
        (tmp_path / name).write_text((attested / "ledger" / name).read_text())
    assert verify(attested / "one.bundle", "--id", user(attested, "A0000000"), "--records", tmp_path) == 2
    err = capsys.readouterr().err
    assert "not the bundle's account" in err and "accounts file" not in err


def test_only_leaves_that_verified_are_shown(
    attested: Path, tmp_path: Path, verify: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    def richer(bundle: Any) -> Any:
        first, second = bundle.leaves
        inputs = tuple((key, amount + 1) for key, amount in first.inputs)
        return replace(bundle, leaves=(replace(first, inputs=inputs), second))

    path = altered(attested, tmp_path / "b", richer)
    who = ("--id", user(attested, "A0000007"))
    assert verify(path, *who) == 1
    out, err = capsys.readouterr()
    assert "portfolio/cross" not in out and "portfolio/isolated-1" in out
    assert "portfolio/cross is not shown: its leaf did not verify" in err
    assert "(sum)" not in out  # of one pot of two
    assert verify(path, *who, "--json") == 1
    value = json.loads(capsys.readouterr().out)
    assert [pot["pot"] for pot in value["pots"]] == ["isolated-1"] and "sum" not in value
    assert verify(path, "--id", "mallory@example.com") == 1
    out, err = capsys.readouterr()
    assert not out and "portfolio/isolated-1 is not shown" in err


def test_a_bundle_that_cannot_be_read_shows_nothing(
    tmp_path: Path, verify: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b").write_text("{}")
    assert verify(tmp_path / "b", "--id", "a@example.com") == 1
    out, err = capsys.readouterr()
    assert not out and "nothing of the account is shown" in err


def test_figures_are_those_of_margin_under_the_same_names(
    attested: Path, verify: Call, zkmargin: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    margin = ("margin", attested / "ledger", "--risk", attested / "risk", "--account", "A0000007")
    assert zkmargin(*margin, "--json") == 0
    theirs = json.loads(capsys.readouterr().out)["books"]["portfolio"]
    assert verify(attested / "two.bundle", "--id", user(attested, "A0000007"), "--json") == 0
    mine = json.loads(capsys.readouterr().out)
    for pot in mine["pots"]:
        assert pot.pop("book") == "portfolio"
    for pot in theirs["pots"]:
        assert pot.pop("account") == "A0000007" and pot.pop("formula") and set(pot) > OWN_FIGURES
    assert mine["pots"] == theirs["pots"] and mine["sum"] == theirs["sum"]
    assert zkmargin(*margin) == 0
    lines = capsys.readouterr().out.splitlines()
    assert verify(attested / "two.bundle", "--id", user(attested, "A0000007")) == 0
    shown = capsys.readouterr().out.splitlines()
    extra = (["by", "formula"], 1, 1, 0)  # margin has one column more, after the maintenance requirement
    for line, other, more in zip(lines[:4], shown[:4], extra, strict=True):  # header, two pots, sum
        words, at = line.split()[3:], 5 if more == extra[0] else 4  # "net value" are two words
        del words[at : at + (more if isinstance(more, int) else len(more))]
        assert other.split()[1:] == words
    assert shown[3].split()[0] == "(sum)" and shown[3].rstrip().endswith("pots do not help each other")


def test_json_says_of_which_attestation(
    attested: Path, verify: Call, zkmargin: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert zkmargin("audit", attested / "attestation", "--trust", attested / "key.pub", "--json") == 0
    audited = json.loads(capsys.readouterr().out)
    assert verify(attested / "one.bundle", "--id", user(attested, "A0000000"), "--json") == 0
    mine = json.loads(capsys.readouterr().out)
    for name in ("exchange", "snapshot", "digest"):
        assert mine[name] == audited[name]
    assert mine["exit_code"] == audited["exit_code"] == 0
