"""Read a table of strings from CSV (RFC 4180, UTF-8) or Parquet; every fault becomes a problem.

Columns may stand in any order; unknown ones are refused unless they begin with `x_`. Nothing is converted
here: floats never arise, because CSV fields are text and floating Parquet columns are refused.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zkmargin import limits
from zkmargin.inputs.parquet import ParquetError, parquet_columns
from zkmargin.inputs.problems import Problems, suggestion

HEADER_ROW = 1
_ESCAPED = range(0xDC80, 0xDD00)  # how undecodable bytes appear under errors="surrogateescape"


@dataclass(frozen=True)
class Schema:
    """The columns that a table must and may have."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return self.required + self.optional


@dataclass(frozen=True)
class Table:
    """Columns of equal length; `numbers[i]` is the row of entry i in the file, the header being row 1.

    `complete` is False where rows were dropped because of a problem that was noted. Absent optional columns
    are filled with "".
    """

    file: str
    numbers: Sequence[int]
    columns: dict[str, list[str]]
    complete: bool = True

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, *names: str) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Yield (row number, values of the named columns)."""
        return zip(self.numbers, zip(*(self.columns[name] for name in names), strict=True), strict=True)


def read_table(folder: Path, stem: str, schema: Schema, problems: Problems) -> Table | None:
    """Read `stem`.csv or `stem`.parquet; None if there is no table to speak of (the problem is noted)."""
    path = find_table(folder, stem, problems)
    return None if path is None else read_file(path, schema, problems)


def read_optional(folder: Path, stem: str, schema: Schema, problems: Problems) -> Table | None:
    """Read a table that need not be there; None if it is not, or if there is nothing to speak of."""
    if any((folder / f"{stem}.{suffix}").exists() for suffix in ("csv", "parquet")):
        return read_table(folder, stem, schema, problems)
    return None


def find_table(folder: Path, stem: str, problems: Problems) -> Path | None:
    """Return the one file of a table that there has to be, or None (the problem is noted)."""
    found = [path for path in (folder / f"{stem}.csv", folder / f"{stem}.parquet") if path.is_file()]
    if len(found) != 1:
        problems.add(
            found[0].name if found else f"{stem}.csv",
            None,
            None,
            None,
            "there is a CSV and a Parquet file" if found else "no such file",
            "keep one of them" if found else f"{stem}.csv or {stem}.parquet is required",
        )
        return None
    path = found[0]
    if path.stat().st_size > limits.MAX_FILE_BYTES:
        problems.add(path.name, None, None, None, f"larger than {limits.MAX_FILE_BYTES} bytes")
        return None
    return path


def read_file(path: Path, schema: Schema, problems: Problems) -> Table | None:
    """Read one CSV or Parquet file, as its name says."""
    try:
        return (
            read_csv(path, schema, problems)
            if path.suffix == ".csv"
            else _read_parquet(path, schema, problems)
        )
    except OSError as error:
        problems.add(path.name, None, None, None, f"cannot be read: {error.strerror}")
        return None


def read_csv(path: Path, schema: Schema | None, problems: Problems) -> Table | None:
    """Read one CSV file; without a schema every column is taken as it is named."""
    with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, strict=True)
        numbers: list[int] = []
        rows: list[list[str]] = []
        row, faults = HEADER_ROW, problems.count
        header: list[str] = []
        try:
            header = next(reader, [])
            if not header:
                problems.add(path.name, None, None, None, "the file is empty", "a header is required")
                return None
            if not check_header(path.name, header, schema, problems):
                return None
            for fields in reader:
                row += 1
                if len(fields) == len(header):
                    numbers.append(row)
                    rows.append(fields)
                else:
                    _ragged(path.name, row, fields, header, problems)
        except csv.Error as error:
            problems.add(
                path.name,
                row + 1,
                None,
                None,
                f"not CSV: {error}",
                "RFC 4180: quotes are doubled inside quotes",
            )
        columns = _transposed(header, rows)
        _check_encoding(path.name, numbers, columns, problems)
        return _table(path.name, numbers, columns, schema, complete=problems.count == faults)


def _read_parquet(path: Path, schema: Schema, problems: Problems) -> Table | None:
    faults = problems.count
    try:
        columns = parquet_columns(path, skip=lambda name: name.startswith("x_"))
    except ParquetError as fault:
        problems.add(path.name, None, fault.column, None, fault.message, fault.hint)
        return None
    if not check_header(path.name, list(columns), schema, problems):
        return None
    count = len(next(iter(columns.values()), []))
    numbers = range(HEADER_ROW + 1, HEADER_ROW + 1 + count)
    return _table(path.name, numbers, columns, schema, complete=problems.count == faults)


def _table(
    file: str, numbers: Sequence[int], columns: dict[str, list[str]], schema: Schema | None, *, complete: bool
) -> Table:
    wanted = list(columns) if schema is None else schema.names
    filled = {name: columns[name] if name in columns else [""] * len(numbers) for name in wanted}
    return Table(file, numbers, filled, complete)


def _transposed(header: list[str], rows: list[list[str]]) -> dict[str, list[str]]:
    if not rows:
        return {name: [] for name in header}
    return {name: list(column) for name, column in zip(header, zip(*rows, strict=True), strict=True)}


def _ragged(file: str, row: int, fields: list[str], header: list[str], problems: Problems) -> None:
    if not fields:
        problems.add(file, row, None, None, "the row is blank", "remove it")
        return
    problems.add(
        file,
        row,
        None,
        None,
        f"{len(fields)} fields where the header has {len(header)}",
        "quote a field that holds a comma" if len(fields) > len(header) else None,
    )


def check_header(file: str, header: list[str], schema: Schema | None, problems: Problems) -> bool:
    """Note every fault of a header; return True if the table can be read with it."""
    faults = problems.count
    if any(_undecoded(name) or "\0" in name for name in header):
        problems.add(file, HEADER_ROW, None, None, "not UTF-8", "save the file as UTF-8")
        return False
    for name in sorted({name for name in header if header.count(name) > 1}):
        problems.add(file, HEADER_ROW, name, None, "the column stands twice")
    if schema is not None:
        missing = [name for name in schema.required if name not in header]
        for name in missing:
            problems.add(file, HEADER_ROW, name, None, "the column is missing")
        for name in header:
            if name not in schema.names and not name.startswith("x_"):
                hint = suggestion(name, schema.names) or "columns of your own begin with x_"
                problems.add(file, HEADER_ROW, name, None, "unknown column", hint)
    return problems.count == faults


def _check_encoding(
    file: str, numbers: Sequence[int], columns: dict[str, list[str]], problems: Problems
) -> None:
    for name, values in columns.items():
        if not _undecoded("".join(values)):
            continue
        for number, value in zip(numbers, values, strict=True):
            if _undecoded(value):
                shown = value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
                problems.add(file, number, name, shown, "not UTF-8", "save the file as UTF-8")


def _undecoded(text: str) -> bool:
    return not text.isascii() and any(ord(character) in _ESCAPED for character in text)
