"""Historical margin: the circuit is never below the formula and above it by rounding only; conventions by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
import small_market as sm
from hypothesis import given
from hypothesis import strategies as st
from model_books import AT_RISK, EXPECTED, SCENARIOS, historical_book, past

from zkmargin.circuits.circuit import E, I, R
from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.overstatement import overstatement
from zkmargin.circuits.witness import check_row
from zkmargin.errors import PolicyError
from zkmargin.inputs.market import Market
from zkmargin.inputs.market_rules import check_market, check_together
from zkmargin.inputs.models.historical import Historical
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.inputs.policy_rules import check_policy
from zkmargin.inputs.returns import Returns
from zkmargin.margin.accounts import calculate
from zkmargin.margin.formulas import by_formula
from zkmargin.margin.historical import (
    expected_shortfall,
    interpolated_value_at_risk,
    mean_shortfall,
    value_at_risk,
)
from zkmargin.risk.history import scaled, with_history
from zkmargin.risk.table import RiskTable, build_risk_table

F = Fraction


def market() -> Market:
    return replace(sm.market(), returns=past())


BOOKS = {
    "expected shortfall": historical_book(),
    "part of a loss": historical_book(tail="0.075"),
    "the largest": historical_book(tail="0.01"),
    "value at risk": historical_book(AT_RISK),
    "mixed with stress": historical_book(weight="0.75"),
    "no minimum": historical_book(weight="0.75", short_option_minimum=F(0)),
    "value at risk, mixed, by underlying": historical_book(AT_RISK, weight="0.6", netting="underlying"),
    "filtered": historical_book(parameters=Historical("expected-shortfall", F("0.1"), F(1), F("0.94"))),
}


@cache
def compiled(name: str) -> tuple[Policy, RiskTable, CompiledBook]:
    policy = sm.policy(BOOKS[name])
    table = build_risk_table(policy, market())
    return policy, table, compile_circuit(policy, market(), table, "cleared")


AMOUNTS = st.fixed_dictionaries(
    {
        ("position", "BTC-PERP"): st.integers(-50_000, 50_000),
        ("position", "ETH-PERP"): st.integers(-50_000, 50_000),
        ("position", "BTC-MAR26-110000-C"): st.integers(-500, 500),
        ("position", "BTC-MAR26-90000-P"): st.integers(-500, 500),
        ("held", "BTC"): st.integers(0, 10**6),
        ("held", "USD"): st.integers(0, 10**9),
    }
)


@pytest.mark.parametrize("name", BOOKS)
@given(amounts=AMOUNTS)
def test_the_circuit_is_the_formula_rounded_up(name: str, amounts: Mapping[tuple[str, str], int]) -> None:
    policy, table, book = compiled(name)
    pots = sm.pots({key: lots for key, lots in amounts.items() if lots}, book_id="cleared")
    check_row(book.circuit, book.fill(pots).row(0))
    margin = calculate(policy, table, pots, book)
    formula = by_formula(policy, market(), pots)
    assert formula is not None
    digits = sum(abs(lots).bit_length() for lots in amounts.values())
    quanta = float(policy.margin_quantum) * (digits + 2)  # a quantum a digit; the value itself is rounded up
    size = 1e-9 * float(sum(map(abs, formula.net))) + 1e-6
    factor = float(policy.books["cleared"].initial_factor)
    for proven, exchange, most in (
        (margin.requirement, formula.requirement, quanta),
        (margin.initial, formula.initial, factor * quanta + float(policy.margin_quantum)),
    ):
        over = float(int(proven[0]) * policy.equity_quantum) - exchange[0]
        assert -size <= over <= most + size
    assert np.isclose(float(int(margin.equity[0]) * policy.equity_quantum), formula.equity[0])


def test_requirements_by_hand() -> None:
    """One perpetual in three scenarios: losses 10 %, 5 % and a gain; the worst half is 1.5 scenarios."""
    moves = (F("-0.1"), F("0.05"), F("-0.05"))
    returns = Returns(
        ("a", "b", "c"), {"BTC": moves, "ETH": (F(0),) * 3}, {"BTC": (F(0),) * 3, "ETH": (F(0),) * 3}
    )
    there = replace(sm.market(), returns=returns)
    lot = F("0.001") * 100_010
    for measure, tail, expected in (
        (EXPECTED, "0.5", lot * (F("0.1") + F("0.05") / 2) / F("1.5")),
        (EXPECTED, "0.34", lot * (F("0.1") + F("0.02") * F("0.05")) / F("1.02")),
        (AT_RISK, "0.5", lot * F("0.05")),
        (AT_RISK, "0.33", lot * F("0.1")),
    ):
        policy = sm.policy(historical_book(measure, tail))
        table = build_risk_table(policy, there)
        book = compile_circuit(policy, there, table, "cleared")
        pots = sm.pots({("position", "BTC-PERP"): 1}, book_id="cleared")
        found = calculate(policy, table, pots, book).requirement[0] * policy.equity_quantum
        assert expected <= found < expected + 2 * policy.margin_quantum


def test_expected_shortfall_is_the_minimum_of_rockafellar_and_uryasev() -> None:
    losses = np.random.default_rng(7).normal(size=40)
    for tail in (0.01, 0.05, 0.0625, 0.1, 0.33, 0.99):
        at = losses[:, None]  # the minimum is attained at one of the losses
        values = at[:, 0] + np.maximum(losses - at, 0).sum(axis=1) / (tail * len(losses))
        assert np.isclose(expected_shortfall(losses, tail), values.min())


def test_four_conventions_on_one_series() -> None:
    """Of 715 losses at 1 %: the 8th largest, an interpolation, the mean of 8, and the mean of the worst 7.15."""
    losses = np.arange(715.0) ** 2
    worst = losses[::-1]
    assert value_at_risk(losses, 0.01) == worst[7]
    assert np.isclose(interpolated_value_at_risk(losses, 0.01), worst[8] + 0.86 * (worst[7] - worst[8]))
    assert np.isclose(mean_shortfall(losses, 0.01), worst[:8].mean())
    exact = (worst[:7].sum() + 0.15 * worst[7]) / 7.15
    assert np.isclose(expected_shortfall(losses, 0.01), exact)
    assert exact > mean_shortfall(losses, 0.01)  # what is proven is the larger one


def test_filtered_moves_by_hand() -> None:
    """Two moves of 1 % and 3 %, decay 1/2: variances 5, 3 and 6 of 1e-4, so the moves grow by sqrt(6/5) and sqrt(2)."""
    first, second = scaled((F("0.01"), F("-0.03")), F(1, 2))
    for got, exact in ((first, 0.01 * math.sqrt(6 / 5)), (second, -0.03 * math.sqrt(2))):
        assert 0 <= abs(got) - abs(exact) <= 1e-9 * abs(exact) + 1e-17
    assert scaled((F(0), F(0)), F(1, 2)) == (0, 0)


def test_an_asset_that_stays_keeps_its_price() -> None:
    there = replace(sm.market(), returns=replace(past(), price={"BTC": past().price["BTC"]}))
    scenario = with_history(historical_book(), there).scenarios[3]
    assert scenario.price_move("BTC", F(9)) == past().price["BTC"][3]
    assert scenario.price_move("SOL", F(9)) == 0


def test_only_what_has_a_price_range_moves() -> None:
    """Returns of the quote asset change nothing: its price is 1."""
    dollar = {"USD": (F("-0.5"),) * SCENARIOS}
    returns = Returns(past().scenarios, dict(past().price) | dollar, dict(past().volatility) | dollar)
    policy = sm.policy(historical_book())
    odd, plain = (build_risk_table(policy, there) for there in (replace(market(), returns=returns), market()))
    assert odd == plain


@pytest.mark.parametrize("output", [E, R, I])
@pytest.mark.parametrize("name", ["part of a loss", "mixed with stress", "value at risk"])
def test_nobody_can_claim_less(name: str, output: int) -> None:
    """The optimum over all rows with these inputs, waivers being whole bits: see tests/circuits/test_oracle.py."""
    oracle = pytest.importorskip("circuit_oracle")
    _, _, book = compiled(name)
    rng = np.random.default_rng(13)
    names = ("BTC-PERP", "ETH-PERP", "BTC-MAR26-110000-C")
    rows = [
        {("held", "USD"): 10**7} | {("position", k): int(rng.integers(-900, 900)) for k in names}
        for _ in range(3)
    ]
    witness = book.fill(sm.pots(*rows, book_id="cleared"))
    for index in range(witness.rows):
        row = witness.row(index)
        gain = (
            row.outputs[output] - oracle.best(book.circuit, row, output, bits=name == "value at risk")
        ) * oracle.BEST[output]
        assert gain <= 400 + 1e-9 * max(map(abs, row.outputs))


def test_a_move_multiplies_the_noise_of_a_float_price() -> None:
    """At a hundred times the price a unit is a hundred times the plain one: floats still move it by one at most."""
    option = "BTC-MAR26-110000-C"

    def unit(move: Fraction) -> Fraction:
        moves = {"BTC": (move,), "ETH": (F(0),)}
        there = replace(market(), returns=Returns(("day",), moves, {"BTC": (F(0),), "ETH": (F(0),)}))
        return build_risk_table(sm.policy(historical_book()), there).books["cleared"].pnl[option].unit

    assert unit(F(99)) == 100 * unit(F(0))


def test_a_short_option_that_cannot_move_costs_its_minimum() -> None:
    """An expired option out of the money: no loss in any scenario, and the minimum is owed all the same."""
    over = sm.option("ETH-JAN26-9000-C", "ETH", "1", 9_000, "call", expiry=sm.TIME)
    there = sm.market(over, mark={over.name: F(0)}, forward={("ETH", sm.TIME): F(4_000)})
    kept = {name: item for name, item in there.instruments.items() if item.kind == "spot" or item == over}
    marks = {over.name: F(0)}
    still = (F(0),) * SCENARIOS
    returns = Returns(past().scenarios, {"ETH": still}, {"ETH": still})
    there = replace(there, instruments=kept, mark=marks, volatility={}, returns=returns)
    ranges = {"ETH": F("0.1")}
    book = historical_book(price_range=ranges, short_option_minimum=F("0.005"), collateral={"USD": "cash"})
    policy = sm.policy(book)
    table = build_risk_table(policy, there)
    compiled = compile_circuit(policy, there, table, "cleared")
    pots = sm.pots({("position", over.name): -2}, book_id="cleared")
    found = calculate(policy, table, pots, compiled).requirement[0] * policy.equity_quantum
    assert found == 2 * F("0.005") * 4_000


def test_what_a_requirement_consists_of() -> None:
    policy, table, book = compiled("mixed with stress")
    pots = sm.pots({("position", "BTC-PERP"): -1_000}, book_id="cleared")
    found = calculate(policy, table, pots, book).pot(0)
    assert [unit.name for unit in found.units] == ["requirement joint"]
    assert found.units[0].requirement == found.requirement > 0
    policy, table, book = compiled("no minimum")
    found = calculate(policy, table, pots, book).pot(0)
    moves = past().price["BTC"]
    best = past().scenarios[moves.index(max(moves))]  # the worst day of a short
    assert [(unit.name, unit.binding) for unit in found.units] == [
        ("expected shortfall joint", best),
        ("stress joint", "+1 up"),
    ]
    assert overstatement(book) < 1


def refused(book: BookPolicy, there: Market) -> list[tuple[str | None, str]]:
    policy = sm.policy(book)
    problems = check_policy(policy) or check_market(there) or check_together(policy, there)
    return [(problem.column, problem.message) for problem in problems]


@pytest.mark.parametrize(
    ("changes", "column", "message"),
    [
        ({"tail": "0"}, "tail", "not between 0 and 1"),
        ({"tail": "1.5"}, "tail", "not between 0 and 1"),
        ({"weight": "0"}, "weight", "not above 0"),
        ({"weight": "0.5", "scenarios": ()}, "weight", "with 0 stress scenarios"),
        ({"weight": "1", "scenarios": sm.UP_DOWN}, "weight", "with 2 stress scenarios"),
        ({"price_range": dict.fromkeys(("BTC", "ETH", "SOL"), F(0))}, "price_range.SOL", "no past moves"),
        (
            {"parameters": Historical("expected-shortfall", F("0.1"), F(1), F(1))},
            "filter",
            "not between 0 and 1",
        ),
    ],
)
def test_refusals_by_name(changes: dict[str, Any], column: str, message: str) -> None:
    found = refused(historical_book(**changes), market())
    assert any(f"book.cleared.{column}" == where and message in text for where, text in found), found


def test_a_market_without_returns_is_refused() -> None:
    assert refused(historical_book(), sm.market()) == [("book.cleared.model", "the market has no returns")]
    with pytest.raises(PolicyError, match="no returns"):
        build_risk_table(sm.policy(historical_book()), sm.market())


def test_returns_that_are_refused() -> None:
    def with_returns(returns: Returns) -> list[tuple[str | None, str]]:
        return refused(historical_book(), replace(market(), returns=returns))

    good = past(count=2)
    assert with_returns(good) == []
    below = replace(good, price=dict(good.price) | {"BTC": (F(-1), F(0))})
    assert with_returns(below) == [("price", "day 000: BTC falls to 0 or below")]
    assert with_returns(replace(good, scenarios=("x", "x"))) == [("scenario", "a scenario stands twice")]
    unknown = dict(good.price) | {"DOGE": (F(0), F(0))}
    assert with_returns(replace(good, price=unknown)) == [("DOGE", "no such spot instrument")]
    assert Market.from_json(market().to_json()) == market()
