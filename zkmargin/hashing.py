"""SHA-256 and HMAC-SHA-256 of many messages at once: native where it was built, hashlib elsewhere, equal bytes.

For what a whole book hashes: leaves, tree levels, identities, blindings, salts. A single message is hashlib's.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from zkmargin import native
from zkmargin.group.curve import R

_kernels = native.load()
ByteRows = npt.NDArray[np.uint8]  # shape [n, length]
DIGEST_BYTES = 32


def byte_rows(data: bytes, width: int) -> ByteRows:
    """Return bytes as rows of `width` bytes, without a copy."""
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, width)


def digests(messages: Sequence[bytes]) -> list[bytes]:
    """Return the SHA-256 digest of each message."""
    if _kernels is not None:
        out: list[bytes] = _kernels.sha256_many(messages)
        return out
    return [hashlib.sha256(message).digest() for message in messages]


def row_digests(prefix: bytes, rows: ByteRows) -> ByteRows:
    """Return the SHA-256 digest of `prefix` followed by each row: uint8 [n, length] gives uint8 [n, 32]."""
    if _kernels is not None:
        out: ByteRows = _kernels.sha256_rows(prefix, rows)
        return out
    data = b"".join(hashlib.sha256(prefix + row.tobytes()).digest() for row in rows)
    return byte_rows(data, DIGEST_BYTES)


def macs(key: bytes, prefix: bytes, messages: Sequence[bytes]) -> list[bytes]:
    """Return HMAC-SHA-256(key, prefix || message) of each message."""
    if _kernels is not None:
        out: list[bytes] = _kernels.hmac_many(key, prefix, messages)
        return out
    return [hmac.digest(key, prefix + message, "sha256") for message in messages]


def mac_scalars(key: bytes, prefix: bytes, messages: Sequence[bytes], order: int = R) -> list[int]:
    """Return for each message the scalar HMAC(prefix || m || 0x00) || HMAC(prefix || m || 0x01) mod order.

    The 64 bytes are read big-endian, so that a scalar is within 2^-256 of uniform.
    """
    if _kernels is not None and order == R:
        data: bytes = _kernels.hmac_scalars(key, prefix, messages)
        return [
            int.from_bytes(data[at : at + DIGEST_BYTES], "big") for at in range(0, len(data), DIGEST_BYTES)
        ]
    low = macs(key, prefix, [message + b"\x00" for message in messages])
    high = macs(key, prefix, [message + b"\x01" for message in messages])
    return [int.from_bytes(a + b, "big") % order for a, b in zip(low, high, strict=True)]
