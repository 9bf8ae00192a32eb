"""Rule 6, tails: a free threshold never lowers an Expected Shortfall.

One unit less of t raises the excess of every scenario by at least a unit, so the value by n / k >= 1 units, if all
scenarios hold it: that is what is checked.
"""

from __future__ import annotations

import numpy as np

from zkmargin.circuits.circuit import Equation, Tail, variable
from zkmargin.circuits.structure import Structure, normal
from zkmargin.errors import CircuitError


def check_tail(structure: Structure, tail: Tail) -> None:
    """Check share, mean, and that every scenario and every use holds the threshold; raise CircuitError "selector"."""
    if not 0 < tail.worst <= len(tail.excesses):
        raise CircuitError(
            "selector", f"{tail.name}: a tail of {tail.worst} of {len(tail.excesses)} scenarios"
        )
    mean = _mean(structure, tail)
    scenarios = {_scenario(structure, tail, excess, mean) for excess in tail.excesses}
    if len(scenarios) != len(tail.excesses):
        raise CircuitError("selector", f"{tail.name}: two scenarios share an inequality")
    _check_uses(structure, tail, {mean.name, *scenarios})


def _mean(structure: Structure, tail: Tail) -> Equation:
    """Return the one inequality that holds the value above the mean."""
    a, b = tail.worst.as_integer_ratio()
    terms = {variable(tail.value): a} | {variable(excess): -b for excess in tail.excesses}
    if tail.floor_zero:
        terms |= {variable(tail.up): -a, variable(tail.down): a}
    for index, coefficient in structure.circuit.incidence[variable(tail.value)]:
        equation = structure.circuit.equations[index]
        slack = {} if equation.slack is None else {variable(equation.slack): -1}
        if coefficient == a and slack and normal(terms | slack) == equation.terms:
            return equation
    raise CircuitError("selector", f"{tail.name}: nothing holds its value above the mean of its excesses")


def _scenario(structure: Structure, tail: Tail, excess: int, mean: Equation) -> str:
    """Return the name of the inequality that forces an excess and holds the threshold beside it."""
    circuit = structure.circuit
    uses = [(circuit.equations[index], a) for index, a in circuit.incidence[variable(excess)]]
    others = [(equation, a) for equation, a in uses if equation is not mean]
    if len(others) == 1 and others[0][0].slack is not None and others[0][1] > 0:
        equation, a = others[0]
        if _at(equation, tail.up, tail.down) == [a, -a] and not _relieved(structure, equation):
            return equation.name
    name = circuit.columns[excess].name
    raise CircuitError(
        "selector",
        f"{name}: one scenario must hold it, with the threshold of {tail.name} and no value beside it",
    )


def _relieved(structure: Structure, equation: Equation) -> bool:
    """Whether an auxiliary value makes a loss smaller: losses are convex, so values only add to them."""
    terms = equation.arrays
    return bool((structure.is_value[terms.variables] & (terms.coefficients > 0)).any())


def _check_uses(structure: Structure, tail: Tail, own: set[str]) -> None:
    """Check that the threshold stands elsewhere only where it is a part of the value, at the value's coefficient."""
    circuit = structure.circuit
    for column, sign in ((tail.up, 1), (tail.down, -1)):
        for index, a in circuit.incidence[variable(column)]:
            equation = circuit.equations[index]
            if equation.name not in own and (tail.floor_zero or [sign * a] != _at(equation, tail.value)):
                raise CircuitError(
                    "selector", f"{equation.name}: {circuit.columns[column].name} stands alone"
                )
    if tail.floor_zero:
        return
    for index, _ in circuit.incidence[variable(tail.value)]:
        equation = circuit.equations[index]
        if equation.name not in own and not all(_at(equation, tail.up, tail.down)):
            raise CircuitError("selector", f"{equation.name}: {tail.name} without its threshold")


def _at(equation: Equation, *columns: int) -> list[int]:
    """Return the coefficients of columns in an equation."""
    found: list[int] = equation.arrays.at(np.array([variable(column) for column in columns])).tolist()
    return found
