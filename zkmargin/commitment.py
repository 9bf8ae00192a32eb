"""Account commitments and leaves (docs/protocol.md, section 3).

    A_i = N_i GN + E_i GE + R_i GR + I_i GI + a_i H      the account commitment: value, equity and requirements
    B_i = <y_i, GB> + b_i H                              the book commitment: the bits of all columns, as one string
    uid_commit = SHA-256(0x02 || ctx || user || account || pot || nonce || salt)
    leaf       = SHA-256(0x00 || ctx || index || uid_commit || A_i || B_i)

The public list of a book holds (uid_commit, A_i, B_i) per leaf and nothing else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from zkmargin.errors import DecodeError
from zkmargin.group.backend import Backend, Points
from zkmargin.hashing import ByteRows, byte_rows, row_digests

UID_BYTES, POINT_BYTES = 32, 64
LEAF_BYTES = UID_BYTES + 2 * POINT_BYTES

_LEAF, _UID, _CONTEXT = b"\x00", b"\x02", b"\x04"


def sized(data: bytes) -> bytes:
    """Prefix data with its length, 8 bytes big-endian, so that fields cannot flow into each other."""
    return len(data).to_bytes(8, "big") + data


def book_context(exchange: str, snapshot_id: str, book: str) -> bytes:
    """Return ctx: what binds a leaf to one book of one snapshot of one exchange."""
    fields = b"".join(sized(text.encode()) for text in (exchange, snapshot_id, book))
    return hashlib.sha256(_CONTEXT + fields).digest()


def uid_commitment(context: bytes, user: str, account: str, pot: str, nonce: bytes, salt: bytes) -> bytes:
    """Commit to the identity of a leaf's owner; hidden by the salt, which only the owner learns."""
    return hashlib.sha256(uid_message(context, user, account, pot, nonce, salt)).digest()


def uid_message(context: bytes, user: str, account: str, pot: str, nonce: bytes, salt: bytes) -> bytes:
    """Return what an identity commitment is the digest of."""
    fields = (user.encode(), account.encode(), pot.encode(), nonce, salt)
    return _UID + context + b"".join(map(sized, fields))


def leaf_hash(context: bytes, index: int, uid: bytes, a: bytes, b: bytes) -> bytes:
    """Hash one leaf; `a` and `b` are the 64-byte encodings of A_i and B_i."""
    return hashlib.sha256(_LEAF + context + index.to_bytes(8, "big") + uid + a + b).digest()


@dataclass(frozen=True)
class Leaves:
    """The public list of a book: leaf i is (uids[i], A[i], B[i])."""

    uids: tuple[bytes, ...]
    a: Points
    b: Points

    def __len__(self) -> int:
        return len(self.uids)

    def to_bytes(self, backend: Backend) -> bytes:
        """Encode: per leaf uid (32), A (64), B (64)."""
        return np.concatenate(self._columns(backend), axis=1).tobytes()

    @staticmethod
    def from_bytes(backend: Backend, data: bytes, count: int) -> Leaves:
        """Decode exactly `count` leaves; every point on the curve and not infinity, or DecodeError."""
        if len(data) != count * LEAF_BYTES:
            raise DecodeError(
                "leaves", "the leaf list has a wrong length", expected=count * LEAF_BYTES, actual=len(data)
            )
        uids = tuple(data[start : start + UID_BYTES] for start in range(0, len(data), LEAF_BYTES))
        points = byte_rows(data, LEAF_BYTES)[:, UID_BYTES:]
        a, b = points[:, :POINT_BYTES].tobytes(), points[:, POINT_BYTES:].tobytes()
        return Leaves(uids, backend.decode(a, infinity=False), backend.decode(b, infinity=False))

    def hashes(self, backend: Backend, context: bytes) -> list[bytes]:
        """Hash every leaf in its place, as `leaf_hash` does."""
        numbers = byte_rows(np.arange(len(self), dtype=">u8").tobytes(), 8)
        rows = np.concatenate([numbers, *self._columns(backend)], axis=1)
        return [row.tobytes() for row in row_digests(_LEAF + context, rows)]

    def _columns(self, backend: Backend) -> list[ByteRows]:
        """Return uids, A and B in rows of bytes."""
        columns = (b"".join(self.uids), backend.encode(self.a), backend.encode(self.b))
        widths = (UID_BYTES, POINT_BYTES, POINT_BYTES)
        return [byte_rows(data, width) for data, width in zip(columns, widths, strict=True)]
