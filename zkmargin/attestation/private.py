"""The private folder: everything secret of one snapshot, mode 0700, files 0600.

    epoch.key             epoch key, written and flushed before anything else
    input.json            digest of the inputs; a run with other inputs is refused here
    snapshot.json         snapshot digest, key that signed it, leaves of each book, digests of owners and openings
    owners-<book>.json    account, pot and identity of every pot
    openings-<book>.npz   inputs, leaf, blindings and salt of every pot
    tree-<book>.bin       all nodes of the tree, level by level, 160 bytes each
    report.json           the operator's report: unhealthy accounts by name, the true number of customers

The unhealthy list and the true number of customers exist only here, or padding would hide nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from zkmargin import canonical, limits
from zkmargin.attestation.openings import Openings
from zkmargin.bundle import Bundle, BundleLeaf
from zkmargin.canonical import Json
from zkmargin.errors import UndecidedError, UsageError
from zkmargin.files import SECRET_DIRECTORY, SECRET_FILE, read_bounded, remove_partial, write_atomic
from zkmargin.group.backend import Backend
from zkmargin.hashing import byte_rows
from zkmargin.secrets import KEY_BYTES, EpochKey
from zkmargin.signing import fingerprint
from zkmargin.tree import MerkleSumTree, Node, depth_of, empty_hashes

FORMAT = "zkmargin/private/1"
_NODE_BYTES = 160
_INFINITY = bytes(64)


class PrivateFolder:
    """The private folder of one snapshot."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._digests: dict[str, str] = {}

    def prepare(self, input_digest: bytes) -> EpochKey:
        """Create the folder, or continue in one of the same inputs; return its epoch key, safely on disk.

        Raise UsageError if the folder belongs to other inputs: one epoch key never serves two ledgers.
        """
        wanted = canonical.encode({"format": FORMAT, "input": input_digest})
        note, key_file = self.path / "input.json", self.path / "epoch.key"
        remove_partial(self.path)
        if key_file.exists():
            if not note.exists() or note.read_bytes() != wanted:
                raise UsageError(
                    "private-folder",
                    f"{self.path} belongs to another snapshot or to other inputs",
                    hint="give every snapshot a private folder of its own",
                )
            return EpochKey(read_bounded(key_file, KEY_BYTES, "the epoch key"))
        if any(entry.name not in ("lock", "input.json") for entry in self.path.iterdir()):
            raise UsageError("private-folder", f"{self.path} holds other things", hint="choose a new folder")
        write_atomic(note, wanted, SECRET_FILE)
        key = EpochKey(os.urandom(KEY_BYTES))
        write_atomic(key_file, key.reveal(), SECRET_FILE)
        return key

    def write_openings(self, book: str, openings: Openings) -> None:
        """Write a book's openings."""
        owners, arrays = openings.to_files()
        for path, data in (
            (self._file("owners", book, "json"), owners),
            (self._file("openings", book, "npz"), arrays),
        ):
            write_atomic(path, data, SECRET_FILE)
            self._digests[path.name] = hashlib.sha256(data).hexdigest()

    def write_tree(self, backend: Backend, book: str, tree: MerkleSumTree) -> None:
        """Write all nodes of a book's tree."""
        levels = []
        for level in tree.levels:
            fields = (b"".join(level.hashes), backend.encode(level.a), backend.encode(level.b))
            rows = [byte_rows(data, width) for data, width in zip(fields, (32, 64, 64), strict=True)]
            levels.append(np.concatenate(rows, axis=1).tobytes())
        write_atomic(self._file("tree", book, "bin"), b"".join(levels), SECRET_FILE)

    def write_json(self, name: str, value: Json) -> None:
        """Write one JSON file, readable for the operator."""
        text = json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)
        write_atomic(self.path / name, text.encode() + b"\n", SECRET_FILE)

    def write_snapshot(self, digest: bytes, public_key: bytes, leaves: dict[str, int]) -> None:
        """Write what bundles are made from: digest and key of the snapshot, leaves by book, digests of the openings.

        With these a damaged file is noticed before a customer is missing or gets a bundle that does not verify.
        """
        value = {
            "format": FORMAT,
            "snapshot": digest.hex(),
            "key": public_key.hex(),
            "leaves": leaves,
            "files": self._digests,
        }
        self.write_json("snapshot.json", value)

    def check_key(self, public_key: bytes) -> None:
        """Raise UsageError for another key than the attestation's: its bundles would be refused by every customer."""
        expected = bytes.fromhex(self._snapshot()["key"])
        if public_key != expected:
            raise UsageError(
                "key",
                "the attestation was signed with another key",
                expected=fingerprint(expected),
                actual=fingerprint(public_key),
            )

    def bundles(self, accounts: Sequence[str] | None = None) -> Iterator[Bundle]:
        """Yield the bundles of these accounts (of all, if None), in the order of their names.

        Raise UsageError for an account that is not there, UndecidedError if the folder is incomplete.
        """
        snapshot = self._snapshot()
        books = {book: self._openings(book, snapshot["files"]) for book in snapshot["leaves"]}
        if accounts is None:
            accounts = sorted({owner[0] for book in books.values() for owner in book.owners}, key=str.encode)
        with contextlib.ExitStack() as files:
            trees = {
                book: files.enter_context(_TreeFile(self._file("tree", book, "bin"), count))
                for book, count in snapshot["leaves"].items()
            }
            for account in accounts:
                found = [
                    (book, all_.opening(row)) for book, all_ in books.items() for row in all_.rows_of(account)
                ]
                if not found:
                    raise UsageError("account", "no such account in this snapshot", actual=account)
                leaves = tuple(
                    BundleLeaf(book, o.pot, o.index, o.inputs, o.a, o.b, o.salt, trees[book].path(o.index))
                    for book, o in found
                )
                yield Bundle(bytes.fromhex(snapshot["snapshot"]), account, found[0][1].user, leaves)

    def _snapshot(self) -> Json:
        data = read_bounded(self.path / "snapshot.json", limits.MAX_JSON_BYTES, "the private folder")
        try:
            value = json.loads(data)
            known = value["format"] == FORMAT
        except (ValueError, KeyError, TypeError, RecursionError):
            known, value = True, None
        if not known:
            raise UndecidedError(
                "format", "the private folder is of an unknown format", actual=value["format"]
            )
        if not _is_snapshot(value):
            raise UndecidedError("private-folder", f"{self.path} is damaged: snapshot.json")
        return value

    def _openings(self, book: str, digests: Mapping[str, str]) -> Openings:
        owners, arrays = self._file("owners", book, "json"), self._file("openings", book, "npz")
        owners_data = read_bounded(owners, limits.MAX_FILE_BYTES, "the owners of a book")
        arrays_data = read_bounded(arrays, limits.MAX_FILE_BYTES, "the openings of a book")
        for path, data in ((owners, owners_data), (arrays, arrays_data)):
            if hashlib.sha256(data).hexdigest() != digests.get(path.name):
                raise UndecidedError("private-folder", f"{path} is damaged")
        return Openings.from_files(owners_data, arrays_data, f"{owners} or {arrays}")

    def _file(self, what: str, book: str, ending: str) -> Path:
        return self.path / f"{what}-{book}.{ending}"


