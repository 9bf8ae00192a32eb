"""Native backend: BN254 G1 in Rust, on all cores, byte for byte the reference backend.

Points live in the native module; scalars come as lists of integers or as uint8 arrays of shape [n, 32],
big-endian. The kernels make all checks; this module converts arguments and errors, and keeps what is worth
keeping between calls: generators and tables of fixed bases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from zkmargin import _kernels as kernels
from zkmargin.errors import DecodeError
from zkmargin.group import scalars as field
from zkmargin.group.backend import POINT_BYTES, SCALAR_BYTES, Points
from zkmargin.group.booleanity import BooleanitySums
from zkmargin.group.codec import encode_point
from zkmargin.group.curve import Point, R
from zkmargin.group.generators import TAG, WORTH_A_BLOCK, GeneratorStore, messages
from zkmargin.group.native_booleanity import NativeBooleanity
from zkmargin.group.reference import OUTPUT_FAMILIES, WORD_BITS
from zkmargin.sparse import SparseValues, SparseWords, Values

ByteRows = npt.NDArray[np.uint8]
ScalarVector = Sequence[int] | ByteRows
OUT_OF_RANGE = "scalar out of range: reduce it modulo the group order first"
SIGNED_BITS = 253  # of the size of a scalar taken as a number in (-order / 2, order / 2)
WIDTHS = range(2, 17)  # bits of a window of a fixed base
BASE_WIDTH = 8  # of the generators of range proofs: 262 kB a table
WORTH_TABLES, MAX_TABLES = (
    16,
    128,
)  # uses of a family before its generators get tables; so many of each family


def derive(family: str, indices: Sequence[int]) -> list[Point]:
    """Return the generators of a family at these indices, from the hash alone, as `generators.derive` does."""
    data = kernels.encode(kernels.hash_to_curve(messages(family, indices), TAG.decode()))
    half = POINT_BYTES // 2
    numbers = [int.from_bytes(data[at : at + half], "big") for at in range(0, len(data), half)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


class NativeBackend:
    """Implement `Backend` over the native module. `store` serves the generators."""

    def __init__(self, store: GeneratorStore | None = None) -> None:
        self.name = f"native (BN254 G1, {kernels.info()['arithmetic']})"
        self.order = R
        self._store = store or GeneratorStore(derivation=derive)
        self._prefixes: dict[str, kernels.Points] = {}  # of each family as many generators as were ever used
        self._tables: dict[str, kernels.FixedBase] = {}
        self._base_tables_of: dict[str, list[kernels.FixedBase]] = {}
        self._uses: dict[str, int] = {}

    # --- generators and encodings

    def generators(self, family: str, start: int, count: int) -> kernels.Points:
        end = start + max(count, 0)
        if start < 0 or (start and end > len(self._prefixes.get(family, ()))):
            return self._take(family, range(start, end))
        return self._prefix(family, end)[start:end]

    def encode(self, points: Points) -> bytes:
        return kernels.encode(_native(points))

    def decode(self, data: bytes, *, infinity: bool = False) -> kernels.Points:
        try:
            return kernels.decode(bytes(data), infinity)
        except kernels.EncodingError as error:
            raise _decode_error(error, data) from None

    def compress(self, points: Points) -> bytes:
        return kernels.compress(_native(points))

    def decompress(self, data: bytes, *, infinity: bool = False) -> kernels.Points:
        try:
            return kernels.decompress(bytes(data), infinity)
        except kernels.EncodingError as error:
            raise _decode_error(error, data) from None

    # --- sequences of points

    def identity(self, count: int) -> kernels.Points:
        return kernels.identity(count)

    def concat(self, parts: Sequence[Points]) -> kernels.Points:
        return kernels.concat([_native(part) for part in parts])

    def gather(self, points: Points, indices: Sequence[int]) -> kernels.Points:
        return kernels.gather(_native(points), np.asarray(indices, dtype=np.int64))

    def add(self, left: Points, right: Points) -> kernels.Points:
        return kernels.add(_native(left), _native(right))

    def negate(self, points: Points) -> kernels.Points:
        return kernels.negate(_native(points))

    def scale(self, points: Points, scalars: ScalarVector) -> kernels.Points:
        return kernels.scale(_scalars(scalars), _native(points))

    def total(self, points: Points) -> kernels.Points:
        return kernels.total(_native(points))

    def pair_sums(self, points: Points) -> kernels.Points:
        return kernels.pair_sums(_native(points))

    def equal(self, left: Points, right: Points) -> bool:
        return kernels.equal(_native(left), _native(right))

    def is_identity(self, points: Points) -> list[bool]:
        return kernels.is_identity(_native(points))

    # --- sums with scalars

    def msm(self, scalars: ScalarVector, points: Points) -> kernels.Points:
        return kernels.msm(_scalars(scalars), _native(points))

    def combine_generators(self, weights: Mapping[str, Sequence[int]]) -> kernels.Points:
        """Sum by tables the generators that have them, by buckets all others."""
        tables: list[kernels.FixedBase] = []
        by_table: list[int] = []
        rest = []
        for family, scalars in weights.items():
            known = self._base_tables(family, len(scalars))
            tables += known
            by_table += scalars[: len(known)]
            rest.append(
                (scalars[len(known) :], self.generators(family, len(known), len(scalars) - len(known)))
            )
        sums = kernels.sum_products(tables, _scalars(by_table))
        others = [scalar for scalars, _ in rest for scalar in scalars]
        return sums if not others else self.add(sums, self.msm(others, self.concat([p for _, p in rest])))

    def commit_bits(self, words: SparseWords, n_bits: int, blindings: ScalarVector) -> kernels.Points:
        _check_blindings(words.rows, blindings)
        columns = [_column(entries) for entries in words.columns]
        sums = kernels.sum_bits(columns, words.rows, self._bit_generators(columns, n_bits))
        return kernels.add_products(sums, [self._table("H", words.rows)], [_scalars(blindings)])

    def commit_outputs(self, values: Values, blindings: ScalarVector) -> kernels.Points:
        if values.ndim != 2 or values.shape[1] != len(OUTPUT_FAMILIES):
            raise ValueError("outputs have shape [rows, 4]")
        rows = len(values)
        _check_blindings(rows, blindings)
        tables = [self._table("H", rows)]
        columns: list[bytes | npt.NDArray[np.int64]] = [_scalars(blindings)]
        for family, column in zip(OUTPUT_FAMILIES, values.T, strict=True):
            tables.append(self._table(family, rows, _signed_bits(column)))
            columns.append(_signed(column))
        return kernels.add_products(kernels.identity(rows), tables, columns)

    def combine_bits(self, words: SparseWords, n_bits: int, weights: ScalarVector) -> list[int]:
        """Return for each bit the sum of weights[i] over the rows in which it is set; see `row_sums.combine_bits`."""
        if len(weights) != words.rows:
            raise ValueError("one weight per row")
        data = kernels.combine_bits(
            [_column(entries) for entries in words.columns], n_bits, _scalars(weights)
        )
        return [
            int.from_bytes(data[at : at + SCALAR_BYTES], "big") for at in range(0, len(data), SCALAR_BYTES)
        ]

    def booleanity_sums(self, words: SparseWords, tau: Sequence[int]) -> BooleanitySums:
        """Return the sum of eq(tau, x) (b(x)^2 - b(x)) with all variables free; see `booleanity`."""
        columns = [_column(entries) for entries in words.columns]
        return NativeBooleanity(kernels.Booleanity(columns, words.rows, _scalars(tau)), tau, self.order)

    # --- vectors of scalars: for lists of integers Python is as fast as the conversion to bytes alone

    def inner(self, left: Sequence[int], right: Sequence[int]) -> int:
        return field.inner(left, right, self.order)

    def combine(self, left: Sequence[int], factor: int, right: Sequence[int]) -> list[int]:
        return field.combine(left, factor, right, self.order)

    def powers(self, base: int, count: int) -> list[int]:
        return field.powers(base, count, self.order)

    # --- what is kept

    def _prefix(self, family: str, count: int) -> kernels.Points:
        """Return the first generators of a family, at least `count`."""
        known = self._prefixes.get(family, kernels.identity(0))
        if len(known) < count:
            known = kernels.concat([known, self._take(family, range(len(known), count))])
            self._prefixes[family] = known
        return known

    def _take(self, family: str, indices: Iterable[int]) -> kernels.Points:
        points = self._store.take(family, list(indices))
        return kernels.decode(b"".join(map(encode_point, points)), False)

    def _bit_generators(
        self, columns: Sequence[tuple[object, npt.NDArray[np.uint16]]], n_bits: int
    ) -> kernels.Points:
        """Return GB[0 : n_bits]; where only a few bits are set, infinity stands for those that are set nowhere."""
        used = np.array(
            [np.bitwise_or.reduce(words) if len(words) else 0 for _, words in columns], dtype=np.uint16
        )
        bits = np.flatnonzero(used[:, None] >> np.arange(WORD_BITS, dtype=np.uint16) & 1)
        bits = bits[bits < n_bits]
        if len(bits) >= WORTH_A_BLOCK or len(self._prefixes.get("GB", ())) >= n_bits:
            return self._prefix("GB", n_bits)[:n_bits]
        places = np.zeros(n_bits, dtype=np.int64)
        places[bits] = np.arange(1, len(bits) + 1)
        return kernels.gather(kernels.concat([kernels.identity(1), self._take("GB", bits.tolist())]), places)

    def _base_tables(self, family: str, count: int) -> list[kernels.FixedBase]:
        """Return tables of the first generators of a family, at most `count`: none before the family is used often."""
        self._uses[family] = self._uses.get(family, 0) + 1
        known = self._base_tables_of.get(family, [])
        worth = min(count, MAX_TABLES)
        if len(known) < worth and self._uses[family] > WORTH_TABLES:
            points = self.generators(family, 0, worth)
            more = range(len(known), worth)
            known = known + [kernels.FixedBase(points[i : i + 1], BASE_WIDTH, SIGNED_BITS) for i in more]
            self._base_tables_of[family] = known  # replaced, never changed: another thread may do the same
        return known[:count]

    def _table(self, family: str, rows: int, bits: int = SIGNED_BITS) -> kernels.FixedBase:
        """Return a table of multiples for this many scalars, the one at hand if it serves."""
        width = min(WIDTHS, key=lambda w: -(-(bits + 1) // w) * (rows + (1 << (w - 1))))
        known = self._tables.get(family)
        if known is None or known.bits < bits or known.width < width - 1:
            known = kernels.FixedBase(self.generators(family, 0, 1), width, bits)
            self._tables[family] = known
        return known


def _native(points: Points) -> kernels.Points:
    if not isinstance(points, kernels.Points):
        raise TypeError(f"points of another backend: {type(points).__name__}")
    return points


def _decode_error(error: kernels.EncodingError, data: bytes) -> DecodeError:
    code, message = error.args
    return DecodeError(code, message, actual=f"{len(data)} bytes" if code == "length" else None)


def _scalars(values: ScalarVector) -> bytes:
    """Return 32 bytes a scalar; the kernels refuse those that are not below the order."""
    if isinstance(values, np.ndarray):
        if values.dtype != np.uint8 or values.ndim != 2 or values.shape[1] != SCALAR_BYTES:
            raise ValueError(f"an array of scalars has dtype uint8 and shape [n, {SCALAR_BYTES}]")
        return values.tobytes()
    try:
        return b"".join([value.to_bytes(SCALAR_BYTES, "big") for value in values])
    except OverflowError:
        raise ValueError(OUT_OF_RANGE) from None


def _signed(values: Values) -> bytes | npt.NDArray[np.int64]:
    """Return signed numbers as int64 where they fit, else as scalars."""
    if values.dtype == np.int64:
        return np.ascontiguousarray(values)
    try:
        return np.array(values.tolist(), dtype=np.int64)
    except OverflowError:
        return _scalars([int(value) % R for value in values])


def _signed_bits(values: Values) -> int:
    """Return the bits of the largest number in size; at most those of a scalar."""
    if not len(values):
        return 0
    return min(SIGNED_BITS, max(-int(values.min()), int(values.max())).bit_length())


def _column(entries: SparseValues) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint16]]:
    words = entries.values
    if (
        words.dtype != np.uint16
        and len(words)
        and not 0 <= int(words.min()) <= int(words.max()) < 1 << WORD_BITS
    ):
        raise ValueError(f"a word has {WORD_BITS} bits")
    rows = np.ascontiguousarray(entries.rows, dtype=np.int64)
    return rows, np.ascontiguousarray(words, dtype=np.uint16)


def _check_blindings(rows: int, blindings: ScalarVector) -> None:
    if len(blindings) != rows:
        raise ValueError(f"{rows} rows need {rows} blindings, not {len(blindings)}")
