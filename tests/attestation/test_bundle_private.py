"""Bundles from a damaged private folder: complete and right, or a typed error; never fewer customers, never a crash."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attestation.exchange import BACKEND, Exchange
from zkmargin.attestation.private import PrivateFolder
from zkmargin.bundle import write_bundle
from zkmargin.errors import UndecidedError, UsageError, VerificationError

TYPED = (UndecidedError, UsageError, VerificationError)
NAMES = ("snapshot.json", "owners-spot.json", "openings-spot.npz", "tree-spot.bin")


@pytest.fixture
def private(exchange: Exchange, tmp_path: Path) -> Path:
    shutil.copytree(exchange.folder / "private", tmp_path / "private")
    return tmp_path / "private"


def everything(exchange: Exchange, private: Path) -> dict[str, bytes]:
    """All bundles, or a typed error."""
    bundles = PrivateFolder(private).bundles()
    return {bundle.account: write_bundle(BACKEND, bundle, exchange.key) for bundle in bundles}


def same_or_refused(exchange: Exchange, private: Path, what: object) -> None:
    """What comes out of a damaged folder covers every customer of the snapshot."""
    try:
        found = everything(exchange, private)
    except TYPED:
        return
    assert set(found) == {"1", "2", "3"}, what


def test_the_folder_is_made_of_these(exchange: Exchange, private: Path) -> None:
    assert {path.name for path in private.iterdir()} >= set(NAMES)
    assert set(everything(exchange, private)) == {"1", "2", "3"}


@pytest.mark.parametrize("name", NAMES)
def test_missing(exchange: Exchange, private: Path, name: str) -> None:
    (private / name).unlink()
    with pytest.raises(UndecidedError):
        everything(exchange, private)


@pytest.mark.parametrize("name", NAMES)
def test_truncated(exchange: Exchange, private: Path, name: str) -> None:
    data = (private / name).read_bytes()
    for length in sorted({0, 1, len(data) // 3, len(data) // 2, len(data) - 160, len(data) - 1} - {-1}):
        if length >= 0:
            (private / name).write_bytes(data[:length])
            if name.endswith(".json") and length == len(data) - 1 and data.endswith(b"\n"):
                continue  # a line break at the end says nothing
            with pytest.raises(UndecidedError):
                everything(exchange, private)


@pytest.mark.parametrize("name", NAMES)
def test_bytes_flipped(exchange: Exchange, private: Path, name: str) -> None:
    """Typed, or what the customer's own check then refuses; but no customer vanishes."""
    data = (private / name).read_bytes()
    for place in range(0, len(data), max(1, len(data) // 40)):
        (private / name).write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        same_or_refused(exchange, private, (name, place))


def drop_owner(value: dict[str, list[object]]) -> None:
    value["owners"].pop()


def number_for_text(value: dict[str, list[object]]) -> None:
    value["owners"][0] = [1, 2, 3, 4]


def short_owner(value: dict[str, list[object]]) -> None:
    value["owners"][0] = ["1"]


def bad_nonce(value: dict[str, list[list[object]]]) -> None:
    value["owners"][0][3] = "zz"


def no_keys(value: dict[str, list[object]]) -> None:
    value["keys"] = []


def unsorted(value: dict[str, list[object]]) -> None:
    value["owners"].reverse()


@pytest.mark.parametrize("change", [drop_owner, number_for_text, short_owner, bad_nonce, no_keys, unsorted])
def test_owners(exchange: Exchange, private: Path, change: Callable[[object], None]) -> None:
    path = private / "owners-spot.json"
    value = json.loads(path.read_bytes())
    change(value)
    path.write_bytes(json.dumps(value).encode())
    with pytest.raises(TYPED):
        everything(exchange, private)


NOTES: dict[str, dict[str, object]] = {
    "a later format": {"format": "zkmargin/private/9"},
    "books as a list": {"leaves": []},
    "a number as text": {"leaves": {"spot": "8"}},
    "true for a number": {"leaves": {"spot": True}},
    "no leaves": {"leaves": {"spot": 0}},
    "fewer than none": {"leaves": {"spot": -8}},
    "other leaves": {"leaves": {"spot": 9}},
    "no such book": {"leaves": {"other": 8}},
    "no digest": {"snapshot": "zz"},
    "a short digest": {"snapshot": "00" * 31},
    "a number for a digest": {"snapshot": 5},
    "files as a list": {"files": []},
    "files unknown": {"files": {}},
    "more": {"more": ""},
}


@pytest.mark.parametrize("what", NOTES)
def test_snapshot_notes(exchange: Exchange, private: Path, what: str) -> None:
    path = private / "snapshot.json"
    path.write_bytes(json.dumps({**json.loads(path.read_bytes()), **NOTES[what]}).encode())
    with pytest.raises(UndecidedError):
        everything(exchange, private)


@pytest.mark.parametrize("value", [[], {}, "", 5, {"format": "zkmargin/private/1"}])
def test_snapshot_notes_of_another_shape(exchange: Exchange, private: Path, value: object) -> None:
    (private / "snapshot.json").write_bytes(json.dumps(value).encode())
    with pytest.raises(UndecidedError):
        everything(exchange, private)


def test_no_folder(exchange: Exchange, tmp_path: Path) -> None:
    with pytest.raises(UndecidedError):
        everything(exchange, tmp_path / "nothing")


def test_no_such_account(exchange: Exchange, private: Path) -> None:
    for account in ("", "4", "1\n", "01"):
        with pytest.raises(UsageError):
            list(PrivateFolder(private).bundles([account]))
