"""Tables by Arrow, in batches of columns: what is read fast where nothing is wrong with the form of a file.

Anything unusual is a NotPlainError, and the file is read by `tables`, which says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zkmargin.inputs.arrow_arrays import from_integers
from zkmargin.inputs.parquet import column_texts, is_accepted
from zkmargin.inputs.plain_csv import NotPlainError, check_plain
from zkmargin.inputs.problems import Problems
from zkmargin.inputs.tables import HEADER_ROW, Schema, Table, check_header

FIRST_ROW = HEADER_ROW + 1
BATCH_ROWS = 1 << 19
_BLOCK_BYTES = 1 << 24

Batch = dict[str, Any]  # an Arrow array per column; absent optional columns are absent


@dataclass(frozen=True)
class Columns:
    """A table as batches of columns; `stream` reads it from the beginning every time that it is called."""

    file: str
    schema: Schema
    stream: Callable[[], Iterator[Any]]

    def batches(self) -> Iterator[Batch]:
        """Yield the columns in batches of rows, in order; raise NotPlainError if the file cannot be read so."""
        with refusing():
            for batch in self.stream():
                yield {name: batch.column(name) for name in batch.schema.names}

    def rows(self, positions: npt.NDArray[np.int64]) -> Table:
        """Return the rows at increasing positions, from 0, as text; raise NotPlainError."""
        kept: dict[str, list[str]] = {name: [] for name in self.schema.names}
        start = 0
        for batch in self.batches() if len(positions) else ():
            length = len(next(iter(batch.values())))
            first, last = np.searchsorted(positions, (start, start + length))
            for name in kept:
                kept[name] += _picked(batch.get(name), positions[first:last] - start)
            start += length
        if len(positions) and positions[-1] >= start:
            raise NotPlainError  # another file than it was
        return Table(self.file, (positions + FIRST_ROW).tolist(), kept)


def open_columns(path: Path, schema: Schema, repeated: Sequence[str]) -> Columns:
    """Open a table whose form is in order; raise NotPlainError for every other one.

    The `repeated` columns have few different values, or long runs of the same.
    """
    with refusing():
        stream = _csv(path, schema) if path.suffix == ".csv" else _parquet(path, schema, repeated)
    return Columns(path.name, schema, stream)


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what Arrow and the file system refuse into NotPlainError."""
    import pyarrow as pa  # noqa: PLC0415 - paid only by those who read a ledger

    try:
        yield
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise NotPlainError from error


def _picked(column: Any, positions: npt.NDArray[np.int64]) -> list[str]:
    return (
        [""] * len(positions) if column is None else column_texts("", column.take(from_integers(positions)))
    )


def _check(path: Path, header: list[str], schema: Schema) -> list[str]:
    """Return the columns to read."""
    if not header or not check_header(path.name, header, schema, Problems()):
        raise NotPlainError
    return [name for name in header if name in schema.names]


def _csv(path: Path, schema: Schema) -> Callable[[], Iterator[Any]]:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import csv  # noqa: PLC0415

    header = check_plain(path)
    wanted = _check(path, header, schema)
    options = {
        "read_options": csv.ReadOptions(block_size=_BLOCK_BYTES),
        "parse_options": csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        "convert_options": csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.string()), include_columns=wanted, strings_can_be_null=False
        ),
    }

    def stream() -> Iterator[Any]:
        with csv.open_csv(path, **options) as reader:
            yield from _gathered(reader)

    return stream


def _parquet(path: Path, schema: Schema, repeated: Sequence[str]) -> Callable[[], Iterator[Any]]:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    with pq.ParquetFile(path) as file:
        kinds = file.schema_arrow
        wanted = _check(path, kinds.names, schema)
        if not all(is_accepted(kinds.field(name).type) for name in kinds.names if not name.startswith("x_")):
            raise NotPlainError
        texts = [name for name in repeated if name in wanted and pa.types.is_string(kinds.field(name).type)]

    def stream() -> Iterator[Any]:
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            yield from _gathered(file.iter_batches(BATCH_ROWS, columns=wanted))

    return stream


def _gathered(batches: Any) -> Iterator[Any]:
    """Put small batches together: what is done per batch is then done rarely."""
    import pyarrow as pa  # noqa: PLC0415

    waiting: list[Any] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if 2 * rows > BATCH_ROWS:
            yield from _together(pa, waiting)
            waiting, rows = [], 0
    yield from _together(pa, waiting)


def _together(pa: Any, batches: list[Any]) -> list[Any]:
    if len(batches) <= 1:
        return batches
    return list(pa.Table.from_batches(batches).combine_chunks().to_batches())
