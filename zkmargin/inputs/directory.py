"""All accounts of a ledger, numbered in the order of their names' UTF-8 bytes: user, nonce and book of each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zkmargin.inputs.account_rows import ACCOUNTS, Accounts
from zkmargin.inputs.arrow_arrays import (
    Bytes,
    Integers,
    Mask,
    filled,
    from_integers,
    from_texts,
    integers,
    mask,
)
from zkmargin.inputs.columns import Columns, open_columns, refusing
from zkmargin.inputs.ledger import Users
from zkmargin.inputs.plain_csv import NotPlainError
from zkmargin.inputs.policy import Policy
from zkmargin.inputs.problems import Problems
from zkmargin.inputs.tables import find_table, read_file
from zkmargin.inputs.texts import normal_user
from zkmargin.inputs.vector_text import (
    NONCE_BYTES,
    encoded,
    known_names,
    nonces,
    replaced,
    sound_labels,
    texts,
)


@dataclass(frozen=True, repr=False)
class _Part:
    """Accounts in columns: Arrow strings `names` and `users`, rows of 16 bytes where `given`, book numbers."""

    names: Any
    users: Any
    nonces: Bytes
    given: Mask
    books: Integers

    def take(self, rows: Integers) -> _Part:
        at = from_integers(rows)
        return _Part(
            self.names.take(at), self.users.take(at), self.nonces[rows], self.given[rows], self.books[rows]
        )


class Directory:
    """Accounts read by columns and, where something was odd, by rows; `complete` if no row was lost.

    `names` is an Arrow array in order, `books` the number in `order` of each account's book, -1 for one that
    has none, and -1 once more at the end, for the number -1.
    """

    def __init__(self, part: _Part, by_row: Accounts, order: Sequence[str], complete: bool) -> None:
        import pyarrow.compute as pc  # noqa: PLC0415

        self.complete = complete
        self._by_row = by_row
        whole = _joined([part, _of_rows(by_row, order)])
        self._part = whole.take(integers(pc.sort_indices(whole.names)).astype(np.int64))
        self.names = self._part.names
        self.books = np.append(self._part.books, -1)
        self.order = tuple(order)

    def __len__(self) -> int:
        return len(self.names)

    def numbers(self, column: Any) -> Integers:
        """Return the number of every row's account, -1 for one that is not here."""
        which, values = encoded(column)
        return np.append(self._found(values), -1)[which]

    def books_of(self, accounts: Iterable[str]) -> Mapping[str, str]:
        """Return the books of those of some accounts that have one."""
        wanted = [name for name in dict.fromkeys(accounts) if _encodable(name)]
        books = self.books[self._found(from_texts(wanted))]
        found = {
            name: self.order[book] for name, book in zip(wanted, books.tolist(), strict=True) if book >= 0
        }
        return {**found, **self._by_row.books}

    def users(self) -> Users:
        """Return the users of all accounts, in order."""
        content = self._part.nonces.tobytes()
        nonces = [
            content[NONCE_BYTES * i : NONCE_BYTES * (i + 1)] if has else b""
            for i, has in enumerate(self._part.given.tolist())
        ]
        return Users(tuple(self._part.users.to_pylist()), tuple(nonces))

    def _found(self, names: Any) -> Integers:
        import pyarrow.compute as pc  # noqa: PLC0415

        if not len(names):
            return np.zeros(0, np.int64)
        first, last = (self._place(pc.min_max(names)[end].as_py()) for end in ("min", "max"))
        # Files are mostly in the order of accounts: a batch then needs few of all names
        found = pc.index_in(names, self.names[first : last + 1])
        return np.where(mask(found.is_valid()), integers(filled(found)) + first, -1)

    def _place(self, name: str) -> int:
        """Return how many names stand before a name."""
        return bisect_left(range(len(self)), name, key=lambda place: self.names[place].as_py())


def read_directory(folder: Path, policy: Policy, problems: Problems) -> Directory:
    """Read the accounts file, noting problems."""
    by_row, order = Accounts(policy, problems), tuple(policy.books)
    path = find_table(folder, "accounts", problems)
    if path is None:
        return Directory(_joined([]), by_row, order, complete=False)
    try:
        columns = open_columns(path, ACCOUNTS, ("book",))
        with refusing():
            part, left = _scan(columns, order)
        table = columns.rows(left)
    except NotPlainError:
        part = _joined([])
        by_row.read(read_file(path, ACCOUNTS, problems))
    else:
        by_row.read(table, others=len(part.names))
    return Directory(part, by_row, order, by_row.complete)


def _scan(columns: Columns, order: Sequence[str]) -> tuple[_Part, Integers]:
    """Return the accounts of which nothing is odd, and the positions of the other rows."""
    at = {book: number for number, book in enumerate(order)}
    parts, masks = [], []
    for batch in columns.batches():
        names, users = texts(batch["account"]), replaced(texts(batch["user"]), normal_user)
        books = known_names(batch["book"], at)
        sound = sound_labels(names) & sound_labels(users) & (books >= 0)
        secret, given = np.zeros((len(names), NONCE_BYTES), np.uint8), np.zeros(len(names), bool)
        if "user_nonce" in batch:
            secret, given, valid = nonces(texts(batch["user_nonce"]))
            sound &= valid
        parts.append(_Part(names, users, secret, given, books))
        masks.append(sound)
    whole, sound = _joined(parts), np.concatenate([np.zeros(0, bool), *masks])
    which, _ = encoded(whole.names)
    sound &= np.bincount(which, minlength=1)[which] == 1
    return (whole if sound.all() else whole.take(np.flatnonzero(sound))), np.flatnonzero(~sound)


def _of_rows(accounts: Accounts, order: Sequence[str]) -> _Part:
    at = {book: number for number, book in enumerate(order)}
    names = [name for name, user in accounts.users.items() if _encodable(name) and _encodable(user.id)]
    users = [accounts.users[name] for name in names]
    secret = b"".join(user.nonce.ljust(NONCE_BYTES, b"\0") for user in users)
    return _Part(
        from_texts(names),
        from_texts([user.id for user in users]),
        np.frombuffer(secret, np.uint8).reshape(-1, NONCE_BYTES),
        np.array([bool(user.nonce) for user in users], bool),
        np.array([at.get(accounts.books.get(name, ""), -1) for name in names], np.int64),
    )


def _joined(parts: Sequence[_Part]) -> _Part:
    import pyarrow as pa  # noqa: PLC0415 - paid only by those who read a ledger

    nothing = from_texts([])
    return _Part(
        pa.concat_arrays([nothing, *(part.names for part in parts)]),
        pa.concat_arrays([nothing, *(part.users for part in parts)]),
        np.concatenate([np.zeros((0, NONCE_BYTES), np.uint8), *(part.nonces for part in parts)]),
        np.concatenate([np.zeros(0, bool), *(part.given for part in parts)]),
        np.concatenate([np.zeros(0, np.int64), *(part.books for part in parts)]),
    )


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
