"""A position kept in two parts is one pair: the long side of either is no hedge for the short side of the other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from circuit_cases import broken, fill, with_terms, without
from circuit_oracle import best

from zkmargin.circuits.atoms import maximum
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.circuit import Input, R
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.sparse import sparse

FACTS = CircuitFacts({"P": 3, "USD": 1}, {"P": "USD"})


def book() -> Rules:
    """A position whose first 7 lots are kept apart, charged by scenarios, and an entry cost."""
    rules = Rules("parts", version=1, equity_quantum=1, margin_quantum=1)
    cost = rules.signed("cost", {"USD": 8})["USD"]
    position = rules.tiered({"P": 5}, {"P": 9})["P"]
    worst = maximum("worst", {"down": position * 2, "up": position * -3}, floor_zero=True)
    rules.net_value(position * 3 - cost)
    rules.equity(position * 3 - cost)
    rules.requirement(worst)
    rules.initial_requirement(worst * 2)
    rules.gate(cost, [position], "cost gate")
    return rules


BOOK = book().compile()
HONEST = BOOK.circuit


def test_the_honest_circuit_breaks_no_rule() -> None:
    assert broken(HONEST, FACTS) == set()
    assert fill(BOOK, {("position", "P"): 12}).row(0).outputs[R] == 24


@pytest.mark.parametrize("side", ["small[P].short", "position[P].short"])
def test_one_part_raised_against_the_other(side: str) -> None:
    cheat = with_terms(HONEST, "worst >= down", {side: 3})
    assert broken(cheat, FACTS) == {"pair"}
    key = HONEST.input_index
    part = side.removesuffix("[P].short")
    raised = {(key["small", "P"], 0): 6, (key["position", "P"], 0): 4, (key[part, "P"], 1): 7}
    lots = {k: sparse([0], [v]) for k, v in raised.items()}
    row = BOOK.program.complete(lots, 1).row(0)  # 10 long and 7 short: 3 lots, of which 6 is the charge
    assert row.outputs[R] == 6
    assert best(cheat, row, R) == pytest.approx(0, abs=1e-6)


def test_a_part_of_nothing() -> None:
    small = HONEST.inputs[HONEST.input_index["small", "P"]]
    alone = Input(("small", "Q"), small.sides)
    one_sided = replace(small, sides=small.sides[:1])
    for wrong in (alone, one_sided):
        cheat = replace(HONEST, inputs=tuple(wrong if item is small else item for item in HONEST.inputs))
        assert "form" in broken(cheat, FACTS)


def test_a_cost_opened_by_one_part_only() -> None:
    gate = HONEST.gates[0]
    fewer = replace(gate, positions=gate.positions[:1])
    assert broken(replace(HONEST, gates=(fewer,)), FACTS) == {"gate"}


def test_part_at_another_price() -> None:
    cheat = HONEST
    for name in ("N", "E"):
        cheat = with_terms(cheat, name, {"small[P].long": 2})
    assert broken(cheat, FACTS) == {"net"}
    assert broken(without(HONEST, "cost gate"), FACTS) >= {"gate"}
