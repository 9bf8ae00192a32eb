"""Which CSV files are so plain that every reader of RFC 4180 reads them alike.

Arrow's reader is fast and forgiving, Python's is slow and places faults; a file that passes here has the same
fields in both. Quotes open right after a comma or a line's end and close right before one, and nothing is
quoted inside; what fails is not wrong, only read by the slow reader.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

_CHUNK = 1 << 22
_FIELD = 1 << 15  # bytes; Python's reader takes fields of up to 2^17 characters
_COMMA, _QUOTE, _LINE, _RETURN = b',"\n\r'


class NotPlainError(Exception):
    """The file is not one that the fast reader takes."""


def check_plain(path: Path) -> list[str]:
    """Return the header of a plain file in UTF-8, a byte-order mark left out; raise NotPlainError."""
    with open(path, "rb") as file:
        inside = False
        for number, block in enumerate(_lines(file)):
            inside = _check_block(block.removeprefix(b"\xef\xbb\xbf") if number == 0 else block, inside)
        if inside:
            raise NotPlainError
    with open(path, encoding="utf-8-sig", newline="") as text:
        return next(csv.reader(text, strict=True), [])


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the file in blocks that end with the end of a line."""
    rest = b""
    while chunk := file.read(_CHUNK):
        end = chunk.rfind(b"\n") + 1
        if end == 0 and len(chunk) > _FIELD:
            raise NotPlainError
        if end:
            yield rest + chunk[:end]
            rest = b""
        rest += chunk[end:]
        if len(rest) > _FIELD:
            raise NotPlainError
    if rest:
        yield rest + b"\n"


def _check_block(block: bytes, inside: bool) -> bool:
    """Check a block that begins inside a quoted field or with a row; return whether it ends inside one."""
    data = np.frombuffer(block, np.uint8)
    lines = np.flatnonzero(data == _LINE)
    quotes = np.flatnonzero(data == _QUOTE) if b'"' in block else lines[:0]
    returns = block.count(b"\r")
    if (
        b"\0" in block
        or not _is_utf8(block)
        or (returns and returns != block.count(b"\r\n"))
        or _has_blank_line(data, lines)
        or _has_gap(lines)  # a field may go on over lines inside quotes
        or _has_gap(quotes)
        or not _stand_apart(data, quotes, inside)
    ):
        raise NotPlainError
    ends_inside = inside ^ (len(quotes) % 2 == 1)
    if ends_inside and len(block) - (quotes[-1] if len(quotes) else 0) > _FIELD:
        raise NotPlainError
    return bool(ends_inside)


def _is_utf8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_blank_line(data: Bytes, lines: Places) -> bool:
    """Look for lines of no byte, or of a carriage return: Arrow passes over one at the end."""
    length = np.diff(lines, prepend=-1) - 1
    return bool(np.any((length == 0) | ((length == 1) & (data[lines - 1] == _RETURN))))


def _has_gap(marks: Places) -> bool:
    return len(marks) > 0 and bool(marks[0] > _FIELD or np.diff(marks).max(initial=0) > _FIELD)


def _stand_apart(data: Bytes, quotes: Places, inside: bool) -> bool:
    """Say whether quotes open after a separator and close before one, in turn."""
    first = 1 if inside else 0
    before = data[quotes[first::2] - 1]  # before the first byte stands the last one, an end of line
    after = data[quotes[1 - first :: 2] + 1]
    opened = (before == _COMMA) | (before == _LINE)
    closed = (after == _COMMA) | (after == _LINE) | (after == _RETURN)
    return bool(opened.all() and closed.all())
