"""The ledger: what every account holds and owes, in whole lots. Secret: nothing here prints its content.

`ledger_files` reads it from a folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np

from zkmargin.sparse import Rows, SparseValues

CROSS = "cross"  # the pot that every account has; other pots are isolated

InputKey = tuple[str, str]
"""One kind of amount: ("held", asset) in total, ("owed", asset), ("pledged:<pool>", asset), all not negative;
("position", instrument) and ("cost", settlement asset), signed."""

_DIGEST_LABEL = b"zkmargin ledger 2"


@dataclass(frozen=True, repr=False, slots=True)
class User:
    """Whom a leaf belongs to: `id` in NFC, and a nonce of 16 bytes that the user chose, or none."""

    id: str
    nonce: bytes = b""


@dataclass(frozen=True, repr=False)
class Users(Sequence[User]):
    """Users in columns: an object for each of a million would cost more than reading them."""

    ids: tuple[str, ...]
    nonces: tuple[bytes, ...]

    @staticmethod
    def of(users: Sequence[User]) -> Users:
        """Return any users in columns."""
        if isinstance(users, Users):
            return users
        return Users(tuple(user.id for user in users), tuple(user.nonce for user in users))

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> User: ...
    @overload
    def __getitem__(self, at: slice) -> Users: ...
    def __getitem__(self, at: int | slice) -> User | Users:
        if isinstance(at, slice):
            return Users(self.ids[at], self.nonces[at])
        return User(self.ids[at], self.nonces[at])


@dataclass(frozen=True, repr=False)
class Pots:
    """All pots of one book, one leaf each.

    `labels` are (account, pot) in the order of their UTF-8 bytes; `users` has one entry per pot; `values`
    holds the non-zero amounts, in lots, of row i for label i. Keys without an amount are absent.
    """

    book: str
    labels: tuple[tuple[str, str], ...]
    values: Mapping[InputKey, SparseValues]
    users: Sequence[User]

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"Pots(book={self.book!r}, {len(self)} pots)"


@dataclass(frozen=True, repr=False)
class Ledger:
    """The pots of every book that the policy declares, also of empty ones, in the order of the books' ids.

    `digest` is the SHA-256 of everything parsed, the same for CSV and Parquet and for every order of the
    rows.
    """

    pots: Mapping[str, Pots]
    digest: bytes = field(repr=False)

    def __repr__(self) -> str:
        return f"Ledger({sum(map(len, self.pots.values()))} pots in {len(self.pots)} books)"


def ledger_digest(pots: Mapping[str, Pots]) -> bytes:
    """Digest pots: SHA-256 over length-prefixed pieces, columns of texts and of numbers, little-endian."""
    state = hashlib.sha256()
    for piece in _pieces(pots):
        state.update(len(piece).to_bytes(8, "little"))
        state.update(piece)
    return state.digest()


def _pieces(pots: Mapping[str, Pots]) -> Iterator[bytes]:
    yield _DIGEST_LABEL
    for book in sorted(pots):
        content = pots[book]
        yield book.encode()
        yield len(content).to_bytes(8, "little") + len(content.values).to_bytes(8, "little")
        yield from _texts([account for account, _ in content.labels])
        yield from _texts([pot for _, pot in content.labels])
        users = Users.of(content.users)
        yield from _texts(users.ids)
        yield from _joined(users.nonces)
        for key in sorted(content.values):
            column = content.values[key]
            yield from (key[0].encode(), key[1].encode(), _bytes(column.rows), _numbers(column))


def _texts(texts: Sequence[str]) -> tuple[bytes, bytes]:
    joined = "".join(texts)
    if not joined.isascii():
        return _joined([text.encode() for text in texts])
    return _bytes(np.fromiter(map(len, texts), np.int64, len(texts))), joined.encode()


def _joined(texts: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return lengths, 8 bytes each, and the texts one after the other."""
    return _bytes(np.fromiter(map(len, texts), np.int64, len(texts))), b"".join(texts)


def _bytes(numbers: Rows) -> bytes:
    return numbers.astype("<i8", copy=False).tobytes()


def _numbers(column: SparseValues) -> bytes:
    """Values in 8 bytes each if all fit, else in 32; the same from an array of int64 as from Python integers."""
    if column.values.dtype != object:
        return _bytes(column.values)
    values = [int(value) for value in column.values]
    size = 8 if all(-(1 << 63) <= value < 1 << 63 for value in values) else 32
    return b"".join(value.to_bytes(size, "little", signed=True) for value in values)
