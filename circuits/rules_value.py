"""Rule 3: what is owed is exact, equity is never more, and raising both sides of a pair never helps.

A signed input has no sign bit: a cheating row may hold long and short at once. So long minus short must be what
counts in N, and everywhere else the two sides together may only cost.
"""

from __future__ import annotations

import numpy as np

from zkmargin.circuits.arrays import products
from zkmargin.circuits.circuit import OUTPUTS, E, Equation, I, Input, N, R, variable
from zkmargin.circuits.expression import SideKey
from zkmargin.circuits.structure import Structure, normal
from zkmargin.errors import CircuitError
from zkmargin.sparse import Values, integers


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
    pairs = _Pairs(structure)
    for equation in structure.inequalities:
        pairs.check(equation, np.maximum, 1)
    for output in (R, I):
        definition = structure.circuit.definition(output)
        if definition is not None:
            pairs.check(definition, np.minimum, -1)


class _Pairs:
    """Every pair, by the variables of its parts."""

    def __init__(self, structure: Structure) -> None:
        self.circuit = structure.circuit
        pairs = [index for index, item in enumerate(self.circuit.inputs) if len(item.sides) == 2]
        parts = self.circuit.side_parts[_both_sides(pairs)]
        per_lot = integers([factor for index in pairs for factor in _per_lot(self.circuit.inputs[index])])
        self.input_of = np.full(structure.variables, -1)
        self.input_of[variable(0) + parts.columns] = np.repeat(np.repeat(pairs, 2), parts.counts)
        self.per_lot: Values = np.zeros(structure.variables, dtype=per_lot.dtype)
        self.per_lot[variable(0) + parts.columns] = per_lot

    def check(self, equation: Equation, worst: np.ufunc, sign: int) -> None:
        """Compare the worst part of the long side with the worst of the short side, of every pair in an equation."""
        touched = np.unique(self.input_of[equation.arrays.variables])
        pairs = touched[touched >= 0].tolist()
        if not pairs:
            return
        parts = self.circuit.side_parts[_both_sides(pairs)]
        at = variable(0) + parts.columns
        sides = worst.reduceat(products(equation.arrays.at(at), self.per_lot[at]), parts.starts)
        helps = np.flatnonzero(sign * (sides[::2] + sides[1::2]) > 0).tolist()
        if helps:
            name = self.circuit.inputs[pairs[helps[0]]].name
            raise CircuitError("pair", f"{equation.name}: raising both sides of {name} helps")


def _both_sides(pairs: list[int]) -> tuple[SideKey, ...]:
    return tuple((index, side) for index in pairs for side in (0, 1))


def _per_lot(item: Input) -> list[int]:
    """Return what brings each part of a pair to one size: parts are powers of two, so this is exact."""
    lots = [lots for side in item.sides for _, lots in side.parts]
    return [max(lots) // part for part in lots]


def _first_difference(structure: Structure, expected: dict[int, int], actual: dict[int, int]) -> str:
    wrong = [var for var in expected.keys() | actual.keys() if expected.get(var, 0) != actual.get(var, 0)]
    return _name(structure, min(wrong))


def _name(structure: Structure, var: int) -> str:
    return OUTPUTS[var] if var < len(OUTPUTS) else structure.circuit.columns[var - len(OUTPUTS)].name
