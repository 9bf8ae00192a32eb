"""Circuits that cheat with allowances: each refused by the rule "selector" and no other, and worth refusing.

The honest book charges what is held once up to 6 lots, and three times from there: max(x, 3 x - 12).
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from circuit_cases import at, broken, changed, fill, two_positions, with_terms

from zkmargin.circuits.atoms import maximum
from zkmargin.circuits.circuit import Circuit, Column, R
from zkmargin.circuits.expression import Expression, Signed
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.witness import check_row
from zkmargin.errors import VerificationError

FACTS = CircuitFacts({"P": 0, "Q": 0}, {})


def charge(name: str, amount: Expression) -> Expression:
    pieces = {"once": amount, "thrice": amount * 3}
    return maximum(name, pieces, floor_zero=True, allowances={"thrice": 12})  # type: ignore[dict-item]


def both(p: Signed, q: Signed) -> Expression:
    return charge("m", p.gross) + charge("n", q.gross)


BOOK = two_positions(both)
HONEST = BOOK.circuit
ROW = fill(BOOK, {("position", "P"): 15}).row(0)
BIT = "allow:m"


def wide(circuit: Circuit, name: str, width: int) -> Circuit:
    j = at(circuit, name)
    return replace(circuit, columns=(*circuit.columns[:j], Column(name, width), *circuit.columns[j + 1 :]))


def test_the_honest_circuit_breaks_no_rule() -> None:
    assert ROW.outputs[R] == 33
    assert broken(HONEST, FACTS) == set()


def test_a_requirement_one_lower() -> None:
    lower = {"max:m": 32, "slack:m >= once": 17, "slack:m >= thrice": 0, "shortfall": 32}
    with pytest.raises(VerificationError, match="m >= thrice"):
        check_row(HONEST, changed(HONEST, ROW, {R: 32}, **lower))


def test_an_allowance_two_bits_wide() -> None:
    """The constant counts twice."""
    cheat = wide(HONEST, BIT, 2)
    assert broken(cheat, FACTS) == {"selector"}
    twice = {BIT: 2, "max:m": 21, "slack:m >= once": 6, "slack:m >= thrice": 0, "shortfall": 21}
    check_row(cheat, changed(cheat, ROW, {R: 21}, **twice))


def test_an_allowance_in_another_bound() -> None:
    """It lowers a second charge, which has no constant of its own."""
    cheat = with_terms(HONEST, "n >= once", {BIT: 12})
    assert broken(cheat, FACTS) == {"selector"}
    row = fill(BOOK, {("position", "Q"): 5}).row(0)
    assert row.outputs[R] == 5
    free = {BIT: 1, "max:n": 3, "slack:n >= once": 10, "slack:n >= thrice": 0, "slack:m >= thrice": 12}
    wider = wide(cheat, "slack:n >= once", 6)
    check_row(wider, changed(wider, row, {R: 3}, shortfall=3, **free))


def test_an_allowance_in_an_output() -> None:
    """A credit for every row."""
    cheat = with_terms(HONEST, "R", {BIT: -5})
    assert "selector" in broken(cheat, FACTS)


def test_an_allowance_that_is_not_declared() -> None:
    assert broken(replace(HONEST, allowances=HONEST.allowances[1:]), FACTS) == {"selector"}


def test_an_allowance_of_another_value() -> None:
    first, second = HONEST.allowances
    swapped = (replace(first, value=second.value), second)
    assert broken(replace(HONEST, allowances=swapped), FACTS) == {"selector"}


def test_an_allowance_that_lowers_nothing() -> None:
    cheat = with_terms(HONEST, "m >= thrice", {BIT: 0})
    assert broken(cheat, FACTS) == {"selector"}
