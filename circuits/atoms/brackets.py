"""brackets: piecewise of the gross size of a position, without tiers where the position is small.

    position = small + big,  small <= c by its width,  c at most the end of the first tier
    f(x) = slope_0 small + g(big),    g(y) = f(c + y) - f(c)

g is what lots beyond the first c cost. f is convex, so in every row f(small + big) <= f(small) + f(c + big) - f(c):
whoever does not fill the first part pays more. *Exact witness*: the first lots are filled first, big > 0 only when
small = c, so the sum is f(x); a position of at most c lots has one value that is not zero instead of five.
"""

from __future__ import annotations

from collections.abc import Sequence

from zkmargin.circuits.atoms.piecewise import piecewise
from zkmargin.circuits.expression import Expression, Signed, Tiered
from zkmargin.errors import CircuitError


def brackets(
    name: str, position: Signed, knots: Sequence[int], slopes: Sequence[object], *, hint: str = ""
) -> Expression:
    """Return f(long + short), convex with rising slopes; see `piecewise` and `builder.Rules.tiered`."""
    whole = piecewise(name, position.gross, knots, slopes, adjacent=True, hint=hint)  # refused if not convex
    if not isinstance(position, Tiered):
        return whole
    first = position.most_small
    if len(knots) > 1 and knots[1] < first:
        raise CircuitError(
            "brackets",
            f"{name}: the first tier ends before the first lots of the position",
            expected=f"at least {first} lots",
            actual=f"{knots[1]} lots",
        )
    skipped = 1 if len(knots) > 1 and knots[1] == first else 0
    beyond = [max(knot - first, 0) for knot in knots[skipped:]]
    small = piecewise(f"{name}, first lots", position.small.gross, [0], slopes[:1])
    return small + piecewise(name, position.big.gross, beyond, slopes[skipped:], adjacent=True, hint=hint)
