"""A circuit in words says what a quant and an auditor ask: what is held, which rule is what, what was left out."""

from __future__ import annotations

from fractions import Fraction

import small_market as sm
from bracket_cases import OTHERS, bracket_book, compile_book
from circuit_cases import one_position, small_book

from zkmargin.circuits.atoms import maximum, pos
from zkmargin.circuits.circuit import Circuit
from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.expression import Expression
from zkmargin.inputs.models.brackets import Brackets
from zkmargin.risk.table import build_risk_table

F = Fraction


def compiled(*, scenarios: bool = True) -> Circuit:
    book = sm.book() if scenarios else sm.spot_book()
    policy, market = sm.policy(book), sm.market()
    return compile_circuit(policy, market, build_risk_table(policy, market), book.id).circuit


def test_a_scenario_book() -> None:
    circuit = compiled()
    text = circuit.explain()
    assert circuit.digest.hex() in text
    assert (
        f"{len(circuit.columns):,} columns in {circuit.n_bits:,} bits ({circuit.n_words:,} words of 16)"
        in text
    )
    assert f"{len(circuit.equations):,} equations" in text
    assert "held (bit by bit, 27 bits): BTC" in text
    assert "E = N less the haircut ETH by tiers, held[SOL] in full" in text
    assert "R = 100 x max:worst case BTC + 100 x max:worst case ETH" in text
    assert "I = 125 x max:worst case BTC + 125 x max:worst case ETH" in text
    assert "max:worst case BTC >= 0 and >= each of 17: 0 up, 0 down, +1/3 up" in text
    assert "cost[BTC] is 0 unless the position settled in it is held" in text
    assert "haircut ETH: one of 2 tiers, from 0, 250,000 lots, set by the amount itself" in text
    assert "Ratio claims E >= k R: possible" in text


def test_a_collateral_book() -> None:
    text = compiled(scenarios=False).explain()
    assert "pledged:margin[BTC] by 0.2 of it" in text
    assert "unpledged[BTC] in full" in text
    assert "R = 0  (maintenance requirement)" in text


def test_what_is_left_out_and_why() -> None:
    rules, position = one_position()
    rules.net_value(Expression())
    rules.equity(-pos("charge", position))
    same = {"a": position, "again": position, "gain": -position.gross}
    rules.requirement(
        maximum("worst", same, floor_zero=True) + position.gross * "0.5" - position.gross * "0.5"
    )
    rules.initial_requirement(Expression())
    text = rules.compile().circuit.explain()
    assert "1 inequality, the same as one that stands: worst >= again" in text
    assert "1 inequality, which can never fail: worst >= gain" in text
    assert "E = N less max:charge" in text
    assert "none: every rule is convex or affine" in text


def test_a_requirement_that_something_lowers_refuses_ratio_claims() -> None:
    rules, position = one_position()
    rules.net_value(Expression())
    rules.equity(Expression())
    rules.requirement(maximum("worst", {"a": position, "b": position * -2}))
    rules.initial_requirement(Expression())
    assert "Ratio claims E >= k R: refused" in rules.compile().circuit.explain()


def test_long_lists_are_cut() -> None:
    text = small_book(digits=1).circuit.explain()
    assert (
        "Published totals: deposits:C, deposits:USD, loans:USD, cost:USD, position:P, owed, bad_debt" in text
    )
    assert "and 1 more" in text


def test_a_book_of_brackets() -> None:
    """Tiers are one term of R and I each; what they cost stands beside their knots."""
    text = compile_book(bracket_book(parameters=Brackets({"ETH-PERP": OTHERS})))[2].circuit.explain()
    small = "2,000,500 x small[ETH-PERP].long + 2,000,500 x small[ETH-PERP].short"
    assert f"R = {small} + brackets ETH-PERP by tiers  (maintenance requirement)" in text
    assert (
        "brackets ETH-PERP: one of 2 tiers, from 0, 62 lots beyond the first 63, set by the amount itself"
        in text
    )
    assert "    in R: 0 at 0 and 2,000,500 a lot, 124,093,500 at 62 and 4,001,000 a lot" in text
