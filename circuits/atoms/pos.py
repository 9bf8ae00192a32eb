"""pos(f) = max(f, 0) of a convex f: one equation p - f = n with p, n >= 0, of which one is zero in the exact witness.

p is the value, n the slack of p >= f: the negative part. Raising both overstates p, never understates it.
"""

from __future__ import annotations

from zkmargin.circuits.atoms.maximum import maximum
from zkmargin.circuits.expression import Expression


def pos(name: str, value: Expression, *, hint: str = "") -> Expression:
    """Return the positive part."""
    return maximum(name, {"value": value}, floor_zero=True, hint=hint)
