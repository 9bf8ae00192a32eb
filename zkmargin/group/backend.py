"""The group operations that the protocol is written over: one interface, several backends, equal bytes.

Protocol code holds points only as opaque `Points` and scalars as lists of integers. It never looks inside a
point, so that compact native arrays, Python integers and small test groups serve the same code.

Shapes and ranges are those of every backend: a scalar is canonical in [0, order); a wrong length or a
scalar out of range is a programming error (ValueError); a wrong byte string is a `DecodeError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from zkmargin.sparse import SparseWords, Values

POINT_BYTES = 64  # x || y, big-endian: in hashes, transcript and leaf lists
COMPRESSED_BYTES = 32  # in bundles, claims and proofs
SCALAR_BYTES = 32  # big-endian, below the order


class Points(Protocol):
    """A sequence of group elements that only its backend can read; slicing with step 1 gives Points."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> Points: ...


class Backend(Protocol):
    """Group and scalar-field operations of prime order `order`."""

    @property
    def name(self) -> str:
        """Name of the implementation and its group, for people."""
        ...

    @property
    def order(self) -> int:
        """Prime order of the group: the size of the scalar field."""
        ...

    # --- generators and encodings

    def generators(self, family: str, start: int, count: int) -> Points:
        """Return generators `family[start : start + count]`; ValueError beyond the bound of the family.

        Families: H blinding, F scalar value, GN GE GR GI outputs (one each), GB bits, GM mask, BG BH range
        proofs.
        """
        ...

    def encode(self, points: Points) -> bytes:
        """Return 64 bytes a point, x || y; infinity is 64 zero bytes."""
        ...

    def decode(self, data: bytes, *, infinity: bool = False) -> Points:
        """Invert `encode`; DecodeError for a wrong length, range or curve, or infinity where not allowed."""
        ...

    def compress(self, points: Points) -> bytes:
        """Return 32 bytes a point (`codec.compress_point`)."""
        ...

    def decompress(self, data: bytes, *, infinity: bool = False) -> Points:
        """Invert `compress`; DecodeError for every other byte string."""
        ...

    # --- sequences of points

    def identity(self, count: int) -> Points:
        """Return `count` times the point at infinity."""
        ...

    def concat(self, parts: Sequence[Points]) -> Points:
        """Return the parts one after the other."""
        ...

    def gather(self, points: Points, indices: Sequence[int]) -> Points:
        """Return `points[i]` for each index, in order; ValueError outside [0, len)."""
        ...

    def add(self, left: Points, right: Points) -> Points:
        """Return left[i] + right[i]; equal lengths."""
        ...

    def negate(self, points: Points) -> Points:
        """Return -points[i]."""
        ...

    def scale(self, points: Points, scalars: Sequence[int]) -> Points:
        """Return scalars[i] * points[i]; equal lengths. A full multiplication each: to fold, not to sum."""
        ...

    def total(self, points: Points) -> Points:
        """Return the sum of all points, length 1; infinity for none."""
        ...

    def pair_sums(self, points: Points) -> Points:
        """Return points[2i] + points[2i + 1]; ValueError for an odd length."""
        ...

    def equal(self, left: Points, right: Points) -> bool:
        """Return whether both have the same length and the same points."""
        ...

    def is_identity(self, points: Points) -> list[bool]:
        """Return for each point whether it is infinity."""
        ...

    # --- sums with scalars

    def msm(self, scalars: Sequence[int], points: Points) -> Points:
        """Return sum scalars[i] * points[i], length 1; equal lengths. Small s and order - s are cheap."""
        ...

    def combine_generators(self, weights: Mapping[str, Sequence[int]]) -> Points:
        """Return the sum of weights[family][i] * family[i] over all families and i from 0, length 1.

        For generators that are used again and again: a backend may keep tables of them.
        """
        ...

    def commit_bits(self, words: SparseWords, n_bits: int, blindings: Sequence[int]) -> Points:
        """Return for each row the sum of GB[t] over its set bits t, plus blindings[row] * H.

        Bit t is bit t & 15 of word column t >> 4; one blinding a row. ValueError for a bit set beyond
        `n_bits`.
        """
        ...

    def commit_outputs(self, values: Values, blindings: Sequence[int]) -> Points:
        """Return N*GN + E*GE + R*GR + I*GI + a*H for each row.

        `values` has shape [rows, 4]: signed integers (int64 or object); one blinding a row.
        """
        ...

    # --- vectors of scalars

    def inner(self, left: Sequence[int], right: Sequence[int]) -> int:
        """Return sum left[i] * right[i] mod order; equal lengths."""
        ...

    def combine(self, left: Sequence[int], factor: int, right: Sequence[int]) -> list[int]:
        """Return left[i] + factor * right[i] mod order; equal lengths."""
        ...

    def powers(self, base: int, count: int) -> list[int]:
        """Return base^0, ..., base^(count - 1) mod order."""
        ...
