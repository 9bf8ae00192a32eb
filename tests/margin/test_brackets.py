"""Brackets: the circuit's requirement is the exchange's formula, rounded up, whatever is held."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import small_market as sm
from bracket_cases import BTC, BTCUSDT, OTHERS, QUANTUM, bracket_book, compile_book
from hypothesis import given
from hypothesis import strategies as st

from zkmargin.circuits.circuit import E, I, N, R
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.overstatement import overstatement
from zkmargin.circuits.witness import check_row
from zkmargin.inputs.models.bracket import Bracket
from zkmargin.inputs.models.brackets import Brackets, Rates
from zkmargin.inputs.models.open_interest import OpenInterest
from zkmargin.inputs.policy import Policy
from zkmargin.margin.accounts import calculate
from zkmargin.margin.book import BookMargin
from zkmargin.margin.formulas import by_formula, formula_of
from zkmargin.margin.whatif import ladder
from zkmargin.risk.brackets import amounts, mark_notional
from zkmargin.risk.table import RiskTable
from zkmargin.sparse import sparse

F = Fraction


@cache
def compiled(
    maintenance: Rates = "marginal", initial: Rates = "marginal"
) -> tuple[Policy, RiskTable, CompiledBook]:
    parameters = Brackets({"BTC-PERP": BTC, "*": OTHERS}, maintenance, initial)
    return compile_book(bracket_book(parameters=parameters))


def requirement(floors: list[Fraction], rates: list[Fraction], notional: Fraction, kind: Rates) -> Fraction:
    """rate x notional - amount of the bracket that holds the notional."""
    at = max(t for t, floor in enumerate(floors) if floor <= notional)
    return rates[at] * notional - amounts(floors, rates, kind)[at]


def margin_of(
    policy: Policy, table: RiskTable, book: CompiledBook, row: dict[tuple[str, str], int]
) -> BookMargin:
    return calculate(policy, table, sm.pots(row, book_id="perp"), book)


@pytest.mark.parametrize("floor, rate, leverage, amount", BTCUSDT)
def test_the_amount_of_each_bracket_is_the_published_one(
    floor: int, rate: str, leverage: int, amount: int
) -> None:
    """rate x notional - cum, at the floor and in the middle: the bracket holds its floor, and both sides agree."""
    floors, rates = [bracket.floor for bracket in BTC], [bracket.maintenance for bracket in BTC]
    for notional in (F(floor), F(floor) + F(12_345, 7)):
        assert requirement(floors, rates, notional, "marginal") == F(rate) * notional - amount
        assert requirement(floors, rates, notional, "whole") == F(rate) * notional
        lines = (F(r) * notional - cum for _, r, _, cum in BTCUSDT)
        assert requirement(floors, rates, notional, "marginal") == max(lines)


@pytest.mark.parametrize("kinds", [("marginal", "marginal"), ("marginal", "whole"), ("whole", "whole")])
@given(st.data())
def test_the_circuit_is_the_formula_rounded_up(kinds: tuple[Rates, Rates], data: st.DataObject) -> None:
    policy, table, book = compiled(*kinds)
    sizes = st.one_of(st.integers(-(10**3), 10**3), st.integers(-(10**7), 10**7))
    btc, eth = data.draw(sizes, "btc"), data.draw(sizes, "eth")
    row = {("position", "BTC-PERP"): btc, ("position", "ETH-PERP"): eth}
    row[("held", "USD")] = data.draw(st.integers(0, 10**9), "cash")
    pots = sm.pots({key: lots for key, lots in row.items() if lots}, book_id="perp")
    margin = calculate(policy, table, pots, book)
    check_row(book.circuit, book.fill(pots).row(0))
    exact = {"maintenance": F(0), "initial": F(0)}
    for lots, contract, brackets in ((btc, "BTC-PERP", BTC), (eth, "ETH-PERP", OTHERS)):
        notional = abs(lots) * mark_notional(sm.market(), sm.market().instruments[contract])
        for kind, name in zip(kinds, exact, strict=True):
            floors, rates = [b.floor for b in brackets], [getattr(b, name) for b in brackets]
            exact[name] += requirement(floors, rates, notional, kind)
    proven = {"maintenance": margin.requirement[0], "initial": margin.initial[0]}
    formula = by_formula(policy, sm.market(), pots)
    assert formula is not None
    floats = {"maintenance": formula.requirement[0], "initial": formula.initial[0]}
    for name, value in exact.items():
        over = int(proven[name]) - value / QUANTUM
        assert 0 <= over <= abs(btc) + abs(eth)  # slopes are rounded up to a quantum a lot, and jumps
        assert floats[name] == pytest.approx(float(value), rel=1e-12, abs=1e-9)
    assert np.isclose(float(int(margin.equity[0]) * policy.equity_quantum), formula.equity[0])


@given(st.integers(1, 2 * 10**7))
def test_the_bound_of_overstatement_covers_every_size(lots: int) -> None:
    """At a mark with many decimals each lot's slope is rounded up by a part of a quantum."""
    policy, table, book, notional = uneven()
    found = margin_of(policy, table, book, {("position", "BTC-PERP"): lots})
    floors, rates = [bracket.floor for bracket in BTC], [bracket.maintenance for bracket in BTC]
    over = int(found.requirement[0]) * QUANTUM - requirement(floors, rates, lots * notional, "marginal")
    assert 0 <= over <= overstatement(book) < 2 * (1 << 25) * QUANTUM


