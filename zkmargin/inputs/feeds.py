"""Public numbers beside prices that some margin models read: all optional, all of the market's one time.

rate          continuous yearly rate of an underlying to an expiry, 0 where there is none
average       settlement average so far of an underlying that expires within the settlement window
confidence    of a price feed, 0 to 1: of an asset, of a contract, or of an underlying's expiry (the least one of
forward, rate and volatilities); 1 where there is none
peg           price of the quote currency in what it is pegged to, 1 where there is none
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

FeedKey = tuple[str, str, datetime | None]
"""(kind, name, expiry)."""

FEED_KINDS = ("average", "confidence", "peg", "rate")
DATED = ("average", "rate")  # these always have an expiry

ONE = Fraction(1)


@dataclass(frozen=True)
class Feeds:
    """See the module."""

    of: Mapping[FeedKey, Fraction] = field(default_factory=dict)

    def rate(self, underlying: str, expiry: datetime) -> Fraction:
        """Return the continuous yearly rate to an expiry."""
        return self.of.get(("rate", underlying, expiry), Fraction(0))

    def average(self, underlying: str, expiry: datetime) -> Fraction | None:
        """Return the settlement average so far, None where there is none."""
        return self.of.get(("average", underlying, expiry))

    def confidence(self, name: str, expiry: datetime | None = None) -> Fraction:
        """Return the confidence of an asset's or a contract's price, or of everything about an expiry."""
        return self.of.get(("confidence", name, expiry), ONE)

    def peg(self, quote: str) -> Fraction:
        """Return the price of the quote currency in what it is pegged to."""
        return self.of.get(("peg", quote, None), ONE)

    def faults(
        self, assets: set[str], contracts: set[str], expiries: set[tuple[str, datetime]]
    ) -> Iterator[tuple[str, str]]:
        """Say (name, message) of every number that is of nothing known or out of its range."""
        for (kind, name, expiry), value in self.of.items():
            quoted = assets | contracts if kind == "confidence" else assets
            if (expiry is None and kind in DATED) or (expiry is not None and kind == "peg"):
                yield (
                    name,
                    f"{kind} with the wrong expiry: {'it needs one' if kind in DATED else 'it has none'}",
                )
            elif (name, expiry) not in expiries if expiry else name not in quoted:
                yield name, f"{kind} of an unknown name or expiry"
            elif (
                value < 0
                or (kind == "confidence" and value > 1)
                or (kind in ("average", "peg") and not value)
            ):
                yield name, f"{kind} is out of its range"
