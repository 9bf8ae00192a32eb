"""A position that nets with nothing is charged alone: without a column or slack for any scenario.

    requirement of a unit = measure of the losses of what nets  +  sum of legs x the measure of their own losses

The measure is coherent, so subadditive: the worst of several losses, or an Expected Shortfall. Whatever a row splits
off to stand alone, the sum is never below the charge of everything together. *Canonical witness*: a position stands
alone iff it is all that the account has in the unit; then both are the same number. One such position costs one value
instead of one per scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

from zkmargin.circuits.atoms.expected_shortfall import expected_shortfall
from zkmargin.circuits.atoms.maximum import maximum
from zkmargin.circuits.expression import Expression, SideKey, Signed, total
from zkmargin.circuits.parameters import exact
from zkmargin.errors import CircuitError

ZERO = Fraction(0)


@dataclass
class NettingUnit:
    """Positions that net, `legs` for those that stand alone, and `others`, inputs that move with them."""

    name: str
    positions: Mapping[str, Signed]
    legs: Mapping[str, Signed]
    others: tuple[int, ...]
    measured: Expression = field(default_factory=Expression)
    charge: Expression = field(default_factory=Expression)

    def worst_case(self, losses: Mapping[str, Expression], *, hint: str = "") -> Expression:
        """Return max(0, losses), affine in what nets; legs are charged by the worst of the same losses."""
        return self._measure(maximum(self.name, losses, floor_zero=True, hint=hint), losses, max)

    def shortfall(self, losses: Mapping[str, Expression], tail: object, *, hint: str = "") -> Expression:
        """Return the Expected Shortfall of affine losses, at least 0; legs are charged by that of their own."""
        atom = expected_shortfall(self.name, losses, tail, hint=hint)
        worst = Fraction(exact(tail)) * len(losses)
        return self._measure(atom, losses, lambda values: mean_of_worst(values, worst))

    def _measure(
        self,
        atom: Expression,
        losses: Mapping[str, Expression],
        measure: Callable[[Sequence[Fraction]], Fraction],
    ) -> Expression:
        for label, loss in losses.items():
            loss.demand_affine(f"{self.name}, piece {label}", "what stands alone is charged by affine losses")
        self.measured = atom
        self.charge = total(
            alone * max(ZERO, measure([loss.sides.get(side_of(netted), ZERO) for loss in losses.values()]))
            for label, position in self.positions.items()
            for netted, alone in (
                (position.long, self.legs[label].long),
                (position.short, self.legs[label].short),
            )
        )
        return atom


def mean_of_worst(losses: Sequence[Fraction], worst: Fraction) -> Fraction:
    """Return the mean of the `worst` largest losses; the last of them counts for what is left of a whole number."""
    unit = lcm(*(loss.denominator for loss in losses))
    ordered = sorted((loss.numerator * (unit // loss.denominator) for loss in losses), reverse=True)
    if worst <= 1:
        return Fraction(ordered[0], unit)
    whole = worst.numerator // worst.denominator
    rest = (worst - whole) * ordered[whole] if worst > whole else 0
    return (sum(ordered[:whole]) + rest) / (worst * unit)


def side_of(amount: Expression) -> SideKey:
    """Return the one side of an input that an amount counts."""
    if len(amount.sides) != 1:
        raise CircuitError("alone", "only a position of one input can stand alone")
    return next(iter(amount.sides))
