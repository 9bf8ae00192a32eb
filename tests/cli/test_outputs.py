"""What a command writes to: looked at before any work, named so that it fits, and signed with the right key."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest

from zkmargin.cli.bundle import LONGEST_NAME, file_name

Call = Callable[..., int]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("output", "private"),
    [("x", "x"), ("x", "x/p"), ("x/a", "x"), ("x", "sub/../x"), ("x/", "x/p/q"), ("link/a", "real")],
)
def test_public_and_private_are_kept_apart(
    attested: Path,
    tmp_path: Path,
    zkmargin: Call,
    output: str,
    private: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    before = names(tmp_path)
    common = ("--risk", attested / "risk", "--key", attested / "key")
    where = ("-o", f"{tmp_path}/{output}", "--private", f"{tmp_path}/{private}")
    assert zkmargin("attest", attested / "ledger", *common, *where) == 2
    assert "one directory, or one lies in the other" in capsys.readouterr().err
    assert names(tmp_path) == before and not names(tmp_path / "real")


def test_side_by_side_is_not_nested(tmp_path: Path) -> None:
    from zkmargin.files import check_apart

    check_apart(tmp_path / "a", tmp_path / "a.private")
    check_apart(tmp_path / "x" / "a", tmp_path / "x" / "p")


@pytest.mark.parametrize(
    "command", ["attest", "private", "keygen", "example", "risk", "one", "all", "import"]
)
def test_a_missing_parent_is_named_before_any_work(
    attested: Path,
    tmp_path: Path,
    zkmargin: Call,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def work(*arguments: object, **options: object) -> None:
        raise AssertionError("worked before it looked")

    for name in (
        "attest.load_risk",
        "risk.load_market",
        "example.write_example",
        "import_files.import_binance",
    ):
        monkeypatch.setattr(f"zkmargin.cli.{name}", work)
    monkeypatch.setattr("zkmargin.attestation.private.PrivateFolder.bundles", work)
    there, gone = tmp_path / "a", tmp_path / "gone" / "a"
    attest = ("attest", attested / "ledger", "--risk", attested / "risk", "--key", attested / "key")
    bundle = ("bundle", "--private", attested / "private", "--key", attested / "key")
    arguments: dict[str, tuple[object, ...]] = {
        "attest": (*attest, "-o", gone, "--private", there),
        "private": (*attest, "-o", there, "--private", gone),
        "keygen": ("keygen", "-o", gone),
        "example": ("example", "-o", gone, "--accounts", 3),
        "risk": ("risk", "build", attested / "market", "-o", gone),
        "one": (*bundle, "--account", "A0000000", "-o", gone),
        "all": (*bundle, "--all", "-o", gone),
        "import": ("import", "binance", tmp_path / "users.csv", "-o", gone),
    }
    assert zkmargin(*arguments[command]) == 2
    assert f"{tmp_path / 'gone'} is no directory" in capsys.readouterr().err
    assert names(tmp_path) == []


def test_a_private_place_that_is_a_file(
    attested: Path, tmp_path: Path, zkmargin: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p").write_text("")
    common = ("--risk", attested / "risk", "--key", attested / "key")
    where = ("-o", tmp_path / "a", "--private", tmp_path / "p")
    assert zkmargin("attest", attested / "ledger", *common, *where) == 2
    assert "is no directory" in capsys.readouterr().err


def test_names_of_bundles() -> None:
    assert file_name("A 1/2") == "A%201%2F2.json"
    longest = "a" * LONGEST_NAME
    assert file_name(longest) == longest + ".json"
    quoted = "é" * 128  # 256 bytes, the longest account; 768 when percent-encoded
    short = file_name(quoted)
    assert short == f"sha256={hashlib.sha256(quoted.encode()).hexdigest()}.json"
    assert short != file_name("é" * 127)
    assert (
        file_name(unquote(short.removesuffix(".json"))) != short
    )  # no account is called like another's file


def test_all_bundles_of_accounts_with_long_names(attested: Path, tmp_path: Path, zkmargin: Call) -> None:
    long = "ä" * 128
    shutil.copytree(attested / "ledger", tmp_path / "ledger")
    for path in (tmp_path / "ledger").glob("*.csv"):
        path.write_text(path.read_text().replace("A0000007", long))
    common = ("--risk", attested / "risk", "--key", attested / "key")
    where = ("-o", tmp_path / "a", "--private", tmp_path / "p")
    assert zkmargin("attest", tmp_path / "ledger", *common, *where) == 0
    bundle = ("bundle", "--private", tmp_path / "p", "--key", attested / "key")
    assert zkmargin(*bundle, "--all", "-o", tmp_path / "all") == 0
    assert len(names(tmp_path / "all")) == 40
    found = json.loads((tmp_path / "all" / file_name(long)).read_text())
    assert found["body"]["account"] == long


def test_bundles_are_signed_with_the_attestations_key(
    attested: Path, tmp_path: Path, zkmargin: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert zkmargin("keygen", "-o", tmp_path / "other") == 0
    before = names(tmp_path)
    for more in (("--account", "A0000000"), ("--all",)):
        where = ("--private", attested / "private", "--key", tmp_path / "other", "-o", tmp_path / "out")
        assert zkmargin("bundle", *where, *more) == 2
        assert "signed with another key" in capsys.readouterr().err
    assert names(tmp_path) == before
    known = json.loads((attested / "private" / "snapshot.json").read_text())["key"]
    assert known == json.loads((attested / "attestation" / "signature.json").read_text())["key"]
