"""Rules 5 and 6: nothing that binds was left out, and every constant hangs on a bit that cannot be left off.

There are no constants in a circuit. A rule's constant multiplies a bit: the bit of a tier, which the amount itself
sets because it is exactly knot + part, and a part needs its tier. Tiers only go against the account; what favours it
are waivers within a budget and allowances, see `rules_waivers`.
"""

from __future__ import annotations

from itertools import chain, pairwise

from zkmargin.circuits.circuit import Equation, Gate, I, OneHot, R, variable
from zkmargin.circuits.loading import ALONE, POSITION, SMALL
from zkmargin.circuits.rules_norm import check_hypotenuse
from zkmargin.circuits.rules_tail import check_tail
from zkmargin.circuits.rules_waivers import check_allowance, check_floor, check_waivers
from zkmargin.circuits.structure import Structure, group_terms, normal
from zkmargin.errors import CircuitError


def check_reach(structure: Structure) -> None:
    """Check that omitted rows and tiers cannot bind whatever the columns hold, 2^width - 1, not by any limit.

    All terms are homogeneous over non-negative columns, so a row cannot fail iff none of its coefficients is
    negative; it cannot fail while another holds iff it is nowhere below it.
    """
    kept = {equation.name: equation for equation in structure.inequalities}
    for row in structure.circuit.omitted_rows:
        rest = dict(row.terms)
        if row.implied_by is not None:
            if row.implied_by not in kept:
                raise CircuitError(
                    "reach", f"{row.name}: there is no inequality {row.implied_by!r} that implies it"
                )
            other = kept[row.implied_by]
            for var, a in other.terms:
                rest[var] = rest.get(var, 0) - a
            rest.pop(variable(kept[row.implied_by].slack or 0), None)
        if any(a < 0 for a in rest.values()):
            raise CircuitError("reach", f"{row.name} was left out, but what its columns can hold breaks it")
    for tier in structure.circuit.omitted_tiers:
        if structure.capacity(tier.amount) > tier.knot:
            raise CircuitError(
                "reach", f"{tier.name} was left out, but its amount can exceed {tier.knot} lots"
            )


def check_selector(structure: Structure) -> None:
    """Check one-hot groups against the equations, and that every auxiliary value is forced and costs something."""
    used: set[str] = set()
    for group in structure.circuit.one_hots:
        used |= _check_group(structure, group)
    for waivers in structure.circuit.waivers:
        check_waivers(structure, waivers)
    for allowance in structure.circuit.allowances:
        check_allowance(structure, allowance)
    for floor in structure.circuit.floors:
        check_floor(structure, floor)
    for tail in structure.circuit.tails:
        check_tail(structure, tail)
    for pair in structure.circuit.hypotenuses:
        check_hypotenuse(structure, pair)
    for equation in structure.circuit.equations:
        if equation.slack is None and not equation.has_outputs and equation.name not in used:
            raise CircuitError(
                "selector", f"{equation.name}: neither defines an output, nor has a slack, nor is a tier's"
            )
    for column in structure.values:
        _check_value(structure, column)


def check_gate(structure: Structure) -> None:
    """Check that every entry cost has one gate, over exactly the contracts settled in its asset."""
    circuit = structure.circuit
    gates = {gate.cost: gate for gate in circuit.gates}
    if len(gates) != len(circuit.gates):
        raise CircuitError("gate", "two gates for one entry cost")
    for index, item in enumerate(circuit.inputs):
        if item.key[0] == "cost" and index not in gates:
            raise CircuitError("gate", f"{item.name} has no gate: it could be claimed without a position")
    for gate in circuit.gates:
        _check_one_gate(structure, gate)


def _check_one_gate(structure: Structure, gate: Gate) -> None:
    circuit, facts = structure.circuit, structure.facts
    cost = circuit.inputs[gate.cost]
    settled = {
        index
        for index, item in enumerate(circuit.inputs)
        if item.key[0] in {POSITION, SMALL, ALONE} and facts.settlement.get(item.key[1]) == cost.key[1]
    }
    if cost.key[0] != "cost" or set(gate.positions) != settled or len(gate.positions) != len(settled):
        raise CircuitError(
            "gate", f"{gate.equation}: must be opened by the positions settled in {cost.key[1]} alone"
        )
    found = [equation for equation in circuit.equations if equation.name == gate.equation]
    if len(found) != 1 or found[0].slack is None:
        raise CircuitError("gate", f"{gate.equation}: there is no such inequality")
    expected = {variable(found[0].slack): -1}
    for index in gate.positions:
        expected |= {
            variable(j): gate.constant for side in circuit.inputs[index].sides for j, _ in side.parts
        }
    expected |= {variable(j): -lots for side in cost.sides for j, lots in side.parts}
    if normal(expected) != found[0].terms:
        raise CircuitError(
            "gate", f"{gate.equation}: positions at one constant against both cost sides, nothing else"
        )
    if gate.constant < sum(structure.capacity(side.parts) for side in cost.sides):
        raise CircuitError("gate", f"{gate.equation}: a held position must allow every cost that fits")


