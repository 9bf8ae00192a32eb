"""Brackets: the circuit's requirement is the exchange's formula, rounded up, whatever is held."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import small_market as sm
from hypothesis import given
from hypothesis import strategies as st

from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.witness import check_row
from zkmargin.inputs.models.brackets import Bracket, Brackets
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.margin.accounts import calculate
from zkmargin.margin.formulas import by_formula
from zkmargin.risk.table import RiskTable, build_risk_table

F = Fraction
BTCUSDT = (  # Binance, first brackets of BTCUSDT: floor, maintenance rate, 1 / maximum leverage
    Bracket(F(0), F("0.004"), F("0.008")),
    Bracket(F(50_000), F("0.005"), F("0.01")),
    Bracket(F(600_000), F("0.0065"), F(1, 75)),
    Bracket(F(3_000_000), F("0.01"), F("0.02")),
)
OTHERS = (Bracket(F(0), F("0.05"), F("0.1")), Bracket(F(5_000), F("0.1"), F("0.2")))


def bracket_book(**changes: object) -> BookPolicy:
    base = sm.book(
        id="perp",
        model="brackets",
        scenario_set="",
        scenarios=(),
        price_range={},
        volatility_range=F(0),
        short_option_minimum=F(0),
        initial_factor=F(1),
        collateral={"USD": "cash", "BTC": ((F(0), F("0.95")),)},
        parameters=Brackets({"BTC-PERP": BTCUSDT, "*": OTHERS}),
        position_limit=F(10**7),
    )
    return replace(base, **changes)


@cache
def compiled() -> tuple[Policy, RiskTable, CompiledBook]:
    policy = sm.policy(bracket_book())
    market = sm.market()
    table = build_risk_table(policy, market)
    return policy, table, compile_circuit(policy, market, table, "perp")


@given(st.integers(-99_000, 99_000), st.integers(-2_000, 2_000), st.integers(0, 10**9))
def test_the_circuit_is_the_formula_rounded_up(btc: int, eth: int, cash: int) -> None:
    policy, table, book = compiled()
    row = {("position", "BTC-PERP"): btc, ("position", "ETH-PERP"): eth, ("held", "USD"): cash}
    pots = sm.pots({key: lots for key, lots in row.items() if lots}, book_id="perp")
    margin = calculate(policy, table, pots, book)
    check_row(book.circuit, book.fill(pots).row(0))
    formula = by_formula(policy, sm.market(), pots)
    assert formula is not None
    quanta = float(policy.margin_quantum) * (abs(btc) + abs(eth))  # rates per lot are rounded up
    knots = 100.01 * (0.02 - 0.008) + 40.01 * (0.2 - 0.1)  # and knots down to lots, by less than one of each
    for proven, exchange in ((margin.requirement, formula.requirement), (margin.initial, formula.initial)):
        over = float(int(proven[0]) * policy.equity_quantum) - exchange[0]
        assert -1e-6 <= over <= quanta + knots
    assert np.isclose(float(int(margin.equity[0]) * policy.equity_quantum), formula.equity[0])


def test_what_a_requirement_consists_of() -> None:
    policy, table, book = compiled()
    pots = sm.pots({("position", "BTC-PERP"): 1_000, ("position", "ETH-PERP"): -10}, book_id="perp")
    found = calculate(policy, table, pots, book).pot(0)
    assert [(unit.name, unit.binding) for unit in found.units] == [
        ("brackets BTC-PERP", "tier 2"),
        ("brackets ETH-PERP", "tier 1"),
    ]
    assert sum(unit.requirement for unit in found.units) == found.requirement
