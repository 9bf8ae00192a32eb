"""maximum(f_1, ..., f_n), with or without zero among the pieces.

    v + f_0 >= f_i   for every other piece i,    v >= 0        maximum = f_0 + v
    v       >= f_i   for every piece i,          v >= 0        maximum with zero = v

One column v and one slack per inequality. v may be too large in a cheating row, which overstates a requirement;
it is never too small. *Exact witness*: v is the least integer that leaves no slack negative, max(0, f_i - f_0)
rounded up to its unit; slacks follow from their equations.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from zkmargin.circuits.atoms.atom import Atom
from zkmargin.circuits.draft import WORST_CASES, Form, Row, add_forms
from zkmargin.circuits.expression import Expression
from zkmargin.circuits.lowering import Lowering
from zkmargin.circuits.steps import MaximumStep
from zkmargin.errors import CircuitError


def maximum(
    name: str, pieces: Mapping[str, object], *, floor_zero: bool = False, hint: str = ""
) -> Expression:
    """Return the largest of labelled convex expressions, of zero too if `floor_zero`."""
    parts = {label: Expression.of(piece) for label, piece in pieces.items()}
    if not parts and not floor_zero:
        raise CircuitError("maximum", f"{name}: a maximum of nothing")
    for label, piece in parts.items():
        piece.demand("convex", f"{name}, piece {label}")
    return Maximum(name, parts, floor_zero, hint).expression()


class Maximum(Atom):
    """See the module."""

    def __init__(self, name: str, pieces: Mapping[str, Expression], floor_zero: bool, hint: str) -> None:
        super().__init__(name, hint)
        self.pieces = pieces
        self.floor_zero = floor_zero

    def realise(self, to: Lowering, unit: Fraction) -> Form:
        """Lower the pieces, then one column for the value and one inequality per piece."""
        forms = {label: to.lower(piece, unit) for label, piece in self.pieces.items()}
        base = Form() if self.floor_zero else forms.pop(next(iter(forms)))
        rows = {
            label: to.rounded(add_forms([base, -form]), f"{self.name}, piece {label}")
            for label, form in forms.items()
        }
        if all(to.least(row) >= 0 for row, _ in rows.values()):  # no piece can exceed the base
            for label, (row, _) in rows.items():
                to.inequality(f"{self.name} >= {label}", row, (WORST_CASES,))
            return base
        high = max(-(to.canonical_range(row)[0] // finer) for row, finer in rows.values())
        value = to.add(f"max:{self.name}", max(high, 0), (WORST_CASES,))
        self._bound(to, value, rows)
        return add_forms([base, Form(columns={value: Fraction(1)})])

    def _bound(self, to: Lowering, value: int, rows: Mapping[str, tuple[Row, int]]) -> None:
        kept, scales, slacks = [], [], []
        for label, (row, finer) in rows.items():
            high = None
            if len(rows) == 1:  # v is rounded up for this row alone: what is over is less than one unit
                high = max(to.canonical_range(row)[1], finer - 1)
            bound = row.plus({value: finer})
            slack = to.inequality(f"{self.name} >= {label}", bound, (WORST_CASES,), high)
            if slack is not None:
                kept.append(row)
                scales.append(finer)
                slacks.append(slack)
        to.steps.append(MaximumStep(self.name, value, tuple(kept), tuple(scales), tuple(slacks)))
