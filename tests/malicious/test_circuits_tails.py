"""Circuits that cheat with the threshold of an Expected Shortfall: refused by the rule named, and worth refusing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from circuit_cases import broken, changed, fill, two_positions, with_terms, without

from zkmargin.circuits.atoms import expected_shortfall
from zkmargin.circuits.circuit import Circuit, R
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.witness import check_row
from zkmargin.errors import VerificationError

FACTS = CircuitFacts({"P": 0, "Q": 0}, {})
UP, DOWN = "threshold:es.up", "threshold:es.down"
A, B = "es: scenario a", "es: scenario b"


def mean_of_two(tail: str = "1", *, floor_zero: bool = True) -> CompiledBook:
    """Losses 2 p and q: their mean for tail = 1, the larger for tail = 1/2."""
    return two_positions(
        lambda p, q: expected_shortfall("es", {"a": p * 2, "b": q}, tail, floor_zero=floor_zero)
    )


MEAN = mean_of_two()
HONEST = MEAN.circuit
ROW = fill(MEAN, {("position", "P"): 6, ("position", "Q"): 8}).row(0)  # losses 12 and 8
NAME = "es: mean of the worst 2"


def accepted(cheat: Circuit, requirement: int, **columns: int) -> None:
    """Check that a row passes the cheat, and not the honest circuit."""
    lower = changed(cheat, ROW, {R: requirement}, shortfall=requirement, **columns)
    check_row(cheat, lower)
    with pytest.raises(VerificationError):
        check_row(HONEST, lower)


def test_the_honest_circuits_break_no_rule() -> None:
    assert ROW.outputs[R] == 10
    for tail in ("1", "1/2", "0.3"):
        for floor_zero in (True, False):
            assert broken(mean_of_two(tail, floor_zero=floor_zero).circuit, FACTS) == set()


def test_a_scenario_without_the_threshold() -> None:
    cheat = with_terms(HONEST, B, {DOWN: 0})
    assert broken(cheat, FACTS) == {"selector"}
    excess = {"excess:es.a": 12 + 12, "excess:es.b": 0, UP: 8, DOWN: 20, "es:es": 0}
    accepted(cheat, 0, **excess, **{f"slack:{A}": 0, f"slack:{B}": 0, f"slack:{NAME}": 24 - 24})


def test_a_loss_that_the_value_itself_pays() -> None:
    """What is charged may not lower what it is held against: the rest of the rules sees a base of a maximum there."""
    cheat = with_terms(HONEST, A, {"es:es": 1})
    assert broken(cheat, FACTS) == {"selector"}
    excess = {"excess:es.a": 0, "excess:es.b": 1, UP: 7, DOWN: 0, "es:es": 8}  # 7 + 8 >= 12, 7 + 1 >= 8
    accepted(
        cheat, 8, **excess, **{f"slack:{A}": 7 + 8 - 12, f"slack:{B}": 0, f"slack:{NAME}": 2 * 8 - 14 - 1}
    )


def test_a_share_of_more_than_all_scenarios() -> None:
    cheat = with_terms(HONEST, NAME, {"es:es": 3, UP: -3, DOWN: 3})
    assert broken(cheat, FACTS) == {"selector"}
    assert broken(
        replace(cheat, tails=(replace(HONEST.tails[0], worst=3 * HONEST.tails[0].worst / 2),)), FACTS
    ) == {"selector"}
    excess = {"excess:es.a": 12 + 20, "excess:es.b": 8 + 20, UP: 0, DOWN: 20, "es:es": 0}
    accepted(cheat, 0, **excess, **{f"slack:{A}": 0, f"slack:{B}": 0, f"slack:{NAME}": 0})


def test_a_mean_that_leaves_out_a_scenario() -> None:
    cheat = with_terms(HONEST, NAME, {"excess:es.a": 0})
    assert broken(cheat, FACTS) == {"selector"}
    excess = {"excess:es.a": 12, "excess:es.b": 8, UP: 0, DOWN: 0, "es:es": 4}
    accepted(cheat, 4, **excess, **{f"slack:{A}": 0, f"slack:{B}": 0, f"slack:{NAME}": 0})


def test_a_scenario_that_is_declared_twice() -> None:
    """Three scenarios by count, so that a tail of three would seem to be one."""
    tail = HONEST.tails[0]
    twice = replace(tail, excesses=(*tail.excesses, tail.excesses[-1]))
    assert broken(replace(HONEST, tails=(twice,)), FACTS) == {"form", "selector"}


def test_two_scenarios_in_one_inequality() -> None:
    """One excess of two then pays for both."""
    cheat = with_terms(HONEST, A, {"excess:es.b": 1})
    cheat = with_terms(cheat, B, {"excess:es.b": 0, UP: 0, DOWN: 0})
    assert broken(cheat, FACTS) == {"selector"}


def test_a_mean_over_more_scenarios_than_there_are() -> None:
    cheat = with_terms(HONEST, NAME, {"es:es": 4})
    assert broken(cheat, FACTS) == {"selector"}
    accepted(cheat, 5, **{"es:es": 5, f"slack:{NAME}": 0})


def test_no_mean_at_all() -> None:
    assert broken(without(HONEST, NAME), FACTS) == {"selector"}
    accepted(without(HONEST, NAME), 0, **{"es:es": 0, f"slack:{NAME}": 0})


def test_a_threshold_that_is_counted_as_a_credit() -> None:
    cheat = with_terms(HONEST, "R", {DOWN: -1})
    assert broken(cheat, FACTS) == {"selector"}
    excess = {"excess:es.a": 12 + 5, "excess:es.b": 8 + 5, UP: 0, DOWN: 5}
    accepted(cheat, 5, **excess, **{f"slack:{A}": 0, f"slack:{B}": 0})


def test_a_value_without_its_threshold() -> None:
    book = mean_of_two(floor_zero=False)
    cheat = with_terms(book.circuit, "R", {UP: 0, DOWN: 0})
    assert broken(cheat, FACTS) == {"selector"}
    row = fill(book, {("position", "P"): 6, ("position", "Q"): 8}).row(0)
    assert row.outputs[R] == 10
    free = {"excess:es.a": 0, "excess:es.b": 0, UP: 12, "es:es": 0, f"slack:{A}": 0, f"slack:{B}": 4}
    check_row(cheat, changed(cheat, row, {R: 0}, shortfall=0, **free))
    assert broken(with_terms(book.circuit, "R", {DOWN: -2}), FACTS) == {"selector"}


def test_tails_that_are_not_declared() -> None:
    """Without the declaration the rest of the rules has nothing to hold the threshold against."""
    cheat = replace(mean_of_two(floor_zero=False).circuit, tails=())
    assert broken(cheat, FACTS) == {"selector"}