def _is_snapshot(value: Json) -> bool:
    """Tell whether a value is what write_snapshot wrote."""
    return (
        isinstance(value, dict)
        and set(value) == {"format", "snapshot", "key", "leaves", "files"}
        and all(_is_digest(value[name]) for name in ("snapshot", "key"))
        and isinstance(value["files"], dict)
        and isinstance(value["leaves"], dict)
        and all(
            type(count) is int and 1 <= count <= limits.MAX_ACCOUNTS for count in value["leaves"].values()
        )
    )


def _is_digest(value: Json) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def make_private_folder(path: Path) -> PrivateFolder:
    """Create the folder (0700) if it is not there, and refuse one that others can read."""
    if path.exists() and not path.is_dir():
        raise UsageError("private-folder", f"{path} is no directory")
    path.mkdir(mode=SECRET_DIRECTORY, exist_ok=True)
    if path.is_symlink() or path.stat().st_mode & 0o077:
        raise UsageError("private-folder", f"{path} can be read by others", hint=f"chmod 700 {path}")
    return PrivateFolder(path)


class _TreeFile:
    """Reads paths from a tree file without loading it."""

    def __init__(self, path: Path, count: int) -> None:
        self._path, self._depth = path, depth_of(count)
        self._empty = empty_hashes(self._depth)
        self._sizes = [-(-count // (1 << height)) for height in range(self._depth + 1)]
        try:
            self._file = path.open("rb")
        except OSError:
            raise UndecidedError("private-folder", f"{path} is missing") from None

    def __enter__(self) -> Self:
        if os.fstat(self._file.fileno()).st_size != _NODE_BYTES * sum(self._sizes):
            self._file.close()
            raise UndecidedError("private-folder", f"{self._path} is damaged")
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()

    def path(self, index: int) -> tuple[Node, ...]:
        """Return the siblings of a leaf."""
        return tuple(self._node(height, (index >> height) ^ 1) for height in range(self._depth))

    def _node(self, height: int, position: int) -> Node:
        if position >= self._sizes[height]:
            return Node(self._empty[height], _INFINITY, _INFINITY)
        self._file.seek(_NODE_BYTES * (sum(self._sizes[:height]) + position))
        data = self._file.read(_NODE_BYTES)
        return Node(data[:32], data[32:96], data[96:])
