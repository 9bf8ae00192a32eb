"""What every convex function of the secrets offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import TYPE_CHECKING

from zkmargin.circuits.expression import Expression

if TYPE_CHECKING:
    from zkmargin.circuits.draft import Form
    from zkmargin.circuits.lowering import Lowering


class Atom(ABC):
    """A convex, positively homogeneous function f of the inputs, f(0) = 0.

    `name` is what a refusal calls it, `hint` what would help. Identity is object identity: an atom used twice is
    lowered once.
    """

    def __init__(self, name: str, hint: str = "") -> None:
        self.name = name
        self.hint = hint

    @abstractmethod
    def realise(self, to: Lowering, unit: Fraction) -> Form:
        """Add columns, equations and the witness step; return f as a form in `unit`.

        In every satisfying row the form is at least f; in the canonical one it is f, up to rounding up.
        """

    def expression(self) -> Expression:
        """Return the atom as an expression."""
        return Expression(atoms={self: Fraction(1)})
