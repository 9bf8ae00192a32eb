"""Parquet columns as exact strings. Floating ones are refused: they no longer hold what was written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

from zkmargin.inputs.market import TIME_FORMAT


class ParquetError(Exception):
    """A file or column that cannot be read exactly."""

    def __init__(self, column: str | None, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.column = column
        self.message = message
        self.hint = hint


def parquet_columns(path: Path, skip: Callable[[str], bool]) -> dict[str, list[str]]:
    """Read every column that is not skipped as strings, null as ""; raise ParquetError."""
    import pyarrow as pa  # noqa: PLC0415 - half a second, paid only by those who use Parquet
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        if len(set(names)) != len(names):
            raise ParquetError(None, "a column stands twice")
        table = file.read([name for name in names if not skip(name)])
    except (pa.ArrowException, OSError) as error:
        raise ParquetError(None, f"not a readable Parquet file: {str(error).splitlines()[0]}") from None
    return {name: column_texts(name, table.column(name)) for name in table.column_names}


def column_texts(name: str, column: Any) -> list[str]:
    """Return the values of an Arrow column as strings, null as ""; raise ParquetError for a type not accepted."""
    import pyarrow as pa  # noqa: PLC0415

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    write = _writer(pa, kind)
    if write is None:
        hint = "use a decimal or string column" if pa.types.is_floating(kind) else "use a string column"
        raise ParquetError(name, f"a column of type {kind} is not accepted", hint)
    return ["" if value is None else write(value) for value in column.to_pylist()]


def is_accepted(kind: Any) -> bool:
    """Say whether a column of an Arrow type holds exact values."""
    import pyarrow as pa  # noqa: PLC0415

    return _writer(pa, kind.value_type if pa.types.is_dictionary(kind) else kind) is not None


def _writer(pa: Any, kind: Any) -> Callable[[Any], str] | None:
    """How a value of an Arrow type becomes text, or None if it cannot exactly."""
    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind):
        return str
    if types.is_integer(kind):
        return str
    if types.is_decimal(kind):
        return lambda value: format(value, "f")
    if types.is_boolean(kind):
        return lambda value: "true" if value else "false"
    if types.is_timestamp(kind) and kind.tz == "UTC" and kind.unit != "ns":
        return _time
    return None


def _time(value: Any) -> str:
    if value.microsecond:
        return str(value.isoformat())  # refused later, with its row
    return str(value.astimezone(UTC).strftime(TIME_FORMAT))
