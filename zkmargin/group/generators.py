"""Generators by hash-to-curve: named by family and index, cached in blocks of pinned digests.

Nobody knows a discrete logarithm between two of them, and none is a multiple of the curve's standard
generator. A block is `BLOCK` consecutive generators of a family, the last one of a family shorter. A
whole block is derived only when much of it is needed; a verifier of one account derives the few hundred
that it needs, one by one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from zkmargin.group.backend import POINT_BYTES
from zkmargin.group.codec import encode_point
from zkmargin.group.curve import Point
from zkmargin.group.hash_to_curve import hash_to_curve
from zkmargin.group.pinned import BLOCK_DIGESTS
from zkmargin.limits import MAX_COLUMN_BITS

TAG = b"ZKMARGIN-V01-CS01-with-BN254G1_XMD:SHA-256_SVDW_RO_"  # one per protocol version
GENERATOR_BOUNDS = {  # number of generators of each family
    "H": 1,  # blinding
    "F": 1,  # scalar value
    "GN": 1,  # outputs: net value, equity, maintenance and initial requirement
    "GE": 1,
    "GR": 1,
    "GI": 1,
    "GM": 256,  # masks: three for each index variable and one, at most 3 * (4 + 14 + 32) + 1
    "BG": 2048,  # range proofs: 16 forms of 128 bits
    "BH": 2048,
    "GB": MAX_COLUMN_BITS,  # bits of the book columns
}
BLOCK = 4096
WORTH_A_BLOCK = 512  # missing generators of one block from which the whole block is derived and kept
HALF = POINT_BYTES // 2

Derivation = Callable[[str, Sequence[int]], list[Point]]


def messages(family: str, indices: Sequence[int]) -> list[bytes]:
    """Return what is hashed for the generators of a family at these indices."""
    return [f"{family}/".encode() + index.to_bytes(8, "big") for index in indices]


def derive(family: str, indices: Sequence[int]) -> list[Point]:
    """Return the generators of a family at these indices, from the hash alone."""
    return hash_to_curve(messages(family, indices), TAG)


def block_range(family: str, number: int) -> range:
    """Return the indices of one block."""
    return range(BLOCK * number, min(BLOCK * (number + 1), GENERATOR_BOUNDS[family]))


class GeneratorStore:
    """Serve generators from memory, then from the cache folder, then by derivation.

    `folder` is where blocks are kept, or None for memory only. What cannot be written is not cached; what is read and
    does not have the pinned digest is derived again: the cache is never trusted and never a source of errors.
    `derivation` is a faster `derive` that gives the same points.
    """

    def __init__(self, folder: Path | None = None, derivation: Derivation | None = None) -> None:
        self._folder = folder
        self._derivation = derivation
        self._blocks: dict[tuple[str, int], list[Point]] = {}
        self._single: dict[tuple[str, int], Point] = {}

    def take(self, family: str, indices: Sequence[int]) -> list[Point]:
        """Return the generators at these indices; ValueError for an unknown family or beyond its bound."""
        bound = GENERATOR_BOUNDS.get(family)
        if bound is None:
            raise ValueError(f"no family of generators is named {family!r}")
        if indices and (min(indices) < 0 or max(indices) >= bound):
            raise ValueError(f"generators {family} have indices in [0, {bound})")
        wanted: dict[int, set[int]] = {}
        for index in indices:
            wanted.setdefault(index // BLOCK, set()).add(index)
        for number, members in wanted.items():
            self._provide(family, number, members)
        return [self._get(family, index) for index in indices]

    def _get(self, family: str, index: int) -> Point:
        block = self._blocks.get((family, index // BLOCK))
        return block[index % BLOCK] if block else self._single[family, index]

    def _provide(self, family: str, number: int, members: set[int]) -> None:
        """Make sure that these members of one block are in memory."""
        if (family, number) in self._blocks:
            return
        missing = sorted(index for index in members if (family, index) not in self._single)
        if not missing:
            return
        block = self._read(family, number)
        if block is None and len(missing) >= WORTH_A_BLOCK:
            block = self._derive_block(family, number)
        if block is not None:
            self._blocks[family, number] = block
            return
        for index, point in zip(missing, self._derive(family, missing), strict=True):
            self._single[family, index] = point

    def _derive(self, family: str, indices: Sequence[int]) -> list[Point]:
        return (self._derivation or derive)(family, indices)

    def _derive_block(self, family: str, number: int) -> list[Point]:
        block = self._derive(family, block_range(family, number))
        data = b"".join(map(encode_point, block))
        if hashlib.sha256(data).hexdigest() != BLOCK_DIGESTS[family][number]:
            raise ArithmeticError(f"generators {family}, block {number}: not the pinned digest")
        self._write(family, number, data)
        return block

    def _path(self, folder: Path, family: str, number: int) -> Path:
        return folder / f"v1-{family}-{number:03}.points"

    def _read(self, family: str, number: int) -> list[Point] | None:
        if self._folder is None:
            return None
        size = POINT_BYTES * len(block_range(family, number))
        try:
            with self._path(self._folder, family, number).open("rb") as file:
                data = file.read(size + 1)
        except OSError:
            return None
        if len(data) != size or hashlib.sha256(data).hexdigest() != BLOCK_DIGESTS[family][number]:
            return None
        return [_point(data[at : at + POINT_BYTES]) for at in range(0, size, POINT_BYTES)]

    def _write(self, family: str, number: int, data: bytes) -> None:
        """Keep a block: a temporary file, then a rename, so that no reader meets half a block."""
        if self._folder is None:
            return
        temporary = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                temporary = Path(file.name)
                file.write(data)
            os.replace(temporary, self._path(self._folder, family, number))
        except OSError:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)


def _point(data: bytes) -> Point:
    """Read a point of a block whose digest was checked: no further check."""
    return int.from_bytes(data[:HALF], "big"), int.from_bytes(data[HALF:], "big")
