from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zkmargin import limits
from zkmargin.errors import InputError, Problem
from zkmargin.inputs.problems import Problems
from zkmargin.inputs.tables import Schema, read_table

SCHEMA = Schema(("name", "amount"), ("note",))


def read(folder: Path) -> tuple[list[tuple[int, tuple[str, ...]]], list[Problem]]:
    problems = Problems()
    table = read_table(folder, "t", SCHEMA, problems)
    rows = list(table.rows("name", "amount", "note")) if table else []
    try:
        problems.raise_if_any()
    except InputError as error:
        return rows, list(error.problems)
    return rows, []


@pytest.mark.parametrize(
    "data",
    [
        b"name,amount\na,1\nb,2\n",
        b"name,amount\r\na,1\r\nb,2\r\n",
        b"\xef\xbb\xbfname,amount\r\na,1\r\nb,2",
        b"amount,name\n1,a\n2,b\n",
        b"x_mine,name,amount\n?,a,1\n,b,2\n",
        b'name,amount\n"a","1"\n"b",2\n',
    ],
)
def test_forms_of_one_table(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    assert read(tmp_path) == ([(2, ("a", "1", "")), (3, ("b", "2", ""))], [])


def test_quotes_commas_and_new_lines_in_a_field(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b'name,amount,note\n"a, ""b""\nc",1,\nd,2,x\n')
    assert read(tmp_path) == ([(2, ('a, "b"\nc', "1", "")), (3, ("d", "2", "x"))], [])


@pytest.mark.parametrize(
    "data, row, column, message",
    [
        (b"", None, None, "empty"),
        (b"\xef\xbb\xbf", None, None, "empty"),
        (b"name\na\n", 1, "amount", "missing"),
        (b"name,amount,extra\na,1,2\n", 1, "extra", "unknown column"),
        (b"name,amount,Name\na,1,2\n", 1, "Name", "unknown column"),
        (b"name,amount,amount\na,1,1\n", 1, "amount", "twice"),
        (b"name,amount\na,1\nb\n", 3, None, "1 fields where the header has 2"),
        (b"name,amount\na,1,2\n", 2, None, "3 fields where the header has 2"),
        (b"name,amount\na,1\n\nb,2\n", 3, None, "blank"),
        (b"name,amount\na,1\n\xe9,2\n", 3, "name", "not UTF-8"),
        ("name,amount\na,1\n".encode("utf-16"), 1, None, "not UTF-8"),
        (b'name,amount\na,"1\n', 2, None, "not CSV"),
        (b'name,amount\n"a"b,1\n', 2, None, "not CSV"),
    ],
)
def test_faults_are_placed(
    tmp_path: Path, data: bytes, row: int | None, column: str | None, message: str
) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    _, problems = read(tmp_path)
    assert [(p.file, p.row, p.column) for p in problems] == [("t.csv", row, column)]
    assert message in problems[0].message


def test_all_problems_up_to_a_limit(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"name,amount\n" + b"short\n" * (limits.MAX_PROBLEMS + 7))
    problems = Problems()
    read_table(tmp_path, "t", SCHEMA, problems)
    with pytest.raises(InputError) as caught:
        problems.raise_if_any()
    assert (len(caught.value.problems), caught.value.truncated) == (limits.MAX_PROBLEMS, 7)


def test_one_file_of_the_two(tmp_path: Path) -> None:
    assert "no such file" in read(tmp_path)[1][0].message
    write_parquet(tmp_path, {"name": ["a"], "amount": ["1"]})
    assert read(tmp_path)[0]
    (tmp_path / "t.csv").write_bytes(b"name,amount\na,1\n")
    assert "a CSV and a Parquet file" in read(tmp_path)[1][0].message


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.csv").write_bytes(b"name,amount\na,1\n")
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 5)
    assert "larger than" in read(tmp_path)[1][0].message


def write_parquet(folder: Path, columns: dict[str, object]) -> None:
    pq.write_table(pa.table(columns), folder / "t.parquet")


@pytest.mark.parametrize(
    "amounts, texts",
    [
        (pa.array(["1.50", None]), ("1.50", "")),
        (pa.array([Decimal("1.50"), Decimal("0.00")], pa.decimal128(30, 8)), ("1.50000000", "0.00000000")),
        (pa.array([Decimal("1E+3"), Decimal(-2)], pa.decimal256(50, 0)), ("1000", "-2")),
        (pa.array([2**63 - 1, -1], pa.int64()), ("9223372036854775807", "-1")),
        (pa.array(["7", "7"]).dictionary_encode(), ("7", "7")),
        (pa.array([True, False]), ("true", "false")),
        (
            pa.array([1769760000, 0], pa.timestamp("s", "UTC")),
            ("2026-01-30T08:00:00Z", "1970-01-01T00:00:00Z"),
        ),
    ],
)
def test_exact_parquet_columns(tmp_path: Path, amounts: object, texts: tuple[str, str]) -> None:
    write_parquet(tmp_path, {"name": ["a", "b"], "amount": amounts, "x_f": [0.5, 0.25]})
    assert read(tmp_path) == ([(2, ("a", texts[0], "")), (3, ("b", texts[1], ""))], [])


@pytest.mark.parametrize(
    "amounts",
    [
        pa.array([1.0, 2.0]),
        pa.array([1.0, 2.0], pa.float32()),
        pa.array([b"1", b"2"]),
        pa.array([[1], [2]]),
        pa.array([0, 1], pa.timestamp("s")),
    ],
)
def test_inexact_parquet_columns_are_refused(tmp_path: Path, amounts: object) -> None:
    write_parquet(tmp_path, {"name": ["a", "b"], "amount": amounts})
    _, problems = read(tmp_path)
    assert [(p.column, "not accepted" in p.message) for p in problems] == [("amount", True)]


def test_parquet_columns_are_checked_too(tmp_path: Path) -> None:
    write_parquet(tmp_path, {"name": ["a"], "sum": ["1"]})
    assert [(p.row, p.column) for p in read(tmp_path)[1]] == [(1, "amount"), (1, "sum")]
    pq.write_table(pa.Table.from_arrays([pa.array(["a"])] * 2, ["name", "name"]), tmp_path / "t.parquet")
    assert "a column stands twice" in read(tmp_path)[1][0].message


def test_a_time_is_whole_seconds(tmp_path: Path) -> None:
    write_parquet(tmp_path, {"name": ["a"], "amount": pa.array([1_500_001], pa.timestamp("us", "UTC"))})
    assert read(tmp_path)[0][0][1][1] == "1970-01-01T00:00:01.500001+00:00"  # which no time column accepts


def test_a_file_that_is_no_parquet(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 but not really")
    assert "not a readable Parquet file" in read(tmp_path)[1][0].message
