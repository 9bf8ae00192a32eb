"""Account books of the Summa project: sums that everyone knows, and rows that must be refused."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from small_exchange import write_ledger, write_market

from zkmargin.errors import InputError
from zkmargin.inputs import load_ledger, load_market
from zkmargin.inputs.ledger import Ledger

VECTORS = Path(__file__).parents[2] / ".." / "shared" / "vectors" / "summa"

# entry_16.csv, typed: (user, ETH, USDT); both columns add up to 556862
ENTRY_16 = (
    ("dxGaEAii", "11888", "41163"),
    ("MBlfbBGI", "67823", "18651"),
    ("lAhWlEWZ", "18651", "2087"),
    ("nuZweYtO", "22073", "55683"),
    ("gbdSwiuY", "34897", "83296"),
    ("RZNneNuP", "83296", "16881"),
    ("YsscHXkp", "31699", "35479"),
    ("RkLzkDun", "2087", "79731"),
    ("HlQlnEYI", "30605", "11888"),
    ("RqkZOFYe", "16881", "14874"),
    ("NjCSRAfD", "41163", "67823"),
    ("pHniJMQY", "14874", "22073"),
    ("dOGIMzKR", "10032", "10032"),
    ("HfMDmNLp", "55683", "34897"),
    ("xPLKzCBl", "79731", "30605"),
    ("AtwIxZHo", "35479", "31699"),
)

POLICY = """\
exchange = { name = "Summa", quote = "USDT" }
units = { equity_quantum = "1", margin_quantum = "1" }
[book.main]
model = "collateral"
settlement = "USDT"
limits = { balance = "18446744073709551615" }
"""
INSTRUMENTS = (
    "instrument,kind,underlying,settlement,lot,tick\nETH,spot,ETH,USDT,1,1\nUSDT,spot,USDT,USDT,1,1\n"
)
PRICES = "time,kind,name,value\n2026-01-30T08:00:00Z,spot,ETH,1\n"


def load(folder: Path, rows: list[tuple[str, ...]]) -> Ledger:
    """Load a book of rows (user, amount of ETH, amount of USDT)."""
    market = load_market(write_market(folder / "m", policy=POLICY, instruments=INSTRUMENTS, prices=PRICES))
    amounts = [
        (user, asset, held)
        for user, *held_of in rows
        for asset, held in zip(("ETH", "USDT"), held_of, strict=False)
    ]
    ledger = write_ledger(
        folder / "l",
        accounts="account,user,book\n" + "".join(f"{user},{user},main\n" for user, *_ in rows),
        balances="account,pot,asset,held,owed\n"
        + "".join(f"{user},cross,{asset},{held},0\n" for user, asset, held in amounts),
        positions="account,pot,instrument,quantity\n",
    )
    return load_ledger(ledger, *market)


def totals(ledger: Ledger) -> tuple[int, int]:
    values = ledger.pots["main"].values
    return values["held", "ETH"].total(), values["held", "USDT"].total()


def test_totals(tmp_path: Path) -> None:
    assert totals(load(tmp_path, list(ENTRY_16))) == (556_862, 556_862)


@pytest.mark.parametrize("amount, message", [("-871", "negative"), ("enrico", "not a decimal number")])
def test_negative_and_ill_typed(tmp_path: Path, amount: str, message: str) -> None:
    rows: list[tuple[str, ...]] = [("gAdsIaKy", "7534"), ("hsrQLFWx", amount), ("UOtqToBc", "3849")]
    with pytest.raises(InputError) as caught:
        load(tmp_path, rows)
    assert [(p.file, p.row, p.column, p.value) for p in caught.value.problems] == [
        ("balances.csv", 3, "held", amount)
    ]
    assert message in caught.value.problems[0].message


def read(name: str) -> list[tuple[str, ...]]:
    if not VECTORS.is_dir():
        pytest.skip("../shared/vectors/summa is not here; the typed cases above did run")
    with open(VECTORS / name, newline="") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


@pytest.mark.parametrize(
    "name, expected",
    [
        ("entry_16.csv", (556_862, 556_862)),
        ("entry_16_no_overflow.csv", (2**64 - 1, 2**64 - 1)),
        ("entry_13.csv", (385_969, 459_661)),
    ],
)
def test_the_files(tmp_path: Path, name: str, expected: tuple[int, int]) -> None:
    assert totals(load(tmp_path, read(name))) == expected


@pytest.mark.parametrize(
    "name, row",
    [
        ("entry-16-neg-balance.csv", 7),
        ("entry-16-invalid-balance-type.csv", 17),
        ("entry_16_overflow.csv", 2),
    ],
)
def test_the_files_that_are_refused(tmp_path: Path, name: str, row: int) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, read(name))
    assert [p.row for p in caught.value.problems] == [row]
