"""Initial rates that rise with a contract's open interest, from a base rate to 100 %.

    [book.perp.open_interest]
    BTC-PERP = { low = "20000000", high = "50000000", value = "31000000" }

in quote currency. initial rate = base + (1 - base) x min(1, max(0, (value - low) / (high - low))); maintenance rates
stay. Source: dYdX v4, protocol/x/perpetuals, LiquidityTier.GetInitialMarginQuoteQuantums.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from zkmargin.canonical import Json, fraction_text
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.json_fields import fraction, strings
from zkmargin.inputs.problems import Fault

if TYPE_CHECKING:
    from zkmargin.inputs.sections import Section


@dataclass(frozen=True)
class OpenInterest:
    """Open interest in quote currency: up to `low` the base rate holds, from `high` on 100 %; `value` is today's."""

    low: Fraction
    high: Fraction
    value: Fraction

    @staticmethod
    def read(section: Section) -> OpenInterest:
        """Take low, high and value."""
        found = OpenInterest(section.decimal("low"), section.decimal("high"), section.decimal("value"))
        section.finish()
        return found

    @staticmethod
    def from_json(value: Json, what: str) -> OpenInterest:
        """Read what `to_json` wrote; raise DecodeError for any other shape."""
        return OpenInterest(*(fraction(text, what) for text in strings(value, 3, what)))

    def to_json(self) -> Json:
        """Return [low, high, value]."""
        return [fraction_text(number) for number in astuple(self)]

    def faults(self, name: str) -> Iterator[Fault]:
        """Say why it scales no rate."""
        if not 0 <= self.low < self.high:
            yield name, decimal_text(self.high), "high is not above low, or low is below 0", None
        if self.value < 0:
            yield name, decimal_text(self.value), "open interest is below 0", None

    def scaled(self, base: Fraction) -> Fraction:
        """Return the initial rate for a base rate of at most 1."""
        share = min(Fraction(1), max(Fraction(0), (self.value - self.low) / (self.high - self.low)))
        return base + (1 - base) * share
