"""Circuits that cheat with constants: each refused by the rule "selector" and no other, and worth refusing.

One honest book charges what is held once up to 6 lots, and three times from there: max(x, 3 x - 12). In the other
a gain of Q counts against a loss of P, up to 6.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from circuit_cases import at, broken, changed, equation, fill, two_positions, with_terms

from zkmargin.circuits.atoms import floored, maximum
from zkmargin.circuits.circuit import Circuit, Column, R, variable
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
    assert "selector" in broken(with_terms(HONEST, "R", {BIT: -5}), FACTS)


@pytest.mark.parametrize(("name", "a"), [("R", 5), ("m >= once", -5)])
def test_an_allowance_that_charges(name: str, a: int) -> None:
    assert broken(with_terms(HONEST, name, {BIT: a}), FACTS) == {"selector"}


def test_an_allowance_that_is_not_declared() -> None:
    assert broken(replace(HONEST, allowances=HONEST.allowances[1:]), FACTS) == {"selector"}


def test_an_allowance_of_another_value() -> None:
    first, second = HONEST.allowances
    swapped = (replace(first, value=second.value), second)
    assert broken(replace(HONEST, allowances=swapped), FACTS) == {"selector"}


def test_an_allowance_that_lowers_nothing() -> None:
    cheat = with_terms(HONEST, "m >= thrice", {BIT: 0})
    assert broken(cheat, FACTS) == {"selector"}


NETTED = two_positions(
    lambda p, q: maximum(
        "m", {"x": p + floored("gain", {"loss": -q, "some": -q * 2}, Fraction(-6))}, floor_zero=True
    )
)
GAIN = NETTED.circuit
BELOW = "below:gain"
HEDGED = fill(NETTED, {("position", "P"): 15, ("position", "Q"): 9}).row(0)


def test_the_honest_gain() -> None:
    assert HEDGED.outputs[R] == 9
    assert broken(GAIN, FACTS) == set()


def test_a_gain_without_a_cap() -> None:
    lower = {"max:m": 8, "slack:m >= x": 0, "shortfall": 8}
    with pytest.raises(VerificationError, match="m >= x"):
        check_row(GAIN, changed(GAIN, HEDGED, {R: 8}, **lower))


def test_a_gain_below_its_floor() -> None:
    """A bit of two: the cap counts twice."""
    cheat = wide(GAIN, BELOW, 2)
    assert broken(cheat, FACTS) == {"selector"}
    twice = {
        BELOW: 2,
        "max:gain": 3,
        "slack:gain >= loss": 0,
        "slack:gain >= some": 9,
        "max:m": 6,
        "slack:m >= x": 0,
    }
    check_row(cheat, changed(cheat, HEDGED, {R: 6}, shortfall=6, **twice))


def test_a_gain_of_nobody() -> None:
    """The bit alone, without what it belongs to: a credit for every row."""
    cheat = with_terms(GAIN, "gain >= loss", {BELOW: 0})
    cheat = with_terms(cheat, "gain >= some", {BELOW: 0})
    assert broken(cheat, FACTS) == {"selector"}
    row = fill(NETTED, {("position", "P"): 6}).row(0)
    assert row.outputs[R] == 6
    check_row(cheat, changed(cheat, row, {R: 0}, **{BELOW: 1, "max:m": 0, "slack:m >= x": 0, "shortfall": 0}))


def test_a_floor_of_an_input() -> None:
    """The bit lowers what a position adds to R, as a credit for every row."""
    cheat = with_terms(GAIN, "m >= x", {"position[P].long": -1, BELOW: 6})
    for name in ("gain >= loss", "gain >= some"):
        cheat = with_terms(cheat, name, {BELOW: 0})
    floors = (replace(GAIN.floors[0], value=at(GAIN, "position[P].long")),)
    assert "selector" in broken(replace(cheat, floors=floors), FACTS)


def test_a_floor_above_zero() -> None:
    raised = GAIN
    for name in ("gain >= loss", "gain >= some", "m >= x"):
        old = dict(equation(GAIN, name).terms)[variable(at(GAIN, BELOW))]
        raised = with_terms(raised, name, {BELOW: -old})
    floors = (replace(GAIN.floors[0], depth=-GAIN.floors[0].depth),)
    assert broken(replace(raised, floors=floors), FACTS) == {"selector"}


@pytest.mark.parametrize("change", [{"depth": 5}, {"depth": 0}, {"value": at(GAIN, "max:m")}])
def test_a_floor_that_is_declared_as_another(change: dict[str, int]) -> None:
    assert broken(replace(GAIN, floors=(replace(GAIN.floors[0], **change),)), FACTS) == {"selector"}  # type: ignore[arg-type]
