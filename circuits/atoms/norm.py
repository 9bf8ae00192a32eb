"""norm(parts): the square root of a sum of squares, from above by at most 0.155 % a level (SIMM, FRTB aggregation).

The polyhedral approximation of the second-order cone (Ben-Tal and Nemirovski 2001), in pairs up a binary tree, without
a product. A leg is |x| <= x + 2 w with w >= -x, w >= 0; a pair of legs is folded four times, see `folds`:

    along  <- c along + s across,      across <- y + 2 w,   w >= -y,  w >= 0,  y = c across - s along
    1295 v >= 1295 along + 72 across                                   v = norm of the pair, a leg of the next level

*Why it is never below*: y + 2 w >= |y|, and a fold that is overstated only raises what follows, because all
directions but the first's lie in the quadrant (each angle is at least the sum of the later ones). So v cos(t_5) is at
least the projection on each of 16 directions, one of which lies within t_5 = 3.2 degrees of the true vector.

One column and one slack per fold, of which one is zero in the *exact witness*: w = max(0, -y), v the least integer that
does. A part costs one value that is not zero, a pair six. Correlations enter as the rows of a public Cholesky factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import isqrt
from typing import NamedTuple

import numpy as np

from zkmargin.circuits.arrays import remainders
from zkmargin.circuits.atoms.atom import Atom
from zkmargin.circuits.circuit import Hypotenuse
from zkmargin.circuits.draft import WORST_CASES, Form, Row, add_forms
from zkmargin.circuits.expression import Expression
from zkmargin.circuits.folds import FOLDS, LAST, projected, rotated
from zkmargin.circuits.lowering import Lowering
from zkmargin.circuits.steps import MaximumStep
from zkmargin.circuits.variables import NamedColumn
from zkmargin.errors import CircuitError

PLACE = (WORST_CASES,)
ONE = Fraction(1)


def norm(name: str, parts: Mapping[str, object], *, hint: str = "") -> Expression:
    """Return an upper bound of the Euclidean norm of labelled affine expressions, within 0.155 % a doubling."""
    legs = {label: Expression.of(part) for label, part in parts.items()}
    if not legs:
        raise CircuitError("norm", f"{name}: a norm of nothing")
    for label, part in legs.items():
        part.demand_affine(f"{name}, part {label}", "the square of a convex expression is not convex")
    return Norm(name, legs, hint).expression()


class Leg(NamedTuple):
    """A non-negative form, the most that it is in a canonical witness, and the column with what forces it."""

    form: Form
    most: int
    column: NamedColumn


class Norm(Atom):
    """See the module."""

    def __init__(self, name: str, parts: Mapping[str, Expression], hint: str) -> None:
        super().__init__(name, hint)
        self.parts = parts

    def realise(self, to: Lowering, unit: Fraction) -> Form:
        """Lower the parts to legs, then pairs of legs until one is left."""
        legs = [self._leg(to, label, to.lower(part, unit)) for label, part in self.parts.items()]
        while len(legs) > 1:
            level = f"{self.name}.{len(legs)}"
            paired = [
                _hypotenuse(to, f"{level}.{i}", *pair)
                for i, pair in enumerate(zip(legs[::2], legs[1::2], strict=False))
            ]
            legs = paired + legs[2 * len(paired) :]
        return legs[0].form

    def _leg(self, to: Lowering, label: str, form: Form) -> Leg:
        """Return |x|; a negative part of x is rounded up to a unit."""
        row, _ = to.rounded(form, f"{self.name}, part {label}")
        low, high = to.canonical_range(row)
        lost = _lost(to, row)
        name = f"{self.name}: size of {label}"
        column = _negative_part(to, f"size:{self.name}.{label}", name, row, (-low, high))
        return Leg(_absolute(form, column), max(high + lost, -low) + 2 * lost + 2, (column, name))


def _hypotenuse(to: Lowering, name: str, first: Leg, second: Leg) -> Leg:
    along, across, folds = first.form, second.form, []
    most, scale = isqrt(first.most**2 + second.most**2) + 1, 1
    for t, triple in enumerate(FOLDS):
        along, y = rotated(along, across, triple)
        most, scale = most * triple[2], scale * triple[2]
        row, _ = to.rounded(y, f"{name}, fold {t}")
        lost = _lost(to, row)
        label = f"{name}: fold {t}"
        column = _negative_part(to, f"fold:{name}.{t}", label, row, (most + lost, most))
        across = _absolute(y, column)
        most += 2 * lost
        folds.append((column, label))
    value, bound, high = _projection(to, name, projected(along, across), most * LAST[2], scale * LAST[0])
    legs = first.column, second.column
    to.hypotenuses.append(Hypotenuse(name, legs, tuple(folds), value, bound))
    return Leg(Form(columns={value: ONE}), high, (value, ""))


def _projection(to: Lowering, name: str, form: Form, most: int, finer: int) -> tuple[int, str, int]:
    """Add finer x v >= form; return v, the name of its inequality and the most that it can be."""
    row, _ = to.rounded(-form, name)
    high = -(-(most + _lost(to, row)) // finer)
    value = to.add(f"norm:{name}", high, PLACE)
    bound = f"{name}: length"
    slack = to.slack_equation(bound, row.plus({value: finer}), PLACE, finer - 1)
    to.steps.append(MaximumStep(name, value, (row,), (finer,), (slack,)))
    return value, bound, high


def _negative_part(to: Lowering, name: str, equation: str, row: Row, most: tuple[int, int]) -> int:
    """Add w >= -row; `most` is what w and its slack can be."""
    column = to.add(name, max(most[0], 0), PLACE)
    slack = to.slack_equation(equation, row.plus({column: 1}), PLACE, max(most[1], 0))
    to.steps.append(MaximumStep(name, column, (row,), (1,), (slack,)))
    return column


def _absolute(form: Form, negative: int) -> Form:
    return add_forms([form, Form(columns={negative: Fraction(2)})])


def _lost(to: Lowering, row: Row) -> int:
    """Bound what rounding down takes from a row."""
    if not row.sides:
        return 0
    parts = to.written_out[row.sides]
    inexact = remainders(parts.lots, parts.counts, [row.prices[side] for side in row.sides]) != 0
    return int(np.sum(parts.capacities[inexact.astype(bool)]))
