from __future__ import annotations

import csv
import hashlib
import io
import random
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_exchange import (
    ACCOUNTS,
    BALANCES,
    LEDGER_FILES,
    POSITIONS,
    write_files,
    write_ledger,
    write_market,
)

from zkmargin import limits
from zkmargin.errors import InputError, Problem
from zkmargin.inputs import load_ledger, load_market, load_records
from zkmargin.inputs.ledger import Ledger, Pots, User, Users, ledger_digest
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import Policy
from zkmargin.sparse import SparseValues, sparse

Public = tuple[Policy, Market]


def load(folder: Path, public: Public, **changed: str) -> Ledger:
    return load_ledger(write_ledger(folder / "ledger", **changed), *public)


def faults(folder: Path, public: Public, **changed: str) -> list[Problem]:
    with pytest.raises(InputError) as caught:
        load(folder, public, **changed)
    return list(caught.value.problems)


def amounts(pots: Pots) -> dict[tuple[str, str], dict[tuple[str, str], int]]:
    return {
        key: {pots.labels[row]: int(value) for row, value in zip(column.rows, column.values, strict=True)}
        for key, column in pots.values.items()
    }


def test_everything_is_read_in_lots(tmp_path: Path, public: Public) -> None:
    ledger = load(tmp_path, public)
    portfolio, spot = ledger.pots["portfolio"], ledger.pots["spot"]
    assert portfolio.labels == (("A1", "cross"), ("A1", "isolated-1"), ("A2", "cross"), ("A4", "cross"))
    a1, a2 = ("A1", "cross"), ("A2", "cross")
    assert amounts(portfolio) == {
        ("held", "USD"): {a1: 1_000_000, ("A1", "isolated-1"): 50_000},
        ("held", "BTC"): {a2: 15_000},
        ("owed", "BTC"): {a2: 2_500},
        ("position", "BTC-PERP"): {a1: 250},
        ("position", "BTC-MAR"): {a1: -250},
        ("position", "BTC-60000-C"): {("A1", "isolated-1"): -10},
        ("position", "BTC-PERP-INVERSE"): {a2: -300},
        ("cost", "USD"): {a1: 1_500_000 - 1_510_050},
        ("cost", "BTC"): {a2: 5_000},
    }
    assert amounts(spot) == {
        ("held", "BTC"): {("A3", "cross"): 20_000},
        ("owed", "USD"): {("A3", "cross"): 2_000_000},
        ("pledged:loan", "BTC"): {("A3", "cross"): 5_000},
        ("pledged:margin", "BTC"): {("A3", "cross"): 2_500},
    }
    assert portfolio.users[0].id == portfolio.users[1].id == "alice@example.com"
    assert portfolio.users[0].nonce == bytes(range(16)) and portfolio.users[2].nonce == b""


def test_users_in_columns_are_the_users(tmp_path: Path, public: Public) -> None:
    pots = load(tmp_path, public).pots
    one_by_one = {name: replace(book, users=tuple(book.users)) for name, book in pots.items()}
    for name, book in pots.items():
        users = one_by_one[name].users
        assert all(isinstance(user, User) for user in users)
        assert Users.of(users) == book.users is Users.of(book.users)
        assert tuple(book.users[1:]) == users[1:]
        assert len(book.users) == len(book)
    assert ledger_digest(one_by_one) == ledger_digest(pots)


def test_nothing_secret_is_printed(tmp_path: Path, public: Public) -> None:
    ledger = load(tmp_path, public)
    shown = repr(ledger) + repr(ledger.pots["portfolio"]) + repr(ledger.pots["portfolio"].users)
    assert "alice" not in shown and "A1" not in shown and "USD" not in shown
    assert ledger.digest.hex() not in shown