@cache
def uneven() -> tuple[Policy, RiskTable, CompiledBook, Fraction]:
    market = sm.market(mark={"BTC-PERP": F("100010.1234567")})
    book = bracket_book(parameters=Brackets({"BTC-PERP": BTC}))
    return *compile_book(book, market), mark_notional(market, market.instruments["BTC-PERP"])


def test_what_a_requirement_consists_of() -> None:
    policy, table, book = compiled()
    found = margin_of(policy, table, book, {("position", "BTC-PERP"): 1_000, ("position", "ETH-PERP"): -10})
    assert [(unit.name, unit.binding) for unit in found.pot(0).units] == [
        ("brackets BTC-PERP", "tier 2"),
        ("brackets ETH-PERP", "tier 1"),
    ]
    assert sum(unit.requirement for unit in found.pot(0).units) == found.requirement[0]


def test_at_a_floor_whole_rates_jump() -> None:
    """ETH-PERP at 4,001: 124 lots of 0.01 are 4,961.24, the 125th makes 5,001.25 of which 10 % instead of 5 %."""
    policy, table, book = compiled("whole", "whole")
    found = [
        int(margin_of(policy, table, book, {("position", "ETH-PERP"): lots}).requirement[0])
        for lots in (124, 125)
    ]
    assert [lots * QUANTUM for lots in found] == [F("248.062"), F("500.125")]


@pytest.mark.parametrize("kinds", [("marginal", "marginal"), ("marginal", "whole"), ("whole", "whole")])
@given(st.integers(0, 63), st.integers(0, 63), st.integers(0, 300), st.integers(0, 300))
def test_no_other_row_of_a_position_asks_for_less(
    kinds: tuple[Rates, Rates], first: int, against: int, rest: int, hedge: int
) -> None:
    """Whatever stands in the columns of the first 63 lots and of the rest, on both sides: only the net counts."""
    _, _, book = compiled(*kinds)
    index = book.circuit.input_index
    small, position = index["small", "ETH-PERP"], index["position", "ETH-PERP"]
    lots = {(small, 0): first, (small, 1): against, (position, 0): rest, (position, 1): hedge}
    row = book.program.complete({side: sparse([0], [x]) for side, x in lots.items() if x}, 1).row(0)
    check_row(book.circuit, row)
    net = first - against + rest - hedge
    honest = book.fill(sm.pots({("position", "ETH-PERP"): net} if net else {}, book_id="perp")).outputs[0]
    assert (row.outputs[N], row.outputs[E]) == (honest[N], honest[E])
    assert row.outputs[R] >= honest[R]
    assert row.outputs[I] >= honest[I]


def test_one_lot_larger_than_several_brackets() -> None:
    """A lot of 100,010 passes over the first floors: the last bracket that begins within it counts."""
    steps = tuple(Bracket(F(n * 1_000), F(n, 100), F(n, 50)) for n in range(5))
    market = sm.market(sm.contract("BIG", "BTC", "1"), mark={"BIG": F(100_010)})
    policy, table, book = compile_book(bracket_book(parameters=Brackets({"BIG": steps})), market)
    found = margin_of(policy, table, book, {("position", "BIG"): 2})
    assert int(found.requirement[0]) * QUANTUM == F(4, 100) * 200_020 - 10 * (1 + 2 + 3 + 4)


