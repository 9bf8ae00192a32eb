"""Atoms: the canonical witness is the function itself, for every input that fits; other rows only overstate."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from math import ceil

import pytest
from circuit_cases import columns, one_position, two_positions

from zkmargin.circuits.atoms import absolute, maximum, minimum, neg, piecewise, pos
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.circuit import E, I, R
from zkmargin.circuits.draft import Row
from zkmargin.circuits.expression import Expression, Signed
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.lowering import Lowering
from zkmargin.circuits.rules_selectors import check_reach, check_selector
from zkmargin.circuits.structure import Structure
from zkmargin.circuits.witness import check_row

LOTS = range(-15, 16)
FACTS = CircuitFacts({"P": 0, "Q": 0}, {})


def used_twice(gap: Expression, p: Signed, q: Signed) -> Expression:
    return gap + maximum("m", {"a": gap * 3 - p, "b": q})


CASES: dict[str, tuple[Callable[[Signed, Signed], Expression], Callable[[int, int], Fraction | int]]] = {
    "maximum": (lambda p, q: maximum("m", {"a": p * 2, "b": q - p}), lambda p, q: max(2 * p, q - p)),
    "maximum of three": (
        lambda p, q: maximum("m", {"a": p.gross, "b": q * 3, "c": p - q}),
        lambda p, q: max(abs(p), 3 * q, p - q),
    ),
    "maximum with zero": (
        lambda p, q: maximum("m", {"a": p * 2 + q, "b": q * -1}, floor_zero=True),
        lambda p, q: max(0, 2 * p + q, -q),
    ),
    "nested": (
        lambda p, q: maximum("m", {"a": pos("p", p - q) * 2, "b": q}, floor_zero=True),
        lambda p, q: max(0, 2 * max(p - q, 0), q),
    ),
    "one atom, two uses": (
        lambda p, q: used_twice(pos("p", p - q), p, q),
        lambda p, q: max(p - q, 0) + max(3 * max(p - q, 0) - p, q),
    ),
    "minus a minimum": (lambda p, q: -minimum("m", {"a": p, "b": q}), lambda p, q: -min(p, q)),
    "pos": (lambda p, q: pos("f", p - q), lambda p, q: max(p - q, 0)),
    "neg": (lambda p, q: neg("f", p - q * 2), lambda p, q: max(2 * q - p, 0)),
    "abs": (lambda p, q: absolute("f", p * 3 - q), lambda p, q: abs(3 * p - q)),
    "scaled": (lambda p, q: pos("f", p - q) * 7, lambda p, q: 7 * max(p - q, 0)),
    "brackets of gross size": (
        lambda p, q: piecewise("b", p.gross, [0, 4, 9], [1, 2, 5]),
        lambda p, q: abs(p) + max(abs(p) - 4, 0) + 3 * max(abs(p) - 9, 0),
    ),
    "brackets of one side": (
        lambda p, q: piecewise("b", q.short, [0, 5], [0, 4]),
        lambda p, q: 4 * max(-q - 5, 0),
    ),
    "a tier out of reach": (
        lambda p, q: piecewise("b", p.long, [0, 15, 400], [3, 5, 6]),
        lambda p, q: 3 * max(p, 0),
    ),
}


@pytest.mark.parametrize("digits", [None, 1, 3])
@pytest.mark.parametrize("case", CASES)
def test_the_canonical_witness_is_the_function(case: str, digits: int | None) -> None:
    build, value = CASES[case]
    book = two_positions(build, digits)
    pairs = list(itertools.product(LOTS, repeat=2))
    rows = columns(*({("position", "P"): p, ("position", "Q"): q} for p, q in pairs))
    witness = book.program.run(rows, len(pairs))
    assert [int(r) for r in witness.outputs[:, R]] == [value(p, q) for p, q in pairs]
    for index in range(0, len(pairs), 17):
        check_row(book.circuit, witness.row(index))
    structure = Structure(book.circuit, FACTS)
    check_reach(structure)
    check_selector(structure)


@pytest.mark.parametrize("digits", [None, 1])
def test_fractions_of_a_quantum_only_raise_a_requirement(digits: int | None) -> None:
    price = Fraction(5, 7)
    book = two_positions(lambda p, q: pos("f", p * price - q * Fraction(1, 3)) * Fraction(4, 3), digits)
    pairs = list(itertools.product(LOTS, repeat=2))
    rows = columns(*({("position", "P"): p, ("position", "Q"): q} for p, q in pairs))
    found = book.program.run(rows, len(pairs)).outputs[:, R]
    parts = 8 if digits else 2 * 15
    for (p, q), r in zip(pairs, found, strict=True):
        exact = max(Fraction(0), price * p - Fraction(q, 3)) * Fraction(4, 3)
        assert exact <= int(r) < exact + parts + 1


def test_bits_round_once_each_and_lots_once_per_lot() -> None:
    """Why positions are stored bit by bit: the same book, the same quantum, the same price."""
    price = Fraction(10_001, 10_000)
    costs = {}
    for digits in (None, 1):
        rules, position = one_position(bits=12, digits=digits)
        rules.net_value(Expression())
        rules.equity(Expression())
        rules.requirement(pos("f", position * price))
        rules.initial_requirement(Expression())
        book = rules.compile()
        outputs = book.program.run(columns({("position", "P"): 4095}), 1).outputs
        costs[digits] = int(outputs[0, R]) - ceil(4095 * price)
    assert costs[None] == 4094
    assert costs[1] <= 12


def test_a_haircut_in_equity_is_exact() -> None:
    rules = Rules("e", version=1, equity_quantum=1, margin_quantum=10)
    held = rules.amounts("held", {"C": 6})["C"]
    rules.net_value(held * 10)
    rules.equity(held * 10 - piecewise("haircut", held, [0, 7, 20], [1, 2, 10]))
    rules.requirement(Expression())
    rules.initial_requirement(Expression())
    book = rules.compile()
    rows = book.program.run(columns(*({("held", "C"): x} for x in range(64))), 64)
    assert [int(e) for e in rows.outputs[:, E]] == [
        10 * x - x - max(x - 7, 0) - 8 * max(x - 20, 0) for x in range(64)
    ]
    tiers = [rows.columns[j] for j in book.circuit.one_hots[0].tiers]
    assert 7 in tiers[0].rows and 8 in tiers[1].rows and 20 in tiers[1].rows  # the lower tier at a knot
    assert [len(column) for column in tiers] == [7, 13, 43]


def test_what_cannot_bind_is_left_out_and_said() -> None:
    book = two_positions(
        lambda p, q: (
            maximum(
                "m",
                {"gain": -p.gross, "a": p - q, "again": p - q, "b": q},
                floor_zero=True,
            )
            + maximum("never", {"loss": -q.gross}, floor_zero=True)
        )
    )
    left = {row.name: row.implied_by for row in book.circuit.omitted_rows}
    assert left == {"m >= gain": None, "m >= again": "m >= a", "never >= loss": None}
    assert not any("never" in column.name for column in book.circuit.columns)


@pytest.mark.parametrize(("digits", "charged"), [(None, 7), (1, 1 + 1 + 2)])
def test_a_requirement_in_coarse_quanta(digits: int | None, charged: int) -> None:
    book = two_positions(lambda p, q: pos("f", p * 3 - q), digits, margin_quantum=10)
    rows = columns({("position", "P"): 7, ("position", "Q"): 1}, {("position", "P"): -7})
    assert book.program.run(rows, 2).outputs[:, R].tolist() == [10 * charged, 0]


@pytest.mark.parametrize("factor", ["1.5", "1.2", "4/3", "1.25", "1.0001", "7/3"])
def test_columns_hold_what_rounding_up_needs(factor: str) -> None:
    """Values and slacks of a rounded sum at every input, for widths at which one more or less is a bit."""
    for bits in range(1, 7):
        rules, position = one_position(bits)
        rules.net_value(Expression())
        rules.equity(Expression())
        loss = pos("loss", position)
        rules.requirement(loss)
        rules.initial_requirement(loss * factor)
        book = rules.compile()
        lots = range(1 << bits)
        witness = book.program.run(columns(*({("position", "P"): x} for x in lots)), len(lots))
        assert [int(i) for i in witness.outputs[:, I]] == [ceil(Fraction(factor) * x) for x in lots]
        for index in lots:
            check_row(book.circuit, witness.row(index))
        assert (
            max(c.width for c in book.circuit.columns if "rounded" in c.name)
            <= bits + Fraction(factor).denominator.bit_length() + 2
        )


def test_a_row_is_left_out_by_capacity_not_by_need() -> None:
    to = Lowering()
    idle = to.add("idle", 0, (0,))  # no honest account needs it; it holds 1
    assert to.canonical_range(Row({idle: -1})) == (0, 0)
    assert to.inequality("idle", Row({idle: -1}), (0,)) is not None
    assert not to.omitted_rows
