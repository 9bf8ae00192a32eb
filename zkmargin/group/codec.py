"""Exactly one byte string per value: scalars and points of BN254 G1.

    scalar      32 bytes, big-endian, below the order
    point       64 bytes x || y, big-endian, both below q; infinity is 64 zero bytes (as on the EVM)
    compressed  32 bytes: x big-endian, the two top bits are flags (as in gnark-crypto):
                    10  y is the smaller of the two roots, y <= (q - 1) / 2
                    11  y is the larger one
                    01  infinity, and every other bit is 0
                    00  no compressed point

A decoder raises DecodeError for every other byte string; its code names the fault: length, range, curve,
flag.
"""

from __future__ import annotations

from collections.abc import Sequence

from zkmargin.errors import DecodeError
from zkmargin.group.backend import COMPRESSED_BYTES, POINT_BYTES, SCALAR_BYTES
from zkmargin.group.curve import B, Point, Q, on_curve
from zkmargin.group.hash_to_curve import sqrt
from zkmargin.group.scalars import check_canonical

HALF = POINT_BYTES // 2
FLAG_SHIFT = 8 * COMPRESSED_BYTES - 2
FLAG_INFINITY, FLAG_SMALL, FLAG_LARGE = 0b01, 0b10, 0b11
INFINITY_BYTES = bytes(POINT_BYTES)
INFINITY_COMPRESSED = (FLAG_INFINITY << FLAG_SHIFT).to_bytes(COMPRESSED_BYTES, "big")


def encode_scalars(values: Sequence[int], order: int) -> bytes:
    """Return 32 bytes a scalar; ValueError outside [0, order)."""
    check_canonical(values, order)
    return b"".join(value.to_bytes(SCALAR_BYTES, "big") for value in values)


def decode_scalars(data: bytes, count: int, order: int) -> list[int]:
    """Return exactly `count` scalars; DecodeError for another length or a value beyond the order."""
    _check_length(data, SCALAR_BYTES * count, "scalars")
    values = [int.from_bytes(data[at : at + SCALAR_BYTES], "big") for at in range(0, len(data), SCALAR_BYTES)]
    if any(value >= order for value in values):
        raise DecodeError("range", "a scalar is not below the group order")
    return values


def encode_point(point: Point) -> bytes:
    """Return the 64 bytes x || y."""
    if point is None:
        return INFINITY_BYTES
    return point[0].to_bytes(HALF, "big") + point[1].to_bytes(HALF, "big")


def decode_point(data: bytes) -> Point:
    """Invert `encode_point`, infinity included."""
    _check_length(data, POINT_BYTES, "a point")
    if data == INFINITY_BYTES:
        return None
    x, y = int.from_bytes(data[:HALF], "big"), int.from_bytes(data[HALF:], "big")
    if x >= Q or y >= Q:
        raise DecodeError("range", "a coordinate is not below the field modulus")
    if not on_curve((x, y)):
        raise DecodeError("curve", "the coordinates are not those of a point of the curve")
    return x, y


def compress_point(point: Point) -> bytes:
    """Return the 32 bytes of x with its flags."""
    if point is None:
        return INFINITY_COMPRESSED
    x, y = point
    flag = FLAG_LARGE if 2 * y > Q else FLAG_SMALL
    return (flag << FLAG_SHIFT | x).to_bytes(COMPRESSED_BYTES, "big")


def decompress_point(data: bytes) -> Point:
    """Invert `compress_point`, infinity included."""
    _check_length(data, COMPRESSED_BYTES, "a compressed point")
    if data == INFINITY_COMPRESSED:
        return None
    value = int.from_bytes(data, "big")
    flag, x = value >> FLAG_SHIFT, value & ((1 << FLAG_SHIFT) - 1)
    if flag not in (FLAG_SMALL, FLAG_LARGE):
        raise DecodeError("flag", "the flags of a compressed point are wrong")
    if x >= Q:
        raise DecodeError("range", "a coordinate is not below the field modulus")
    y = sqrt(x * x * x + B)
    if y is None:
        raise DecodeError("curve", "no point of the curve has this coordinate")
    return x, y if (2 * y > Q) == (flag == FLAG_LARGE) else Q - y


def _check_length(data: bytes, length: int, what: str) -> None:
    if len(data) != length:
        raise DecodeError(
            "length", f"{what}: wrong length", expected=f"{length} bytes", actual=f"{len(data)} bytes"
        )
