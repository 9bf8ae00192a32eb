"""Rule 3, legs: what stands alone is charged no less than it could save by netting, and counts alike elsewhere.

If a lot of a leg costs at least the worst loss of a lot of the position, in every rule that uses both, then moving lots
between the two, or raising the leg against the position, never lowers a requirement.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from zkmargin.circuits.circuit import Alone, Circuit, Equation, variable
from zkmargin.circuits.expression import SideKey
from zkmargin.circuits.loading import ALONE, POSITION
from zkmargin.circuits.structure import Structure
from zkmargin.errors import CircuitError
from zkmargin.sparse import Rows


def check_alone(structure: Structure) -> None:
    """Check every leg that is declared, and that there is no other; raise CircuitError "alone"."""
    declared: set[int] = set()
    for unit in structure.circuit.alone:
        for position, leg in unit.legs:
            _check_inputs(structure.circuit, position, leg)
            if leg in declared:
                raise CircuitError("alone", f"{structure.circuit.inputs[leg].name}: stands alone twice")
            declared.add(leg)
            for side in (0, 1):
                _Leg(structure, unit, (position, side), (leg, side)).check()
    for index, item in enumerate(structure.circuit.inputs):
        if item.key[0] == ALONE and index not in declared:
            raise CircuitError("alone", f"{item.name}: stands alone in no unit")


def _check_inputs(circuit: Circuit, position: int, leg: int) -> None:
    netted, alone = circuit.inputs[position], circuit.inputs[leg]
    if (netted.key[0], *alone.key) != (POSITION, ALONE, netted.key[1]) or len(netted.sides) != 2:
        raise CircuitError("alone", f"{alone.name}: is no leg of {netted.name}")
    shapes = [[[lots for _, lots in side.parts] for side in item.sides] for item in (netted, alone)]
    if shapes[0] != shapes[1]:
        raise CircuitError("alone", f"{alone.name}: is not shaped like its position")


class _Leg:
    """One side of a position and of its leg, in all equations that hold either."""

    def __init__(self, structure: Structure, unit: Alone, netted: SideKey, alone: SideKey) -> None:
        self.circuit = structure.circuit
        self.gated = structure.gated
        self.unit, self.netted, self.alone = unit, netted, alone
        self.name = self.circuit.inputs[alone[0]].name

    def check(self) -> None:
        """Compare every equation that holds either side, then what a lot costs."""
        sides = [self.circuit.inputs[index].sides[side] for index, side in (self.netted, self.alone)]
        columns = [np.array([variable(j) for j, _ in side.parts]) for side in sides]
        worst = charged = Fraction(0)
        for equation in self._holding(columns):
            found = [equation.arrays.at(side).tolist() for side in columns]
            raised = [self._coefficient(equation, j) for j in (self.unit.value, self.unit.charge)]
            if equation.slack is None or equation.name in self.gated or max(raised) <= 0:
                if found[0] != found[1]:
                    raise CircuitError(
                        "alone", f"{equation.name}: {self.name} counts other than its position"
                    )
            elif raised[0] > 0 and not any(found[1]):
                worst = max(worst, self._loss(equation, self.netted, raised[0]))
            elif raised[1] > 0 and not any(found[0]):
                charged = self._loss(equation, self.alone, raised[1])
            else:
                raise CircuitError("alone", f"{equation.name}: {self.name} nets after all")
        self._check_charge(worst, charged)

    def _check_charge(self, worst: Fraction, charged: Fraction) -> None:
        """Compare, wherever the unit's value costs, with what the legs cost there."""
        for index, a in self.circuit.incidence[variable(self.unit.value)]:
            equation = self.circuit.equations[index]
            own = equation.slack is not None and a > 0
            if not own and abs(self._coefficient(equation, self.unit.charge)) * charged < abs(a) * worst:
                raise CircuitError("alone", f"{equation.name}: {self.name} is charged less than it could net")

    def _holding(self, columns: list[Rows]) -> list[Equation]:
        found = {
            index for side in columns for var in side.tolist() for index, _ in self.circuit.incidence[var]
        }
        return [self.circuit.equations[index] for index in sorted(found)]

    def _coefficient(self, equation: Equation, column: int) -> int:
        return int(equation.arrays.at(np.array([variable(column)]))[0])

    def _loss(self, equation: Equation, side: SideKey, unit: int) -> Fraction:
        """Return what a lot costs in an inequality, in units of the value that it raises."""
        for price in equation.prices:
            if (price.input, price.side) == side:
                return -price.coefficient / unit
        raise CircuitError("alone", f"{equation.name}: {self.name} has no price there")