def shuffled(text: str, seed: int) -> str:
    """The same table: rows and columns in another order, CRLF, a BOM, a column of one's own, trailing zeros."""
    header, *rows = csv.reader(io.StringIO(text))
    chance = random.Random(seed)
    chance.shuffle(rows)
    order = list(range(len(header)))
    chance.shuffle(order)
    lines = [["x_note", *(header[i] for i in order)]]
    lines += [["é", *(padded(header[i], row[i]) for i in order)] for row in rows]
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(lines)
    return "\ufeff" + out.getvalue()


def padded(column: str, value: str) -> str:
    if column not in ("held", "owed", "quantity", "entry_cost") or not value:
        return value
    return value + ("000" if "." in value else ".000")


@pytest.mark.parametrize("seed", range(3))
def test_the_digest_is_of_values(tmp_path: Path, public: Public, seed: int) -> None:
    texts = {name.removesuffix(".csv"): shuffled(text, seed) for name, text in LEDGER_FILES.items()}
    assert load(tmp_path / "other", public, **texts).digest == load(tmp_path, public).digest


def test_parquet_has_the_digest_of_csv(tmp_path: Path, public: Public) -> None:
    folder = tmp_path / "parquet"
    folder.mkdir()
    for name, text in LEDGER_FILES.items():
        header, *rows = csv.reader(io.StringIO(text))
        columns = dict(zip(header, (list(column) for column in zip(*rows, strict=True)), strict=True))
        table = {key: pa.array(values) for key, values in columns.items()}
        if "held" in table:
            table["held"] = table["held"].cast(pa.decimal128(30, 6))
        pq.write_table(pa.table(table), folder / name.replace("csv", "parquet"))
    assert load_ledger(folder, *public).digest == load(tmp_path, public).digest


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("accounts", "alice@", "Alice@"),
        ("accounts", "0e0f", "0e0e"),
        ("accounts", "A4,dave@example.com,,portfolio", "A4,dave@example.com,,spot"),
        ("balances", "10000.00", "10000.01"),
        ("balances", "0.5,0.25", "0.25,0.5"),
        ("balances", "isolated-1", "isolated-2"),
        ("positions", "A1,cross,BTC-PERP,0.25", "A1,cross,BTC-PERP,-0.25"),
        ("positions", "15000.00", "15000.01"),
    ],
)
def test_every_value_is_in_the_digest(tmp_path: Path, public: Public, name: str, old: str, new: str) -> None:
    text = LEDGER_FILES[f"{name}.csv"]
    assert old in text
    changed = {name: text.replace(old, new, 1)}
    if new == "isolated-2":
        changed["positions"] = POSITIONS.replace(old, new)
    assert load(tmp_path / "other", public, **changed).digest != load(tmp_path, public).digest


def test_a_single_account_with_nothing_is_a_leaf(tmp_path: Path, public: Public) -> None:
    ledger = load(
        tmp_path,
        public,
        accounts="account,user,book\nA1,alice,portfolio\n",
        balances=BALANCES.splitlines()[0],
        positions="account,pot,instrument,quantity\n",
    )
    assert ledger.pots["portfolio"].labels == (("A1", "cross"),)
    assert ledger.pots["spot"].labels == () and not ledger.pots["portfolio"].values


def test_an_account_with_an_isolated_pot_only(tmp_path: Path, public: Public) -> None:
    balances = BALANCES + "A4,p,USD,1,0,,\n"
    assert ("A4", "cross") not in load(tmp_path, public, balances=balances).pots["portfolio"].labels


def test_a_user_is_normalised_but_not_folded(tmp_path: Path, public: Public) -> None:
    composed = "Zoë@example.com"
    accounts = ACCOUNTS.replace("dave@example.com", unicodedata.normalize("NFD", composed))
    assert load(tmp_path, public, accounts=accounts).pots["portfolio"].users[3].id == composed


def test_two_accounts_of_one_user(tmp_path: Path, public: Public) -> None:
    load(tmp_path, public, accounts=ACCOUNTS.replace("bob@", "alice@"))


