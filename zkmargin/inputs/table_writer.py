"""Write tables of strings as CSV or Parquet, the form in which `tables` reads them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

Format = Literal["csv", "parquet"]


def write_table(
    folder: Path, stem: str, header: Sequence[str], rows: Iterable[Sequence[str]], form: Format = "csv"
) -> None:
    """Write `stem`.csv (RFC 4180, UTF-8) or `stem`.parquet (string columns) into a folder."""
    if form == "csv":
        with open(folder / f"{stem}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
        return
    import pyarrow as pa  # noqa: PLC0415 - half a second, paid only by those who use Parquet
    import pyarrow.parquet as pq  # noqa: PLC0415

    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    arrays = [pa.array(column, pa.string()) for column in columns]
    pq.write_table(pa.Table.from_arrays(arrays, list(header)), folder / f"{stem}.parquet")
