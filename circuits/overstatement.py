"""What rounding can cost an account: the most by which R can lie above the rule in the canonical witness.

Every coefficient of an inequality is rounded down, so a requirement is never below the rule; it is above it by less
than one unit per part (digit) of what the account holds. Slopes and jumps of functions on tiers are rounded up. The
bound takes the worst account that fits the columns.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm

import numpy as np

from zkmargin.circuits.arrays import TermArrays, products, remainders
from zkmargin.circuits.circuit import Circuit, Equation, Hypotenuse, R, Tail, variable
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.folds import FOLDS, LAST
from zkmargin.circuits.structure import roles_of, values_of


def overstatement(compiled: CompiledBook) -> Fraction:
    """Return the worst over-statement of R per account in quote currency."""
    circuit = compiled.circuit
    errors = _Errors(compiled)
    definition = circuit.definition(R)
    rounding = Fraction(0) if definition is None else errors.combined(definition.arrays)
    before = sum(
        (
            _most(circuit, index) * compiled.tolerance.get(item.key, 0)
            for index, item in enumerate(circuit.inputs)
        ),
        Fraction(0),
    )
    return rounding * circuit.quanta["equity"] + before


class _Errors:
    """By how many of its units every auxiliary value can exceed the exact one, and every function on tiers."""

    def __init__(self, compiled: CompiledBook) -> None:
        self.circuit = circuit = compiled.circuit
        self.roundings = compiled.roundings
        self.rounded = np.array([variable(j) for item in self.roundings for j in item.full], dtype=np.int64)
        self.values = np.array([variable(column) for column in values_of(roles_of(circuit))], dtype=np.int64)
        self.known: dict[int, Fraction] = {}
        self.tails = {variable(tail.value): tail for tail in circuit.tails}
        self.pairs = {variable(pair.value): pair for pair in circuit.hypotenuses}
        self.named = {equation.name: equation for equation in circuit.equations} if self.pairs else {}

    def combined(self, form: TermArrays) -> Fraction:
        """Return the error of a sum of coefficient x variable."""
        found = zip(self.values.tolist(), form.at(self.values).tolist(), strict=True)
        return sum((a * self.of(var) for var, a in found if a), self._rounded_up(form))

    def _rounded_up(self, form: TermArrays) -> Fraction:
        """Return the error of functions on tiers: of each group the worst tier, of each input the worse side."""
        coefficients = iter(form.at(self.rounded).tolist())
        worst: dict[object, Fraction] = {}
        for item in self.roundings:
            error = sum(next(coefficients) * most for most in item.full.values()) * item.share
            worst[item.of] = max(worst.get(item.of, Fraction(0)), error, key=abs)
        return sum(worst.values(), Fraction(0))

    def of(self, var: int) -> Fraction:
        """Return the error of an auxiliary value: the worst that one of its inequalities allows."""
        if var in self.known:
            return self.known[var]
        self.known[var] = Fraction(0)
        if var in self.tails:
            self.known[var] = self._tail(self.tails[var])
        elif var in self.pairs:
            self.known[var] = self._hypotenuse(self.pairs[var])
        else:
            self.known[var] = self._bound(var)
        return self.known[var]

    def _bound(self, var: int) -> Fraction:
        """Return the worst that an inequality allows in which a variable counts for the account."""
        worst = Fraction(0)
        for index, a in self.circuit.incidence[var]:
            equation = self.circuit.equations[index]
            if a > 0 and equation.slack is not None:
                against = TermArrays(equation.arrays.variables, np.minimum(equation.arrays.coefficients, 0))
                error = _rounding(self.circuit, equation) - self.combined(against)
                whole = 1 if a > 1 else 0  # the value itself is rounded up to its unit
                worst = max(worst, error / a + whole)
        return worst

    def _tail(self, tail: Tail) -> Fraction:
        """Return the error of an Expected Shortfall: losses too large by x make it too large by at most x."""
        return 1 + max(self._bound(variable(excess)) for excess in tail.excesses)

    def _hypotenuse(self, pair: Hypotenuse) -> Fraction:
        """Return the error of a norm against its own polygon: legs and folds too large by x make it so by at most x.

        A fold that is rounded is too large by twice what its inequality loses, a size by one unit more.
        """
        lost, scale = Fraction(0), 1
        for column, name in pair.legs:
            lost += 2 + 2 * self._lost(name) if name else self.of(variable(column))
        for (_, _, d), (_, name) in zip(FOLDS, pair.folds, strict=True):
            scale *= d
            lost += 2 * self._lost(name) / scale
        lost += self._lost(pair.bound) / (scale * LAST[2])
        return lost * Fraction(LAST[2], LAST[0]) + 1

    def _lost(self, name: str) -> Fraction:
        return _rounding(self.circuit, self.named[name])


def _rounding(circuit: Circuit, equation: Equation) -> Fraction:
    """Return how much of a row's value rounding can take: of each input the worse side, all its parts full."""
    if not equation.prices:
        return Fraction(0)
    parts = circuit.side_parts[tuple((price.input, price.side) for price in equation.prices)]
    lost = remainders(parts.lots, parts.counts, [price.coefficient for price in equation.prices])
    sides = np.add.reduceat(products(lost, parts.capacities), parts.starts).tolist()
    unit = lcm(*(price.coefficient.denominator for price in equation.prices))
    worse: dict[int, int] = {}
    for price, most in zip(equation.prices, sides, strict=True):
        worse[price.input] = max(worse.get(price.input, 0), most * (unit // price.coefficient.denominator))
    return Fraction(sum(worse.values()), unit)


def _most(circuit: Circuit, index: int) -> int:
    """Return the most lots of an input."""
    sides = circuit.inputs[index].sides
    return max(sum(lots * circuit.columns[column].capacity for column, lots in side.parts) for side in sides)
