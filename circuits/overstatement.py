"""What rounding can cost an account: the most by which R can lie above the rule in the canonical witness.

Every coefficient of an inequality is rounded down, so a requirement is never below the rule; it is above it by less
than one unit per part (digit) of what the account holds. The bound takes the worst account that fits the columns.
"""

from __future__ import annotations

from fractions import Fraction

from zkmargin.circuits.circuit import OUTPUTS, Circuit, Equation, R, variable
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.structure import roles_of, values_of


def overstatement(compiled: CompiledBook) -> Fraction:
    """Return the worst over-statement of R per account in quote currency."""
    circuit = compiled.circuit
    values = {variable(column) for column in values_of(roles_of(circuit))}
    errors = dict.fromkeys((v for v in range(variable(len(circuit.columns))) if v not in values), Fraction(0))
    definition = circuit.definition(R)
    terms = () if definition is None else definition.terms
    rounding = sum((a * _error(circuit, var, errors) for var, a in terms if var >= len(OUTPUTS)), Fraction(0))
    before = sum(
        (
            _most(circuit, index) * compiled.tolerance.get(item.key, 0)
            for index, item in enumerate(circuit.inputs)
        ),
        Fraction(0),
    )
    return rounding * circuit.quanta["equity"] + before


def _error(circuit: Circuit, var: int, known: dict[int, Fraction]) -> Fraction:
    """Return by how many of its units an auxiliary value can exceed the exact one (all others are exact)."""
    if var in known:
        return known[var]
    known[var] = Fraction(0)
    bounds = [(circuit.equations[index], a) for index, a in circuit.incidence[var] if a > 0]
    for equation, a in bounds:
        if equation.slack is None:
            continue
        error = _rounding(circuit, equation)
        for other, b in equation.terms:
            if b < 0 and other != variable(equation.slack):
                error -= b * _error(circuit, other, known)
        whole = Fraction(1 if a > 1 else 0)  # the value itself is rounded up to its unit
        known[var] = max(known[var], error / a + whole)
    return known[var]


def _rounding(circuit: Circuit, equation: Equation) -> Fraction:
    """Return how much of a row's value rounding can take: of each input the worse side, all its parts full."""
    sides: dict[int, Fraction] = {}
    for price in equation.prices:
        numerator, denominator = price.coefficient.numerator, price.coefficient.denominator
        lost = sum(
            (lots * numerator % denominator) * circuit.columns[column].capacity
            for column, lots in circuit.inputs[price.input].sides[price.side].parts
        )
        sides[price.input] = max(sides.get(price.input, Fraction(0)), Fraction(lost, denominator))
    return sum(sides.values(), Fraction(0))


def _most(circuit: Circuit, index: int) -> int:
    """Return the most lots of an input."""
    sides = circuit.inputs[index].sides
    return max(sum(lots * circuit.columns[column].capacity for column, lots in side.parts) for side in sides)
