"""One-hot tiers of an amount x in lots, set once and shared by every function of x that changes at their knots.

    x = sum_t knot_t tier_t + part_t,    part_t <= width_t tier_t,    sum_t tier_t = on;   tier_t, on one bit wide
    f = sum_t f(knot_t) tier_t + slope_t part_t

At most one tier is set, and an amount that is not zero sets one: x is exactly knot + part, so f is the function and
not a bound of it. Tiers meet at a knot, where two serve with one value, or stand `apart`: each ends one lot before the
next begins, so that f may jump, and a kink between two lots is exact at either. A value at 0 is charged as soon as
there is anything: a fee, a cap. f never falls, so raising both sides of a pair never lowers it.

*Exact witness*: the lower tier at a knot that two share, on = 1 iff x is not 0; everything is zero when x is. Slopes
and jumps are rounded up to whole quanta.

Tiers that x cannot reach, by what its columns can hold, are left out; a single tier needs no columns at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil

from zkmargin.circuits.atoms.atom import Atom
from zkmargin.circuits.circuit import OneHot
from zkmargin.circuits.draft import Form, Place, Row
from zkmargin.circuits.expression import Expression, SideKey
from zkmargin.circuits.lowering import Lowering
from zkmargin.circuits.parameters import exact, label
from zkmargin.circuits.steps import TierStep
from zkmargin.circuits.variables import Parts
from zkmargin.errors import CircuitError, CurvatureError


def at_knots(
    name: str, knots: Sequence[int], values: Sequence[object], slopes: Sequence[object]
) -> tuple[list[Fraction], list[Fraction]]:
    """Return the exact values of a function at the knots and its slopes from each on, which keep their names."""
    if not len(values) == len(slopes) == len(knots):
        raise CircuitError("piecewise", f"{name}: needs a value and a slope for each knot")
    return [Fraction(exact(value)) for value in values], [exact(slope) for slope in slopes]


class Tiers:
    """Tiers of `amount`, the lots of sides of inputs, from each of `knots` on, in lots from 0, rising."""

    def __init__(self, name: str, amount: Expression, knots: Sequence[int], *, apart: bool = False) -> None:
        if amount.atoms or not amount.sides or any(a != 1 for a in amount.sides.values()):
            raise CircuitError("piecewise", f"{name}: must count the lots of sides of inputs")
        if not knots or knots[0] != 0 or any(a >= b for a, b in pairwise(knots)):
            raise CircuitError("piecewise", f"{name}: knots must rise from 0 and have one slope each")
        self.name = name
        self.amount: tuple[SideKey, ...] = tuple(amount.sides)
        self.knots = tuple(knots)
        self.gap = 1 if apart else 0  # lots between the end of a tier and the next knot
        self.charged_at_0 = False

    def function(
        self,
        name: str,
        values: Sequence[object],
        slopes: Sequence[object],
        *,
        quantum: Fraction | None = None,
        hint: str = "",
    ) -> Expression:
        """Return f(amount) in quote: `values` at the knots, `slopes` per lot from each on, none negative.

        Slopes and jumps are rounded up to `quantum`, by default the unit of the statement that uses f. Raise
        CurvatureError where f falls.
        """
        at, rates = at_knots(name, self.knots, values, slopes)
        self.charged_at_0 |= at[0] > 0
        for knot, rate, jump in zip(self.knots, rates, [at[0], *self.jumps(at, rates)], strict=True):
            if rate < 0 or jump < 0:
                message = f"{name}: falls from {knot} lots on, by {label(min(rate, jump))}"
                raise CurvatureError("curvature", message, hint=hint or None)
        return Tiered(name, self, at, list(map(Fraction, rates)), quantum, hint).expression()

    def jumps(self, values: Sequence[Fraction], slopes: Sequence[Fraction]) -> list[Fraction]:
        """Return by how much a function rises from the end of each tier to the next knot."""
        ends = [
            a + Fraction(slope) * width
            for a, slope, width in zip(values, slopes, self.widths(), strict=False)
        ]
        return [after - end for after, end in zip(values[1:], ends, strict=True)]

    def widths(self) -> list[int]:
        """Return what each tier but the last holds beyond its knot, in lots."""
        return [after - knot - self.gap for knot, after in pairwise(self.knots)]

    def columns(self, to: Lowering) -> OneHot | None:
        """Return the columns, added on first use; None where only one tier is in reach, and nothing is charged at 0."""
        if to.columns_of_tiers.get(self) is None and (self.charged_at_0 or self not in to.columns_of_tiers):
            to.columns_of_tiers[self] = self._added(to)
        return to.columns_of_tiers[self]

    def _added(self, to: Lowering) -> OneHot | None:
        most = sum(map(to.capacity, self.amount))
        knots = tuple(knot for knot in self.knots if knot == 0 or knot - self.gap < most)
        for knot in self.knots[len(knots) :]:
            to.omitted_tiers.append((f"{self.name} from {knot}", self._parts(to), knot - self.gap))
        if len(knots) == 1 and not self.charged_at_0:
            return None
        return self._columns(to, knots, (*self.widths()[: len(knots) - 1], most - knots[-1]))

    def _parts(self, to: Lowering) -> Parts:
        return tuple(part for side in self.amount for part in to.parts(side))

    def _columns(self, to: Lowering, knots: tuple[int, ...], widths: tuple[int, ...]) -> OneHot:
        place = to.columns[self._parts(to)[0][0]].place[:2]  # beside the amount
        on = to.add(f"on:{self.name}", 1, place)
        tiers = tuple(to.add(f"tier:{self.name}.{t}", 1, place) for t in range(len(knots)))
        parts, slacks = self._held(to, tiers, widths, place)
        amount, _ = to.rounded(Form(dict.fromkeys(self.amount, Fraction(1))), self.name)
        minus, _ = to.rounded(Form(dict.fromkeys(self.amount, Fraction(-1))), self.name)
        split = {tier: knot for tier, knot in zip(tiers, knots, strict=True) if knot}
        to.equation(f"{self.name}: knot and part", minus.plus({**split, **dict.fromkeys(parts, 1)}))
        to.equation(f"{self.name}: one tier", Row({**dict.fromkeys(tiers, 1), on: -1}))
        group = OneHot(self.name, self._parts(to), on, tiers, parts, slacks, knots, widths)
        to.tiers.append(group)
        to.steps.append(TierStep(amount, on, tiers, parts, slacks, knots, widths))
        return group

    def _held(
        self, to: Lowering, tiers: tuple[int, ...], widths: tuple[int, ...], place: Place
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Add the parts and the slacks by which their tiers hold them; side by side where tiers stand apart."""

        def part(t: int) -> int:
            return to.add(f"part:{self.name}.{t}", widths[t], place)

        def slack(t: int, part: int) -> int:
            row = Row({tiers[t]: widths[t], part: -1})
            return to.slack_equation(f"{self.name}: tier {t} holds its part", row, place)

        if self.gap:
            pairs = [(p := part(t), slack(t, p)) for t in range(len(tiers))]
            return tuple(p for p, _ in pairs), tuple(s for _, s in pairs)
        parts = tuple(map(part, range(len(tiers))))
        return parts, tuple(slack(t, p) for t, p in enumerate(parts))


