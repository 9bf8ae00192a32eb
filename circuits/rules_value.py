"""Rule 3: what is owed is exact, equity is never more, and raising both sides of a pair never helps.

A signed input has no sign bit: a cheating row may hold long and short at once. So long minus short must be what
counts in N, and everywhere else the two sides together may only cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from zkmargin.circuits.circuit import OUTPUTS, E, Equation, I, Input, N, R, variable
from zkmargin.circuits.structure import Structure, normal

from zkmargin.errors import CircuitError


def check_net(structure: Structure) -> None:
    """Check that N is every input at its lot value, second sides at minus it, and nothing else."""
    circuit = structure.circuit
    definition = circuit.definition(N)
    if definition is None:
        return  # rule 2
    expected: dict[int, int] = {N: -1}
    for item in circuit.inputs:
        value = structure.facts.value(item.key)
        for side, sign in zip(item.sides, (1, -1), strict=False):
            expected |= {variable(column): sign * value * lots for column, lots in side.parts}
    if normal(expected) != definition.terms:
        name = _first_difference(structure, expected, dict(definition.terms))
        raise CircuitError(
            "net", f"N must count every input at its lot value and nothing else: {name} differs"
        )


def check_equity(structure: Structure) -> None:
    """Check that E is N less a non-negative combination of columns."""
    circuit = structure.circuit
    net, equity = circuit.definition(N), circuit.definition(E)
    if net is None or equity is None:
        return  # rule 2
    most = dict(net.terms)
    for var, a in equity.terms:
        if var >= len(OUTPUTS) and a > most.get(var, 0):
            raise CircuitError("equity", f"E counts {_name(structure, var)} for more than N does")
    low = {var for var, a in most.items() if var >= len(OUTPUTS) and a < 0} - {var for var, _ in equity.terms}
    if low:
        raise CircuitError("equity", f"E leaves out {_name(structure, min(low))}, which lowers N")


def check_pair(structure: Structure) -> None:
    """Check, per lot, that raising both sides of a pair loosens no inequality and lowers no requirement."""
    pairs = {
        variable(column): item
        for item in structure.circuit.inputs
        if len(item.sides) == 2
        for side in item.sides
        for column, _ in side.parts
    }
    for equation in structure.inequalities:
        _check_pairs(equation, pairs, max, 1)
    for output in (R, I):
        definition = structure.circuit.definition(output)
        if definition is not None:
            _check_pairs(definition, pairs, min, -1)


def _check_pairs(
    equation: Equation, pairs: Mapping[int, Input], worst: Callable[[Iterable[int]], int], sign: int
) -> None:
    found = dict(equation.terms)
    for item in {id(pairs[var]): pairs[var] for var in found if var in pairs}.values():  # others stand at 0
        most = max(lots for side in item.sides for _, lots in side.parts)
        per_lot = [
            worst(found.get(variable(column), 0) * (most // lots) for column, lots in side.parts)
            for side in item.sides
        ]  # times `most`: parts are powers of two, so this is exact
        if sign * sum(per_lot) > 0:
            raise CircuitError("pair", f"{equation.name}: raising both sides of {item.name} helps")


def _first_difference(structure: Structure, expected: dict[int, int], actual: dict[int, int]) -> str:
    wrong = [var for var in expected.keys() | actual.keys() if expected.get(var, 0) != actual.get(var, 0)]
    return _name(structure, min(wrong))


def _name(structure: Structure, var: int) -> str:
    return OUTPUTS[var] if var < len(OUTPUTS) else structure.circuit.columns[var - len(OUTPUTS)].name
