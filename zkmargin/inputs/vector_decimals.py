"""Columns of decimals to whole lots, exactly, without a Python object per value.

Every value is either read as `decimals.scaled` would read it, or left (`known` is False) to whoever reads row
by row and can say what is wrong with it: nothing here decides that a value is bad, or rounds one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from zkmargin.inputs.arrow_arrays import (
    Bytes,
    Integers,
    Mask,
    filled,
    from_integers,
    from_mask,
    integers,
    mask,
    pieces,
)

Words = npt.NDArray[np.uint64]

MAX_DECIMALS = 18  # 10^18 fits 64 bits
_SAFE = (1 << 62) - 1  # largest size of a number of lots here
_SHORT = 16  # bytes of a text that two words hold
_LONG = r"^-?[0-9]{1,20}(\.[0-9]{1,18})?$"  # what decimal128(38, 18) holds whatever the digits are
_BLOCK = 1 << 14  # values whose words stay in cache


@dataclass(frozen=True)
class Numbers:
    """Values mantissas[i] / 10^decimals[i] where known[i]; decimals are 0 to MAX_DECIMALS."""

    mantissas: Integers
    decimals: Integers
    known: Mask

    @staticmethod
    def nothing(count: int, *, known: bool) -> Numbers:
        """Return zeros, or values that only the row reader can read."""
        return Numbers(np.zeros(count, np.int64), np.zeros(count, np.int64), np.full(count, known))


class LotSizes:
    """Counts lots: amounts in units of instrument i, a whole number of lots[i] each."""

    def __init__(self, lots: Sequence[Fraction]) -> None:
        sizes = sorted(set(lots))
        at = {size: i for i, size in enumerate(sizes)}
        self._which = np.array([at[lot] for lot in lots] or [0], np.int64)
        shape = (max(1, len(sizes)), MAX_DECIMALS + 1)
        self._times, self._over = np.zeros(shape, np.int64), np.ones(shape, np.int64)
        self._most = np.zeros(shape, np.int64)  # nothing but 0 is read where a factor does not fit
        for i, size in enumerate(sizes):
            for decimals in range(MAX_DECIMALS + 1):
                factor = 1 / (size * 10**decimals)
                if max(factor.numerator, factor.denominator) <= _SAFE:
                    self._times[i, decimals] = factor.numerator
                    self._over[i, decimals] = factor.denominator
                    self._most[i, decimals] = _SAFE // factor.numerator
        self.finest = max((_decimals(size) for size in sizes), default=0)

    def count(self, numbers: Numbers, instruments: Integers) -> tuple[Integers, Mask]:
        """Return numbers of lots, and where they are whole, known and below 2^62 in size."""
        at = self._which[instruments] * (MAX_DECIMALS + 1) + numbers.decimals
        most = self._most.reshape(-1)[at]
        fits = numbers.known & (numbers.mantissas <= most) & (numbers.mantissas >= -most)
        counts = numbers.mantissas * self._times.reshape(-1)[at]  # wraps only where `fits` is False
        over = self._over.reshape(-1)[at]
        if np.any(over != 1):
            whole = counts // over
            fits &= whole * over == counts
            counts = whole
        return counts, fits


def numbers(column: Any, finest: int, *, optional: bool = False) -> Numbers:
    """Read an Arrow array; `finest` are the decimals of the finest lot, an empty optional value is 0."""
    import pyarrow as pa  # noqa: PLC0415 - paid only by those who read a ledger

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_large_string(kind):
        column, kind = column.cast(pa.string()), pa.string()
    if pa.types.is_string(kind):
        return _of_texts(column, finest, optional)
    if pa.types.is_decimal(kind):
        found = _of_decimals(column, finest)
    elif pa.types.is_integer(kind):
        found = _of_integers(column)
    else:
        return Numbers.nothing(len(column), known=False)
    if column.null_count and not optional:
        found.known[mask(column.is_null())] = False
    return found


def _decimals(size: Fraction) -> int:
    return next((n for n in range(MAX_DECIMALS) if (size * 10**n).denominator == 1), MAX_DECIMALS)


def _of_integers(column: Any) -> Numbers:
    values = integers(filled(column))
    known = (
        values <= np.array(_SAFE, values.dtype) if values.dtype == np.uint64 else np.ones(len(values), bool)
    )
    return Numbers(values.astype(np.int64), np.zeros(len(values), np.int64), known)


def _of_decimals(column: Any, finest: int) -> Numbers:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    scale = column.type.scale
    if not 0 <= scale <= 38 or column.type.bit_width > 128:
        return Numbers.nothing(len(column), known=False)
    if column.type.bit_width < 128:
        column = column.cast(pa.decimal128(column.type.precision, scale))
    column = filled(column)
    low, high = _limbs(column)
    known = high == low >> 63
    if scale > MAX_DECIMALS or (scale > finest and not known.all()):
        # Decimals finer than every lot are zeros, or the row reader refuses them
        coarse = column.cast(options=pc.CastOptions(pa.decimal128(38, finest), allow_decimal_truncate=True))
        same = mask(pc.equal(coarse.cast(column.type), column))
        low, high = _limbs(coarse)
        known, scale = same & (high == low >> 63), finest
    return Numbers(low, np.full(len(low), scale, np.int64), known)


def _limbs(column: Any) -> tuple[Integers, Integers]:
    """Return the lower and upper 64 bits of decimals of 128 bits."""
    limbs = np.frombuffer(column.buffers()[1] or b"", "<i8").reshape(-1, 2)
    limbs = limbs[column.offset : column.offset + len(column)]
    return limbs[:, 0].astype(np.int64), limbs[:, 1].astype(np.int64)


def _of_texts(column: Any, finest: int, optional: bool) -> Numbers:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    column = filled(column)
    data, starts, lengths = pieces(column)
    found = _of_short(data, starts, lengths)
    if optional:
        found.known[lengths == 0] = True
    long = np.flatnonzero(lengths > _SHORT)
    if len(long):
        texts = column.take(from_integers(long))
        matched = mask(pc.match_substring_regex(texts, _LONG))
        long = long[matched]
        part = _of_decimals(texts.filter(from_mask(matched)).cast(pa.decimal128(38, 18)), finest)
        found.mantissas[long], found.decimals[long] = part.mantissas, part.decimals
        found.known[long] = part.known
    return found


def _of_short(data: Bytes, starts: Integers, lengths: Integers) -> Numbers:
    """Read texts of up to 16 bytes, eight digits at a time; longer ones are not known."""
    padded = np.concatenate([np.zeros(_SHORT, np.uint8), data])
    windows = np.ndarray((len(padded) - 7,), "<u8", padded, strides=(1,))  # the 8 bytes from any place on
    found = Numbers.nothing(len(starts), known=False)
    for first in range(0, len(starts), _BLOCK):
        block = slice(first, first + _BLOCK)
        at, size = starts[block], lengths[block]
        filled = (size > 0) & (size <= _SHORT)
        at, size = np.where(filled, at, 0), np.where(filled, size, 0)
        negative = filled & (padded[np.where(filled, at + _SHORT, 0)] == ord("-"))
        digits = size - negative
        end = at + size + _SHORT
        low = _padded(windows[end - 8], np.minimum(digits, 8))
        high = _padded(windows[end - 16], np.maximum(digits - 8, 0))
        value, after, sound = _digits(low, high, digits)
        found.mantissas[block] = np.where(sound, np.where(negative, -value, value), 0)
        found.decimals[block] = np.where(sound, after, 0)
        found.known[block] = sound
    return found


_ONES = np.uint64(0x0101010101010101)
_ZEROS = _ONES * np.uint64(ord("0"))
_POINTS = _ONES * np.uint64(ord("."))
_LOW7 = _ONES * np.uint64(0x7F)
_HIGH = _ONES * np.uint64(0x80)
_ABOVE_NINE = _ONES * np.uint64(0x80 - 10)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
# The last n of 8 bytes: a word is little-endian, so they are its upper ones
_LAST = np.array([(_ALL << np.uint64(64 - 8 * n)) if n else 0 for n in range(9)], np.uint64)
_BYTE = np.uint64(8)


def _padded(word: Words, keep: Integers) -> Words:
    """Replace all but the last `keep` characters by "0"."""
    mask = _LAST[keep]
    return (word & mask) | (_ZEROS & ~mask)


def _digits(low: Words, high: Words, size: Integers) -> tuple[Integers, Integers, Mask]:
    """Read 16 characters, the last `size` of which are the text: value, decimals, whether it is a decimal."""
    point_low, point_high = _points(low), _points(high)
    points = (np.bitwise_count(point_low) + np.bitwise_count(point_high)).astype(np.int64)
    in_low, in_high = point_low != 0, point_high != 0
    # What stands before the point moves over it: all bytes below the point's own, one byte up
    below_low: Words = np.where(in_low, (point_low >> np.uint64(7)) - np.uint64(1), np.uint64(0))
    below_high: Words = np.where(in_high, (point_high >> np.uint64(7)) - np.uint64(1), np.uint64(0))
    after = np.where(in_low, _after(point_low), np.where(in_high, _after(point_high) + 8, 0))
    carried: Words = np.where(in_low, high >> np.uint64(56), np.uint64(0))
    above_low: Words = np.where(in_low, ~((below_low << _BYTE) | np.uint64(0xFF)), _ALL)
    above_high: Words = np.where(
        in_high, ~((below_high << _BYTE) | np.uint64(0xFF)), np.where(in_low, np.uint64(0), _ALL)
    )
    below_high = np.where(in_low, _ALL, below_high)
    filler: Words = np.where(points > 0, np.uint64(ord("0")), np.uint64(0))
    moved_low = (low & above_low) | ((low & below_low) << _BYTE) | carried
    moved_high = (high & above_high) | ((high & below_high) << _BYTE) | filler
    whole = size - after - points
    placed: Mask = (points <= 1) & (whole >= 1) & ((points == 0) | (after >= 1))
    sound = placed & _all_digits(moved_low) & _all_digits(moved_high)
    value = _eight(moved_high) * np.uint64(10**8) + _eight(moved_low)
    return value.astype(np.int64), after, sound


def _points(word: Words) -> Words:
    """Set the top bit of every byte that is a point."""
    other = word ^ _POINTS
    return ~(((other & _LOW7) + _LOW7) | other | _LOW7)


def _after(point: Words) -> Integers:
    """Return the bytes after the point, of which there is one: 7 less its place."""
    below: Integers = np.bitwise_count(point - np.uint64(1)).astype(np.int64) >> 3
    return 7 - below


def _all_digits(word: Words) -> Mask:
    digits = word ^ _ZEROS
    other: Words = ((digits + _ABOVE_NINE) | digits) & _HIGH  # set where a byte is above 9
    none: Mask = np.equal(other, 0)
    return none


def _eight(word: Words) -> Words:
    """Read eight digits, the first in the lowest byte: pairs, then fours, then all."""
    word = word & np.uint64(0x0F0F0F0F0F0F0F0F)
    word = (word * np.uint64(10 * 256 + 1)) >> np.uint64(8)
    word = word & np.uint64(0x00FF00FF00FF00FF)
    word = (word * np.uint64(100 * 65536 + 1)) >> np.uint64(16)
    word = word & np.uint64(0x0000FFFF0000FFFF)
    return (word * np.uint64(10000 * (1 << 32) + 1)) >> np.uint64(32)
