"""Reading by columns gives what reading row by row gives, for good files and for broken ones."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_by_rows import outcomes
from small_exchange import POLICY, POSITIONS, write_ledger, write_market

from zkmargin.inputs import columns, ledger_files, load_ledger, load_market, plain_csv, vector_decimals
from zkmargin.inputs.decimals import BadNumberError, decimal
from zkmargin.inputs.market import Market
from zkmargin.inputs.plain_csv import NotPlainError
from zkmargin.inputs.policy import Policy
from zkmargin.inputs.problems import Problems
from zkmargin.inputs.tables import Schema, Table, read_csv

Public = tuple[Policy, Market]
Row = tuple[str, ...]
Tables = dict[str, list[Row]]

MANTISSAS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.integers(-(10**6), 10**6).map(lambda value: 1000 * value)
)
EXACT = Context(prec=60)
SCHEMA = Schema(("h", "i"))
HEADERS = {
    "accounts": ("account", "user", "user_nonce", "book"),
    "balances": ("account", "pot", "asset", "held", "owed", "pledged_loan", "pledged_margin"),
    "positions": ("account", "pot", "instrument", "quantity", "entry_cost"),
    "control": ("name", "total"),
}
NAMES = ("A1", "A2", "A3", "A4", "Zoë", "a b")
ODD_NAMES = ("", " A1", "A9", "A\t1", "Zoe\u0308", "x" * 257, "two\nlines", 'q"q')
CONTRACTS = ("BTC-PERP", "BTC-MAR", "BTC-60000-C", "BTC-PERP-INVERSE")
ODD_NUMBERS = (
    "",
    "-",
    "+1",
    " 1",
    "1 ",
    "1.",
    ".5",
    "1e3",
    "NaN",
    "-inf",
    "0x1",
    "1.2.3",
    "1-1",
    "--1",
    "1,5",
    "\u0661",
    "0.00001",
    "-0.000",
    "99999999999999",
    "99999999999999999999999",
    "0." + "0" * 17 + "1",
    "1" * 61,
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Public:
    return load_market(write_market(tmp_path_factory.mktemp("market")))


def amounts(decimals: int) -> st.SearchStrategy[str]:
    """Decimals that fit, written in every way: leading zeros, trailing zeros, no point, minus zero."""
    return st.builds(
        lambda value, zeros, padding: (
            "0" * zeros + f"{Decimal(value).scaleb(-decimals):f}" + "0" * padding
            if decimals
            else "0" * zeros + str(value)
        ),
        st.integers(0, 250),
        st.sampled_from([0, 0, 0, 2, 14]),
        st.sampled_from([0, 0, 0, 1, 12, 18]),
    )


def signed(amount: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda sign, text: sign + text, st.sampled_from(["", "-"]), amount)


def unique(rows: st.SearchStrategy[Row], most: int) -> st.SearchStrategy[list[Row]]:
    return st.lists(rows, max_size=most, unique_by=lambda row: row[:3])


POT = st.sampled_from(["cross", "cross", "p", "Pfütze"])


@st.composite
def good_tables(draw: st.DrawFn) -> Tables:
    """A ledger in which nothing is wrong, most of the time."""
    books = {name: draw(st.sampled_from(["portfolio", "portfolio", "spot"])) for name in NAMES}
    nonce = st.sampled_from(["", "", "00112233445566778899aAbBcCdDeEfF"])
    traders = [name for name in NAMES if books[name] == "portfolio"] or ["A1"]
    money = {"USD": amounts(2), "BTC": amounts(4), "ETH": amounts(3)}
    size = {
        "BTC-PERP": amounts(3),
        "BTC-MAR": amounts(3),
        "BTC-60000-C": amounts(2),
        "BTC-PERP-INVERSE": amounts(0),
    }
    held = st.sampled_from(sorted(money)).flatmap(
        lambda asset: st.tuples(
            st.sampled_from(NAMES), POT, st.just(asset), money[asset], money[asset], st.just(""), st.just("")
        )
    )
    traded = st.sampled_from(CONTRACTS).flatmap(
        lambda name: st.tuples(
            st.sampled_from(traders),
            POT,
            st.just(name),
            signed(size[name]).filter(lambda text: text.strip("-0.") != ""),
            st.one_of(st.just(""), signed(amounts(2))),
        )
    )
    return {
        "accounts": [
            (name, draw(st.sampled_from(["u@example.org", "Zoe\u0308"])), draw(nonce), books[name])
            for name in NAMES
        ],
        "balances": draw(unique(held, 12)),
        "positions": draw(unique(traded, 12)),
    }


@st.composite
def tables(draw: st.DrawFn) -> Tables:
    """A ledger, with up to three fields or rows made odd."""
    found = draw(good_tables())
    if draw(st.booleans()):
        found["control"] = [("BTC", draw(amounts(4))), ("BTC-PERP", "0")]
    for _ in range(draw(st.integers(0, 3))):
        rows = found[draw(st.sampled_from(["accounts", "balances", "positions"]))]
        if rows:
            at = draw(st.integers(0, len(rows) - 1))
            column = draw(st.integers(0, len(rows[at]) - 1))
            odd = draw(st.sampled_from([*ODD_NAMES, *ODD_NUMBERS, "portfolio", "spot", "BTC", "0.5", "-1"]))
            changed = (*rows[at][:column], odd, *rows[at][column + 1 :])
            rows.insert(draw(st.integers(0, len(rows))), rows[at]) if draw(st.booleans()) else None
            rows[at] = changed
    return found


def write_csv(folder: Path, stem: str, rows: list[Row], draw: st.DrawFn) -> None:
    out = io.StringIO()
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    csv.writer(out, lineterminator=ending, quoting=quoting).writerows([HEADERS[stem], *rows])
    data = draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + out.getvalue().encode()
    if draw(st.integers(0, 7)) == 0:  # broken as a file
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.sampled_from([b"\xff", b",", b'"', b"\n", b"\r", b"\0"])) + data[at:]
    (folder / f"{stem}.csv").write_bytes(data)


KINDS: tuple[Callable[[list[str]], Any], ...] = (
    lambda texts: pa.array(texts, pa.large_string()),
    lambda texts: pa.array(texts).dictionary_encode(),
    lambda texts: pa.array([text or None for text in texts], pa.string()),
    lambda texts: pa.array([Decimal(text) if text else None for text in texts], pa.decimal128(38, 18)),
    lambda texts: pa.array([Decimal(text) if text else None for text in texts], pa.decimal128(12, 4)),
    lambda texts: pa.array([Decimal(text) if text else None for text in texts], pa.decimal256(70, 20)),
    lambda texts: pa.array([int(text) for text in texts], pa.int64()),
    lambda texts: pa.array([int(text) for text in texts], pa.uint64()),
)


def write_parquet(folder: Path, stem: str, rows: list[Row], draw: st.DrawFn) -> None:
    arrays = []
    for position in range(len(HEADERS[stem])):
        texts = [row[position] for row in rows]
        try:
            arrays.append(draw(st.sampled_from(KINDS))(texts))
        except (ValueError, ArithmeticError, pa.ArrowException):
            arrays.append(pa.array(texts, pa.string()))
    table = pa.Table.from_arrays(arrays, list(HEADERS[stem]))
    pq.write_table(table, folder / f"{stem}.parquet", row_group_size=draw(st.sampled_from([3, 1000])))


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_columns_read_what_rows_read(small: Public, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "BATCH_ROWS", data.draw(st.sampled_from([4, 1 << 19])))
        for stem, rows in data.draw(tables()).items():
            write = data.draw(st.sampled_from([write_csv, write_parquet]))
            write(Path(name), stem, rows, data.draw)
        found, wanted = outcomes(Path(name), *small)
        assert found == wanted


TEXT_NUMBERS = st.one_of(
    st.text("0123456789.-", max_size=24),
    st.text("0123456789.-+e /:\u0661\x00", max_size=17),
    signed(amounts(6)),
    st.integers(-(10**40), 10**40).map(str),
    st.decimals(-(10**12), 10**12, allow_nan=False, places=8).map(lambda value: f"{value:f}"),
)


def common(text: str) -> bool:
    """What has to be read by columns: 16 bytes, or 20 digits before the point and 18 after, 0 from the ninth on."""
    whole, _, part = text.removeprefix("-").partition(".")
    padded = len(whole) <= 20 and len(part) <= 18 and int(whole + part[:8].ljust(8, "0")) < 2**63
    return len(text) <= 16 or (padded and not part[8:].strip("0"))


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXT_NUMBERS, max_size=12), st.integers(0, 3))
def test_numbers_are_those_of_the_row_reader(texts: list[str], skipped: int) -> None:
    found = vector_decimals.numbers(pa.array(texts, pa.string())[skipped:], 8)
    for text, mantissa, decimals, known in zip(
        texts[skipped:], found.mantissas.tolist(), found.decimals.tolist(), found.known.tolist(), strict=True
    ):
        try:
            value = decimal(text)
        except BadNumberError:
            assert not known, text
        else:
            assert known or not common(text), text
            assert not known or Fraction(mantissa, 10**decimals) == value, text


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.integers(-(10**37), 10**37), st.integers(-(10**6), 10**6)), max_size=8),
    st.integers(0, 38),
    st.sampled_from([0, 2, 8, 18]),
    st.booleans(),
)
def test_decimals_of_any_scale(values: list[int | None], scale: int, finest: int, optional: bool) -> None:
    entries = [None if value is None else Decimal(value).scaleb(-scale, EXACT) for value in values]
    found = vector_decimals.numbers(pa.array(entries, pa.decimal128(38, scale)), finest, optional=optional)
    for value, mantissa, decimals, known in zip(
        values, found.mantissas.tolist(), found.decimals.tolist(), found.known.tolist(), strict=True
    ):
        if value is None:
            assert known == optional and (mantissa == 0 or not known)
        elif known:
            assert Fraction(mantissa, 10**decimals) == Fraction(value, 10**scale)
        else:
            finer = Fraction(value, 10**scale) * 10**finest
            assert finer.denominator > 1 or abs(finer) >= 2**63


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.builds(lambda k, n: Fraction(k, 10**n), st.integers(1, 10**6), st.integers(0, 9)),
        min_size=1,
        max_size=3,
    ),
    st.lists(st.tuples(MANTISSAS, st.integers(0, 18)), min_size=1, max_size=8),
)
def test_lots_are_whole_or_left(sizes: list[Fraction], values: list[tuple[int, int]]) -> None:
    lots = vector_decimals.LotSizes(sizes)
    mantissas, decimals = (np.array(part, np.int64) for part in zip(*values, strict=True))
    which = np.arange(len(values)) % len(sizes)
    given_numbers = vector_decimals.Numbers(mantissas, decimals, np.ones(len(values), bool))
    counts, fits = lots.count(given_numbers, which)
    for (mantissa, scale), size, count, fit in zip(
        values, [sizes[i] for i in which], counts.tolist(), fits.tolist(), strict=True
    ):
        exact = Fraction(mantissa, 10**scale) / size
        assert not fit or exact == count
        assert fit or exact.denominator != 1 or abs(mantissa) >= 2**32


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"a", b",", b'"', b'""', b"\n", b"\r\n", b"\r", b" ", b"\xc3\xa9", b"\xff", b"\0"]),
        max_size=14,
    )
)
def test_plain_files_are_read_alike(parts: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "t.csv")
        path.write_bytes(b"h,i\n" + b"".join(parts))
        problems = Problems()
        wanted = read_csv(path, SCHEMA, problems)
        try:
            batches = list(columns.open_columns(path, SCHEMA, ()).batches())
        except NotPlainError:
            return
        assert wanted is not None and not problems.count
        assert wanted.columns == {
            key: [text for batch in batches for text in batch[key].to_pylist()] for key in SCHEMA.names
        }


@pytest.mark.parametrize("data", ['a,1\n"a, b",2\n', '"a\nb",1\r\n"",""\n', "é,1\n", ""])
def test_what_is_plain(tmp_path: Path, data: str) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf" + b"h,i\n" + data.encode())
    found = columns.open_columns(tmp_path / "t.csv", SCHEMA, ())
    assert sum(len(batch["h"]) for batch in found.batches()) == len(list(csv.reader(io.StringIO(data))))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"h,i\na,1\n\n",
        b"h,i\r\na,1\r\n\r\n",
        b"\nh,i\n",
        b"h,i\na\n",
        b"h,i\na,1,\n",
        b"h,i\ra,1\r",
        b'h,i\n"a"b,1\n',
        b'h,i\na "b",1\n',
        b'h,i\n"a,1\n',
        b"h,i,x_mine\na,1,\xff\n",  # in a column that nobody reads
        b"h,i\na,\0\n",
        b"h,j\na,1\n",
        b"h,i\na," + b"1" * 40_000,
        b'h,i\na,"' + b"1\n" * 70_000 + b'"\n',
    ],
)
def test_what_is_not_plain(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(NotPlainError):
        list(columns.open_columns(tmp_path / "t.csv", SCHEMA, ()).batches())


def test_blocks_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(f"name {i}" + "\n" * (i % 3), "x," * (i % 5)) for i in range(40)]
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("h", "i"), *rows])
    (tmp_path / "t.csv").write_text(out.getvalue().replace("\n\n", "\n"), newline="")
    wanted = list(csv.reader(io.StringIO(out.getvalue().replace("\n\n", "\n"))))[1:]
    for size in (7, 64, 100, 1000):
        monkeypatch.setattr(plain_csv, "_CHUNK", size)
        monkeypatch.setattr(columns, "_BLOCK_BYTES", max(size, 64))
        found = list(columns.open_columns(tmp_path / "t.csv", SCHEMA, ()).batches())
        assert [text for batch in found for text in batch["i"].to_pylist()] == [row[1] for row in wanted]


def test_only_odd_pots_are_read_row_by_row(
    tmp_path: Path, small: Public, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And with them the other rows of the pot: the second of A1's cross pot is in order by itself."""
    seen: dict[str, list[int]] = {}
    for name in ("read_balances", "read_positions"):
        reader = getattr(ledger_files, name)

        def spy(table: Table, *args: Any, name: str = name, reader: Any = reader, **named: Any) -> None:
            seen[name] = list(table.numbers)
            reader(table, *args, **named)

        monkeypatch.setattr(ledger_files, name, spy)
    load_ledger(write_ledger(tmp_path / "good"), *small)
    assert seen == {"read_balances": [], "read_positions": []}
    odd = POSITIONS.replace("BTC-PERP,0.25", "BTC-PERP," + "0" * 30 + ".25")
    digest = load_ledger(tmp_path / "good", *small).digest
    assert load_ledger(write_ledger(tmp_path / "odd", positions=odd), *small).digest == digest
    assert seen == {"read_balances": [], "read_positions": [2, 3]}


