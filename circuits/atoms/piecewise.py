"""piecewise: convex f of an amount x in lots, f(0) = 0, slope_t from knot_t on, slopes rising (haircut tiers, chords).

One-hot tiers that meet at the knots: see `tiers`, also for the exact witness.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise

from zkmargin.circuits.atoms.tiers import Tiers
from zkmargin.circuits.expression import Expression
from zkmargin.circuits.parameters import exact, label
from zkmargin.errors import CircuitError, CurvatureError


def piecewise(
    name: str,
    amount: Expression,
    knots: Sequence[int],
    slopes: Sequence[object],
    *,
    quantum: Fraction | None = None,
    hint: str = "",
) -> Expression:
    """Return f(amount): `amount` one side of an input in lots, `knots` in lots from 0, `slopes` per lot.

    Slopes are rounded up to `quantum`, by default the unit of the statement that uses f.
    """
    rates = [exact(slope) for slope in slopes]
    tiers = Tiers(name, amount, knots)
    if len(knots) != len(rates):
        raise CircuitError("piecewise", f"{name}: knots must rise from 0 and have one slope each")
    for knot, (before, after) in zip(knots[1:], pairwise(rates), strict=True):
        if after < before:
            raise CurvatureError(
                "curvature",
                f"{name}: must be convex, but the slope falls from {label(before)} to {label(after)} at {knot}"
                " lots",
                hint=hint or None,
            )
    if rates[0] < 0:
        raise CurvatureError("curvature", f"{name}: starts with a negative slope {label(rates[0])}")
    rises = (Fraction(rate) * width for rate, width in zip(rates, tiers.widths(), strict=False))
    values = list(accumulate(rises, initial=Fraction(0)))
    return tiers.function(name, values, rates, quantum=quantum, hint=hint)
