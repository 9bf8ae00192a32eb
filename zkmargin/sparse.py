"""Sparse columns: what an account does not hold is not stored and costs nothing.

Column-wise storage, because that is the order in which witnesses are filled and commitments are summed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from zkmargin import native

_kernels = native.load()
Rows = npt.NDArray[np.int64]
Halves = npt.NDArray[np.int64]  # [..., 2]
Values = npt.NDArray[Any]  # int64 where every value is below 2^62 in size, else object (Python integers)

WORD_BITS = 16
INT64_SAFE = 1 << 62  # sums of two such values do not wrap
LOW_BITS = 31  # 2^32 numbers of so many bits add up below 2^63
HALVES_BITS = 128  # of two int64, the sign included


@dataclass(frozen=True)
class SparseValues:
    """Non-zero entries of one column: `rows` strictly increasing, `values[i]` at `rows[i]`."""

    rows: Rows
    values: Values

    def __len__(self) -> int:
        return len(self.rows)

    def dense(self, count: int) -> Values:
        """Return all `count` entries, zeros included, in the dtype of the values."""
        out = np.zeros(count, dtype=self.values.dtype)
        out[self.rows] = self.values
        return out

    def total(self) -> int:
        """Return the exact sum."""
        return exact_sum(self.values)


def sparse(rows: Sequence[int] | Rows, values: Sequence[int] | Values) -> SparseValues:
    """Build a column from rows in any order (no row twice) and values, zeros dropped, in a safe dtype."""
    at = np.asarray(rows, dtype=np.int64)
    order = np.argsort(at, kind="stable")
    exact = integers([int(value) for value in values])[order]
    keep = exact != 0
    return SparseValues(at[order][keep], exact[keep])


def integers(values: Sequence[int]) -> Values:
    """Return an int64 array if every value is below 2^62 in size, else an object array of Python integers."""
    try:
        exact = np.array(values, dtype=np.int64)
    except OverflowError:
        exact = None
    if exact is not None and (not len(exact) or -INT64_SAFE < exact.min() <= exact.max() < INT64_SAFE):
        return exact
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def exact_sum(values: Values) -> int:
    """Return the sum of up to 2^32 integers, exact whatever their dtype."""
    if values.dtype == object:
        return sum(map(int, values))
    high, low = int((values >> LOW_BITS).sum()), int((values & ((1 << LOW_BITS) - 1)).sum())
    return (high << LOW_BITS) + low


def halves(values: Values) -> Halves:
    """Return integers in 128 bits each, signed, the low half first: one more axis. OverflowError beyond."""
    if values.dtype != object:
        return np.stack([values, values >> 63], axis=-1).astype(np.int64, copy=False)
    data = b"".join([int(value).to_bytes(16, "little", signed=True) for value in values.ravel()])
    return np.frombuffer(data, dtype="<i8").astype(np.int64, copy=False).reshape(*values.shape, 2)


def joined(pairs: Halves) -> Values:
    """Return the Python integers whose halves these are."""
    low, high = pairs[..., 0].view(np.uint64).astype(object), pairs[..., 1].astype(object)
    out: Values = (high << 64) + low
    return out


EMPTY = SparseValues(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


@dataclass(frozen=True)
class SparseWords:
    """The bit string of each row in 16-bit words, stored by word column, touched words only.

    `columns[w]` holds word w of the rows in which it is not zero; values are uint16. Bit t of a row is bit t & 15
    of word t >> 4.
    """

    rows: int
    columns: tuple[SparseValues, ...]

    @property
    def touched(self) -> int:
        """Number of words that are not zero."""
        return sum(map(len, self.columns))

    def bit_counts(self) -> list[int]:
        """Return for each bit of the words the number of rows in which it is set; touched words only."""
        if _kernels is not None:
            out: list[int] = _kernels.bit_counts(
                [np.ascontiguousarray(column.values, np.uint16) for column in self.columns]
            )
            return out
        return [int((column.values >> bit & 1).sum()) for column in self.columns for bit in range(WORD_BITS)]


@dataclass(frozen=True)
class Field:
    """`width` bits from bit `offset` of every row on hold `values`, non-negative and below 2^width."""

    offset: int
    width: int
    values: SparseValues


def words(rows: int, n_words: int, fields: Iterable[Field]) -> SparseWords:
    """Cut fields, which do not overlap, into 16-bit words: native where it was built, NumPy elsewhere."""
    held = [field for field in fields if len(field.values)]
    if _kernels is None or any(field.width >= HALVES_BITS for field in held):
        return _numpy_words(rows, n_words, held)
    cut = _kernels.cut_words(rows, n_words, list(map(_native_field, held)))
    return SparseWords(rows, tuple(SparseValues(at, found) for at, found in cut))


def _native_field(field: Field) -> tuple[int, int, Rows, Values]:
    values = field.values.values
    flat = halves(values).reshape(-1) if values.dtype == object else np.ascontiguousarray(values)
    return field.offset, field.width, np.ascontiguousarray(field.values.rows), flat


def _numpy_words(rows: int, n_words: int, fields: Iterable[Field]) -> SparseWords:
    pieces: list[list[SparseValues]] = [[] for _ in range(n_words)]
    for field in fields:
        for word, piece in _cut(field):
            pieces[word].append(piece)
    return SparseWords(rows, tuple(_merged(rows, group) for group in pieces))


def _cut(field: Field) -> Iterator[tuple[int, SparseValues]]:
    """Yield the parts of a field that lie in one word each, zeros dropped."""
    word, shift = divmod(field.offset, 16)
    taken = 0
    while taken < field.width:
        piece = ((field.values.values >> taken) & (0xFFFF >> shift)) << shift
        keep = piece != 0
        yield word, SparseValues(field.values.rows[keep], piece[keep].astype(np.uint16))
        taken += 16 - shift
        word, shift = word + 1, 0


def _merged(rows: int, pieces: list[SparseValues]) -> SparseValues:
    """Put together pieces of one word: by a dense buffer where many rows have it, else by sorting."""
    pieces = [piece for piece in pieces if len(piece)]
    if len(pieces) <= 1:
        return pieces[0] if pieces else NO_WORDS
    if 8 * sum(map(len, pieces)) > rows:
        buffer = np.zeros(rows, dtype=np.uint16)
        for piece in pieces:
            buffer[piece.rows] |= piece.values
        at = np.flatnonzero(buffer)
        return SparseValues(at, buffer[at])
    at = np.concatenate([piece.rows for piece in pieces])
    order = np.argsort(at, kind="stable")
    at = at[order]
    values = np.concatenate([piece.values for piece in pieces])[order]
    first = np.flatnonzero(np.concatenate([[True], at[1:] != at[:-1]]))
    return SparseValues(at[first], np.bitwise_or.reduceat(values, first))


NO_WORDS = SparseValues(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint16))
