"""BN254 G1 as a `Group`: the curve of `py_ecc.bn128` and of the EVM precompiles, on Python integers."""

from __future__ import annotations

from collections.abc import Sequence

from zkmargin.group import codec, curve, multiexp
from zkmargin.group.bit_sums import sum_bits
from zkmargin.group.curve import Point
from zkmargin.group.generators import GeneratorStore
from zkmargin.group.reference import Group
from zkmargin.sparse import SparseWords

TABLE_FROM = 24  # scalars from which the table of a fixed base pays


class Bn254(Group[Point]):
    """The production group. `store` serves the generators; without one they are kept in memory only."""

    def __init__(self, store: GeneratorStore | None = None) -> None:
        self.name = "BN254 G1 on Python integers"
        self.order = curve.R
        self.identity: Point = None
        self._store = store or GeneratorStore()
        self._fixed: dict[str, multiexp.FixedBase] = {}

    def add(self, left: Point, right: Point) -> Point:
        """Return left + right."""
        return curve.add_each([left], [right])[0]

    def negate(self, point: Point) -> Point:
        """Return -point."""
        return curve.negate(point)

    def generator(self, family: str, index: int) -> Point:
        """Return one generator."""
        return self._store.take(family, [index])[0]

    def generators(self, family: str, indices: Sequence[int]) -> list[Point]:
        """Return the generators at these indices."""
        return self._store.take(family, indices)

    def encode(self, point: Point) -> bytes:
        """Return x || y."""
        return codec.encode_point(point)

    def decode(self, data: bytes) -> Point:
        """Invert `encode`."""
        return codec.decode_point(data)

    def compress(self, point: Point) -> bytes:
        """Return x with flags."""
        return codec.compress_point(point)

    def decompress(self, data: bytes) -> Point:
        """Invert `compress`."""
        return codec.decompress_point(data)

    def add_each(self, left: Sequence[Point], right: Sequence[Point]) -> list[Point]:
        """Return left[i] + right[i]."""
        return curve.add_each(left, right)

    def scale_each(self, points: Sequence[Point], scalars: Sequence[int]) -> list[Point]:
        """Return scalars[i] * points[i]."""
        return multiexp.scale_each(points, scalars)

    def sum_lists(self, lists: Sequence[Sequence[Point]]) -> list[Point]:
        """Return the sum of each list."""
        return curve.sum_lists(lists)

    def msm(self, scalars: Sequence[int], points: Sequence[Point]) -> Point:
        """Return sum scalars[i] * points[i]."""
        return multiexp.msm(scalars, points)

    def scale_generator(self, family: str, scalars: Sequence[int]) -> list[Point]:
        """Return scalars[i] * generator(family, 0), by a table of the base where there are many scalars."""
        if family not in self._fixed:
            base = self.generator(family, 0)
            if len(scalars) < TABLE_FROM:
                return self.scale_each([base] * len(scalars), scalars)
            self._fixed[family] = multiexp.FixedBase(base)
        return self._fixed[family].scale(scalars)

    def sum_bits(self, words: SparseWords, n_bits: int) -> list[Point]:
        """Return for each row the sum of GB[t] over its set bits."""
        return sum_bits(words, n_bits, lambda indices: self.generators("GB", indices))
