"""Rule 6, legs: what stands alone is charged no less than it could save by netting, and counts alike elsewhere.

The charge of what nets is subadditive. So if a lot of a leg costs at least what a lot of the position costs by itself,
in every rule that uses both, then moving lots between the two, or raising the leg against the position, never lowers
a requirement.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property

import numpy as np

from zkmargin.circuits.alone import ZERO, mean_of_worst
from zkmargin.circuits.circuit import Alone, Circuit, Equation, Tail, variable
from zkmargin.circuits.expression import SideKey
from zkmargin.circuits.loading import ALONE, POSITION
from zkmargin.circuits.structure import Structure
from zkmargin.errors import CircuitError
from zkmargin.sparse import Rows


def check_alone(structure: Structure) -> None:
    """Check every leg that is declared, and that there is no other; raise CircuitError "alone"."""
    declared: set[int] = set()
    for item in structure.circuit.alone:
        unit = _Unit(structure, item)
        for position, leg in item.legs:
            _check_inputs(structure.circuit, position, leg)
            if leg in declared:
                raise CircuitError("alone", f"{structure.circuit.inputs[leg].name}: stands alone twice")
            declared.add(leg)
            for side in (0, 1):
                unit.check((position, side), (leg, side))
    for index, found in enumerate(structure.circuit.inputs):
        if found.key[0] == ALONE and index not in declared:
            raise CircuitError("alone", f"{found.name}: stands alone in no unit")


def _check_inputs(circuit: Circuit, position: int, leg: int) -> None:
    netted, alone = circuit.inputs[position], circuit.inputs[leg]
    if (netted.key[0], *alone.key) != (POSITION, ALONE, netted.key[1]) or len(netted.sides) != 2:
        raise CircuitError("alone", f"{alone.name}: is no leg of {netted.name}")
    shapes = [[[lots for _, lots in side.parts] for side in item.sides] for item in (netted, alone)]
    if shapes[0] != shapes[1]:
        raise CircuitError("alone", f"{alone.name}: is not shaped like its position")


class _Unit:
    """What nets in one value: the inequalities of its losses, and those that charge legs."""

    def __init__(self, structure: Structure, unit: Alone) -> None:
        self.circuit = structure.circuit
        self.unit = unit
        self._prices: dict[str, dict[SideKey, Fraction]] = {}  # of an equation, as they are needed

    @cached_property
    def tail(self) -> Tail | None:
        """The Expected Shortfall of which it is the value; None for a maximum."""
        return next((tail for tail in self.circuit.tails if tail.value == self.unit.value), None)

    @cached_property
    def losses(self) -> dict[str, int]:
        """The inequalities of losses, and what a unit of the value counts in each."""
        if self.tail is None:
            return dict(self._raising(self.unit.value))
        if not self.tail.floor_zero:
            raise CircuitError("alone", f"{self.unit.name}: may be negative, so no leg can stand alone")
        return dict(entry for excess in self.tail.excesses for entry in self._raising(excess))

    @cached_property
    def charges(self) -> dict[str, int]:
        """The one inequality that charges legs."""
        found = dict(self._raising(self.unit.charge))
        if len(found) > 1:  # the larger of two charges is less than their sum
            raise CircuitError("alone", f"{self.unit.name}: legs are charged in more than one inequality")
        return found

    def _raising(self, column: int) -> Iterator[tuple[str, int]]:
        for index, a in self.circuit.incidence[variable(column)]:
            equation = self.circuit.equations[index]
            if equation.slack is not None and a > 0:
                yield equation.name, a

    def check(self, netted: SideKey, alone: SideKey) -> None:
        """Compare every equation that holds a side of a position or of its leg, then what a lot costs."""
        name = self.circuit.inputs[alone[0]].name
        columns = np.array(
            [
                [variable(j) for j, _ in self.circuit.inputs[index].sides[side].parts]
                for index, side in (netted, alone)
            ]
        )
        costs, charged = dict.fromkeys(self.losses, ZERO), ZERO
        for equation in self._holding(columns):
            found = equation.arrays.at(columns)
            if equation.name in self.losses and not found[1].any():
                costs[equation.name] = self._cost(equation, netted, self.losses[equation.name])
            elif equation.name in self.charges and not found[0].any():
                charged = self._cost(equation, alone, self.charges[equation.name])
            elif (
                equation.name in self.losses or equation.name in self.charges or (found[0] != found[1]).any()
            ):
                raise CircuitError("alone", f"{equation.name}: {name} counts other than its position")
        self._check_charge(name, self._measured(list(costs.values())), charged)

    def _measured(self, costs: list[Fraction]) -> Fraction:
        """Return what a lot by itself costs."""
        if not costs:
            return ZERO
        return max(ZERO, max(costs) if self.tail is None else mean_of_worst(costs, self.tail.worst))

    def _check_charge(self, name: str, cost: Fraction, charged: Fraction) -> None:
        """Compare the two wherever the unit's value costs."""
        charge = np.array([variable(self.unit.charge)])
        for index, a in self.circuit.incidence[variable(self.unit.value)]:
            equation = self.circuit.equations[index]
            own = equation.slack is not None and a > 0
            counted = int(equation.arrays.at(charge)[0]) * (1 if a > 0 else -1)
            if not own and (counted < 0 or counted * charged < abs(a) * cost):
                raise CircuitError("alone", f"{equation.name}: {name} is charged less than it could net")

    def _holding(self, columns: Rows) -> list[Equation]:
        found = {index for var in columns.ravel().tolist() for index, _ in self.circuit.incidence[var]}
        return [self.circuit.equations[index] for index in sorted(found)]

    def _cost(self, equation: Equation, side: SideKey, unit: int) -> Fraction:
        """Return what a lot costs in an inequality, in units of the value that it raises."""
        price = self._prices_of(equation).get(side)
        if price is None:
            name = self.circuit.inputs[side[0]].name
            raise CircuitError("alone", f"{equation.name}: {name} has no price there")
        return -price / unit

    def _prices_of(self, equation: Equation) -> dict[SideKey, Fraction]:
        if equation.name not in self._prices:
            self._prices[equation.name] = {
                (p.input, p.side): p.coefficient for p in reversed(equation.prices)
            }
        return self._prices[equation.name]
