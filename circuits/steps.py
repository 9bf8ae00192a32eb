"""How the canonical witness is computed, step by step, in the order in which the circuit was written.

Every step is a public function of the inputs: the least value that its inequalities allow, and slacks from their
equations. `fill` carries them out for all accounts at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from zkmargin.circuits.draft import Row


@dataclass(frozen=True)
class WaiverStep:
    """Of the maximum's `rows` the `budget` that ask for most may be waived: bit_i = 1 iff v does not reach row_i.

    A waived slack has `short_i` more; used = 1 iff any is waived; slack = budget x used - number of waivers.
    """

    rows: tuple[int, ...]
    bits: tuple[int, ...]
    short: tuple[int, ...]
    used: int
    slack: int
    budget: int


@dataclass(frozen=True)
class MaximumStep:
    """`value` = the least v >= 0 with row_i + finer_i v >= 0 for every i; slack_i = row_i + finer_i v.

    With `allow`, row_i + allowance_i stands for row_i wherever v needs it: then the bit is 1, else 0.
    """

    name: str
    value: int
    rows: tuple[Row, ...]
    finer: tuple[int, ...]
    slacks: tuple[int, ...]
    waivers: tuple[WaiverStep, ...] = ()
    allow: int | None = None
    allowances: tuple[int, ...] = ()


@dataclass(frozen=True)
class TailStep:
    """Threshold up - down, excesses and value of an Expected Shortfall over the worst `worst` rows; slack `mean`."""

    value: int
    up: int
    down: int
    excesses: tuple[int, ...]
    rows: tuple[Row, ...]
    finer: tuple[int, ...]
    slacks: tuple[int, ...]
    mean: int
    worst: Fraction
    floor_zero: bool


@dataclass(frozen=True)
class SlackStep:
    """`slack` = row, which must not be negative; `name` is what an account violates otherwise."""

    name: str
    row: Row
    slack: int


@dataclass(frozen=True)
class TierStep:
    """The first tier that holds the amount; its part, its slack, and `on`."""

    amount: Row
    on: int
    tiers: tuple[int, ...]
    parts: tuple[int, ...]
    slacks: tuple[int, ...]
    knots: tuple[int, ...]
    widths: tuple[int, ...]


@dataclass(frozen=True)
class OutputStep:
    """`output` (0..3 for N, E, R, I) = row."""

    output: int
    row: Row


@dataclass(frozen=True)
class DeficitStep:
    """plus - minus = the combination of outputs, one of them zero."""

    outputs: tuple[tuple[int, int], ...]  # (output, coefficient)
    plus: int
    minus: int


Step = MaximumStep | TailStep | SlackStep | TierStep | OutputStep | DeficitStep
