"""Collateral tiers in whole lots and quanta: a haircut's parameters, for circuit and calculator alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from zkmargin.errors import PolicyError


def haircut_schedule(
    tiers: Sequence[tuple[Fraction, Fraction]], lot_value: int, equity_quantum: Fraction
) -> list[tuple[int, int]]:
    """Return [(first lot, haircut per lot in equity quanta)] of each tier, lots from 0, both rising.

    `tiers`: (value in quote from which the rate holds, rate); `lot_value` in equity quanta. The haircut of x
    lots is the sum of part x haircut over the tiers that x reaches. Knots are moved down to whole lots and
    haircuts up to whole quanta, so that a haircut is never smaller than the rule's; where two knots fall
    together the later tier holds. Raise PolicyError for tiers that do not begin at 0, whose values do not
    rise, or whose rates rise or leave [0, 1].
    """
    starts = [start for start, _ in tiers]
    rates = [rate for _, rate in tiers]
    if not tiers or starts[0] != 0 or any(a >= b for a, b in pairwise(starts)):
        raise PolicyError("tiers", "collateral tiers must begin at 0 and rise", actual=_texts(starts))
    if rates[0] > 1 or rates[-1] < 0 or any(a < b for a, b in pairwise(rates)):
        raise PolicyError(
            "tiers", "collateral rates must fall from at most 1 to at least 0", actual=_texts(rates)
        )
    schedule: dict[int, int] = {}
    for start, rate in tiers:
        knot = math.floor(start / (lot_value * equity_quantum))
        schedule[knot] = math.ceil((1 - rate) * lot_value)
    return list(schedule.items())


def _texts(values: Sequence[Fraction]) -> str:
    return ", ".join(str(float(value)) for value in values)
