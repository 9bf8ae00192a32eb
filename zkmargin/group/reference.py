"""Reference backend: plain Python over any group, from BN254 down to the small groups of the tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from zkmargin.errors import DecodeError
from zkmargin.group import scalars as field
from zkmargin.group.backend import COMPRESSED_BYTES, POINT_BYTES, Points
from zkmargin.sparse import SparseWords, Values

Element = TypeVar("Element")

WORD_BITS = 16
OUTPUT_FAMILIES = ("GN", "GE", "GR", "GI")


class Group(ABC, Generic[Element]):
    """A group of prime order with independent named generators.

    Elements are immutable and canonical: equal elements compare equal. Only the abstract methods are
    needed; a group for which speed matters overrides the bulk operations.
    """

    name: str
    order: int
    identity: Element

    @abstractmethod
    def add(self, left: Element, right: Element) -> Element:
        """Return left + right."""

    @abstractmethod
    def negate(self, point: Element) -> Element:
        """Return -point."""

    @abstractmethod
    def generator(self, family: str, index: int) -> Element:
        """Return one generator; ValueError if there is none of that name."""

    @abstractmethod
    def encode(self, point: Element) -> bytes:
        """Return the one 64-byte encoding; 64 zero bytes for the identity."""

    @abstractmethod
    def decode(self, data: bytes) -> Element:
        """Invert `encode`, identity included; DecodeError for every other string of 64 bytes."""

    @abstractmethod
    def compress(self, point: Element) -> bytes:
        """Return the one 32-byte encoding."""

    @abstractmethod
    def decompress(self, data: bytes) -> Element:
        """Invert `compress`, identity included; DecodeError for every other string of 32 bytes."""

    def generators(self, family: str, indices: Sequence[int]) -> list[Element]:
        """Return the generators at these indices."""
        return [self.generator(family, index) for index in indices]

    def add_each(self, left: Sequence[Element], right: Sequence[Element]) -> list[Element]:
        """Return left[i] + right[i]."""
        return [self.add(a, b) for a, b in zip(left, right, strict=True)]

    def scale_each(self, points: Sequence[Element], scalars: Sequence[int]) -> list[Element]:
        """Return scalars[i] * points[i], canonical scalars."""
        return [self._multiply(point, scalar) for point, scalar in zip(points, scalars, strict=True)]

    def sum_lists(self, lists: Sequence[Sequence[Element]]) -> list[Element]:
        """Return the sum of each list; the identity for an empty one."""
        out = []
        for points in lists:
            total = self.identity
            for point in points:
                total = self.add(total, point)
            out.append(total)
        return out

    def msm(self, scalars: Sequence[int], points: Sequence[Element]) -> Element:
        """Return sum scalars[i] * points[i], canonical scalars."""
        return self.sum_lists([self.scale_each(points, scalars)])[0]

    def scale_generator(self, family: str, scalars: Sequence[int]) -> list[Element]:
        """Return scalars[i] * generator(family, 0), canonical scalars."""
        return self.scale_each([self.generator(family, 0)] * len(scalars), scalars)

    def sum_bits(self, words: SparseWords, n_bits: int) -> list[Element]:
        """Return for each row the sum of GB[t] over its set bits; no bit is set at or beyond `n_bits`."""
        rows: list[list[Element]] = [[] for _ in range(words.rows)]
        for column, entries in enumerate(words.columns):
            for row, word in zip(entries.rows.tolist(), entries.values.tolist(), strict=True):
                for bit in range(WORD_BITS):
                    if word >> bit & 1:
                        rows[row].append(self.generator("GB", WORD_BITS * column + bit))
        return self.sum_lists(rows)

    def _multiply(self, point: Element, scalar: int) -> Element:
        total = self.identity
        for bit in bin(scalar)[2:]:
            total = self.add(total, total)
            if bit == "1":
                total = self.add(total, point)
        return total


class PointList(Generic[Element]):
    """Points of the reference backend: opaque, immutable, sliced with step 1 only."""

    __slots__ = ("_elements",)

    def __init__(self, elements: Sequence[Element]) -> None:
        self._elements = tuple(elements)

    def __len__(self) -> int:
        return len(self._elements)

    def __getitem__(self, part: slice, /) -> PointList[Element]:
        if getattr(part, "step", 0) not in (None, 1):
            raise TypeError("points are opaque: take a slice with step 1, or gather")
        return PointList(self._elements[part])

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise TypeError("compare points with Backend.equal")


class ReferenceBackend(Generic[Element]):
    """Implement `Backend` over a `Group` with Python integers."""

    def __init__(self, group: Group[Element]) -> None:
        self.group = group
        self.name = f"reference ({group.name})"
        self.order = group.order

    def generators(self, family: str, start: int, count: int) -> PointList[Element]:
        return PointList(self.group.generators(family, range(start, start + count)))

    def encode(self, points: Points) -> bytes:
        return b"".join(map(self.group.encode, _elements(points)))

    def decode(self, data: bytes, *, infinity: bool = False) -> PointList[Element]:
        parts = _split(data, POINT_BYTES)
        return self._allowed([self.group.decode(part) for part in parts], infinity)

    def compress(self, points: Points) -> bytes:
        return b"".join(map(self.group.compress, _elements(points)))

    def decompress(self, data: bytes, *, infinity: bool = False) -> PointList[Element]:
        parts = _split(data, COMPRESSED_BYTES)
        return self._allowed([self.group.decompress(part) for part in parts], infinity)

    def identity(self, count: int) -> PointList[Element]:
        return PointList([self.group.identity] * count)

    def concat(self, parts: Sequence[Points]) -> PointList[Element]:
        return PointList([element for part in parts for element in _elements(part)])

    def gather(self, points: Points, indices: Sequence[int]) -> PointList[Element]:
        elements = _elements(points)
        if any(not 0 <= index < len(elements) for index in indices):
            raise ValueError(f"index outside [0, {len(elements)})")
        return PointList([elements[index] for index in indices])

    def add(self, left: Points, right: Points) -> PointList[Element]:
        a, b = _elements(left), _elements(right)
        field.check_lengths(a, b)
        return PointList(self.group.add_each(a, b))

    def negate(self, points: Points) -> PointList[Element]:
        return PointList([self.group.negate(point) for point in _elements(points)])

    def scale(self, points: Points, scalars: Sequence[int]) -> PointList[Element]:
        return PointList(self.group.scale_each(*self._weighted(scalars, points)))

    def total(self, points: Points) -> PointList[Element]:
        return PointList(self.group.sum_lists([_elements(points)]))

    def pair_sums(self, points: Points) -> PointList[Element]:
        elements = _elements(points)
        if len(elements) % 2:
            raise ValueError("an odd number of points has no pairs")
        return PointList(self.group.add_each(elements[::2], elements[1::2]))

    def equal(self, left: Points, right: Points) -> bool:
        return _elements(left) == _elements(right)

    def is_identity(self, points: Points) -> list[bool]:
        return [point == self.group.identity for point in _elements(points)]

    def msm(self, scalars: Sequence[int], points: Points) -> PointList[Element]:
        elements, weights = self._weighted(scalars, points)
        return PointList([self.group.msm(weights, elements)])

    def combine_generators(self, weights: Mapping[str, Sequence[int]]) -> PointList[Element]:
        families = [self.generators(family, 0, len(scalars)) for family, scalars in weights.items()]
        return self.msm([scalar for scalars in weights.values() for scalar in scalars], self.concat(families))

    def commit_bits(self, words: SparseWords, n_bits: int, blindings: Sequence[int]) -> PointList[Element]:
        _check_words(words, n_bits)
        self._check_blindings(words.rows, blindings)
        hidden = self.group.scale_generator("H", blindings)
        return PointList(self.group.add_each(self.group.sum_bits(words, n_bits), hidden))

    def commit_outputs(self, values: Values, blindings: Sequence[int]) -> PointList[Element]:
        if values.ndim != 2 or values.shape[1] != len(OUTPUT_FAMILIES):
            raise ValueError("outputs have shape [rows, 4]")
        self._check_blindings(len(values), blindings)
        parts = [self.group.scale_generator("H", blindings)]
        for family, column in zip(OUTPUT_FAMILIES, values.T, strict=True):
            parts.append(self.group.scale_generator(family, [int(value) % self.order for value in column]))
        return PointList(self.group.sum_lists(list(zip(*parts, strict=True))))

    def inner(self, left: Sequence[int], right: Sequence[int]) -> int:
        return field.inner(left, right, self.order)

    def combine(self, left: Sequence[int], factor: int, right: Sequence[int]) -> list[int]:
        return field.combine(left, factor, right, self.order)

    def powers(self, base: int, count: int) -> list[int]:
        return field.powers(base, count, self.order)

    def _weighted(self, scalars: Sequence[int], points: Points) -> tuple[tuple[Element, ...], Sequence[int]]:
        elements = _elements(points)
        field.check_lengths(elements, scalars)
        field.check_canonical(scalars, self.order)
        return elements, scalars

    def _check_blindings(self, rows: int, blindings: Sequence[int]) -> None:
        if len(blindings) != rows:
            raise ValueError(f"{rows} rows need {rows} blindings, not {len(blindings)}")
        field.check_canonical(blindings, self.order)

    def _allowed(self, elements: list[Element], infinity: bool) -> PointList[Element]:
        if not infinity and any(element == self.group.identity for element in elements):
            raise DecodeError("infinity", "the point at infinity is not allowed here")
        return PointList(elements)


def _elements(points: Points) -> tuple[Any, ...]:
    if not isinstance(points, PointList):
        raise TypeError(f"points of another backend: {type(points).__name__}")
    return points._elements


def _split(data: bytes, size: int) -> list[bytes]:
    if len(data) % size:
        raise DecodeError("length", f"points take {size} bytes each", actual=f"{len(data)} bytes")
    return [data[at : at + size] for at in range(0, len(data), size)]


def _check_words(words: SparseWords, n_bits: int) -> None:
    for column, entries in enumerate(words.columns):
        room = max(0, min(WORD_BITS, n_bits - WORD_BITS * column))
        if len(entries) and int(entries.values.max()) >> room:
            raise ValueError(f"word column {column} has a bit set beyond {n_bits} bits")
