"""Columns of names and labels: which are sound, and numbers for them, without a Python object per row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from zkmargin.inputs.arrow_arrays import Bytes, Integers, Mask, filled, from_texts, integers, pieces
from zkmargin.inputs.parquet import column_texts
from zkmargin.inputs.texts import label_fault

_SPACE, _LAST_PRINTABLE = 0x20, 0x7E
_MAX_PLAIN = 256  # limits.MAX_TEXT; a longer one is looked at on its own


def texts(column: Any) -> Any:
    """Return an Arrow array of any accepted type as an array of strings, null as ""."""
    import pyarrow as pa  # noqa: PLC0415 - paid only by those who read a ledger

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind):
        return filled(column.cast(pa.string()))
    return from_texts(column_texts("", column))


def encoded(column: Any) -> tuple[Integers, Any]:
    """Return a number per row and the array of strings that the numbers stand for."""
    import pyarrow as pa  # noqa: PLC0415

    kind = column.type
    plain = pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type)
    if not plain or column.null_count or column.dictionary.null_count:
        column = texts(column).dictionary_encode()
    return integers(column.indices).astype(np.int64), column.dictionary


def sound_labels(column: Any) -> Mask:
    """Say which strings are labels, as `texts.label_fault` does: printable ASCII at once, others one by one."""
    data, starts, lengths = pieces(column)
    plain = (lengths > 0) & (lengths <= _MAX_PLAIN)
    odd = (data < _SPACE) | (data > _LAST_PRINTABLE)
    if odd.any():
        rows = np.searchsorted(starts, np.flatnonzero(odd), side="right") - 1
        plain[rows] = False
    plain[plain] &= (data[starts[plain]] != _SPACE) & (data[(starts + lengths)[plain] - 1] != _SPACE)
    for row in np.flatnonzero(~plain):
        plain[row] = label_fault(column[int(row)].as_py()) is None
    return plain


class Numbered:
    """Numbers for labels in the order in which they are first seen, and which of them are sound."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.sound: list[bool] = []
        self.at: dict[str, int] = {}

    def numbers(self, column: Any) -> tuple[Integers, Mask]:
        """Return the number of every row's label and whether it is sound."""
        which, values = encoded(column)
        found = np.array([self.number(value) for value in values.to_pylist()] or [0], np.int64)
        sound = np.array([self.sound[number] for number in found] if len(values) else [False])
        return found[which], sound[which]

    def number(self, label: str) -> int:
        """Return the number of a label, a new one if it was not seen before."""
        number = self.at.setdefault(label, len(self.names))
        if number == len(self.names):
            self.names.append(label)
            self.sound.append(label_fault(label) is None)
        return number


def known_names(column: Any, at: Mapping[str, int]) -> Integers:
    """Return at[name] of every row, -1 for an unknown name."""
    which, values = encoded(column)
    return np.array([at.get(value, -1) for value in values.to_pylist()] or [-1], np.int64)[which]


def replaced(column: Any, change: Callable[[str], str]) -> Any:
    """Return an array of strings with those changed that are not ASCII."""
    data, _, _ = pieces(column)
    if data.max(initial=0) < 0x80:
        return column
    return from_texts([text if text.isascii() else change(text) for text in column.to_pylist()])


_NIBBLES = np.full(256, 0xFF, np.uint8)
_NIBBLES[list(b"0123456789")] = range(10)
_NIBBLES[list(b"abcdef")] = _NIBBLES[list(b"ABCDEF")] = range(10, 16)
NONCE_BYTES = 16


def nonces(column: Any) -> tuple[Bytes, Mask, Mask]:
    """Read 16 bytes in hex or nothing, as `texts.nonce` does: (rows, 16) bytes, which are given, which sound."""
    data, starts, lengths = pieces(column)
    out = np.zeros((len(starts), NONCE_BYTES), np.uint8)
    given = lengths == 2 * NONCE_BYTES
    at = np.flatnonzero(given)
    if len(at):
        half = _NIBBLES[data[starts[at][:, None] + np.arange(2 * NONCE_BYTES)]]
        valid = half.max(axis=1) < 16
        given[at[~valid]] = False
        out[at[valid]] = (half[valid, 0::2] << 4) | half[valid, 1::2]
    return out, given, given | (lengths == 0)
