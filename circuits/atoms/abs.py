"""|f| = f + 2 neg(f) of an affine f: the equation of `neg`, no column more. *Exact witness*: that of `neg`."""

from __future__ import annotations

from zkmargin.circuits.atoms.neg import neg
from zkmargin.circuits.expression import Expression


def absolute(name: str, value: Expression, *, hint: str = "") -> Expression:
    """Return the absolute value of an affine expression."""
    value.demand_affine(name, "the absolute value of a convex expression is not convex")
    return value + 2 * neg(name, value, hint=hint)
