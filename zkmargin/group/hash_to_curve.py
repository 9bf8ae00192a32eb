"""Hash to BN254 G1: RFC 9380, expand_message_xmd with SHA-256, Shallue-van de Woestijne with Z = 1.

Suite `BN254G1_XMD:SHA-256_SVDW_RO_`, as in gnark-crypto and halo2curves. Whoever knows no more than the
hash knows no discrete logarithm between two outputs, which is what a generator must promise. Inputs are
public: variable time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from zkmargin.group.curve import Point, Q, add_each, invert_each

FIELD_BYTES = 48  # L of the RFC: ceil((254 + 128) / 8)
BLOCK_BYTES, DIGEST_BYTES = 64, 32  # of SHA-256
MAX_TAG_BYTES = 255


def _g(x: int) -> int:
    return (x * x * x + 3) % Q


def sqrt(value: int) -> int | None:
    """Return a square root modulo q (which is 3 mod 4), None for a non-square."""
    root = pow(value, (Q + 1) // 4, Q)
    return root if root * root % Q == value % Q else None


# Constants of the map (RFC 9380, appendix F.1) for A = 0, Z = 1: c3 is the even root.
Z = 1
C1 = _g(Z)
C2 = -Z * pow(2, -1, Q) % Q
_ROOT = sqrt(-C1 * 3 * Z * Z) or 0
C3 = _ROOT if _ROOT % 2 == 0 else Q - _ROOT
C4 = -4 * C1 * pow(3 * Z * Z, -1, Q) % Q


def expand_message_xmd(message: bytes, tag: bytes, length: int) -> bytes:
    """Return `length` pseudo-random bytes of a message under a domain separation tag (RFC 9380, 5.3.1)."""
    if length > MAX_TAG_BYTES * DIGEST_BYTES:
        raise ValueError("expand_message_xmd gives at most 255 blocks")
    if len(tag) > MAX_TAG_BYTES:
        tag = hashlib.sha256(b"H2C-OVERSIZE-DST-" + tag).digest()
    tail = tag + bytes([len(tag)])
    start = hashlib.sha256(bytes(BLOCK_BYTES) + message + length.to_bytes(2, "big") + b"\x00" + tail).digest()
    block = hashlib.sha256(start + b"\x01" + tail).digest()
    out = [block]
    for counter in range(2, -(-length // DIGEST_BYTES) + 1):
        mixed = int.from_bytes(start, "big") ^ int.from_bytes(block, "big")
        block = hashlib.sha256(mixed.to_bytes(DIGEST_BYTES, "big") + bytes([counter]) + tail).digest()
        out.append(block)
    return b"".join(out)[:length]


def hash_to_field(message: bytes, tag: bytes) -> tuple[int, int]:
    """Return two elements of the base field (RFC 9380, 5.2)."""
    data = expand_message_xmd(message, tag, 2 * FIELD_BYTES)
    return int.from_bytes(data[:FIELD_BYTES], "big") % Q, int.from_bytes(data[FIELD_BYTES:], "big") % Q


def map_to_curve(values: Sequence[int]) -> list[Point]:
    """Return the point of each field element (RFC 9380, 6.6.1 and appendix F.1), all with one inversion."""
    squares = [u * u * C1 % Q for u in values]
    inverses = invert_each([(1 - s) * (1 + s) % Q for s in squares])
    out: list[Point] = []
    for u, s, inverse in zip(values, squares, inverses, strict=True):
        shift = u * (1 - s) * inverse * C3 % Q
        last = ((1 + s) * (1 + s) * inverse % Q) ** 2 * C4 + Z
        x, y = _first_on_curve((C2 - shift) % Q, (C2 + shift) % Q, last % Q)
        out.append((x, y if y % 2 == u % 2 else Q - y))
    return out


def _first_on_curve(*candidates: int) -> tuple[int, int]:
    for x in candidates:
        y = sqrt(_g(x))
        if y is not None:
            return x, y
    raise ArithmeticError("one of the three candidates of the map is always on the curve")


def hash_to_curve(messages: Sequence[bytes], tag: bytes) -> list[Point]:
    """Return the point of each message, uniform over the group: the sum of two independent maps."""
    pairs = [hash_to_field(message, tag) for message in messages]
    return add_each(map_to_curve([u for u, _ in pairs]), map_to_curve([u for _, u in pairs]))
