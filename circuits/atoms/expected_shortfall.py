"""expected_shortfall(losses, tail): the mean of the worst k = tail x n of n equally likely losses.

    ES = min over t of  t + (1 / k) sum_s max(loss_s - t, 0)            (Rockafellar and Uryasev 2000, equation 4)

    t + z_s >= loss_s  for every scenario,    v >= t + (1 / k) sum_s z_s,    z_s, v >= 0,    t = up - down

Any t gives an upper bound, so a cheating row only overstates. k need not be whole: of 6.25 losses the seventh counts
for a quarter, and below one ES is the largest loss. With `floor_zero` the value is v, else it may be negative and is
t + v, where v >= (1 / k) sum_s z_s; a requirement that is negative somewhere refuses ratio claims.

*Exact witness*: t is the least value that attains the minimum, the (floor(k) + 1)-th largest loss (the least one for
tail = 1); z_s the excess over it, losses rounded up to their unit; v rounded up to its unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from zkmargin.circuits.atoms.atom import Atom
from zkmargin.circuits.circuit import Tail
from zkmargin.circuits.draft import WORST_CASES, Form, Row
from zkmargin.circuits.expression import Expression
from zkmargin.circuits.lowering import Lowering
from zkmargin.circuits.parameters import exact, label
from zkmargin.circuits.steps import TailStep
from zkmargin.errors import CircuitError

PLACE = (WORST_CASES,)
ONE = Fraction(1)


def expected_shortfall(
    name: str, losses: Mapping[str, object], tail: object, *, floor_zero: bool = True, hint: str = ""
) -> Expression:
    """Return the mean of the worst `tail` (0 to 1, exact) of labelled convex losses, at least zero if `floor_zero`."""
    share = exact(tail)
    if not 0 < share <= 1:
        raise CircuitError("tail", f"{name}: tail = {label(share)} must lie above 0 and at most at 1")
    if not losses:
        raise CircuitError("tail", f"{name}: there are no scenarios")
    scenarios = {scenario: Expression.of(loss) for scenario, loss in losses.items()}
    for scenario, loss in scenarios.items():
        loss.demand("convex", f"{name}, scenario {scenario}")
    return ExpectedShortfall(name, scenarios, Fraction(share) * len(losses), floor_zero, hint).expression()


class ExpectedShortfall(Atom):
    """See the module; `worst` is k."""

    def __init__(
        self, name: str, losses: Mapping[str, Expression], worst: Fraction, floor_zero: bool, hint: str
    ) -> None:
        super().__init__(name, hint)
        self.losses = losses
        self.worst = worst
        self.floor_zero = floor_zero

    def realise(self, to: Lowering, unit: Fraction) -> Form:
        """Lower the losses, then threshold, excesses and their mean."""
        rounded = {
            scenario: to.rounded(-to.lower(loss, unit), f"{self.name}, scenario {scenario}")
            for scenario, loss in self.losses.items()
        }
        needs = [(to.canonical_range(row), finer) for row, finer in rounded.values()]
        top = to.within_limit(max(-(low // finer) for (low, _), finer in needs), unit)
        bottom = -to.within_limit(max(high // finer for (_, high), finer in needs), unit)
        value = to.add(f"es:{self.name}", max(top if self.floor_zero else top - bottom, 0), PLACE)
        up = to.add(f"threshold:{self.name}.up", max(top, 0), PLACE)
        down = to.add(f"threshold:{self.name}.down", max(-bottom, 0), PLACE)
        excesses, slacks = [], []
        for scenario, (row, finer) in rounded.items():
            spread = to.within_limit(max(top - bottom, 0), unit)
            excess = to.add(f"excess:{self.name}.{scenario}", spread, PLACE)
            most = max(finer * top + to.canonical_range(row)[1], finer - 1)  # excess 0, or rounded up
            bound = row.plus({excess: finer, up: finer, down: -finer})
            slacks.append(
                to.slack_equation(f"{self.name}: scenario {scenario}", bound, PLACE, most, unit / finer)
            )
            excesses.append(excess)
        mean = self._mean(to, value, up, down, excesses, bottom)
        shape = self.worst, self.floor_zero
        to.tails.append(Tail(self.name, value, up, down, tuple(excesses), *shape))
        rows, scales = zip(*rounded.values(), strict=True)
        parts = tuple(excesses), rows, scales, tuple(slacks), mean
        to.steps.append(TailStep(value, up, down, *parts, *shape))
        if self.floor_zero:
            return Form(columns={value: ONE})
        return Form(columns={value: ONE, up: ONE, down: -ONE})

    def _mean(self, to: Lowering, value: int, up: int, down: int, excesses: list[int], bottom: int) -> int:
        """Add a v >= a t + b sum z, for k = a / b, and return its slack."""
        a, b = self.worst.as_integer_ratio()
        row = Row({value: a, **dict.fromkeys(excesses, -b)})
        most = a - 1
        if self.floor_zero:
            row = row.plus({up: -a, down: a})
            most = max(most, -a * bottom)
        return to.slack_equation(f"{self.name}: mean of the worst {self.worst}", row, PLACE, most)
