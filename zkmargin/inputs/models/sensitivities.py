"""Parameters of the model "sensitivities": delta, short gamma and vega times moves, netted by rule or by correlation.

    price_range = { BTC = "0.15", ETH = "0.2" }    # the move that delta and short gamma are charged for
    volatility_range = "0.25"                      # the relative move that vega is charged for
    vega_buckets = ["30", "90"]                    # days to expiry at which a new bucket begins; one bucket by default
    vega_offset = "0.1"                            # relative move for vega that other expiries offset; "0" by default
    correlations = { delta = "0.6", vega = "0.5", vega_expiries = "0.8" }    # instead of vega_offset

Without correlations underlyings are added. The keys price_range, volatility_range, interest, short_option_minimum and
initial_factor are those of the model "scenarios"; there are no scenarios.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Self

from zkmargin import limits
from zkmargin.canonical import Json, fraction_text
from zkmargin.errors import PolicyError
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.json_fields import Fields, fraction, strings
from zkmargin.inputs.models.correlations import MAX_FACTORS, Correlations, Factor, Matrix, factored
from zkmargin.inputs.models.kind import Parameters
from zkmargin.inputs.problems import Fault

if TYPE_CHECKING:
    from zkmargin.inputs.policy import BookPolicy
    from zkmargin.inputs.sections import Section

MEASURES = ("delta", "gamma", "vega")


@dataclass(frozen=True)
class Sensitivities(Parameters):
    """`buckets`: days to expiry at which the second and later vega buckets begin."""

    buckets: tuple[Fraction, ...]
    offset: Fraction
    correlations: Correlations | None
    least_scenarios: ClassVar[int] = 0

    @classmethod
    def read(cls, section: Section) -> Self:
        """Take vega_buckets, vega_offset and correlations."""
        return cls(
            tuple(section.exact("vega_buckets", days) for days in section.strings("vega_buckets")),
            section.decimal("vega_offset", Fraction(0)),
            Correlations.read(section) if "correlations" in section else None,
        )

    @classmethod
    def from_json(cls, value: Json, what: str) -> Self:
        """Read what `to_json` wrote; raise DecodeError for any other shape."""
        with Fields(value, what) as fields:
            days = fields.items("vega_buckets")
            texts = strings(days, len(days), f"{what}.vega_buckets")
            offset = fields.fraction("vega_offset")
            given = "correlations" in fields
            correlations = Correlations.from_json(fields.take("correlations"), what) if given else None
        return cls(tuple(fraction(text, what) for text in texts), offset, correlations)

    def to_json(self) -> Json:
        """Return all of them, correlations only where they are used."""
        correlations = {} if self.correlations is None else {"correlations": self.correlations.to_json()}
        return correlations | {
            "vega_buckets": [fraction_text(days) for days in self.buckets],
            "vega_offset": fraction_text(self.offset),
        }

    def faults(self, book: BookPolicy, quote: str) -> Iterator[Fault]:
        """Say which numbers make no convex requirement, and what this model has not."""
        if book.scenarios:
            yield "scenarios", None, "this model has none", "price_range and volatility_range are its moves"
        if book.netting != "underlying":
            yield "netting", book.netting, "this model nets by underlying", "correlations net across them"
        if len(self.buckets) >= limits.MAX_TIERS or any(
            a >= b for a, b in pairwise((Fraction(0), *self.buckets))
        ):
            yield "vega_buckets", None, "not rising from above 0", f"days, at most {limits.MAX_TIERS - 1}"
        if not 0 <= self.offset <= 2 * book.volatility_range:
            hint = "at most twice volatility_range: beyond, net vega would lower the requirement, which is not convex"
            yield "vega_offset", decimal_text(self.offset), "out of range", hint
        if self.correlations is not None:
            yield from self._correlation_faults(self.correlations, book)

    def revaluations(self) -> int:
        """Return the inequalities with a coefficient for every bit: sizes, or parts of two norms."""
        return 2 * (MAX_FACTORS if self.correlations else len(self.buckets) + 3)

    def _correlation_faults(self, correlations: Correlations, book: BookPolicy) -> Iterator[Fault]:
        yield from correlations.faults()
        if self.offset:
            yield (
                "vega_offset",
                decimal_text(self.offset),
                "not with correlations",
                "vega_expiries offsets vega",
            )
        if (factors := len(self.vegas(book))) > MAX_FACTORS:
            yield "correlations", None, f"{factors} risk factors", f"at most {MAX_FACTORS}"
            return
        try:
            for matrix in self.matrices(book):
                factored(matrix)
        except PolicyError as error:
            yield "correlations", None, error.message, error.hint

    def matrices(self, book: BookPolicy) -> tuple[Matrix, Matrix]:
        """Return the correlations of deltas and of vegas, in the order of `deltas` and `vegas`."""
        if self.correlations is None:
            return [], []
        deltas = self.correlations.of_deltas(self.deltas(book))
        return deltas, self.correlations.of_vegas(self.vegas(book))

    def deltas(self, book: BookPolicy) -> list[Factor]:
        """Return a factor for every underlying."""
        return [(underlying, 0) for underlying in sorted(book.price_range)]

    def vegas(self, book: BookPolicy) -> list[Factor]:
        """Return a factor for every underlying and bucket."""
        return [
            (name, bucket) for name in sorted(book.price_range) for bucket in range(len(self.buckets) + 1)
        ]

    def bucket(self, days: Fraction) -> int:
        """Return the bucket of an option that expires in so many days."""
        return bisect_right(self.buckets, days)
