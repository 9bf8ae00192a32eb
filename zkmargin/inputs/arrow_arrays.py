"""Between Arrow and NumPy without copies, and without pandas, which Arrow's own conversions import where it exists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def integers(column: Any) -> npt.NDArray[Any]:
    """Return an Arrow array of integers without nulls in its own type."""
    kind = str(column.type)  # int8 to uint64, as NumPy calls them
    values = np.frombuffer(column.buffers()[1] or b"", kind)
    return values[column.offset : column.offset + len(column)]


def mask(column: Any) -> Mask:
    """Return an Arrow array of booleans without nulls."""
    bits = np.frombuffer(column.buffers()[1] or b"", np.uint8)
    first = column.offset
    return np.unpackbits(bits, bitorder="little")[first : first + len(column)].astype(bool)


def pieces(column: Any) -> tuple[Bytes, Integers, Integers]:
    """Return the bytes of an array of strings, where each string starts in them, and lengths."""
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets or bytes(4), "<i4")[column.offset : column.offset + len(column) + 1]
    ends = ends.astype(np.int64)
    content = np.frombuffer(data or b"", np.uint8)[ends[0] : ends[-1]]
    return content, ends[:-1] - ends[0], np.diff(ends)


def filled(column: Any) -> Any:
    """Return an array of strings, integers or decimals with "" or 0 for null."""
    import pyarrow as pa  # noqa: PLC0415 - paid only by those who read a ledger

    if not column.null_count:
        return column
    kind = column.type
    if pa.types.is_string(kind):
        return column.fill_null(from_texts([""])[0])
    nothing = pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(bytes(kind.bit_width // 8))])
    return column.fill_null(nothing[0])


def from_integers(values: Integers) -> Any:
    """Return an Arrow array of int64."""
    import pyarrow as pa  # noqa: PLC0415

    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values.astype("<i8"))])


def from_mask(values: Mask) -> Any:
    """Return an Arrow array of booleans."""
    import pyarrow as pa  # noqa: PLC0415

    bits = np.packbits(values, bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])


def from_texts(texts: Sequence[str]) -> Any:
    """Return an Arrow array of strings; raise UnicodeError for one that has no UTF-8 form."""
    import pyarrow as pa  # noqa: PLC0415

    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    if ends[-1] >= 1 << 31:
        raise pa.ArrowCapacityError("more text than one array holds")
    buffers = [None, pa.py_buffer(ends.astype("<i4")), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)
