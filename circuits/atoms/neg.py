"""neg(f) = max(-f, 0) of a concave f: the positive part of -f. *Exact witness*: that of `pos`."""

from __future__ import annotations

from zkmargin.circuits.atoms.pos import pos
from zkmargin.circuits.expression import Expression


def neg(name: str, value: Expression, *, hint: str = "") -> Expression:
    """Return the negative part, a non-negative quantity."""
    return pos(name, -value, hint=hint)
