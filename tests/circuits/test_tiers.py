"""Tiers shared by several functions, standing apart: exact at every lot, jumps included, and never falling."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from circuit_cases import FACTS, broken, fill, one_position, with_terms
from circuit_oracle import best

from zkmargin.circuits.atoms import Tiers, piecewise
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.circuit import E, I, R
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.overstatement import overstatement
from zkmargin.circuits.rules import check_circuit
from zkmargin.circuits.witness import check_row
from zkmargin.errors import CircuitError, CurvatureError

F = Fraction
KNOTS = (0, 3, 4, 9)
KINKED = (
    (0, F(7, 2), F(5), F(20)),
    (F(1), F(3, 2), F(3), F(3)),
)  # values at the knots, slopes: rises everywhere
STEPPED = ((0, F(6), F(12), F(45)), (F(1), F(2), F(3), F(5)))  # slope x lots: jumps at every knot


def two_functions(quantum: object = 1, bits: int = 4) -> CompiledBook:
    """R kinked, I stepped, on the same tiers."""
    rules = Rules("tiers", version=1, equity_quantum=quantum, margin_quantum=quantum)
    position = rules.signed("position", {"P": bits})["P"]
    tiers = Tiers("tiers", position.gross, KNOTS, apart=True)
    rules.net_value(position * 6)
    rules.equity(position * 6)
    rules.requirement(tiers.function("kinked", *KINKED))
    rules.initial_requirement(tiers.function("stepped", *STEPPED))
    return rules.compile()


def expected(function: tuple[tuple[Fraction | int, ...], tuple[Fraction, ...]], lots: int) -> Fraction:
    tier = max(t for t, knot in enumerate(KNOTS) if knot <= lots)
    values, slopes = function
    return values[tier] + slopes[tier] * (lots - KNOTS[tier])


@pytest.mark.parametrize("lots", range(-15, 16))
def test_every_amount(lots: int) -> None:
    book = two_functions(F(1, 2))
    row = fill(book, {("position", "P"): lots}).row(0)
    check_row(book.circuit, row)
    assert row.outputs[R] == 2 * expected(KINKED, abs(lots))
    assert row.outputs[I] == 2 * expected(STEPPED, abs(lots))


def test_one_group_serves_both() -> None:
    circuit = two_functions(F(1, 2)).circuit
    check_circuit(circuit, replace(FACTS, lot_value={"P": 12}))
    assert [group.name for group in circuit.one_hots] == ["tiers"]
    assert circuit.one_hots[0].widths == (
        2,
        0,
        4,
        21,
    )  # each but the last ends one lot before the next begins


@pytest.mark.parametrize("lots", [1, 2, 3, 4, 8, 9, 15])
def test_nobody_can_claim_less(lots: int) -> None:
    book = two_functions(F(1, 2))
    row = fill(book, {("position", "P"): lots}).row(0)
    for output in (R, I):
        assert best(book.circuit, row, output, bits=True) == pytest.approx(row.outputs[output])


@pytest.mark.parametrize("quantum", [F(1), F(2), F(3, 7)])
def test_overstatement_is_the_worst_of_all_amounts(quantum: Fraction) -> None:
    """Both sides of the pair may be full at once: the bound takes 30 lots, no honest account has more than 15."""
    book = two_functions(quantum)
    witness = fill(book, *({("position", "P"): lots} for lots in range(16)))
    over = [witness.row(n).outputs[R] * quantum - expected(KINKED, n) for n in range(16)]
    assert min(over) >= 0
    assert max(over) <= overstatement(book)
    raised = book.program.complete(_both_sides(15), 1).outputs[0][R] * quantum - expected(KINKED, 30)
    assert overstatement(book) == max(*over, raised)


def _both_sides(lots: int) -> dict[tuple[int, int], object]:
    sides = fill(two_functions(), {("position", "P"): lots}).sides[0, 0]
    return {(0, 0): sides, (0, 1): sides}


def test_overstatement_of_one_tier() -> None:
    rules, position = one_position()
    rules.net_value(position * 1)
    rules.equity(position * 1)
    rules.requirement(piecewise("flat", position.gross, [0, 100], ["0.3", 1]))
    rules.initial_requirement(position.gross * 1)
    assert overstatement(rules.compile()) == 15 * F(7, 10)


@pytest.mark.parametrize(
    "values, slopes, where",
    [
        ((0, 6, 5, 45), (1, 2, 3, 5), "from 4 lots on"),
        ((0, 6, 12, 45), (1, 2, -3, 5), "from 4 lots on"),
        ((0, 1, 12, 45), (1, 2, 3, 5), "from 3 lots on"),
    ],
)
def test_what_falls_is_refused(values: tuple[int, ...], slopes: tuple[int, ...], where: str) -> None:
    _, position = one_position()
    tiers = Tiers("tiers", position.gross, KNOTS, apart=True)
    with pytest.raises(CurvatureError, match=f"f: falls {where}"):
        tiers.function("f", values, slopes)


@pytest.mark.parametrize("values, slopes", [((0, 6, 12, 45), (1, 2, 3)), ((0, 6, 12), (1, 2, 3))])
def test_what_is_no_function_on_the_tiers_is_refused(
    values: tuple[int, ...], slopes: tuple[int, ...]
) -> None:
    _, position = one_position()
    with pytest.raises(CircuitError, match="f: needs a value and a slope for each knot"):
        Tiers("tiers", position.gross, KNOTS, apart=True).function("f", values, slopes)


def test_tiers_out_of_reach_are_left_out() -> None:
    """30 lots fit: a tier that begins at 30 can be reached where tiers stand apart, one that begins at 31 cannot."""
    for knot, tiers in ((30, 2), (31, 1)):
        rules, position = one_position()
        apart = Tiers("tiers", position.gross, [0, 5, knot], apart=True)
        rules.net_value(position * 1)
        rules.equity(position * 1)
        rules.requirement(apart.function("f", [0, 9, 90], [1, 1, 2]))
        rules.initial_requirement(apart.function("g", [0, 9, 90], [1, 1, 2]))
        circuit = rules.compile().circuit
        assert len(circuit.one_hots[0].tiers) == tiers + 1
        assert [tier.knot for tier in circuit.omitted_tiers] == ([] if tiers == 2 else [30])


MARKED = replace(FACTS, lot_value={"P": 6})


@pytest.mark.parametrize(
    "terms",
    [
        {"tier:tiers.3": 12},  # falls at 9 lots: raising both sides of the pair from 4 to 9 would pay
        {"part:tiers.2": -1},  # falls within a tier
        {"tier:tiers.2": -5},  # a constant in favour of the account
    ],
)
def test_a_requirement_that_falls_is_refused_in_a_circuit(terms: dict[str, int]) -> None:
    circuit = two_functions().circuit
    assert broken(circuit, MARKED) == set()
    assert broken(with_terms(circuit, "I", terms), MARKED) == {"selector"}


def test_a_lower_tier_that_reaches_the_jump_is_refused() -> None:
    """With one lot more the tier below a jump would serve 9 lots at its own rate."""
    circuit = two_functions().circuit
    group = circuit.one_hots[0]
    wider = replace(group, widths=(*group.widths[:2], 5, group.widths[3]))
    reaching = with_terms(circuit, "tiers: tier 2 holds its part", {"tier:tiers.2": 5})
    assert broken(replace(reaching, one_hots=(wider,)), MARKED) == {"selector"}


def test_equity_by_shared_tiers_is_never_more() -> None:
    rules, position = one_position()
    tiers = Tiers("tiers", position.long, [0, 3], apart=True)
    net = position * 5
    rules.net_value(net)
    rules.equity(net - tiers.function("haircut", [0, 4], [1, 2]))
    rules.requirement(tiers.function("charge", [0, 9], [1, 4]))
    rules.initial_requirement(tiers.function("charge again", [0, 9], [1, 4]))
    row = fill(rules.compile(), {("position", "P"): 4}).row(0)
    assert (row.outputs[E], row.outputs[R]) == (14, 13)
