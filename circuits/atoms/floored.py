"""floored(f_1, ..., f_n, least): the largest of convex expressions and of a negative constant (gains up to a cap).

    v - depth below >= f_i   for every piece i,    v >= 0, below one bit wide        value = v - depth below >= -depth

The value is one signed quantity, stored as v and a bit that enter every equation together. The bit is free: left off,
the value is at least zero, which only costs. *Exact witness*: below = 1 iff all pieces are negative.

`maximum` above a first piece would not do: raising both sides of a pair would loosen one of its inequalities, though
never the sum, and the compile rules look at each.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from zkmargin.circuits.atoms.atom import Atom
from zkmargin.circuits.circuit import Floor
from zkmargin.circuits.draft import WORST_CASES, Form
from zkmargin.circuits.expression import Expression
from zkmargin.circuits.lowering import Lowering
from zkmargin.circuits.parameters import whole
from zkmargin.circuits.steps import MaximumStep


def floored(name: str, pieces: Mapping[str, Expression], least: Fraction, *, hint: str = "") -> Expression:
    """Return the largest of labelled convex expressions and `least` < 0, in quote currency."""
    for label, piece in pieces.items():
        piece.demand("convex", f"{name}, piece {label}")
    return Floored(name, pieces, least, hint).expression()


class Floored(Atom):
    """See the module."""

    def __init__(self, name: str, pieces: Mapping[str, Expression], least: Fraction, hint: str) -> None:
        super().__init__(name, hint)
        self.pieces = pieces
        self.least = least

    def realise(self, to: Lowering, unit: Fraction) -> Form:
        """Lower the pieces, then a column and a bit for the value and one inequality per piece."""
        depth = whole(f"{self.name}, its least", -self.least, unit)
        rows = {
            label: to.rounded(-to.lower(piece, unit), f"{self.name}, piece {label}")
            for label, piece in self.pieces.items()
        }
        high = max(-(to.canonical_range(row)[0] // finer) for row, finer in rows.values())
        value = to.add(f"max:{self.name}", max(high, depth), (WORST_CASES,))
        below = to.add(f"below:{self.name}", 1, (WORST_CASES,))
        slacks = tuple(
            to.slack_equation(
                f"{self.name} >= {label}", row.plus({value: finer, below: -finer * depth}), (WORST_CASES,)
            )
            for label, (row, finer) in rows.items()
        )
        to.floors.append(Floor(self.name, value, below, depth))
        kept, scales = zip(*rows.values(), strict=True)
        to.steps.append(MaximumStep(self.name, value, kept, scales, slacks, below=below, depth=depth))
        return Form(columns={value: Fraction(1), below: Fraction(-depth)})
