"""Margin by sensitivities: the circuit is never below the formula, above it by rounding and by the norm's 0.155 %."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache
from math import log2

import numpy as np
import pytest
import small_market as sm
from hypothesis import given
from hypothesis import strategies as st
from model_books import CORRELATED, greeks_book
from vollib.black import black
from vollib.black.greeks.analytical import delta, gamma, vega

from zkmargin.circuits.circuit import E, I, R
from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.overstatement import overstatement
from zkmargin.circuits.witness import check_row
from zkmargin.errors import PolicyError
from zkmargin.inputs.market import Market
from zkmargin.inputs.models.correlations import Correlations, factored
from zkmargin.inputs.models.sensitivities import Sensitivities
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.inputs.policy_rules import check_policy
from zkmargin.margin.accounts import calculate
from zkmargin.margin.formulas import by_formula
from zkmargin.risk.greeks import black76_greeks
from zkmargin.risk.table import RiskTable, build_risk_table

F = Fraction
JUNE = sm.MARCH.replace(month=6, day=26)
LATE = "BTC-JUN26-120000-C"


def market() -> Market:
    late = sm.option(LATE, "BTC", "0.1", 120_000, "call", expiry=JUNE)
    return sm.market(
        late,
        mark={LATE: F(8_000)},
        forward={("BTC", JUNE): F(102_500)},
        volatility={LATE: F("0.48")},
    )


BOOKS = {
    "added": greeks_book(),
    "no minimum": greeks_book(short_option_minimum=F(0)),
    "no offset": greeks_book("0"),
    "correlated": greeks_book("0", CORRELATED),
    "correlated, minimum": greeks_book("0", CORRELATED, short_option_minimum=F("0.02")),
}
CORRELATED_BOOKS = {"correlated", "correlated, minimum"}


@cache
def compiled(name: str) -> tuple[Policy, RiskTable, CompiledBook]:
    policy = sm.policy(BOOKS[name])
    table = build_risk_table(policy, market())
    return policy, table, compile_circuit(policy, market(), table, "desk")


AMOUNTS = st.fixed_dictionaries(
    {
        ("position", "BTC-PERP"): st.integers(-50_000, 50_000),
        ("position", "ETH-PERP"): st.integers(-50_000, 50_000),
        ("position", "BTC-MAR26-110000-C"): st.integers(-500, 500),
        ("position", "BTC-MAR26-90000-P"): st.integers(-500, 500),
        ("position", "ETH-MAR26-4000-C"): st.integers(-500, 500),
        ("position", LATE): st.integers(-500, 500),
        ("position", "BTC-INVERSE"): st.integers(-1_000, 1_000),
        ("cost", "BTC"): st.integers(-(10**6), 10**6),
        ("held", "BTC"): st.integers(0, 10**6),
        ("owed", "BTC"): st.integers(0, 10**6),
        ("owed", "ETH"): st.integers(0, 10**6),
        ("held", "USD"): st.integers(0, 10**9),
    }
)


@pytest.mark.parametrize("name", BOOKS)
@given(amounts=AMOUNTS)
def test_the_circuit_is_the_formula_rounded_up(name: str, amounts: Mapping[tuple[str, str], int]) -> None:
    policy, table, book = compiled(name)
    held = {key: lots for key, lots in amounts.items() if lots}
    if ("position", "BTC-INVERSE") not in held:  # a cost needs a position settled in its asset
        held.pop(("cost", "BTC"), None)
    pots = sm.pots(held, book_id="desk")
    check_row(book.circuit, book.fill(pots).row(0))
    margin = calculate(policy, table, pots, book)
    formula = by_formula(policy, market(), pots)
    assert formula is not None
    digits = sum(abs(lots).bit_length() for lots in held.values())
    quanta = float(policy.margin_quantum) * (4 * digits + 20)
    size = 1e-9 * sum(
        abs(float(lots * table.lot_value[k[1]] * policy.equity_quantum)) for k, lots in held.items()
    )
    above = 1.00155 ** np.ceil(log2(4)) - 1 if name in CORRELATED_BOOKS else 0
    for proven, exchange in ((margin.requirement, formula.requirement), (margin.initial, formula.initial)):
        over = float(int(proven[0]) * policy.equity_quantum) - exchange[0]
        assert -size - 1e-6 <= over <= above * exchange[0] + 1.25 * quanta + size
    assert np.isclose(float(int(margin.equity[0]) * policy.equity_quantum), formula.equity[0])


def test_greeks_against_vollib() -> None:
    """Derivatives by vollib are per unit of price, per 1 % of volatility; ours are for relative moves."""
    for right in ("call", "put"):
        for k, v, t in ((60.0, 0.2, 0.1), (100.0, 0.6, 0.5), (140.0, 1.2, 2.0)):
            arguments = [np.array([x]) for x in (100.0, k, v, t)]
            ours = black76_greeks(*arguments, 0.03, np.array([right == "call"]))[:, 0]
            theirs = [f(right[0], 100.0, k, t, 0.03, v) for f in (delta, gamma, vega)]
            assert ours == pytest.approx([theirs[0] * 100, theirs[1] * 100**2, theirs[2] * 100 * v], rel=1e-9)


def test_greeks_predict_a_small_move() -> None:
    table = build_risk_table(sm.policy(greeks_book()), market())
    pnl = table.books["desk"].pnl["BTC-MAR26-110000-C"]
    d, g, v = (float(pnl.long(measure)) for measure in range(3))
    years, r, s = 56 / 365, 1e-3, 1e-3
    change = black("c", 101_000 * (1 + r), 110_000, years, 0, 0.5 * (1 + s)) - black(
        "c", 101_000, 110_000, years, 0, 0.5
    )
    assert 0.1 * change == pytest.approx(d * r + g * r * r / 2 + v * s, rel=1e-3)


def test_requirement_by_hand() -> None:
    """Long 1 BTC and short 10 ETH perpetuals: 16,001.6 and 7,201.8; correlated at 0.6 their root form is smaller."""
    held = {("position", "BTC-PERP"): 1_000, ("position", "ETH-PERP"): -1_000}
    a, b = 0.16 * 100_010, -0.18 * 4_001 * 10
    for name, expected in (("added", a - b), ("correlated", (a * a + b * b + 2 * 0.6 * a * b) ** 0.5)):
        policy, table, book = compiled(name)
        found = calculate(policy, table, sm.pots(held, book_id="desk"), book)
        proven = float(found.requirement[0] * policy.equity_quantum)
        assert expected <= proven <= expected * 1.00155 + 0.01


@pytest.mark.parametrize("lots", [-3, 3])
def test_a_contract_in_its_own_coin_moves_twice(lots: int) -> None:
    """Worth price x price: a move of 16 % costs 2 x 16 % of the value, and a short 16 % squared on top."""
    coin = sm.contract("BTC-COIN", "BTC", "1", settlement="BTC", multiplier=F(1, 10**6))
    there, policy = sm.market(coin, mark={coin.name: F(100_000)}), sm.policy(greeks_book())
    table = build_risk_table(policy, there)
    pots = sm.pots({("position", coin.name): lots}, book_id="desk")
    found = calculate(policy, table, pots, compile_circuit(policy, there, table, "desk"))
    value, up, down = 10_000 * 3, F("1.16") ** 2 - 1, 1 - F("0.84") ** 2
    exact = value * (up if lots < 0 else (up + down) / 2)  # delta alone for a long gamma
    assert found.requirement[0] * policy.equity_quantum == pytest.approx(float(exact), abs=0.01)
    formula = by_formula(policy, there, pots)
    assert formula is not None
    assert formula.requirement[0] == pytest.approx(float(exact))


def test_vega_of_two_expiries_offsets_in_part() -> None:
    policy, table, book = compiled("no minimum")
    pnl = table.books["desk"].pnl
    near, far = (float(pnl[name].long(2)) for name in ("BTC-MAR26-110000-C", LATE))
    row = {("position", "BTC-MAR26-110000-C"): 3, ("position", LATE): -2}
    found = calculate(policy, table, sm.pots(row, book_id="desk"), book).pot(0)
    charges = {unit.name: float(unit.requirement * policy.equity_quantum) for unit in found.units}
    assert charges["net vega BTC"] == pytest.approx(0.2 * abs(3 * near - 2 * far), abs=0.01)
    assert charges["vega BTC bucket 0"] == pytest.approx(0.05 * 3 * near, abs=0.01)
    assert charges["vega BTC bucket 1"] == pytest.approx(0.05 * 2 * far, abs=0.01)


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("asset", ["BTC", "ETH", "USD"])
def test_a_loan_to_oneself_is_no_hedge(name: str, asset: str) -> None:
    """Long perpetuals need as much with a million lots of an asset held and owed as without, at least."""
    policy, table, book = compiled(name)
    long = {("position", "BTC-PERP"): 500, ("position", "ETH-PERP"): 5_000}
    loan = {("held", asset): 10**6, ("owed", asset): 10**6}
    margin = calculate(policy, table, sm.pots(long, long | loan, book_id="desk"), book)
    assert margin.requirement[1] >= margin.requirement[0]
    assert margin.net[1] == margin.net[0]


@given(st.lists(st.integers(-9, 9), min_size=3, max_size=6), st.integers(0, 99), st.integers(0, 99))
def test_the_factor_is_never_too_small(entries: list[int], across: int, inside: int) -> None:
    factors = [(f"u{i // 2}", i % 2) for i in range(len(entries))]
    matrix = Correlations(F(0), F(min(across, inside), 100), F(max(across, inside), 100)).of_vegas(factors)
    lower = factored(matrix)
    n = range(len(entries))
    form = sum(entries[i] * entries[j] * matrix[i][j] for i in n for j in n)
    squares = sum(sum(entries[i] * lower[i][j] for i in n if j <= i) ** 2 for j in n)
    assert form <= squares <= form + F(2, 10**9) * sum(x * x for x in entries)


def test_correlations_that_are_no_form_are_refused() -> None:
    with pytest.raises(PolicyError, match="not positive semi-definite"):
        factored([[F(1), F("0.9"), F(0)], [F("0.9"), F(1), F("0.9")], [F(0), F("0.9"), F(1)]])
    assert factored([[F(1), F(1)], [F(1), F(1)]])  # singular is not negative


@pytest.mark.parametrize("output", [E, R, I])
@pytest.mark.parametrize("name", ["added", "correlated, minimum"])
def test_nobody_can_claim_less(name: str, output: int) -> None:
    """The optimum over all rows with these inputs: see tests/circuits/test_oracle.py."""
    oracle = pytest.importorskip("circuit_oracle")
    _, _, book = compiled(name)
    rng = np.random.default_rng(19)
    names = ("BTC-PERP", "ETH-PERP", "BTC-MAR26-110000-C", LATE)
    rows = [
        {("held", "USD"): 10**7} | {("position", k): int(rng.integers(-900, 900)) for k in names}
        for _ in range(3)
    ]
    witness = book.fill(sm.pots(*rows, book_id="desk"))
    for index in range(witness.rows):
        row = witness.row(index)
        gain = (row.outputs[output] - oracle.best(book.circuit, row, output)) * oracle.BEST[output]
        assert gain <= 1_000 + 1e-7 * max(map(abs, row.outputs))


@pytest.mark.parametrize("name", BOOKS)
def test_rounding_costs_less_than_the_policy_allows(name: str) -> None:
    assert overstatement(compiled(name)[2]) < 1


@pytest.mark.parametrize(
    ("book", "column", "message"),
    [
        (greeks_book("0.6"), "vega_offset", "out of range"),
        (greeks_book("-0.1"), "vega_offset", "out of range"),
        (greeks_book(scenarios=sm.UP_DOWN), "scenarios", "this model has none"),
        (greeks_book(netting="joint"), "netting", "nets by underlying"),
        (greeks_book(parameters=Sensitivities((F(90), F(30)), F(0), None)), "vega_buckets", "not rising"),
        (greeks_book("0.1", CORRELATED), "vega_offset", "not with correlations"),
        (greeks_book("0", replace(CORRELATED, delta=F(2))), "correlations.delta", "not from -1 to 1"),
        (greeks_book("0", replace(CORRELATED, vega=F(1))), "correlations", "not positive semi-definite"),
    ],
)
def test_refusals_by_name(book: BookPolicy, column: str, message: str) -> None:
    found = [(problem.column, problem.message) for problem in check_policy(sm.policy(book))]
    assert any(where == f"book.desk.{column}" and message in text for where, text in found), found


def test_parameters_round_trip() -> None:
    policy = sm.policy(greeks_book("0", CORRELATED), greeks_book(id="other"))
    assert Policy.from_json(policy.to_json()) == policy
