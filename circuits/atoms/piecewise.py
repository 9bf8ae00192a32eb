"""piecewise: convex f of an amount x in lots, f(0) = 0, slope_t from knot_t on, slopes rising (tiers, brackets).

    x = sum_t knot_t tier_t + part_t,    part_t <= width_t tier_t,    sum_t tier_t = on;   tier_t, on one bit wide
    f = sum_t f(knot_t) tier_t + slope_t part_t

At most one tier is set, and an amount that is not zero sets one: x is exactly knot + part, so f is the function and
not a bound of it. At a knot two tiers serve, with one value. *Exact witness*: the lower tier at a knot, on = 1 iff
x is not 0; everything is zero when x is. Slopes are rounded up to whole units per lot.

Tiers that x cannot exceed, by what its columns can hold, are left out; a single tier needs no columns at all.

A rule that jumps (a rate on the whole amount, a fee for holding anything, a cap) has `jumps`: f rises by jump_t at
knot_t, from the knot on, at 0 as soon as there is anything. The lower tier then ends one lot before, so that the knot
has one value. f is exact but not convex: it rests on the bits.
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
    name: str,
    amount: Expression,
    knots: Sequence[int],
    slopes: Sequence[object],
    *,
    jumps: Sequence[object] = (),
    hint: str = "",
) -> Expression:
    """Return f(amount): `amount` sides of an input in lots, `knots` in lots from 0, `slopes` per lot, `jumps` each."""
    rates = [exact(slope) for slope in slopes]
    steps = [exact(jump) for jump in jumps] or [Fraction(0)] * len(knots)
    if amount.atoms or not amount.sides or any(a != 1 for a in amount.sides.values()):
        raise CircuitError("piecewise", f"{name}: must count the lots of sides of inputs")
    if not knots or knots[0] != 0 or len(knots) != len(rates) or any(a >= b for a, b in pairwise(knots)):
        raise CircuitError("piecewise", f"{name}: knots must rise from 0 and have one slope each")
    _check_slopes(name, knots, rates, hint)
    _check_jumps(name, knots, steps)
    return Piecewise(name, tuple(amount.sides), list(knots), rates, steps, hint).expression()


def _check_slopes(name: str, knots: Sequence[int], rates: Sequence[Fraction], hint: str) -> None:
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


def _check_jumps(name: str, knots: Sequence[int], jumps: Sequence[Fraction]) -> None:
    if len(jumps) != len(knots):
        raise CircuitError("piecewise", f"{name}: one jump for each knot, or none at all")
    for knot, jump in zip(knots, jumps, strict=True):
        if jump < 0:
            raise CircuitError("piecewise", f"{name}: falls by a jump of {label(jump)} at {knot} lots")


class Piecewise(Atom):
    """See the module."""

    def __init__(
        self,
        name: str,
        amount: tuple[SideKey, ...],
        knots: list[int],
        slopes: list[Fraction],
        jumps: list[Fraction],
        hint: str,
    ) -> None:
        super().__init__(name, hint)
        self.amount = amount
        self.knots = knots
        self.slopes = slopes
        self.jumps = jumps

    def realise(self, to: Lowering, unit: Fraction) -> Form:
        """Leave out what is out of reach, then one-hot tiers."""
        most = sum(map(to.capacity, self.amount))
        knots = [
            knot
            for knot, jump in zip(self.knots, self.jumps, strict=True)
            if knot == 0 or knot < most or (jump and knot == most)
        ]
        for knot in self.knots[len(knots) :]:
            to.omitted_tiers.append((f"{self.name} from {knot}", self._parts(to), knot))
        slopes, jumps = (
            [Fraction(ceil(value / unit)) for value in values[: len(knots)]]
            for values in (self.slopes, self.jumps)
        )
        if len(knots) == 1 and not jumps[0]:
            return Form(dict.fromkeys(self.amount, slopes[0]) if slopes[0] else {})
        upper = [bool(jump) for jump in jumps[1:]] + [False]
        widths = [end - knot - cut for (knot, end), cut in zip(pairwise([*knots, most]), upper, strict=True)]
        tiers, parts = self._columns(to, knots, widths)
        value: dict[int, Fraction] = {}
        height = Fraction(0)
        ends = [*knots[1:], most]
        for tier, part, slope, jump, knot, end in zip(tiers, parts, slopes, jumps, knots, ends, strict=True):
            height += jump
            value |= {column: a for column, a in ((tier, height), (part, slope)) if a}
            height += slope * (end - knot)
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
