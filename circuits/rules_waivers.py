"""Rule 6, waivers: of the inequalities on one value no more than a budget is ever waived, and a waived one holds.

A waiver is a constant that favours the account. It is sound because bits are bits in every row: the budget bounds
how many hold 1, and each stands in one inequality.

An allowance is one too: a piece of a maximum less a constant. It needs no budget, because the rule itself subtracts
the constant; a bit holds it once at most, and it may only loosen what bounds one value from below. A floor is a value
that may be negative down to a constant: its column and its bit enter everything together.
"""

from __future__ import annotations

from zkmargin.circuits.circuit import Allowance, Equation, Floor, Waivers, variable
from zkmargin.circuits.structure import Structure, normal
from zkmargin.errors import CircuitError


def check_waivers(structure: Structure, group: Waivers) -> None:
    """Check bits, budget and inequalities of a group; raise CircuitError "selector"."""
    circuit = structure.circuit
    for column in (group.used, *group.bits):
        if circuit.columns[column].width != 1:
            raise CircuitError(
                "selector", f"{circuit.columns[column].name} waives, so it must be one bit wide"
            )
    if not 1 <= group.budget < len(group.bits):
        raise CircuitError("selector", f"{group.name}: some of its inequalities must hold")
    count = _count(structure, group)
    waived = [_waived(structure, group, bit, count) for bit in group.bits]
    common = set.intersection(*(_raised(structure, row) for row in waived))
    if not common or len({row.name for row in waived}) != len(waived):
        raise CircuitError("selector", f"{group.name}: its inequalities must bound one value, one bit each")


def check_allowance(structure: Structure, allowance: Allowance) -> None:
    """Check that the constants of a maximum count once, and only there; raise CircuitError "selector"."""
    circuit = structure.circuit
    name = circuit.columns[allowance.bit].name
    if circuit.columns[allowance.bit].width != 1:
        raise CircuitError("selector", f"{name} lowers a charge, so it must be one bit wide")
    uses = [(circuit.equations[index], a) for index, a in circuit.incidence[variable(allowance.bit)]]
    if not uses:
        raise CircuitError("selector", f"{name}: lowers nothing")
    for equation, a in uses:
        bounds = variable(allowance.value) in _raised(structure, equation)
        if equation.slack is None or a < 0 or not bounds:
            raise CircuitError(
                "selector", f"{name}: in {equation.name} it does not loosen a bound of {allowance.name}"
            )


def check_floor(structure: Structure, floor: Floor) -> None:
    """Check that a value and its bit are one quantity, at least -depth; raise CircuitError "selector"."""
    circuit = structure.circuit
    name = circuit.columns[floor.below].name
    if circuit.columns[floor.below].width != 1 or floor.depth <= 0 or floor.value not in structure.values:
        raise CircuitError("selector", f"{name} goes below zero, so it must be one bit of a value's")
    used = dict(circuit.incidence[variable(floor.value)])
    if dict(circuit.incidence[variable(floor.below)]) != {i: -floor.depth * a for i, a in used.items()}:
        raise CircuitError("selector", f"{name} must enter with {floor.name} wherever either does")


def _count(structure: Structure, group: Waivers) -> Equation:
    """Return the one equation that holds the bits against their budget."""
    terms = {variable(group.used): group.budget, variable(group.slack): -1}
    found = structure.equations_of.get(normal(terms | {variable(bit): -1 for bit in group.bits}), [])
    if len(found) != 1 or found[0].slack != group.slack:
        raise CircuitError("selector", f"{group.name}: nothing bounds the number of its waivers")
    if len(structure.circuit.incidence[variable(group.used)]) != 1:
        raise CircuitError("selector", f"{group.name}: its budget stands in another equation")
    return found[0]


def _waived(structure: Structure, group: Waivers, bit: int, count: Equation) -> Equation:
    """Return the one inequality that a bit waives, whatever its columns hold."""
    circuit = structure.circuit
    uses = [(circuit.equations[index], a) for index, a in circuit.incidence[variable(bit)]]
    others = [(equation, a) for equation, a in uses if equation is not count]
    name = circuit.columns[bit].name
    if len(others) != 1 or others[0][0].slack is None:
        raise CircuitError("selector", f"{name}: must waive one inequality of {group.name}")
    equation, most = others[0]
    if most < structure.shortfall(equation):
        raise CircuitError(
            "selector", f"{name}: what the columns can hold breaks {equation.name} when waived"
        )
    return equation


def _raised(structure: Structure, equation: Equation) -> set[int]:
    """Return the values that an inequality bounds from below."""
    terms = equation.arrays
    return set(terms.variables[(terms.coefficients > 0) & structure.is_value[terms.variables]].tolist())
