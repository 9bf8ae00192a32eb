"""The private folder: everything secret of one snapshot, mode 0700, files 0600.

    epoch.key             epoch key, written and flushed before anything else
    input.json            digest of the inputs; a run with other inputs is refused here
    snapshot.json         snapshot digest and the shape of each book
    openings-<book>.jsonl one pot a line: identity, inputs, leaf, blindings, salt
    tree-<book>.bin       all nodes of the tree, level by level, 160 bytes each
    report.json           the operator's report: unhealthy accounts by name, the true number of customers

The unhealthy list and the true number of customers exist only here, or padding would hide nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from zkmargin import canonical, limits
from zkmargin.bundle import Bundle, BundleLeaf
from zkmargin.canonical import Json
from zkmargin.errors import UndecidedError, UsageError
from zkmargin.files import SECRET_DIRECTORY, SECRET_FILE, read_bounded, remove_partial, write_atomic
from zkmargin.group.backend import Backend
from zkmargin.inputs.ledger import InputKey, User
from zkmargin.secrets import KEY_BYTES, EpochKey
from zkmargin.tree import MerkleSumTree, Node, depth_of, empty_hashes

FORMAT = "zkmargin/private/1"
_NODE_BYTES = 160
_INFINITY = bytes(64)


@dataclass(frozen=True, repr=False)
class Opening:
    """One pot and what opens its leaf."""

    account: str
    pot: str
    user: User
    inputs: tuple[tuple[InputKey, int], ...]
    index: int
    a: int
    b: int
    salt: bytes

    def to_line(self) -> bytes:
        """Encode as one line of canonical JSON."""
        return canonical.encode(
            {
                "account": self.account,
                "pot": self.pot,
                "user": [self.user.id, self.user.nonce],
                "inputs": [[*key, amount] for key, amount in self.inputs],
                "leaf": [self.index, self.a, self.b, self.salt],
            }
        )

    @staticmethod
    def from_line(line: bytes) -> Opening:
        """Read back what to_line wrote."""
        value = json.loads(line)
        user, nonce = value["user"]
        index, a, b, salt = value["leaf"]
        return Opening(
            account=value["account"],
            pot=value["pot"],
            user=User(user, bytes.fromhex(nonce)),
            inputs=tuple(((kind, name), int(amount)) for kind, name, amount in value["inputs"]),
            index=int(index),
            a=int(a),
            b=int(b),
            salt=bytes.fromhex(salt),
        )


class PrivateFolder:
    """The private folder of one snapshot."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self, input_digest: bytes) -> EpochKey:
        """Create the folder, or continue in one of the same inputs; return its epoch key, safely on disk.

        Raise UsageError if the folder belongs to other inputs: one epoch key never serves two ledgers.
        """
        wanted = canonical.encode({"format": FORMAT, "input": input_digest})
        note, key_file = self.path / "input.json", self.path / "epoch.key"
        if key_file.exists():
            if not note.exists() or note.read_bytes() != wanted:
                raise UsageError(
                    "private-folder",
                    f"{self.path} belongs to another snapshot or to other inputs",
                    hint="give every snapshot a private folder of its own",
                )
            return EpochKey(read_bounded(key_file, KEY_BYTES, "the epoch key"))
        remove_partial(self.path)
        if any(entry.name not in ("lock", "input.json") for entry in self.path.iterdir()):
            raise UsageError("private-folder", f"{self.path} holds other things", hint="choose a new folder")
        write_atomic(note, wanted, SECRET_FILE)
        key = EpochKey(os.urandom(KEY_BYTES))
        write_atomic(key_file, key.reveal(), SECRET_FILE)
        return key

    def write_openings(self, book: str, openings: Sequence[Opening]) -> None:
        """Write a book's openings, in the order of account and pot."""
        lines = b"".join(opening.to_line() + b"\n" for opening in openings)
        write_atomic(self._file("openings", book, "jsonl"), lines, SECRET_FILE)

    def write_tree(self, backend: Backend, book: str, tree: MerkleSumTree) -> None:
        """Write all nodes of a book's tree."""
        parts = []
        for level in tree.levels:
            a, b = backend.encode(level.a), backend.encode(level.b)
            parts += [
                hashed + a[64 * i : 64 * i + 64] + b[64 * i : 64 * i + 64]
                for i, hashed in enumerate(level.hashes)
            ]
        write_atomic(self._file("tree", book, "bin"), b"".join(parts), SECRET_FILE)

    def write_json(self, name: str, value: Json) -> None:
        """Write one JSON file, readable for the operator."""
        text = json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)
        write_atomic(self.path / name, text.encode() + b"\n", SECRET_FILE)

    def write_snapshot(self, digest: bytes, leaves: dict[str, int]) -> None:
        """Write the snapshot digest and each book's number of leaves: what bundles are made from."""
        self.write_json("snapshot.json", {"format": FORMAT, "snapshot": digest.hex(), "leaves": leaves})

    def bundles(self, accounts: Sequence[str] | None = None) -> Iterator[Bundle]:
        """Yield the bundles of these accounts (of all, if None), in the order of their names.

        Raise UsageError for an account that is not there, UndecidedError if the folder is incomplete.
        """
        snapshot = self._snapshot()
        wanted = None if accounts is None else set(accounts)
        found: dict[str, list[tuple[str, Opening]]] = {}
        for book in snapshot["leaves"]:
            for opening in self._openings(book):
                if wanted is None or opening.account in wanted:
                    found.setdefault(opening.account, []).append((book, opening))
        for missing in sorted((wanted or set()) - set(found)):
            raise UsageError("account", "no such account in this snapshot", actual=missing)
        with contextlib.ExitStack() as files:
            readers = {
                book: files.enter_context(_TreeFile(self._file("tree", book, "bin"), count))
                for book, count in snapshot["leaves"].items()
            }
            for account in sorted(found):
                leaves = tuple(
                    BundleLeaf(book, o.pot, o.index, o.inputs, o.a, o.b, o.salt, readers[book].path(o.index))
                    for book, o in found[account]
                )
                yield Bundle(bytes.fromhex(snapshot["snapshot"]), account, found[account][0][1].user, leaves)

    def _snapshot(self) -> Json:
        try:
            value = json.loads(
                read_bounded(self.path / "snapshot.json", limits.MAX_JSON_BYTES, "the private folder")
            )
            if value["format"] != FORMAT:
                raise UndecidedError(
                    "format", "the private folder is of an unknown format", actual=value["format"]
                )
        except (ValueError, KeyError, TypeError):
            raise UndecidedError("private-folder", f"{self.path} is damaged: snapshot.json") from None
        return value

    def _openings(self, book: str) -> Iterator[Opening]:
        path = self._file("openings", book, "jsonl")
        try:
            with path.open("rb") as file:
                yield from map(Opening.from_line, file)
        except (OSError, ValueError, KeyError, TypeError):
            raise UndecidedError("private-folder", f"{path} is missing or damaged") from None

    def _file(self, what: str, book: str, ending: str) -> Path:
        return self.path / f"{what}-{book}.{ending}"


def make_private_folder(path: Path) -> PrivateFolder:
    """Create the folder (0700) if it is not there, and refuse one that others can read."""
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
