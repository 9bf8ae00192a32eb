"""Tiers of the gross size of a position whose first lots have a column of their own: see `builder.Rules.tiered`.

    position = small + big,  small <= c by its width,  c at most the last lot of the first tier
    f(x) = slope_0 small + g(big),    g(y) = f(c + y) - f(c)

g is what lots beyond the first c cost, on tiers of `big` alone. f(x) - slope_0 x never falls, so in every row
f(small + big) <= slope_0 small + g(big): whoever does not fill the first part pays no less. *Exact witness*: the first
lots are filled first, big > 0 only when small = c, so the sum is f(x). A position of at most c lots has one value that
is not zero instead of five.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from zkmargin.circuits.atoms.tiers import Tiers, at_knots
from zkmargin.circuits.expression import Expression, Signed, SplitPosition
from zkmargin.circuits.parameters import label
from zkmargin.errors import CircuitError, CurvatureError


def position_tiers(
    name: str, position: Signed, knots: Sequence[int], *, apart: bool = False
) -> Tiers | SplitTiers:
    """Return tiers of long + short, in lots, without columns where a split position is small."""
    if isinstance(position, SplitPosition):
        return SplitTiers(name, position, knots, apart=apart)
    return Tiers(name, position.gross, knots, apart=apart)


class SplitTiers:
    """See the module; functions as on `Tiers`."""

    def __init__(self, name: str, position: SplitPosition, knots: Sequence[int], *, apart: bool) -> None:
        self.whole = Tiers(name, position.gross, knots, apart=apart)  # refuses what are no tiers
        self.first = position.most_small
        last = knots[1] - self.whole.gap if len(knots) > 1 else self.first
        if last < self.first:
            raise CircuitError(
                "piecewise",
                f"{name}: the first tier ends before the first lots of the position",
                expected=f"{self.first} lots or more",
                actual=f"{last} lots",
            )
        self.skipped = int(len(knots) > 1 and knots[1] == self.first)
        beyond = [max(knot - self.first, 0) for knot in knots[self.skipped :]]
        self.small = Tiers(f"{name}, first lots", position.small.gross, [0])
        self.big = Tiers(name, position.big.gross, beyond, apart=apart)

    def function(
        self,
        name: str,
        values: Sequence[object],
        slopes: Sequence[object],
        *,
        quantum: Fraction | None = None,
        hint: str = "",
    ) -> Expression:
        """Return f(long + short), see `Tiers.function`: 0 at 0, and no lot cheaper than the first."""
        at, rates = at_knots(name, self.whole.knots, values, slopes)
        if at[0] != 0:
            raise CircuitError("piecewise", f"{name}: must be 0 at 0")
        between = self.whole.jumps(at, rates) if self.whole.gap else []  # what the lots between tiers cost
        if lower := [rate for rate in (*rates, *between) if rate < rates[0]]:
            message = f"{name}: the slope falls from {label(rates[0])} to {label(lower[0])}"
            raise CurvatureError("curvature", message, hint=hint or "declare the position as one input")
        before = rates[0] * self.first
        beyond = [value - before if k else Fraction(0) for k, value in enumerate(at)][self.skipped :]
        small = self.small.function(name, at[:1], rates[:1], quantum=quantum)
        return small + self.big.function(name, beyond, rates[self.skipped :], quantum=quantum, hint=hint)
