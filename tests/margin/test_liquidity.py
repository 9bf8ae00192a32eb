"""Liquidity add-ons: what closing costs in the order book, by rates and by power laws, on top of every model."""

from __future__ import annotations

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
from model_books import greeks_book, historical_book, past

from zkmargin.circuits.circuit import E, I, R
from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.witness import check_row
from zkmargin.inputs.depth import Depth
from zkmargin.inputs.liquidity import BookCost, Cost, PowerCost, RateCost
from zkmargin.inputs.market import Market
from zkmargin.inputs.market_rules import check_market, check_together
from zkmargin.inputs.models.brackets import Bracket, Brackets
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.inputs.policy_rules import check_policy
from zkmargin.margin.accounts import calculate
from zkmargin.margin.formulas import by_formula, formula_of
from zkmargin.margin.whatif import ladder
from zkmargin.risk.table import RiskTable, build_risk_table

F = Fraction
PERP = Depth(
    bids=((F(100_005), F("0.5")), (F(99_990), F(2)), (F(99_500), F(10))),
    asks=((F(100_015), F("0.5")), (F(100_050), F(3))),
)
INVERSE = Depth(bids=((F(99_900), F(50_000)),), asks=((F(100_100), F(50_000)),))
COSTS: dict[str, Cost] = {
    "BTC-PERP": BookCost(F("0.02")),
    "BTC-INVERSE": BookCost(F("0.05")),
    "ETH-PERP": RateCost(((F(0), F("0.0005")), (F(100_000), F("0.002")))),
    "*": PowerCost(F("0.002"), F(10**6), F("1.5")),
}


def market() -> Market:
    return replace(sm.market(), returns=past(count=12), depth={"BTC-INVERSE": INVERSE, "BTC-PERP": PERP})


BOOKS: dict[str, BookPolicy] = {
    "scenarios": sm.book(liquidity=COSTS),
    "brackets": sm.book(
        model="brackets",
        scenario_set="",
        scenarios=(),
        price_range={},
        collateral={"USD": "cash"},
        parameters=Brackets({"*": (Bracket(F(0), F("0.01"), F("0.02")),)}),
        liquidity=COSTS,
    ),
    "historical": historical_book(liquidity=COSTS),
    "sensitivities": greeks_book(liquidity=COSTS),
}


@cache
def compiled(name: str, plain: bool = False) -> tuple[Policy, RiskTable, CompiledBook]:
    book = replace(BOOKS[name], liquidity={}) if plain else BOOKS[name]
    policy = sm.policy(book)
    table = build_risk_table(policy, market())
    return policy, table, compile_circuit(policy, market(), table, book.id)


def found(name: str, row: Mapping[tuple[str, str], int], *, plain: bool = False) -> tuple[Fraction, Fraction]:
    """Return R and I in quote currency."""
    policy, table, book = compiled(name, plain)
    pots = sm.pots(row, book_id=BOOKS[name].id)
    check_row(book.circuit, book.fill(pots).row(0))
    margin = calculate(policy, table, pots, book)
    return int(margin.requirement[0]) * policy.equity_quantum, int(margin.initial[0]) * policy.equity_quantum


@pytest.mark.parametrize("name", BOOKS)
@given(
    btc=st.integers(-90_000, 90_000), eth=st.integers(-99_000, 99_000), future=st.integers(-90_000, 90_000)
)
def test_the_requirement_grows_by_the_cost(name: str, btc: int, eth: int, future: int) -> None:
    row = {("position", "BTC-PERP"): btc, ("position", "ETH-PERP"): eth, ("position", "BTC-MAR26"): future}
    row = {key: lots for key, lots in row.items() if lots} | {("held", "USD"): 1}
    policy, _, _ = compiled(name)
    pots = sm.pots(row, book_id=BOOKS[name].id)
    with_cost = by_formula(policy, market(), pots)
    without = by_formula(compiled(name, True)[0], market(), pots)
    assert with_cost is not None
    assert without is not None
    cost = with_cost.requirement[0] - without.requirement[0]
    rounded = 1e-6 * (abs(btc) + abs(eth) + 2 * abs(future)) + 40.01 * 0.002  # a quantum a lot; knots to lots
    law = 0.012 * 0.002 * 10**6 * (abs(future) * 100 / 10**6) ** 1.5 + 0.02 * abs(
        future
    )  # below the first knot
    for more, less in zip(found(name, row), found(name, row, plain=True), strict=True):
        assert cost - 1e-6 <= float(more - less) <= cost + rounded + law


@pytest.mark.parametrize(
    ("lots", "cost"),
    [
        (400, F("0.4") * 5),  # 0.4 BTC into the first bid, 5 below the mark of 100,010
        (1_500, F("0.5") * 5 + 20),
        (20_000, F("0.5") * 5 + 2 * 20 + 10 * 510 + F("7.5") * F("0.02") * 100_010),  # beyond the book
        (-1_000, F("0.5") * 5 + F("0.5") * 40),
        (-4_000, F("0.5") * 5 + 3 * 40 + F("0.5") * F("0.02") * 100_010),
    ],
)
def test_closing_into_the_order_book_by_hand(lots: int, cost: Fraction) -> None:
    row = {("position", "BTC-PERP"): lots}
    grown = found("scenarios", row)[0] - found("scenarios", row, plain=True)[0]
    assert cost <= grown <= cost + abs(lots) * F("0.000001")


