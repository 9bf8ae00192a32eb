"""What a circuit declares of its columns beside the equations, so that the rules can hold the equations against it.

Columns and inputs are named by their indices. Nothing here is trusted: see `rules`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from zkmargin.circuits.variables import NamedColumn, Parts


@dataclass(frozen=True)
class OneHot:
    """Tiers of an amount, in lots: x = sum knot_t tier_t + part_t, part_t <= width_t tier_t, sum tier_t = on."""

    name: str
    amount: Parts
    on: int
    tiers: tuple[int, ...]
    parts: tuple[int, ...]
    slacks: tuple[int, ...]
    knots: tuple[int, ...]
    widths: tuple[int, ...]


@dataclass(frozen=True)
class Waivers:
    """Inequalities on one value of which some may be waived, a bit each: sum of bits + slack = budget x used."""

    name: str
    bits: tuple[int, ...]
    used: int
    slack: int
    budget: int


@dataclass(frozen=True)
class Tail:
    """An Expected Shortfall: t = up - down, t + excess_s >= loss_s, and the mean over the `worst` losses.

    worst x value >= sum of excesses, plus worst x t where the value is floored at zero; else it is t + `value`.
    """

    name: str
    value: int
    up: int
    down: int
    excesses: tuple[int, ...]
    worst: Fraction
    floor_zero: bool


@dataclass(frozen=True)
class Hypotenuse:
    """An upper bound of the norm of two legs, by folds; see `atoms.norm`.

    A leg is a column, or x + 2 w with the column w, where its inequality, which is named, says x + w >= 0.
    """

    name: str
    legs: tuple[NamedColumn, ...]
    folds: tuple[NamedColumn, ...]
    value: int
    bound: str


@dataclass(frozen=True)
class Alone:
    """Positions that net in `value`, and the legs that `charge` charges where they stand alone.

    `legs` are inputs (position, leg); a position stands alone where none of the others and of `others` is held.
    """

    name: str
    value: int
    charge: int
    legs: tuple[tuple[int, int], ...]
    others: tuple[int, ...]


@dataclass(frozen=True)
class Allowance:
    """A bit whose constants lower pieces of one maximum, whose column is `value`: free, as it can only be left off."""

    name: str
    bit: int
    value: int


@dataclass(frozen=True)
class Floor:
    """A value that may be negative: column `value` less `depth` times the bit `below`."""

    name: str
    value: int
    below: int
    depth: int


@dataclass(frozen=True)
class Gate:
    """Costs stay 0 unless a position is held: constant x (sum of the positions' columns) - costs = slack."""

    equation: str
    cost: int  # input
    positions: tuple[int, ...]  # inputs
    constant: int


@dataclass(frozen=True)
class OmittedTier:
    """A tier left out because the amount's columns cannot hold more than its knot."""

    name: str
    amount: Parts
    knot: int


@dataclass(frozen=True)
class Deficits:
    """The columns of E - R + shortfall = surplus and of N + bad_debt = owed."""

    shortfall: int
    surplus: int
    bad_debt: int
    owed: int