def _check_group(structure: Structure, group: OneHot) -> set[str]:
    circuit = structure.circuit
    lengths = {len(group.tiers), len(group.parts), len(group.slacks), len(group.knots), len(group.widths)}
    if len(lengths) != 1 or not group.tiers:
        raise CircuitError("selector", f"{group.name}: tiers, parts, knots and widths differ in number")
    for column in (group.on, *group.tiers):
        if circuit.columns[column].width != 1:
            raise CircuitError(
                "selector", f"{circuit.columns[column].name} selects, so it must be one bit wide"
            )
    _check_amount(structure, group)
    names: set[str] = set()
    for terms in group_terms(group):
        found = structure.equations_of.get(terms, [])
        if len(found) != 1:
            raise CircuitError("selector", f"{group.name}: nothing forces its tiers", expected=dict(terms))
        names.add(found[0].name)
    _check_knots(structure, group)
    columns = (group.on, *group.tiers, *group.parts)
    uses = sorted({index for column in columns for index, _ in circuit.incidence[variable(column)]})
    for equation in (circuit.equations[index] for index in uses):
        if equation.name not in names:
            _check_use(group, equation)
    return names


def _check_amount(structure: Structure, group: OneHot) -> None:
    """Tiers are of whole sides: every digit of an amount sets its tier."""
    sides = [structure.sides_from.get(part, ()) for part in set(group.amount)]
    if sorted(chain.from_iterable(sides)) != sorted(group.amount):
        raise CircuitError("selector", f"{group.name}: its amount is no whole side of an input")


def _check_knots(structure: Structure, group: OneHot) -> None:
    """Tiers begin at 0, meet at a knot or end one lot before it, and the last holds whatever the amount can."""
    ends = [knot + width for knot, width in zip(group.knots, group.widths, strict=True)]
    meets = all(end in {knot, knot - 1} for end, knot in zip(ends, group.knots[1:], strict=False))
    rising = all(a < b for a, b in pairwise(group.knots))
    if group.knots[0] != 0 or not rising or not meets or ends[-1] < structure.capacity(group.amount):
        raise CircuitError("selector", f"{group.name}: its tiers overlap or leave a gap")


def _check_use(group: OneHot, equation: Equation) -> None:
    """Where a rule uses tiers they only cost, never less for more, and where two serve one amount the same."""
    found = dict(equation.terms)
    tiers = [found.get(variable(tier), 0) for tier in group.tiers]
    parts = [found.get(variable(part), 0) for part in group.parts]
    constants = [*tiers, found.get(variable(group.on), 0)]
    sign = _costs(equation)
    if any(sign * a < 0 for a in constants):
        raise CircuitError(
            "selector", f"{equation.name}: {group.name} is a constant in favour of the account"
        )
    if any(sign * a < 0 for a in parts):
        raise CircuitError("selector", f"{equation.name}: {group.name} falls within a tier")
    for t, width in enumerate(group.widths[:-1]):
        touches = group.knots[t] + width == group.knots[t + 1]
        rise = tiers[t + 1] - (tiers[t] + width * parts[t])
        if touches and rise:
            raise CircuitError(
                "selector", f"{equation.name}: {group.name} has two values at {group.knots[t + 1]} lots"
            )
        if sign * rise < 0:
            raise CircuitError(
                "selector", f"{equation.name}: {group.name} falls at {group.knots[t + 1]} lots"
            )


def _costs(equation: Equation) -> int:
    """Return the sign with which a term goes against the account."""
    return 1 if equation.terms and equation.terms[0][0] in {R, I} else -1


def _check_value(structure: Structure, column: int) -> None:
    """Check that an auxiliary value costs something somewhere and that an inequality keeps it from being 0."""
    circuit = structure.circuit
    uses = [(circuit.equations[index], a) for index, a in circuit.incidence[variable(column)]]
    name = circuit.columns[column].name
    if not any(_costs(equation) * a > 0 for equation, a in uses):
        raise CircuitError("selector", f"{name} waives an inequality and costs nothing")
    if not any(a > 0 and _can_fail(equation) for equation, a in uses):
        raise CircuitError("selector", f"{name}: no inequality forces it")


def _can_fail(equation: Equation) -> bool:
    """Whether an inequality has something against which it must be held."""
    if equation.slack is None:
        return False
    others = equation.arrays.variables != variable(equation.slack)
    return bool((equation.arrays.coefficients[others] < 0).any())
