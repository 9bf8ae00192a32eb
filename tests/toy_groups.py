"""Small groups in which statements about soundness and zero knowledge can be counted instead of believed.

`FreeModule` is F_p^n with one unit vector per generator: generators are independent without any
assumption, so what binds here binds because of the protocol and not because a discrete logarithm is hard.
`Zp` is Z_p, in which every generator is a known multiple of every other one: nothing binds, and hiding is
all that is left to count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from zkmargin.errors import DecodeError
from zkmargin.group.backend import COMPRESSED_BYTES, POINT_BYTES
from zkmargin.group.reference import Group

Name = tuple[str, int]


def names(**counts: int) -> list[Name]:
    """Name generators by family: names(H=1, F=1, GB=6)."""
    return [(family, index) for family, count in counts.items() for index in range(count)]


class FreeModule(Group[tuple[int, ...]]):
    """F_p^n with the unit vector e_k as k-th generator of `names`; p < 16 is prime, n <= 64."""

    def __init__(self, p: int, generator_names: Sequence[Name]) -> None:
        if len(generator_names) > 2 * COMPRESSED_BYTES or p >= 16:
            raise ValueError("an element must fit into 32 bytes, four bits a coordinate")
        self.order = p
        self.size = len(generator_names)
        self.name = f"F_{p}^{self.size}"
        self.identity = (0,) * self.size
        self._place = {name: place for place, name in enumerate(generator_names)}

    def add(self, left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
        return tuple((a + b) % self.order for a, b in zip(left, right, strict=True))

    def negate(self, point: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(-a % self.order for a in point)

    def generator(self, family: str, index: int) -> tuple[int, ...]:
        place = self._place.get((family, index))
        if place is None:
            raise ValueError(f"no generator {family}[{index}]")
        return tuple(int(k == place) for k in range(self.size))

    def encode(self, point: tuple[int, ...]) -> bytes:
        return bytes(POINT_BYTES - COMPRESSED_BYTES) + self.compress(point)

    def decode(self, data: bytes) -> tuple[int, ...]:
        return self.decompress(_low_half(data))

    def compress(self, point: tuple[int, ...]) -> bytes:
        digits = "".join(f"{a:x}" for a in point)
        return bytes.fromhex(digits.ljust(2 * COMPRESSED_BYTES, "0"))

    def decompress(self, data: bytes) -> tuple[int, ...]:
        digits = [int(digit, 16) for digit in data.hex()]
        if any(digits[self.size :]) or any(digit >= self.order for digit in digits):
            raise DecodeError("range", "not an element of the free module")
        return tuple(digits[: self.size])


class Zp(Group[int]):
    """Z_p under addition; each generator is a fixed pseudo-random non-zero residue of its name."""

    def __init__(self, p: int) -> None:
        self.order = p
        self.name = f"Z_{p}"
        self.identity = 0

    def add(self, left: int, right: int) -> int:
        return (left + right) % self.order

    def negate(self, point: int) -> int:
        return -point % self.order

    def generator(self, family: str, index: int) -> int:
        digest = hashlib.sha256(f"{family}/{index}".encode()).digest()
        return 1 + int.from_bytes(digest, "big") % (self.order - 1)

    def encode(self, point: int) -> bytes:
        return point.to_bytes(POINT_BYTES, "big")

    def decode(self, data: bytes) -> int:
        return self.decompress(_low_half(data))

    def compress(self, point: int) -> bytes:
        return point.to_bytes(COMPRESSED_BYTES, "big")

    def decompress(self, data: bytes) -> int:
        value = int.from_bytes(data, "big")
        if value >= self.order:
            raise DecodeError("range", "not a residue")
        return value


def _low_half(data: bytes) -> bytes:
    head, tail = data[: POINT_BYTES - COMPRESSED_BYTES], data[POINT_BYTES - COMPRESSED_BYTES :]
    if any(head):
        raise DecodeError("range", "not an element of the test group")
    return tail
