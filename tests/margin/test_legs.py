"""Legs in the policy: a position that is all of its unit is charged by itself, and no requirement changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache

import derive_market
import numpy as np
import portfolio_margin_cases
import pytest
import small_market as sm
from circuit_cases import broken
from circuit_oracle import best
from model_books import AT_RISK, historical_book, past

from zkmargin.circuits.circuit import E, N, R
from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.facts import market_facts
from zkmargin.circuits.loading import ALONE, POSITION
from zkmargin.circuits.witness import check_row
from zkmargin.inputs.ledger import Pots
from zkmargin.inputs.liquidity import RateCost
from zkmargin.inputs.market import Market
from zkmargin.inputs.models.named_rates import BasisMove
from zkmargin.inputs.models.scenarios import PortfolioMargin
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.inputs.policy_file import parse_policy
from zkmargin.inputs.policy_rules import check_policy
from zkmargin.margin.accounts import calculate
from zkmargin.risk.table import RiskTable, build_risk_table
from zkmargin.sparse import sparse

F = Fraction
PORTFOLIO = PortfolioMargin(F("1.1"), linear_cap=F("0.5"))
COSTS = {"*": RateCost(((F(0), F("0.001")), (F(10**5), F("0.002"))))}


def shortfall(**changes: object) -> BookPolicy:
    changes = {"netting": "underlying", "short_option_minimum": F(0)} | changes
    return historical_book(tail="0.075", **changes)


BOOKS: dict[str, Callable[[], BookPolicy]] = {
    "scenarios": lambda: sm.book(id="cleared", scenarios=sm.UP_DOWN, scenario_set="custom"),
    "joint": lambda: sm.book(id="cleared", scenarios=sm.UP_DOWN, scenario_set="custom", netting="joint"),
    "portfolio margin": lambda: sm.book(id="cleared", parameters=PORTFOLIO),
    "expected shortfall": shortfall,
    "with costs of closing": lambda: shortfall(liquidity=COSTS),
    "with a limit per account": lambda: shortfall(account_limit=F(10**7)),
}
EXACT = {"scenarios", "joint", "portfolio margin"}  # a mean of rounded losses is not the rounded mean


def market() -> Market:
    return replace(sm.market(), returns=past())


@cache
def compiled(name: str, *, legs: bool) -> tuple[Policy, RiskTable, CompiledBook]:
    book = replace(BOOKS[name](), legs="alone" if legs else None)
    policy = sm.policy(book, max_overstatement=F(10))
    table = build_risk_table(policy, market())
    return policy, table, compile_circuit(policy, market(), table, "cleared")


def random_pots(count: int, most: int = 500) -> Pots:
    """One to three positions, some with a coin, a debt or an entry cost."""
    rng = np.random.default_rng(3)
    contracts = [item.name for item in market().contracts if item.underlying in ("BTC", "ETH")]
    rows = []
    for number in range(count):
        held = rng.choice(contracts, 1 + number % 3, replace=False)
        row = {(POSITION, str(name)): int(rng.integers(1, most)) * (-1) ** number for name in held}
        row[("held", "USD")] = int(rng.integers(1, 10**6))
        if number % 5 == 0:
            row[("held", "BTC")] = int(rng.integers(1, 10**4))
        if number % 7 == 0 and any(market().instruments[str(k)].settlement == "USD" for k in held):
            row[("cost", "USD")] = int(rng.integers(1, 10**4))
        rows.append(row)
    return sm.pots(*rows, book_id="cleared")


@pytest.mark.parametrize("name", BOOKS)
def test_the_requirement_is_the_same(name: str) -> None:
    pots = random_pots(210)
    policy, table, legs = compiled(name, legs=True)
    witness, netted = legs.fill(pots), compiled(name, legs=False)[2].fill(pots)
    assert witness.outputs[:, [N, E]].tolist() == netted.outputs[:, [N, E]].tolist()
    more = np.abs((witness.outputs[:, R] - netted.outputs[:, R]).astype(np.int64))
    assert more.max() <= (0 if name in EXACT else 20 * 100)  # a margin quantum a digit
    for row in range(0, len(pots), 15):
        check_row(legs.circuit, witness.row(row))
    assert broken(legs.circuit, market_facts(market(), table)) == set()
    assert calculate(policy, table, pots, legs).requirement.tolist() == witness.outputs[:, R].tolist()
    alone = {
        row for (i, _), v in witness.sides.items() if legs.circuit.inputs[i].key[0] == ALONE for row in v.rows
    }
    assert 0 < len(alone) < len(pots)
    assert witness.words().touched < netted.words().touched


def test_no_split_is_charged_less() -> None:
    """Legs and positions as anyone likes: the requirement is never below that of the net positions."""
    _, _, found = compiled("expected shortfall", legs=True)
    _, _, netted = compiled("expected shortfall", legs=False)
    key, rng = found.circuit.input_index, np.random.default_rng(6)
    names = ["BTC-PERP", "BTC-MAR26-90000-P", "ETH-PERP"]
    for attempt in range(40):
        net = {name: int(rng.integers(-50, 51)) for name in names}
        sides: dict[tuple[int, int], int] = {}
        for name, lots in net.items():
            leg, both = int(rng.integers(-50, 51)), int(rng.integers(0, 20))
            for kind, part in ((ALONE, leg), (POSITION, lots - leg)):
                sides[key[kind, name], 0] = max(part, 0) + both
                sides[key[kind, name], 1] = max(-part, 0) + both
        row = found.program.complete({side: sparse([0], [v]) for side, v in sides.items() if v}, 1).row(0)
        pots = sm.pots({(POSITION, name): lots for name, lots in net.items() if lots}, book_id="cleared")
        honest = netted.fill(pots).outputs[0]
        assert row.outputs[N] == honest[N]
        assert row.outputs[R] >= honest[R] - 60 * 100  # what a digit rounds up
        if attempt < 8:
            assert best(found.circuit, row, R) >= honest[R] - 60 * 100


@pytest.mark.parametrize(
    "book, keys",
    [
        (historical_book(AT_RISK, short_option_minimum=F(0)), ["measure"]),
        (historical_book(weight="0.75"), ["weight", "short_option_minimum"]),
        (sm.book(parameters=PortfolioMargin(gain_offset=F(1))), ["gain_offset"]),
        (sm.book(parameters=PortfolioMargin(basis={"*": BasisMove(F("0.01"), F(0))})), ["basis"]),
        (sm.book(parameters=PortfolioMargin(deductions={"down 1.00": F(1)})), ["deductions"]),
        (derive_market.srm_book(), ["the model derive-srm"]),
        (sm.spot_book(), ["the model collateral"]),
    ],
)
def test_rules_in_which_nothing_can_stand_alone_are_refused_by_name(
    book: BookPolicy, keys: list[str]
) -> None:
    found = [p for p in check_policy(sm.policy(replace(book, legs="alone"))) if p.column.endswith(".legs")]
    assert [
        problem.message.split(" ", 1)[1].removeprefix("with ").removeprefix("in ") for problem in found
    ] == keys


def test_read_from_a_policy_file() -> None:
    text = (portfolio_margin_cases.EXAMPLES / "policies" / "clearing-house.toml").read_text()
    text = text.replace('weight = "0.75"', 'legs = "alone"')
    text = text[: text.index("scenarios = [")] + text[text.index("price_range") :]
    book = parse_policy(text).books["portfolio"]
    assert book.legs == "alone" and BookPolicy.from_json(book.id, book.to_json()) == book
    assert "legs" not in replace(book, legs=None).to_json()
    with pytest.raises(Exception, match="unknown legs"):
        parse_policy(text.replace('"alone"', '"together"'))