class Tiered(Atom):
    """A function on tiers."""

    def __init__(
        self,
        name: str,
        tiers: Tiers,
        values: list[Fraction],
        slopes: list[Fraction],
        quantum: Fraction | None,
        hint: str,
    ) -> None:
        super().__init__(name, hint)
        self.tiers = tiers
        self.values = values
        self.slopes = slopes
        self.quantum = quantum

    def realise(self, to: Lowering, unit: Fraction) -> Form:
        """Weigh the tiers' columns, or the amount itself where there is one tier."""
        quantum = self.quantum or unit
        columns = self.tiers.columns(to)
        slopes = [ceil(slope / quantum) for slope in self.slopes]
        if columns is None:
            return self._flat(to, slopes[0] * quantum, unit)
        jumps = [ceil(jump / quantum) for jump in self.tiers.jumps(self.values, self.slopes)]
        value: dict[int, Fraction] = {}
        height = ceil(self.values[0] / quantum)
        for t, (tier, part, width) in enumerate(
            zip(columns.tiers, columns.parts, columns.widths, strict=True)
        ):
            weights = {tier: height * quantum / unit, part: slopes[t] * quantum / unit}
            value |= {column: a for column, a in weights.items() if a}
            height += slopes[t] * width
            to.note_rounding(
                self.tiers.name,
                {tier: 1, part: width},
                height * quantum,
                self.values[t] + self.slopes[t] * width,
            )
            height += jumps[t] if t < len(jumps) else 0
        return Form(columns=value)

    def _flat(self, to: Lowering, slope: Fraction, unit: Fraction) -> Form:
        for side in self.tiers.amount:
            full = {column: to.columns[column].capacity for column, _ in to.parts(side)}
            to.note_rounding(to.inputs[side[0]].key, full, slope, self.slopes[0])
        return Form(dict.fromkeys(self.tiers.amount, slope / unit) if slope else {})
