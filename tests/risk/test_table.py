"""Lot values, JSON, digest and the tolerance between two computations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from small_market import F, book, contract, market, policy, spot, spot_book

from zkmargin import canonical
from zkmargin.errors import DecodeError, PolicyError, VerificationError
from zkmargin.inputs.market import lot_notional
from zkmargin.risk.table import RiskTable, build_risk_table, compare, differences

OPTION, OTHER = "BTC-MAR26-110000-C", "ETH-MAR26-4000-C"


@pytest.fixture(scope="module")
def table() -> RiskTable:
    return build_risk_table(policy(book(), spot_book()), market())


def test_lot_values(table: RiskTable) -> None:
    assert table.lot_value == {
        "USD": 10_000,
        "BTC": 10_000_000,
        "ETH": 4_000_000,
        "SOL": 2_000_000,
        "BTC-PERP": 100_010_000,
        "ETH-PERP": 40_010_000,
        "BTC-INVERSE": -10_000_000,  # 10 USD short of coin, whatever the price
        "BTC-MAR26": 101_000_000,
        "BTC-MAR26-110000-C": 450_000_000,
        "BTC-MAR26-90000-P": 310_000_000,
        "ETH-MAR26-4000-C": 300_000_000,
    }


def test_settlement_price_is_part_of_the_lot_value() -> None:
    quanto = contract("ETH-BTC", "ETH", "0.1", settlement="BTC")
    found = build_risk_table(policy(book(netting="joint")), market(quanto, mark={"ETH-BTC": F("0.04")}))
    assert found.lot_value["ETH-BTC"] == 400_000_000


def test_what_a_lot_refers_to() -> None:
    """Of contracts that settle in a coin the value: priced in BTC an ETH, or paid 1e-6 BTC a dollar of BTC."""
    quanto = contract("ETH-BTC", "ETH", "0.1", settlement="BTC")
    coin = contract("BTC-COIN", "BTC", "1", settlement="BTC", multiplier=F(1, 10**6))
    there = market(quanto, coin, mark={"ETH-BTC": F("0.04"), "BTC-COIN": F(100_000)})
    notional = {name: lot_notional(there, item) for name, item in there.instruments.items()}
    assert notional["ETH-BTC"] == F("0.1") * 4_000
    assert notional["BTC-COIN"] == 10_000
    assert notional["BTC-INVERSE"] == 10
    assert notional["BTC-PERP"] == F("0.001") * 100_000
    assert notional[OPTION] == F("0.1") * 100_000


@pytest.mark.parametrize(("price", "value"), [("50.0000005", 50_000_000), ("50.0000015", 50_000_002)])
def test_halves_round_to_even(price: str, value: int) -> None:
    found = build_risk_table(policy(), market(spot("X", "1"), spot={"X": F(price)}))
    assert found.lot_value["X"] == value


def test_too_coarse_a_quantum_is_refused_with_one_that_would_do() -> None:
    fine = market(spot("X", "0.00000001"), spot={"X": F("100000.37")})  # a lot is 0.0010000037
    with pytest.raises(PolicyError) as caught:
        build_risk_table(policy(), fine)
    assert caught.value.code == "equity-quantum"
    assert "X" in caught.value.message
    assert caught.value.hint == 'set equity_quantum = "1e-10"'
    for quantum in ("1e-10", "1e-9"):
        finer = policy(equity_quantum=F(quantum))
        if quantum == "1e-10":
            assert build_risk_table(finer, fine).lot_value["X"] == 10_000_037
        else:
            with pytest.raises(PolicyError):
                build_risk_table(finer, fine)


def test_error_is_relative_to_the_underlying_so_worthless_options_pass() -> None:
    far = build_risk_table(policy(), market(mark={OPTION: F("0.0000001")}))
    assert far.lot_value[OPTION] == 0


def test_rounding_error_at_the_bound_is_accepted_and_above_refused() -> None:
    at = market(spot("X", "1"), spot={"X": F("5.0000005")}, index={"X": F(5)})
    assert build_risk_table(policy(), at).lot_value["X"] == 5_000_000  # 5e-7 off, 5.0000005e-7 allowed
    above = market(spot("X", "1"), spot={"X": F("4.9999995")})
    with pytest.raises(PolicyError):
        build_risk_table(policy(), above)


def test_json_round_trip(table: RiskTable) -> None:
    data = canonical.encode(table.to_json())
    again = RiskTable.from_json(canonical.decode(data, "risk"))
    assert again == table
    assert again.digest == table.digest
    assert canonical.encode(again.to_json()) == data


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("time",), "yesterday"),
        (("lot_value", "BTC"), "1e3"),
        (("lot_value", "BTC"), "010"),
        (("books", "portfolio", "pnl", "BTC", "unit"), "0"),
        (("books", "portfolio", "pnl", "BTC", "unit"), "2/4"),
        (("books", "portfolio", "pnl", "BTC", "exact"), "true"),
        (("books", "portfolio", "pnl", "BTC", "values"), ["1"]),
        (("books", "portfolio", "pnl", "XRP"), {"unit": "1", "values": ["0"] * 16, "exact": True}),
        (("books", "portfolio", "book"), "spot"),
        (("surplus",), "1"),
    ],
)
def test_json_of_another_shape_is_refused(table: RiskTable, path: tuple[str, ...], value: Any) -> None:
    data = canonical.decode(canonical.encode(table.to_json()), "risk")
    target = data
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    with pytest.raises(DecodeError):
        RiskTable.from_json(data)


def moved(table: RiskTable, name: str, by: int, scenario: int = 3) -> RiskTable:
    risk = table.books["portfolio"]
    values = list(risk.pnl[name].values)
    values[scenario] += by
    pnl = risk.pnl | {name: replace(risk.pnl[name], values=tuple(values))}
    return replace(table, books=table.books | {"portfolio": replace(risk, pnl=pnl)})


def test_equal_tables_tolerate_nothing(table: RiskTable) -> None:
    assert compare(table, table) == 0
    assert differences(table, table).entries == 0


@pytest.mark.parametrize("by", [1, -1])
def test_one_unit_of_an_option_is_tolerated_and_priced(table: RiskTable, by: int) -> None:
    stored = moved(moved(table, OPTION, by), OTHER, by)
    found = differences(stored, table)
    assert found.entries == 2
    assert compare(stored, table) == found.money == F(2, 10**9)
    assert found.money_of({OPTION: -1_000, OTHER: 500, "BTC-PERP": 9}) == F(1_500, 10**9)


@pytest.mark.parametrize(("name", "by"), [(OPTION, 2), (OPTION, -2), ("BTC-PERP", 1), ("BTC", -1)])
def test_two_units_or_an_exact_entry_are_refused(table: RiskTable, name: str, by: int) -> None:
    with pytest.raises(VerificationError, match=name):
        compare(moved(table, name, by), table)


def altered(table: RiskTable) -> dict[str, RiskTable]:
    risk = table.books["portfolio"]

    def with_book(**changes: Any) -> RiskTable:
        return replace(table, books=table.books | {"portfolio": replace(risk, **changes)})

    def with_option(**changes: Any) -> RiskTable:
        return with_book(pnl=risk.pnl | {OPTION: replace(risk.pnl[OPTION], **changes)})

    rates = table.short_minimum["portfolio"]
    return {
        "time": replace(table, time=table.time.replace(year=2025)),
        "lot value": replace(table, lot_value=table.lot_value | {"BTC": 10_000_001}),
        "lot value: names": replace(table, lot_value=table.lot_value | {"XRP": 1}),
        "short-option minimum": replace(
            table, short_minimum={"portfolio": rates | {OPTION: rates[OPTION] - F(1, 10**12)}}
        ),
        "books": replace(table, books={"portfolio": risk}),
        "scenarios": with_book(scenarios=risk.scenarios[::-1]),
        "units": with_book(units=risk.units[:1]),
        "instruments with P&L": with_book(pnl={k: v for k, v in risk.pnl.items() if k != OPTION}),
        "unit": with_option(unit=F(1, 10**8)),
        "exact": with_option(exact=True),
        "number of scenarios": with_option(values=risk.pnl[OPTION].values[:-1]),
    }


@pytest.mark.parametrize("what", list(altered(build_risk_table(policy(book(), spot_book()), market()))))
def test_everything_else_must_be_equal(table: RiskTable, what: str) -> None:
    with pytest.raises(VerificationError, match=what):
        compare(altered(table)[what], table)
