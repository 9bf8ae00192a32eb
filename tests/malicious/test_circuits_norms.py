"""Circuits that cheat with a norm's folds: each refused by the rule named; `least` shows what a row could claim."""

from __future__ import annotations

from dataclasses import replace
from math import cos, sin

import pytest
from circuit_cases import broken, equation, fill, two_positions, with_terms, without
from circuit_oracle import best

from zkmargin.circuits.atoms import norm
from zkmargin.circuits.circuit import Circuit, R
from zkmargin.circuits.facts import CircuitFacts

FACTS = CircuitFacts({"P": 0, "Q": 0}, {})
BOOK = two_positions(lambda p, q: norm("n", {"p": p, "q": q}), bits=8)
HONEST = BOOK.circuit
ROW = fill(BOOK, {("position", "P"): 180, ("position", "Q"): 240}).row(0)  # 300
FOLD = [f"n.2.0: fold {t}" for t in range(4)]
WIDTH = [f"fold:n.2.0.{t}" for t in range(4)]
LENGTH, VALUE = "n.2.0: length", "norm:n.2.0"


def least(circuit: Circuit) -> float:
    return best(circuit, ROW, R)


def test_the_honest_circuit_breaks_no_rule() -> None:
    assert broken(HONEST, FACTS) == set()
    assert 300 <= ROW.outputs[R] <= 302
    assert least(HONEST) >= 300


@pytest.mark.parametrize("fold", range(4))
def test_a_fold_that_nothing_forces(fold: int) -> None:
    cheat = without(HONEST, FOLD[fold])
    assert broken(cheat, FACTS) == {"selector"}
    lots = [(round(250 * cos(a / 40)), round(250 * sin(a / 40))) for a in range(63)]
    rows = fill(BOOK, *({("position", "P"): p, ("position", "Q"): q} for p, q in lots))
    claims = [best(cheat, rows.row(i), R) / (p * p + q * q) ** 0.5 for i, (p, q) in enumerate(lots)]
    assert min(claims) < 0.999


def test_a_fold_by_half() -> None:
    cheat = with_terms(HONEST, FOLD[0], {WIDTH[0]: 2})
    assert broken(cheat, FACTS) == {"selector"}


def test_a_size_by_half() -> None:
    cheat = with_terms(HONEST, "n: size of p", {"size:n.p": 2})
    assert broken(cheat, FACTS) == {"selector"}
    row = fill(BOOK, {("position", "P"): -180, ("position", "Q"): 240}).row(0)
    assert best(cheat, row, R) < 299


def test_a_length_that_counts_more_than_it_is() -> None:
    value = dict(equation(HONEST, LENGTH).terms)
    most = max(value.values())
    cheat = with_terms(HONEST, LENGTH, {VALUE: 2 * most})
    assert broken(cheat, FACTS) == {"selector"}
    assert least(cheat) < 151


def test_a_leg_that_is_left_out() -> None:
    """Prices and folds agree with each other, but not with the legs that are declared."""
    cheat = replace(
        HONEST, hypotenuses=(replace(HONEST.hypotenuses[0], legs=HONEST.hypotenuses[0].legs[:1] * 2),)
    )
    assert broken(cheat, FACTS) == {"selector"}


def test_a_fold_that_is_counted_as_a_credit() -> None:
    cheat = with_terms(HONEST, "R", {WIDTH[1]: -1})
    assert broken(cheat, FACTS) == {"selector"}
    assert least(cheat) < 299


@pytest.mark.parametrize(
    "change",
    [{"folds": HONEST.hypotenuses[0].folds[:3]}, {"bound": FOLD[0]}, {"bound": "nothing"}, {"legs": ()}],
)
def test_a_declaration_that_is_not_of_this_circuit(change: dict[str, object]) -> None:
    cheat = replace(HONEST, hypotenuses=(replace(HONEST.hypotenuses[0], **change),))  # type: ignore[arg-type]
    assert broken(cheat, FACTS) == {"selector"}