@pytest.mark.parametrize(
    "name, old, new, row, column, message",
    [
        ("accounts", "A2,bob", "A1,bob", 3, "account", "twice"),
        (
            "accounts",
            "A4,dave@example.com,,portfolio",
            "A4,dave@example.com,,portfolios",
            5,
            "book",
            "unknown book",
        ),
        ("accounts", "A4,dave@example.com", "A4,", 5, "user", "empty"),
        ("accounts", "A4,dave@example.com", "A4, dave", 5, "user", "begins or ends with a space"),
        ("accounts", "A4,dave@example.com", "A4,da\tve", 5, "user", "control characters"),
        ("accounts", "A4,dave@example.com", "A4," + "d" * 257, 5, "user", "longer than 256"),
        ("accounts", "A4,dave", ",dave", 5, "account", "empty"),
        ("accounts", "A4,dave", "Zoe\u0308,dave", 5, "account", "normal form"),
        ("balances", "isolated-1", "two\u2028lines", 3, "pot", "control characters"),
        ("accounts", "0c0d0e0f", "0c0d0e", 2, "user_nonce", "not 16 bytes"),
        ("accounts", "0c0d0e0f", "0c0d0e0g", 2, "user_nonce", "not 16 bytes"),
        ("balances", "A2,cross,BTC", "A9,cross,BTC", 4, "account", "not in the accounts file"),
        ("balances", "A2,cross,BTC", "a2,cross,BTC", 4, "account", "not in the accounts file"),
        ("balances", "A2,cross,BTC", "A2,cross,DOGE", 4, "asset", "unknown asset"),
        ("balances", "A2,cross,BTC", "A2,cross,btc", 4, "asset", "unknown asset"),
        ("balances", "A2,cross,BTC", "A2,,BTC", 4, "pot", "empty"),
        ("balances", "A1,isolated-1,USD", "A1,cross,USD", 3, "asset", "twice"),
        ("balances", "1.5,0.25", "-1.5,0", 4, "held", "negative"),
        ("balances", "1.5,0.25", "1.5,-0.25", 4, "owed", "negative"),
        ("balances", "1.5,0.25", "NaN,0.25", 4, "held", "not a finite number"),
        ("balances", "1.5,0.25", "1.5,inf", 4, "owed", "not a finite number"),
        ("balances", "1.5,0.25", "1.5,1e-1", 4, "owed", "exponent"),
        ("balances", "1.5,0.25", ",0.25", 4, "held", "no value"),
        ("balances", "1.5,0.25", "0x5,0.25", 4, "held", "not a decimal number"),
        ("balances", "1.5,0.25", "1.50001,0.25", 4, "held", "too many decimals"),
        ("balances", "10000.00", "10000.001", 2, "held", "too many decimals"),
        ("balances", "10000.00", "99999999999999", 2, "held", "beyond the width"),
        ("balances", "0,20000", "0,99999999999999", 6, "owed", "beyond the width"),
        ("balances", "2,0,0.5,0.25", "2,0,1.5,0.6", 5, "pledged_loan", "more pledged than held"),
        ("balances", "2,0,0.5,0.25", "2,0,-0.5,0.25", 5, "pledged_loan", "negative"),
        (
            "balances",
            "A3,cross,USD,0,20000,,",
            "A3,cross,USD,5,20000,5,",
            6,
            "pledged_loan",
            "takes no 'USD'",
        ),
        ("balances", "1.5,0.25,,", "1.5,0.25,1,", 4, "pledged_loan", "has no pool"),
        ("balances", "pledged_margin", "pledged_other", 1, "pledged_other", "unknown column"),
        ("balances", "held,owed", "held,debt", 1, "owed", "missing"),
        (
            "balances",
            "A2,cross,BTC,1.5,0.25,,",
            "A2,cross,BTC,1.5,0.25",
            4,
            None,
            "5 fields where the header has 7",
        ),
        ("positions", "A2,cross", "A9,cross", 5, "account", "not in the accounts file"),
        ("positions", "BTC-MAR,-0.25", "BTC-PERP,-0.25", 3, "instrument", "twice"),
        ("positions", "BTC-MAR,-0.25", "BTC-APR,-0.25", 3, "instrument", "unknown instrument"),
        ("positions", "BTC-MAR,-0.25", "BTC,-0.25", 3, "instrument", "not a contract"),
        ("positions", "BTC-MAR,-0.25", "BTC-MAR,-0.2505", 3, "quantity", "too many decimals"),
        ("positions", "BTC-MAR,-0.25", "BTC-MAR,-0.00", 3, "quantity", "a position of 0"),
        ("positions", "BTC-MAR,-0.25", "BTC-MAR,", 3, "quantity", "no value"),
        ("positions", "BTC-MAR,-0.25", "BTC-MAR,-263", 3, "quantity", "beyond the width"),
        ("positions", "-15100.5", "-15100.555", 3, "entry_cost", "too many decimals"),
        ("positions", "-300,0.5", "-300,0.00005", 5, "entry_cost", "too many decimals"),
        ("positions", "-300,0.5", "-300,99999999", 5, "entry_cost", "beyond the width"),
        ("positions", "A2,cross", "A3,cross", 5, "instrument", "takes no positions"),
    ],
)
def test_what_bad_input_gets(
    tmp_path: Path, public: Public, name: str, old: str, new: str, row: int, column: str | None, message: str
) -> None:
    text = LEDGER_FILES[f"{name}.csv"]
    assert old in text
    found = faults(tmp_path, public, **{name: text.replace(old, new, 1)})
    assert any(
        (p.file, p.row, p.column) == (f"{name}.csv", row, column) and message in p.message for p in found
    ), found