def test_an_inverse_contract_is_closed_in_coin() -> None:
    """1,000 lots of 10 USD long, closed at 99,900: (1/99,900 - 1/100,000) x 10,000 coins at 100,000."""
    row = {("position", "BTC-INVERSE"): 1_000}
    cost = (F(1, 99_900) - F(1, 100_000)) * 10_000 * 100_000
    grown = found("scenarios", row)[0] - found("scenarios", row, plain=True)[0]
    assert cost <= grown <= cost + 1_000 * F("0.000001")


def test_order_books_move_with_the_mark_along_a_ladder() -> None:
    """0.4 BTC at 10 % less: every price of the book is 10 % lower, so closing costs 10 % less than 2."""
    there = market()
    policies = [compiled("scenarios", plain)[0] for plain in (False, True)]
    rules = formula_of(policies[0], there, "portfolio")
    portfolios = rules.portfolios(positions={"BTC-PERP": [0.4]})
    found = [ladder(policy, there, "portfolio", portfolios, "BTC", [0.0, -0.1])[1] for policy in policies]
    assert np.allclose(found[0] - found[1], [[2.0], [1.8]])


def test_what_a_requirement_consists_of() -> None:
    policy, table, book = compiled("scenarios")
    pots = sm.pots({("position", "BTC-PERP"): 400, ("position", "ETH-PERP"): -9}, book_id="portfolio")
    units = calculate(policy, table, pots, book).pot(0).units
    names = {unit.name: unit.binding for unit in units}
    assert names["liquidity BTC-PERP long"] == "tier 1"
    assert "liquidity ETH-PERP" in names


@pytest.mark.parametrize("output", [E, R, I])
def test_nobody_can_claim_less(output: int) -> None:
    """The optimum over all rows with these inputs: see tests/circuits/test_oracle.py."""
    oracle = pytest.importorskip("circuit_oracle")
    _, _, book = compiled("scenarios")
    rng = np.random.default_rng(23)
    names = ("BTC-PERP", "ETH-PERP", "BTC-MAR26")
    rows = [
        {("held", "USD"): 10**7} | {("position", k): int(rng.integers(-20_000, 20_000)) for k in names}
        for _ in range(3)
    ]
    witness = book.fill(sm.pots(*rows))
    for index in range(witness.rows):
        row = witness.row(index)
        gain = (row.outputs[output] - oracle.best(book.circuit, row, output)) * oracle.BEST[output]
        assert gain <= 1_000 + 1e-7 * max(map(abs, row.outputs))


def refused(costs: dict[str, Cost], **changes: Any) -> list[tuple[str | None, str]]:
    policy = sm.policy(sm.book(liquidity=costs))
    there = replace(market(), **changes)
    problems = check_policy(policy) or check_market(there) or check_together(policy, there)
    return [(problem.column, problem.message) for problem in problems]


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        (BookCost(F(2)), "not from 0 to 1"),
        (PowerCost(F(0), F(1), F(1)), "must be positive"),
        (PowerCost(F("0.001"), F(1), F("0.5")), "power out of range"),
        (RateCost(()), "0 rates"),
        (RateCost(((F(1), F(1)),)), "does not begin at 0"),
        (RateCost(((F(0), F("0.2")), (F(9), F("0.1")))), "a rate falls"),
    ],
)
def test_costs_that_are_refused(cost: Cost, message: str) -> None:
    found = refused({"ETH-PERP": cost})
    assert [where for where, _ in found] == ["book.portfolio.liquidity.ETH-PERP"]
    assert message in found[0][1]


def test_markets_that_are_refused() -> None:
    assert refused({"ETH-PERP": BookCost(F(0))}) == [("book.portfolio.liquidity.ETH-PERP", "no order book")]
    assert refused({"XRP-PERP": RateCost(((F(0), F(0)),))}) == [
        ("book.portfolio.liquidity.XRP-PERP", "no such contract")
    ]
    crossed = replace(PERP, bids=(*PERP.bids, (F(99_600), F(1))))
    found = refused({}, depth={"BTC-PERP": crossed})
    assert found == [("BTC-PERP.price", "not beyond the bid before it")]
    assert refused({}, depth={"XRP-PERP": PERP}) == [("instrument", "no such contract")]
    assert refused({}, depth={"BTC-PERP": Depth((), PERP.asks)})[0][1] == "0 levels"


def test_books_without_positions_have_no_liquidity() -> None:
    problems = check_policy(sm.policy(sm.spot_book(liquidity=COSTS)))
    assert [problem.column for problem in problems] == ["book.spot.liquidity"]


def test_policy_and_market_round_trip() -> None:
    policy = sm.policy(sm.book(liquidity=COSTS))
    assert Policy.from_json(policy.to_json()) == policy
    assert Market.from_json(market().to_json()) == market()