def test_brackets_of_a_contract_an_underlying_and_all_others() -> None:
    flat = {name: (Bracket(F(0), F(rate), F(rate)),) for name, rate in (("BTC", "0.1"), ("BTC-MAR26", "0.2"))}
    parameters = Brackets({**flat, "*": OTHERS})
    contracts = sm.market().instruments
    rates = {
        name: parameters.brackets(contracts[name])[0].maintenance
        for name in ("BTC-PERP", "BTC-INVERSE", "BTC-MAR26", "ETH-PERP")
    }
    assert rates == {
        "BTC-PERP": F(1, 10),
        "BTC-INVERSE": F(1, 10),
        "BTC-MAR26": F(1, 5),
        "ETH-PERP": F(1, 20),
    }
    assert not parameters.margins(contracts["BTC-MAR26-110000-C"])
    assert not Brackets(flat).margins(contracts["ETH-PERP"])


def test_dydx_worked_numbers() -> None:
    """dYdX v4, x/perpetuals: 15 % x 0.8 = 12 %; 123,456 at 56.7243 % is 70,030; half way between caps 20 % -> 60 %."""
    initial = F("0.567243")
    book = bracket_book(parameters=Brackets({"IM": (Bracket(F(0), F("0.12"), initial),)}))
    market = sm.market(sm.contract("IM", "BTC", "1"), mark={"IM": F(123_456)})
    policy, table, circuit = compile_book(book, market, equity_quantum=F(1, 100), margin_quantum=F(1, 100))
    found = margin_of(policy, table, circuit, {("position", "IM"): -1})
    assert (found.initial[0], found.requirement[0]) == (7_002_956, 1_481_472)  # 70,029.552, up; 14,814.72
    half = OpenInterest(F(10**12), F(2 * 10**12), F(15 * 10**11))
    assert [half.scaled(F(1, 5)), replace(half, value=F(0)).scaled(F(1, 5))] == [F(3, 5), F(1, 5)]
    assert replace(half, value=F(3 * 10**12)).scaled(F(1, 5)) == 1


def test_open_interest_scales_initial_rates_alone() -> None:
    base = Brackets({"*": (Bracket(F(0), F("0.03"), F("0.05")),)})
    crowded = replace(base, open_interest={"ETH-PERP": OpenInterest(F(0), F(10**6), F(250_000))})
    margins = []
    for parameters in (base, crowded):
        policy, table, book = compile_book(bracket_book(parameters=parameters))
        margins.append(margin_of(policy, table, book, {("position", "ETH-PERP"): 100}))
    notional = F(4_001)
    assert [int(found.initial[0]) * QUANTUM for found in margins] == [
        F("0.05") * notional,
        (F("0.05") + F("0.95") / 4) * notional,
    ]
    assert margins[0].requirement[0] == margins[1].requirement[0] == F("0.03") * notional / QUANTUM


def test_a_liquidation_price_is_where_equity_meets_the_requirement() -> None:
    """Binance, "How to calculate liquidation price of USDS-M futures contracts": cross margin, two long positions.

    Wallet 1,535,443.01; 3,683.979 ETH at 1,456.84, maintenance 10 % less 135,365; 109.488 BTC at 32,481.98, marked
    31,967.27, 2.5 % less 16,300: ETH is liquidated at 1,153.26.
    """
    rates = {
        "ETH-PERP": {
            "0": "0.005",
            "1e4": "0.0065",
            "1e5": "0.01",
            "5e5": "0.02",
            "1e6": "0.05",
            "2e6": "0.1",
        },
        "BTC-PERP": {"0": "0.004", "5e4": "0.005", "2.5e5": "0.01", "1e6": "0.025"},
    }
    brackets = {
        name: tuple(Bracket(F(floor), F(rate), F(rate)) for floor, rate in of.items())
        for name, of in rates.items()
    }
    market = sm.market(mark={"ETH-PERP": F("1335.18"), "BTC-PERP": F("31967.27")})
    policy = sm.policy(bracket_book(parameters=Brackets(brackets), collateral={"USD": "cash"}))
    rules = formula_of(policy, market, "perp")
    account = rules.portfolios(
        positions={"ETH-PERP": [3683.979], "BTC-PERP": [109.488]},
        held={"USD": [1535443.01]},
        cost={"USD": [3683.979 * 1456.84 + 109.488 * 32481.98]},
    )
    now = rules.margin(account)
    eth, btc = 3683.979 * 1335.18, 109.488 * 31967.27
    assert now.requirement[0] == pytest.approx(eth * 0.1 - 135_365 + btc * 0.025 - 16_300)
    prices = (1153.26 - 0.01, 1153.26 + 0.01)
    equity, required = ladder(policy, market, "perp", account, "ETH", [p / 1335.18 - 1 for p in prices])
    assert equity[0] < required[0]
    assert equity[1] > required[1]
