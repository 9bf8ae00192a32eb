"""What a circuit says about its columns: the role of each, and equations by their exact terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from zkmargin.circuits.arrays import TermArrays, plus_multiple, term_arrays
from zkmargin.circuits.circuit import OUTPUTS, Circuit, Equation, OneHot, variable
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.parts import Capacities
from zkmargin.circuits.variables import Parts, Terms
from zkmargin.sparse import Values

BN254_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617


class Structure:
    """A circuit under examination. Everything in it may be wrong; see the modules `rules_*`."""

    def __init__(self, circuit: Circuit, facts: CircuitFacts) -> None:
        self.circuit = circuit
        self.facts = facts

    @cached_property
    def roles(self) -> tuple[tuple[str, ...], ...]:
        """Declared roles of every column; see `roles_of`."""
        return roles_of(self.circuit)

    @cached_property
    def values(self) -> tuple[int, ...]:
        """Columns without a role: values of maxima."""
        return values_of(self.roles)

    @cached_property
    def is_value(self) -> npt.NDArray[np.bool_]:
        """For every variable whether it is a value."""
        out = np.zeros(self.variables, dtype=bool)
        out[[variable(column) for column in self.values]] = True
        return out

    @cached_property
    def sides_from(self) -> dict[tuple[int, int], Parts]:
        """All parts of every side, by its first part."""
        return {side.parts[0]: side.parts for item in self.circuit.inputs for side in item.sides}

    @cached_property
    def equations_of(self) -> dict[Terms, list[Equation]]:
        """Equations by their exact terms."""
        out: dict[Terms, list[Equation]] = {}
        for equation in self.circuit.equations:
            out.setdefault(equation.terms, []).append(equation)
        return out

    @cached_property
    def published(self) -> dict[str, TermArrays]:
        """Published forms as arrays."""
        return {name: term_arrays(terms) for name, terms in self.circuit.published.items()}

    @cached_property
    def gated(self) -> frozenset[str]:
        """Names of the equations declared as gates."""
        return frozenset(gate.equation for gate in self.circuit.gates)

    @cached_property
    def inequalities(self) -> tuple[Equation, ...]:
        """Equations with a slack that are no gates."""
        return tuple(e for e in self.circuit.equations if e.slack is not None and e.name not in self.gated)

    @cached_property
    def named_inequality(self) -> dict[str, Equation]:
        """Inequalities by their names, which are unique (rule 1)."""
        return {equation.name: equation for equation in self.inequalities}

    @property
    def variables(self) -> int:
        """Number of variables."""
        return variable(len(self.circuit.columns))

    def reach(self, form: TermArrays) -> int:
        """Bound |form| over everything that the columns can hold, outputs replaced by their definitions."""
        outputs = form.variables < len(OUTPUTS)
        if outputs.any():
            dense = form.dense(self.variables)
            for output in form.variables[outputs].tolist():
                dense = plus_multiple(dense, int(dense[output]), self._over_columns(output))
            at = len(OUTPUTS) + np.flatnonzero(dense[len(OUTPUTS) :])
            form = TermArrays(at, dense[at])
        return self._capacity.reach(form)

    @cached_property
    def _capacity(self) -> Capacities:
        return Capacities(self.circuit.columns)

    def _over_columns(self, output: int) -> Values:
        """Return an output's definition, the output itself left out."""
        definition = self.circuit.definition(output)
        if definition is None:
            return np.zeros(self.variables, dtype=np.int64)
        dense = definition.arrays.dense(self.variables)
        dense[: len(OUTPUTS)] = 0
        return dense

    def shortfall(self, equation: Equation) -> int:
        """Return how far an inequality can be from holding, its slack left out."""
        negative = np.minimum(equation.arrays.coefficients, 0)
        own = equation.arrays.variables == variable(-1 if equation.slack is None else equation.slack)
        negative[own] = 0
        return self._capacity.reach(TermArrays(equation.arrays.variables, negative))

    def capacity(self, parts: Parts) -> int:
        """Return the lots that columns can hold."""
        return sum(lots * self.circuit.columns[column].capacity for column, lots in parts)


def roles_of(circuit: Circuit) -> tuple[tuple[str, ...], ...]:
    """Return what every column is declared as: input, slack, tier, waiver ...; a value has no role."""
    out: list[tuple[str, ...]] = [()] * len(circuit.columns)
    for column, role in _declared(circuit):
        out[column] = (*out[column], role)
    return tuple(out)


def values_of(roles: Sequence[tuple[str, ...]]) -> tuple[int, ...]:
    """Return the columns without a role: values of maxima."""
    return tuple(column for column, declared in enumerate(roles) if not declared)


def _declared(circuit: Circuit) -> Iterator[tuple[int, str]]:
    for item in circuit.inputs:
        yield from ((column, "input") for side in item.sides for column, _ in side.parts)
    yield from ((column, "deficit") for column in vars(circuit.deficits).values())
    yield from ((equation.slack, "slack") for equation in circuit.equations if equation.slack is not None)
    for group in circuit.one_hots:
        yield group.on, "on"
        yield from ((column, "tier") for column in group.tiers)
        yield from ((column, "part") for column in group.parts)
    for waivers in circuit.waivers:
        yield waivers.used, "used"
        yield from ((column, "waiver") for column in waivers.bits)
    for allowance in circuit.allowances:
        yield allowance.bit, "allowance"
    for floor in circuit.floors:
        yield floor.below, "below"
    for tail in circuit.tails:
        yield from ((column, "threshold") for column in (tail.up, tail.down))
        yield from ((column, "excess") for column in tail.excesses)


def normal(terms: dict[int, int]) -> Terms:
    """Return a form in its one shape."""
    return tuple(sorted((var, a) for var, a in terms.items() if a))


def group_terms(group: OneHot) -> tuple[Terms, ...]:
    """Return the equations that a one-hot group demands: one tier; knot and part; each part held by its tier."""
    one = normal({variable(group.on): -1} | {variable(tier): 1 for tier in group.tiers})
    knots = {variable(tier): knot for tier, knot in zip(group.tiers, group.knots, strict=True)}
    parts = {variable(part): 1 for part in group.parts}
    amount = {variable(column): -lots for column, lots in group.amount}
    held = [
        normal({variable(tier): width, variable(part): -1, variable(slack): -1})
        for tier, part, slack, width in zip(group.tiers, group.parts, group.slacks, group.widths, strict=True)
    ]
    return one, normal(knots | parts | amount), *held