def test_a_part_of_a_lot(tmp_path: Path) -> None:
    instruments = write_market(tmp_path / "market") / "instruments.csv"
    instruments.write_text(
        instruments.read_text().replace("BTC-PERP,perpetual,BTC,USD,0.001", "BTC-PERP,perpetual,BTC,USD,0.2")
    )
    found = faults(
        tmp_path, load_market(tmp_path / "market"), positions=POSITIONS.replace("PERP,0.25", "PERP,0.3")
    )
    assert [(p.row, p.column, p.message) for p in found] == [(2, "quantity", "not a whole number of lots")]
    assert found[0].hint == "a lot is 0.2"


def test_the_edges_of_the_widths(tmp_path: Path, public: Public) -> None:
    # position sides of 18 bits (see test_market), held and owed USD of 37 bits
    fits = {
        "positions": POSITIONS.replace("BTC-MAR,-0.25", "BTC-MAR,-262.143"),
        "balances": BALANCES.replace("10000.00", "1374389534.71"),
    }
    pots = load(tmp_path, public, **fits).pots["portfolio"]
    assert amounts(pots)["position", "BTC-MAR"]["A1", "cross"] == -(2**18 - 1)
    assert amounts(pots)["held", "USD"]["A1", "cross"] == 2**37 - 1
    assert faults(tmp_path, public, balances=BALANCES.replace("10000.00", "1374389534.72"))
    assert faults(tmp_path, public, positions=POSITIONS.replace("BTC-MAR,-0.25", "BTC-MAR,-262.144"))


def test_costs_fit_in_sum(tmp_path: Path, public: Public) -> None:
    positions = POSITIONS.replace("15000.00", "1000000000").replace("-15100.5", "1000000000")
    found = faults(tmp_path, public, positions=positions)
    assert [(p.row, p.column, p.value) for p in found] == [(3, "entry_cost", "2000000000")]


def test_an_asset_without_a_price_range_cannot_be_owed(tmp_path: Path) -> None:
    policy = write_market(tmp_path / "market") / "policy.toml"
    policy.write_text(policy.read_text().replace(', ETH = "0.18"', ""))
    public = load_market(tmp_path / "market")
    assert load(tmp_path, public, balances=BALANCES + "A4,cross,ETH,1,0,,\n")
    found = faults(tmp_path, public, balances=BALANCES + "A4,cross,ETH,0,1,,\n")
    assert [(p.row, p.column) for p in found] == [(7, "owed")] and "no price_range" in found[0].message
    assert load(tmp_path, public, balances=BALANCES + "A4,cross,USD,0,1,,\nA3,cross,ETH,0,1,,\n")


