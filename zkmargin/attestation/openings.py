"""The openings of a book's leaves, stored column-wise: writing a million of them is a matter of array copies.

owners-<book>.json    [account, pot, user, nonce in hex] per pot, in the order of (account, pot)
openings-<book>.npz   per pot: leaf index, blindings a and b, salt (32 bytes each), where its amounts start;
per amount: which input, and the lots in 128 bits, low and high half
"""

from __future__ import annotations

import io
import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from zkmargin.errors import UndecidedError
from zkmargin.inputs.ledger import InputKey, Pots, User, Users
from zkmargin.sparse import halves

SCALAR_BYTES = 32
_HALF = 64

Bytes32 = npt.NDArray[np.uint8]  # [pots, 32]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, repr=False)
class Opening:
    """One pot and what opens its leaf; inputs in lots, in the order of their keys."""

    account: str
    pot: str
    user: User
    inputs: tuple[tuple[InputKey, int], ...]
    index: int
    a: int
    b: int
    salt: bytes


@dataclass(frozen=True, repr=False)
class Openings:
    """All pots of a book."""

    owners: Sequence[Sequence[str]]
    keys: Sequence[InputKey]
    starts: Integers
    which: Integers
    low: Integers
    high: Integers
    places: Integers
    a: Bytes32
    b: Bytes32
    salts: Bytes32

    @staticmethod
    def of(
        pots: Pots,
        places: Sequence[int] | Integers,
        a: Sequence[int],
        b: Sequence[int],
        salts: Sequence[bytes],
    ) -> Openings:
        """Collect what opens the first len(pots) leaves; what follows in the sequences is padding."""
        count, users = len(pots), Users.of(pots.users)
        keys = sorted(pots.values)
        rows, which, low, high = _amounts([pots.values[key] for key in keys])
        return Openings(
            owners=[
                (account, pot, user, nonce.hex())
                for (account, pot), user, nonce in zip(pots.labels, users.ids, users.nonces, strict=True)
            ],
            keys=keys,
            starts=np.searchsorted(rows, np.arange(count + 1)).astype(np.int64),
            which=which,
            low=low,
            high=high,
            places=np.asarray(places[:count], dtype=np.int64),
            a=_scalars(a[:count]),
            b=_scalars(b[:count]),
            salts=np.frombuffer(b"".join(salts[:count]), np.uint8).reshape(count, SCALAR_BYTES),
        )

    def __len__(self) -> int:
        return len(self.owners)

    @cached_property
    def accounts(self) -> list[bytes]:
        """The accounts of all pots in UTF-8, in order, so that one of them is found by bisection."""
        return [owner[0].encode() for owner in self.owners]

    def rows_of(self, account: str) -> range:
        """Return the pots of an account: they stand together."""
        name = account.encode()
        return range(bisect_left(self.accounts, name), bisect_right(self.accounts, name))

    def opening(self, row: int) -> Opening:
        """Return one pot."""
        account, pot, user, nonce = self.owners[row]
        amounts = range(int(self.starts[row]), int(self.starts[row + 1]))
        return Opening(
            account=account,
            pot=pot,
            user=User(user, bytes.fromhex(nonce)),
            inputs=tuple((self.keys[int(self.which[i])], self._amount(i)) for i in amounts),
            index=int(self.places[row]),
            a=int.from_bytes(self.a[row].tobytes(), "big"),
            b=int.from_bytes(self.b[row].tobytes(), "big"),
            salt=self.salts[row].tobytes(),
        )

    def _amount(self, i: int) -> int:
        return (int(self.high[i]) << _HALF) + (int(self.low[i]) & ((1 << _HALF) - 1))

    def to_files(self) -> tuple[bytes, bytes]:
        """Return the owners' file and the openings' file."""
        owners = json.dumps(
            {"keys": self.keys, "owners": self.owners}, ensure_ascii=False, separators=(",", ":")
        )
        arrays = io.BytesIO()
        np.savez(arrays, allow_pickle=False, **{name: getattr(self, name) for name in _ARRAYS})
        return owners.encode(), arrays.getvalue()

    @staticmethod
    def from_files(owners: bytes, arrays: bytes, what: str) -> Openings:
        """Read both files back; raise UndecidedError if they are damaged."""
        try:
            text: Any = json.loads(owners)
            with np.load(io.BytesIO(arrays), allow_pickle=False) as loaded:
                fields = {name: loaded[name] for name in _ARRAYS}
            out = Openings(
                owners=text["owners"], keys=[(kind, name) for kind, name in text["keys"]], **fields
            )
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise UndecidedError("private-folder", f"{what} is damaged ({type(error).__name__})") from None
        if not out._consistent():
            raise UndecidedError("private-folder", f"{what} is damaged")
        return out

    def _consistent(self) -> bool:
        count, amounts = len(self.owners), len(self.which)
        return (
            len(self.starts) == count + 1
            and self.starts[-1] == amounts == len(self.low) == len(self.high)
            and len(self.places) == count
            and all(array.shape == (count, SCALAR_BYTES) for array in (self.a, self.b, self.salts))
        )


_ARRAYS = ("starts", "which", "low", "high", "places", "a", "b", "salts")


def _scalars(values: Sequence[int]) -> Bytes32:
    data = b"".join(value.to_bytes(SCALAR_BYTES, "big") for value in values)
    return np.frombuffer(data, np.uint8).reshape(len(values), SCALAR_BYTES)


def _amounts(columns: Sequence[Any]) -> tuple[Integers, Integers, Integers, Integers]:
    """Return (row, key, low, high) of every amount, by rising row and key."""
    empty = np.zeros(0, np.int64)
    rows = np.concatenate([empty, *(column.rows for column in columns)])
    which = np.concatenate([empty, *(np.full(len(column), i, np.int64) for i, column in enumerate(columns))])
    low, high = (
        np.concatenate([empty, *(halves(column.values)[:, half] for column in columns)]) for half in range(2)
    )
    order = np.argsort(rows * len(columns) + which)  # no two are equal
    return rows[order], which[order], low[order], high[order]
