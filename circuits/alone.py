"""A position that nets with nothing is charged alone: without a column or slack for any scenario.

    requirement of a unit = max(0, loss in every scenario of what nets)  +  sum of legs x their own worst loss

The worst of several losses is subadditive: whatever a row splits off to stand alone, the sum is never below the
charge of everything together. *Canonical witness*: a position stands alone iff it is all that the account has in the
unit; then both are the same number. One such position costs one value instead of one per scenario.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from zkmargin.circuits.atoms.maximum import maximum
from zkmargin.circuits.expression import Expression, SideKey, Signed, total
from zkmargin.errors import CircuitError


@dataclass
class NettingUnit:
    """Positions that net, `legs` for those that stand alone, and `others`, inputs that move with them."""

    name: str
    positions: Mapping[str, Signed]
    legs: Mapping[str, Signed]
    others: tuple[int, ...]
    worst: Expression = field(default_factory=Expression)
    charge: Expression = field(default_factory=Expression)

    def worst_case(self, losses: Mapping[str, Expression], *, hint: str = "") -> Expression:
        """Return max(0, losses), affine in what nets; legs are charged by the worst of the same losses."""
        for label, loss in losses.items():
            loss.demand_affine(f"{self.name}, piece {label}", "what stands alone is charged by affine losses")
        self.worst = maximum(self.name, losses, floor_zero=True, hint=hint)
        self.charge = total(
            alone
            * max([Fraction(0), *(loss.sides.get(_side(netted), Fraction(0)) for loss in losses.values())])
            for label, position in self.positions.items()
            for netted, alone in (
                (position.long, self.legs[label].long),
                (position.short, self.legs[label].short),
            )
        )
        return self.worst


def _side(amount: Expression) -> SideKey:
    if len(amount.sides) != 1:
        raise CircuitError("alone", "only a position of one input can stand alone")
    return next(iter(amount.sides))
