"""Legs that stand alone for less than they could net: refused by the rule named, and shown to be worth refusing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from circuit_cases import at, broken, equation, fill, with_terms
from circuit_oracle import best

from zkmargin.circuits.alone import NettingUnit
from zkmargin.circuits.atoms import maximum
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.circuit import Circuit, Input, Price, R, Side, variable
from zkmargin.circuits.expression import Expression, total
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.rules_alone import check_alone
from zkmargin.circuits.structure import Structure
from zkmargin.circuits.witness import check_row
from zkmargin.errors import CircuitError
from zkmargin.sparse import sparse

FACTS = CircuitFacts({"A": 3, "B": 5, "USD": 1}, {"A": "USD", "B": "USD"})


LOSSES = {"A": (-3, 2), "B": (4, -1)}  # up and down, a lot


def rules(
    losses: Mapping[str, tuple[int, int]] = LOSSES, worth: Mapping[str, int] = FACTS.lot_value
) -> Rules:
    """Two positions that net: A loses 2 a lot or 3, B 4 or 1, for its two sides."""
    out = Rules("legs", version=1, equity_quantum=1, margin_quantum=1)
    cost = out.signed("cost", {"USD": 9})["USD"]
    held = out.signed("position", dict.fromkeys("AB", 6))
    unit = out.netting_unit("u", held)
    up, down = (total(p * losses[label][i] for label, p in held.items()) for i in (0, 1))
    worst = unit.worst_case({"up": up, "down": down})
    charge = worst + out.charged_alone([unit])
    every = [*held.items(), *unit.legs.items()]
    value = total(p * worth[label] for label, p in every) - cost
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


def test_a_charge_that_an_output_takes_off() -> None:
    cheat = with_terms(HONEST, "R", {"max:alone": -1})
    assert broken(cheat, FACTS) == {"alone"}
    assert best(cheat, ROW, R) < 0


def test_legs_of_which_only_the_dearest_is_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    """One inequality a leg charges the larger of two, not their sum."""

    def dearest(self: Rules, units: Sequence[NettingUnit]) -> Expression:
        charges = {str(side): Expression({side: a}) for side, a in units[0].charge.sides.items()}
        charge = maximum("alone", charges, floor_zero=True)
        self._alone = charge, units
        return charge

    monkeypatch.setattr(Rules, "charged_alone", dearest)
    cheat = rules().compile()
    key = cheat.circuit.input_index
    lots = {(key["alone", "A"], 1): sparse([0], [10]), (key["alone", "B"], 0): sparse([0], [10])}
    assert cheat.program.complete(lots, 1).row(0).outputs[R] == 40
    netted = {
        (key["position", name], side): lots[key["alone", name], side] for name, side in (("A", 1), ("B", 0))
    }
    assert BOOK.program.complete(netted, 1).row(0).outputs[R] == 70
    assert broken(cheat.circuit, FACTS) == {"alone"}


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


def test_a_leg_that_is_declared_twice() -> None:
    unit = HONEST.alone[0]
    cheat = replace(HONEST, alone=(replace(unit, legs=(*unit.legs, unit.legs[1])),))
    assert broken(cheat, FACTS) == {"alone"}


def test_a_leg_of_another_shape_or_kind() -> None:
    key = HONEST.input_index
    position, leg = key["position", "B"], key["alone", "B"]

    def changed_sides(change: Callable[[Input], tuple[Side, ...]], *indices: int) -> Circuit:
        inputs = [replace(x, sides=change(x)) if i in indices else x for i, x in enumerate(HONEST.inputs)]
        return replace(HONEST, inputs=tuple(inputs))

    def doubled(item: Input) -> tuple[Side, ...]:
        return tuple(Side(tuple((column, 2 * lots) for column, lots in side.parts)) for side in item.sides)

    assert "alone" in broken(changed_sides(doubled, leg), FACTS)
    single = changed_sides(lambda item: item.sides[:1], position, leg)
    with pytest.raises(CircuitError, match="is no leg of"):
        check_alone(Structure(single, FACTS))


def test_legs_of_each_other() -> None:
    """Where two contracts are worth and lose the same, nothing but the names tells their legs apart."""
    worth = {"A": 3, "B": 3, "USD": 1}
    circuit = rules({"A": (3, -2), "B": (3, -2)}, worth).compile().circuit
    facts = CircuitFacts(worth, FACTS.settlement)
    assert broken(circuit, facts) == set()
    unit = circuit.alone[0]
    (first, second) = unit.legs
    legs = ((first[0], second[1]), (second[0], first[1]))
    assert broken(replace(circuit, alone=(replace(unit, legs=legs),)), facts) == {"alone"}


def with_price(circuit: Circuit, name: str, key: tuple[str, str], a: int) -> Circuit:
    """Add the long side of an input to an equation, at a price and the coefficient that it gives."""
    old = equation(circuit, name)
    index = circuit.input_index[key]
    prices = (*old.prices, Price(index, 0, Fraction(a)))
    terms = tuple(sorted((*old.terms, (variable(at(circuit, f"{key[0]}[{key[1]}].long")), a))))
    new = replace(old, prices=prices, terms=terms)
    return replace(circuit, equations=tuple(new if e is old else e for e in circuit.equations))


def test_a_leg_that_nets_like_its_position() -> None:
    """It is charged alone and hedges as well, at the same coefficient."""
    found = dict(equation(HONEST, "u >= down").terms)[variable(at(HONEST, "position[B].long"))]
    assert "alone" in broken(with_price(HONEST, "u >= down", ("alone", "B"), found), FACTS)


def test_a_position_that_is_charged_like_its_leg() -> None:
    assert "alone" in broken(with_price(HONEST, "alone >= sum", ("position", "B"), -4), FACTS)


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