@pytest.mark.parametrize("name", sorted(LEDGER_FILES))
@pytest.mark.parametrize("data", [None, b"", "account\n".encode("utf-16"), b"\xff\xfe\x00"])
def test_files_that_are_none(tmp_path: Path, public: Public, name: str, data: bytes | None) -> None:
    folder = write_ledger(tmp_path / "ledger")
    (folder / name).unlink()
    if data is not None:
        (folder / name).write_bytes(data)
    with pytest.raises(InputError) as caught:
        load_ledger(folder, *public)
    assert {p.file for p in caught.value.problems} == {name}  # and no row of another file is blamed for it


def test_no_accounts_at_all(tmp_path: Path, public: Public) -> None:
    assert faults(tmp_path, public, accounts="account,user,book\n")[0].message == "no accounts"


def test_all_problems_of_all_files(tmp_path: Path, public: Public) -> None:
    found = faults(
        tmp_path,
        public,
        accounts=ACCOUNTS.replace("0e0f", ""),
        balances=BALANCES.replace("1.5,0.25", "x,y"),
        positions=POSITIONS.replace("-300,0.5", "0,0.5"),
    )
    assert [(p.file, p.row, p.column) for p in found] == [
        ("accounts.csv", 2, "user_nonce"),
        ("balances.csv", 4, "held"),
        ("balances.csv", 4, "owed"),
        ("positions.csv", 5, "quantity"),
    ]


def test_many_problems_are_counted(tmp_path: Path, public: Public) -> None:
    rows = "".join(f"A1,p{number},USD,-1,0,,\n" for number in range(limits.MAX_PROBLEMS + 5))
    with pytest.raises(InputError, match="and 5 more"):
        load(tmp_path, public, balances=BALANCES + rows)


CONTROL = "name,total\nBTC,3.25\nUSD,-9500\nBTC-PERP,0.250\nBTC-MAR,-0.25\nETH,0\n"


def test_control_totals(tmp_path: Path, public: Public) -> None:
    write_files(tmp_path / "ledger", {"control.csv": CONTROL})
    load(tmp_path, public)
    for old, new, message in (
        ("3.25", "3.5", "the rows add up to 3.25"),
        ("-9500", "10500", "the rows add up to -9500"),
        ("BTC-MAR,-0.25", "BTC-MAR,0.25", "the rows add up to -0.25"),
        ("ETH,", "DOGE,", "unknown instrument"),
        ("ETH,0", "BTC,3.25", "twice"),
        ("3.25", "many", "not a decimal number"),
    ):
        write_files(tmp_path / "ledger", {"control.csv": CONTROL.replace(old, new)})
        found = faults(tmp_path, public)
        assert [p.file for p in found] == ["control.csv"] and message in found[0].message


def test_records_of_one_customer(tmp_path: Path, public: Public) -> None:
    records = write_files(
        tmp_path / "mine",
        {
            "balances.csv": "account,pot,asset,held,owed\nA1,cross,USD,10000,0\nA1,isolated-1,USD,500,0\n",
            "positions.csv": "".join(POSITIONS.splitlines(keepends=True)[:4]),
        },
    )
    mine = load_records(records, *public, account="A1", book="portfolio")
    everyone = load(tmp_path, public).pots["portfolio"]
    assert mine.labels == everyone.labels[:2]
    whole = amounts(everyone)
    assert amounts(mine) == {
        key: {label: value for label, value in entries.items() if label[0] == "A1"}
        for key, entries in whole.items()
        if any(label[0] == "A1" for label in entries)
    }
    with pytest.raises(InputError, match="not the bundle's account"):
        load_records(records, *public, account="A2", book="portfolio")


