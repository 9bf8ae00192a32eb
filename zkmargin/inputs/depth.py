"""The depth of order books: the optional table `depth` of a market, for the cost of closing a position at once.

Levels are (price, size): prices in the contract's price currency, sizes in units, best level first. Longs are closed
into bids, shorts into asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from zkmargin import limits
from zkmargin.canonical import Json, fraction_text
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.json_fields import Fields, fraction, strings
from zkmargin.inputs.problems import Fault

Levels = tuple[tuple[Fraction, Fraction], ...]


@dataclass(frozen=True)
class Depth:
    """One contract's order book; bids fall and asks rise."""

    bids: Levels
    asks: Levels

    def scaled(self, factor: Fraction) -> Depth:
        """Return the order book after all its prices changed by a factor."""
        return Depth(
            *(tuple((price * factor, size) for price, size in side) for side in (self.bids, self.asks))
        )

    def to_json(self) -> Json:
        """Return the value for canonical JSON."""
        return {"bids": _levels_json(self.bids), "asks": _levels_json(self.asks)}

    @staticmethod
    def from_json(value: Json, what: str) -> Depth:
        """Read what `to_json` wrote; raise DecodeError for any other shape."""
        with Fields(value, what) as fields:
            return Depth(
                _levels(fields.items("bids"), f"{what}.bids"), _levels(fields.items("asks"), f"{what}.asks")
            )

    def faults(self) -> Iterator[Fault]:
        """Say what is wrong with the levels: (column, value, message, hint)."""
        for side, levels, sign in (("bid", self.bids, 1), ("ask", self.asks, -1)):
            if not 1 <= len(levels) < limits.MAX_TIERS:
                yield "side", side, f"{len(levels)} levels", f"1 to {limits.MAX_TIERS - 1} a side"
            for price, size in levels:
                if price <= 0 or size <= 0:
                    yield "price", decimal_text(price), "price and size must be positive", None
            for (better, _), (worse, _) in pairwise(levels):
                if sign * worse >= sign * better:
                    yield "price", decimal_text(worse), f"not beyond the {side} before it", "best level first"


def _levels_json(levels: Levels) -> Json:
    return [[fraction_text(price), fraction_text(size)] for price, size in levels]


def _levels(value: list[Json], what: str) -> Levels:
    pairs = (strings(item, 2, what) for item in value)
    return tuple((fraction(price, what), fraction(size, what)) for price, size in pairs)
