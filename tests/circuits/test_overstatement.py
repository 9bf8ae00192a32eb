"""What rounding can cost, computed part by part with fractions: the arrays of `overstatement` give the same."""

from __future__ import annotations

from fractions import Fraction

import pytest
import small_market as sm
from circuit_cases import fill, one_position

from zkmargin.circuits.atoms import Tiers, maximum
from zkmargin.circuits.circuit import OUTPUTS, Circuit, Equation, R, variable
from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.overstatement import overstatement
from zkmargin.circuits.structure import roles_of, values_of
from zkmargin.inputs.policy import BookPolicy
from zkmargin.risk.table import build_risk_table

BOOKS: dict[str, BookPolicy] = {
    "portfolio": sm.book(),
    "initial rounded up": sm.book(initial_factor=Fraction("1.3337")),
    "everything shocked": sm.book(collateral={"USD": "cash", "BTC": "shocked", "ETH": "shocked"}),
    "collateral": sm.spot_book(),
}


def compiled(book: BookPolicy) -> CompiledBook:
    policy, market = sm.policy(book), sm.market()
    return compile_circuit(policy, market, build_risk_table(policy, market), book.id)


def lost_in_row(circuit: Circuit, equation: Equation) -> Fraction:
    """Of each input the worse side: what floor(lots x price) loses, every part full."""
    sides: dict[int, list[Fraction]] = {}
    for price in equation.prices:
        exact = [
            (lots * price.coefficient, circuit.columns[column].capacity)
            for column, lots in circuit.inputs[price.input].sides[price.side].parts
        ]
        lost = sum(((value - value // 1) * most for value, most in exact), Fraction(0))
        sides.setdefault(price.input, []).append(lost)
    return sum(map(max, sides.values()), Fraction(0))


def error(circuit: Circuit, var: int) -> Fraction:
    """By how much a maximum can be too large: the worst of its inequalities."""
    if var < len(OUTPUTS) or var - len(OUTPUTS) not in values_of(roles_of(circuit)):
        return Fraction(0)
    worst = Fraction(0)
    for equation in circuit.equations:
        a = dict(equation.terms).get(var, 0)
        if a > 0 and equation.slack is not None:
            inner = sum((-b * error(circuit, other) for other, b in equation.terms if b < 0), Fraction(0))
            worst = max(worst, (lost_in_row(circuit, equation) + inner) / a + (a > 1))
    return worst


def reference(book: CompiledBook) -> Fraction:
    circuit = book.circuit
    definition = circuit.definition(R)
    terms = () if definition is None else definition.terms
    money = sum((a * error(circuit, var) for var, a in terms), Fraction(0)) * circuit.quanta["equity"]
    for item in circuit.inputs:
        parts = item.sides[0].parts
        most = sum(lots * circuit.columns[column].capacity for column, lots in parts)
        money += most * book.tolerance.get(item.key, 0)
    return money


@pytest.mark.parametrize("name", BOOKS)
def test_parts_and_fractions_agree(name: str) -> None:
    book = compiled(BOOKS[name])
    assert overstatement(book) == reference(book)
    assert (overstatement(book) > 0) == (BOOKS[name].model == "scenarios")


def test_a_maximum_inside_a_maximum_adds_its_error() -> None:
    rules, position = one_position(bits=6, digits=1)
    inner = maximum("inner", {"up": position * "0.3", "down": position * "-0.7"}, floor_zero=True)
    outer = maximum("outer", {"both": inner * "1.5" + position.gross * "0.1"}, floor_zero=True)
    rules.net_value(position * 1)
    rules.equity(position * 1)
    rules.requirement(outer)
    rules.initial_requirement(outer)
    book = rules.compile()
    column = next(j for j, c in enumerate(book.circuit.columns) if c.name == "max:inner")
    assert error(book.circuit, variable(column)) > 0
    assert overstatement(book) == reference(book) > error(book.circuit, variable(column))


def tiered_book(*, first: str, digits: int | None = None) -> CompiledBook:
    """R is a charge on tiers, rounded up by up to 2/3 a lot and 1/3 a jump, that another statement may use first."""
    rules, position = one_position(bits=5, digits=digits)
    tiers = Tiers("tiers", position.gross, [0, 6], apart=True)
    charge = tiers.function("charge", [4, Fraction(83, 3)], [Fraction(10, 3), 9])
    rules.net_value(position * 1)
    if first == "initial requirement":
        rules.initial_requirement(charge)
    rules.equity(position * 1 - (charge if first == "equity" else 0))
    rules.requirement(charge)
    if first != "initial requirement":
        rules.initial_requirement(charge)
    return rules.compile()


@pytest.mark.parametrize("first", ["initial requirement", "equity", "requirement"])
def test_what_another_statement_rounded_first_counts_as_well(first: str) -> None:
    book = tiered_book(first=first)
    most = overstatement(book)
    assert most == overstatement(tiered_book(first="requirement")) > 0
    for lots in range(-31, 32):
        size = abs(lots)
        above = Fraction(83, 3) + 9 * (size - 6) if size >= 6 else 4 + Fraction(10, 3) * size
        found = int(fill(book, {("position", "P"): lots}).outputs[0][R])
        assert 0 <= found - (above if lots else 0) <= most
