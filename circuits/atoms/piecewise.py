"""piecewise: convex f of an amount x in lots, f(0) = 0, slope_t from knot_t on, slopes rising (tiers, brackets).

    x = sum_t knot_t tier_t + part_t,    part_t <= width_t tier_t,    sum_t tier_t = on;   tier_t, on one bit wide
    f = sum_t f(knot_t) tier_t + slope_t part_t

At most one tier is set, and an amount that is not zero sets one: x is exactly knot + part, so f is the function and
not a bound of it. At a knot two tiers serve, with one value. *Exact witness*: the lower tier at a knot, on = 1 iff
x is not 0; everything is zero when x is. Slopes are rounded up to whole units per lot.

Tiers that x cannot exceed, by what its columns can hold, are left out; a single tier needs no columns at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil

from zkmargin.circuits.atoms.atom import Atom
from zkmargin.circuits.draft import Form, Row
from zkmargin.circuits.expression import Expression, SideKey
from zkmargin.circuits.lowering import DraftTiers, Lowering
from zkmargin.circuits.parameters import exact, label
from zkmargin.circuits.steps import TierStep
from zkmargin.circuits.variables import Parts
from zkmargin.errors import CircuitError, CurvatureError


def piecewise(
    name: str, amount: Expression, knots: Sequence[int], slopes: Sequence[object], *, hint: str = ""
) -> Expression:
    """Return f(amount): `amount` one side of an input in lots, `knots` in lots from 0, `slopes` per lot."""
    rates = [exact(slope) for slope in slopes]
    if amount.atoms or not amount.sides or any(a != 1 for a in amount.sides.values()):
        raise CircuitError("piecewise", f"{name}: must count the lots of sides of inputs")
    if not knots or knots[0] != 0 or len(knots) != len(rates) or any(a >= b for a, b in pairwise(knots)):
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
    return Piecewise(name, tuple(amount.sides), list(knots), rates, hint).expression()


class Piecewise(Atom):
    """See the module."""

    def __init__(
        self, name: str, amount: tuple[SideKey, ...], knots: list[int], slopes: list[Fraction], hint: str
    ) -> None:
        super().__init__(name, hint)
        self.amount = amount
        self.knots = knots
        self.slopes = slopes

    def realise(self, to: Lowering, unit: Fraction) -> Form:
        """Leave out what is out of reach, then one-hot tiers."""
        most = sum(map(to.capacity, self.amount))
        knots = [knot for knot in self.knots if knot == 0 or knot < most]
        for knot in self.knots[len(knots) :]:
            to.omitted_tiers.append((f"{self.name} from {knot}", self._parts(to), knot))
        slopes = [Fraction(ceil(slope / unit)) for slope in self.slopes[: len(knots)]]
        if len(knots) == 1:
            return Form(dict.fromkeys(self.amount, slopes[0]) if slopes[0] else {})
        widths = [end - knot for knot, end in pairwise([*knots, most])]
        tiers, parts = self._columns(to, knots, widths)
        value: dict[int, Fraction] = {}
        height = Fraction(0)
        for tier, part, slope, width in zip(tiers, parts, slopes, widths, strict=True):
            value |= {column: a for column, a in ((tier, height), (part, slope)) if a}
            height += slope * width
        return Form(columns=value)

    def _parts(self, to: Lowering) -> Parts:
        return tuple(part for side in self.amount for part in to.parts(side))

    def _columns(
        self, to: Lowering, knots: list[int], widths: list[int]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        place = to.columns[self._parts(to)[0][0]].place[:2]  # beside the amount
        on = to.add(f"on:{self.name}", 1, place)
        tiers = tuple(to.add(f"tier:{self.name}.{t}", 1, place) for t in range(len(knots)))
        parts = tuple(to.add(f"part:{self.name}.{t}", width, place) for t, width in enumerate(widths))
        slacks = tuple(
            to.slack_equation(f"{self.name}: tier {t} holds its part", Row({tier: width, part: -1}), place)
            for t, (tier, part, width) in enumerate(zip(tiers, parts, widths, strict=True))
        )
        amount, _ = to.rounded(Form(dict.fromkeys(self.amount, Fraction(1))), self.name)
        minus, _ = to.rounded(Form(dict.fromkeys(self.amount, Fraction(-1))), self.name)
        split = {tier: knot for tier, knot in zip(tiers, knots, strict=True) if knot}
        to.equation(f"{self.name}: knot and part", minus.plus({**split, **dict.fromkeys(parts, 1)}))
        to.equation(f"{self.name}: one tier", Row({**dict.fromkeys(tiers, 1), on: -1}))
        marks = tuple(knots), tuple(widths)
        to.tiers.append(DraftTiers(self.name, self._parts(to), on, tiers, parts, slacks, *marks))
        to.steps.append(TierStep(amount, on, tiers, parts, slacks, *marks))
        return tiers, parts
