"""Legs that stand alone for less than they could net: refused by the rule named, and shown to be worth refusing."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from circuit_cases import at, broken, equation, fill, with_terms
from circuit_oracle import best

from zkmargin.circuits.builder import Rules
from zkmargin.circuits.circuit import Circuit, R, variable
from zkmargin.circuits.expression import total
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.witness import check_row
from zkmargin.sparse import sparse

FACTS = CircuitFacts({"A": 3, "B": 5, "USD": 1}, {"A": "USD", "B": "USD"})


def rules() -> Rules:
    """Two positions that net: A loses 2 a lot or 3, B 4 or 1, for its two sides."""
    out = Rules("legs", version=1, equity_quantum=1, margin_quantum=1)
    cost = out.signed("cost", {"USD": 9})["USD"]
    held = out.signed("position", dict.fromkeys("AB", 6))
    unit = out.netting_unit("u", held)
    a, b = held.values()
    worst = unit.worst_case({"up": a * -3 + b * 4, "down": a * 2 - b})
    charge = worst + out.charged_alone([unit])
    every = [*held.items(), *unit.legs.items()]
    value = total(p * FACTS.lot_value[label] for label, p in every) - cost
    out.net_value(value)
    out.equity(value)
    out.requirement(charge)
    out.initial_requirement(charge * 2)
    out.gate(cost, [p for _, p in every], "gate")
    return out


BOOK = rules().compile()
HONEST = BOOK.circuit
ROW = fill(BOOK, {("position", "B"): 10}).row(0)


def test_the_honest_circuit_breaks_no_rule() -> None:
    assert broken(HONEST, FACTS) == set()
    assert ROW.outputs[R] == 40
    assert ROW.columns[at(HONEST, "alone[B].long")] == 10


def with_prices(circuit: Circuit, name: str, leg: str, a: int) -> Circuit:
    """Change a leg's price and coefficient together, so that they agree."""
    old = equation(circuit, name)
    index, side = circuit.input_index["alone", leg], 0
    prices = tuple(
        replace(p, coefficient=Fraction(a)) if (p.input, p.side) == (index, side) else p for p in old.prices
    )
    var = variable(at(circuit, f"alone[{leg}].long"))
    terms = tuple((v, a if v == var else c) for v, c in old.terms)
    new = replace(old, prices=prices, terms=terms)
    return replace(circuit, equations=tuple(new if e is old else e for e in circuit.equations))


def test_a_leg_that_is_charged_less_than_it_nets() -> None:
    cheat = with_prices(HONEST, "alone >= sum", "B", -3)
    assert broken(cheat, FACTS) == {"alone"}
    assert best(cheat, ROW, R) == pytest.approx(30)


def test_a_leg_that_is_not_charged() -> None:
    cheat = with_terms(HONEST, "alone >= sum", {"alone[B].long": 0})
    assert "alone" in broken(cheat, FACTS)
    assert best(cheat, ROW, R) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("output", ["R", "I"])
def test_a_charge_that_an_output_leaves_out(output: str) -> None:
    cheat = with_terms(HONEST, output, {"max:alone": 0})
    assert broken(cheat, FACTS) == {"alone"}


def test_a_leg_that_hedges_as_well() -> None:
    cheat = with_terms(HONEST, "u >= up", {"alone[B].long": 4, "alone[B].short": -4})
    assert broken(cheat, FACTS) == {"alone"}
    key = HONEST.input_index
    both = {(key["alone", "B"], 0): sparse([0], [10]), (key["position", "B"], 0): sparse([0], [10])}
    row = BOOK.program.complete(both, 1).row(0)
    assert row.outputs[R] == 80
    assert best(cheat, row, R) == pytest.approx(40)


def test_a_leg_that_counts_other_than_its_position() -> None:
    cheat = HONEST
    for name in ("N", "E"):
        cheat = with_terms(cheat, name, {"alone[B].long": 9})
    assert broken(cheat, FACTS) == {"net", "alone"}
    assert "alone" in broken(with_terms(HONEST, "R", {"position[A].long": 1}), FACTS)


def test_legs_that_are_declared_otherwise() -> None:
    unit = HONEST.alone[0]
    (first, second) = unit.legs
    swapped = ((first[0], second[1]), (second[0], first[1]))
    for legs in ((), (first,), (first, first), swapped, ((first[1], first[0]), second)):
        cheat = replace(HONEST, alone=(replace(unit, legs=legs),))
        assert broken(cheat, FACTS) == {"alone"}
    assert broken(replace(HONEST, alone=()), FACTS) == {"alone"}


def test_the_optimiser_finds_no_better_split() -> None:
    """Hedge with one part and stand alone with the other: 10 long in all, R is 40 however it is split."""
    key = HONEST.input_index
    for raised in range(0, 40, 3):
        sides = {
            (key["alone", "B"], 0): sparse([0], [10 + raised]),
            (key["position", "B"], 1): sparse([0], [raised]),
        }
        row = BOOK.program.complete({k: v for k, v in sides.items() if len(v)}, 1).row(0)
        check_row(HONEST, row)
        assert best(HONEST, row, R) >= 40 - 1e-6
