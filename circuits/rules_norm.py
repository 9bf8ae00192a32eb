"""Rule 6, norms: folds are rotations of two legs and nothing else, so that a norm is never below the true one."""

from __future__ import annotations

from fractions import Fraction

from zkmargin.circuits.circuit import Equation, Hypotenuse, variable
from zkmargin.circuits.draft import Form, add_forms
from zkmargin.circuits.folds import FOLDS, LAST, projected, rotated
from zkmargin.circuits.structure import Structure
from zkmargin.circuits.variables import NamedColumn
from zkmargin.errors import CircuitError


def check_hypotenuse(structure: Structure, pair: Hypotenuse) -> None:
    """Replay the folds in exact fractions; raise CircuitError "selector" for the first inequality that differs."""
    if len(pair.legs) != 2 or len(pair.folds) != len(FOLDS):
        raise CircuitError("selector", f"{pair.name}: two legs and {len(FOLDS)} folds make a norm")
    along, across = (_leg(structure, pair, leg) for leg in pair.legs)
    scale = 1
    for triple, (column, name) in zip(FOLDS, pair.folds, strict=True):
        along, y = rotated(along, across, triple)
        scale *= triple[2]
        _check(structure, name, add_forms([y, Form(columns={column: Fraction(1)})]))
        across = add_forms([y, Form(columns={column: Fraction(2)})])
    length = Form(columns={pair.value: Fraction(scale * LAST[0])})
    _check(structure, pair.bound, add_forms([length, -projected(along, across)]))
    _check_uses(structure, pair)


def _leg(structure: Structure, pair: Hypotenuse, leg: NamedColumn) -> Form:
    column, name = leg
    own = Form(columns={column: Fraction(1)})
    if not name:
        return own
    stated = _stated(structure, _inequality(structure, name))
    if stated.columns.get(column) != 1:
        raise CircuitError("selector", f"{name}: does not force the size of a leg of {pair.name}")
    return add_forms([stated, own])


def _check(structure: Structure, name: str, expected: Form) -> None:
    if _stated(structure, _inequality(structure, name)) != expected:
        raise CircuitError("selector", f"{name}: is not the fold of its legs")


def _inequality(structure: Structure, name: str) -> Equation:
    if name not in structure.named_inequality:
        raise CircuitError("selector", f"there is no inequality {name!r}")
    return structure.named_inequality[name]


def _stated(structure: Structure, equation: Equation) -> Form:
    """Return an inequality before rounding, its slack left out: sides at their prices, other columns as they are."""
    circuit = structure.circuit
    sides = {(price.input, price.side): price.coefficient for price in equation.prices}
    priced = {
        variable(column) for index, side in sides for column, _ in circuit.inputs[index].sides[side].parts
    }
    skipped = priced | {variable(-1 if equation.slack is None else equation.slack)}
    columns = {var - variable(0): Fraction(a) for var, a in equation.terms if var not in skipped}
    return Form({side: a for side, a in sides.items() if a}, columns)


def _check_uses(structure: Structure, pair: Hypotenuse) -> None:
    """Check that sizes and folds stand nowhere else, where more of them could help."""
    circuit = structure.circuit
    sizes = [leg for leg in pair.legs if leg[1]]
    own = {pair.bound} | {name for _, name in (*sizes, *pair.folds)}
    for column, _ in (*sizes, *pair.folds):
        for index, _ in circuit.incidence[variable(column)]:
            if circuit.equations[index].name not in own:
                name = circuit.columns[column].name
                raise CircuitError("selector", f"{circuit.equations[index].name}: {name} of {pair.name}")