def test_amounts_beyond_64_bits(tmp_path: Path) -> None:
    """The edge of Summa's entry_16_no_overflow.csv: 2^64 - 1, and totals beyond."""
    largest = 2**64 - 1
    market = write_market(
        tmp_path / "market",
        policy='[exchange]\nname = "S"\nquote = "ETH"\n[units]\nequity_quantum = "1"\nmargin_quantum = "1"\n'
        f'[book.main]\nmodel = "collateral"\nsettlement = "ETH"\nlimits = {{ balance = "{largest}" }}\n',
        instruments="instrument,kind,underlying,settlement,lot,tick\nETH,spot,ETH,ETH,1,1\n",
        prices="time,kind,name,value\n2026-01-30T08:00:00Z,spot,ETH,1\n",
    )
    public = load_market(market)
    accounts = "account,user,book\na,a,main\nb,b,main\nc,c,main\n"
    rows = ("a", str(largest)), ("b", str(largest)), ("c", "1")

    def balances(entries: tuple[tuple[str, str], ...]) -> str:
        return "account,pot,asset,held,owed\n" + "".join(f"{a},cross,ETH,{held},0\n" for a, held in entries)

    empty = "account,pot,instrument,quantity\n"
    column = load(tmp_path, public, accounts=accounts, balances=balances(rows), positions=empty)
    held = column.pots["main"].values["held", "ETH"]
    assert held.values.dtype == object and held.total() == 2 * largest + 1
    beyond = balances((("a", str(largest + 1)), *rows[1:]))
    assert faults(tmp_path, public, accounts=accounts, balances=beyond, positions=empty)[0].row == 2
    small = load(tmp_path, public, accounts=accounts, balances=balances((rows[2],)), positions=empty)
    assert small.pots["main"].values["held", "ETH"].values.dtype == np.int64


def digest_as_documented(ledger: Ledger) -> bytes:
    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, "little", signed=True)

    pieces = [b"zkmargin ledger 2"]
    for book in sorted(ledger.pots):
        pots = ledger.pots[book]
        pieces += [book.encode(), number(len(pots.labels), 8) + number(len(pots.values), 8)]
        for column in (
            [account.encode() for account, _ in pots.labels],
            [pot.encode() for _, pot in pots.labels],
            [user.id.encode() for user in pots.users],
            [user.nonce for user in pots.users],
        ):
            pieces += [b"".join(number(len(text), 8) for text in column), b"".join(column)]
        for (kind, name), amount in sorted(pots.values.items()):
            rows = b"".join(number(int(row), 8) for row in amount.rows)
            pieces += [kind.encode(), name.encode(), rows]
            size = 8 if all(-(2**63) <= value < 2**63 for value in amount.values) else 32
            pieces.append(b"".join(number(int(value), size) for value in amount.values))
    return hashlib.sha256(b"".join(number(len(piece), 8) + piece for piece in pieces)).digest()


def test_the_digest_is_the_documented_one(tmp_path: Path, public: Public) -> None:
    ledger = load(tmp_path, public)
    assert ledger.digest == digest_as_documented(ledger)
    other = load(tmp_path / "other", public, accounts=ACCOUNTS.replace("dave@", "Zoë@"))
    assert other.digest == digest_as_documented(other) != ledger.digest
    pots = ledger.pots["portfolio"]
    for largest in (2**62, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1):
        column = sparse([0, 2], [1, largest])
        wide = Ledger({"portfolio": replace(pots, values={("cost", "BTC"): column})}, b"")
        assert ledger_digest(wide.pots) == digest_as_documented(wide)


def test_the_digest_does_not_depend_on_the_width_of_arrays(tmp_path: Path, public: Public) -> None:
    ledger = load(tmp_path, public)
    wide = {
        name: replace(
            pots, values={k: SparseValues(v.rows, v.values.astype(object)) for k, v in pots.values.items()}
        )
        for name, pots in ledger.pots.items()
    }
    assert ledger_digest(wide) == ledger.digest