def test_costs_whose_sum_would_wrap(tmp_path: Path) -> None:
    """Costs near 2^62 lots in one pot: each fits its column, the sum of the first three not even 64 bits."""
    names = [f"P{number}" for number in range(5)]
    market = write_market(
        tmp_path / "market",
        policy=POLICY.replace('"1e9" }\nlevels', f'"{2**62 - 1}" }}\nlevels'),
        instruments="instrument,kind,underlying,settlement,lot,tick\nUSD,spot,USD,USD,1,1\nBTC,spot,BTC,USD,1,1\n"
        "ETH,spot,ETH,USD,1,1\n" + "".join(f"{name},perpetual,BTC,USD,1,1\n" for name in names),
        prices="time,kind,name,value\n"
        + "".join(f"2026-01-30T08:00:00Z,spot,{asset},1\n" for asset in ("BTC", "ETH"))
        + "".join(f"2026-01-30T08:00:00Z,mark,{name},1\n" for name in names),
    )
    public = load_market(market)
    header = "account,pot,instrument,quantity,entry_cost\n"
    largest = 2**62 - 1
    for costs in ([largest] * 3, [largest] * 2 + [-largest], [-largest] * 5, [largest, 1], [largest, -1]):
        rows = [f"A1,cross,{name},1,{cost}\n" for name, cost in zip(names, costs, strict=False)]
        balances = "account,pot,asset,held,owed\nA1,cross,USD,1,0\n"
        folder = write_ledger(tmp_path / str(len(rows)), balances=balances, positions=header + "".join(rows))
        found, wanted = outcomes(folder, *public)
        assert found == wanted
        assert isinstance(wanted[1], bytes) == (abs(sum(costs)) <= largest)
