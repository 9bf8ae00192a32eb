"""Parameters of the model "historical": past moves of prices, revalued (JSCC HS-VaR, CME SPAN 2 and others).

    measure = "expected-shortfall"   # or "value-at-risk"
    tail = "0.01"                    # 1 % of the scenarios
    weight = "0.75"                  # of the historical measure; the rest is the worst stress scenario. "1" by default
    filter = "0.97"                  # decay of the volatility that moves are scaled to; none by default

The moves are the market's table `returns`. The book's own `scenarios` are the stress scenarios, for a weight below 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Literal, Self, cast

from zkmargin.canonical import Json, fraction_text
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.json_fields import Fields, fraction
from zkmargin.inputs.models.kind import Parameters
from zkmargin.inputs.problems import Fault, suggestion

if TYPE_CHECKING:
    from zkmargin.inputs.market import Market
    from zkmargin.inputs.policy import BookPolicy, Policy
    from zkmargin.inputs.sections import Section

Measure = Literal["expected-shortfall", "value-at-risk"]
MEASURES: tuple[Measure, ...] = ("expected-shortfall", "value-at-risk")


@dataclass(frozen=True)
class Historical(Parameters):
    """`tail` and `weight` from 0 to 1; `decay` of squared moves a scenario, None for moves as they were."""

    measure: Measure
    tail: Fraction
    weight: Fraction
    decay: Fraction | None
    least_scenarios: ClassVar[int] = 0

    @classmethod
    def read(cls, section: Section) -> Self:
        """Take measure, tail, weight and filter."""
        measure = section.text("measure")
        if measure not in MEASURES:
            known = " or ".join(f'"{name}"' for name in MEASURES)
            section.fault("measure", measure, "unknown measure", suggestion(measure, MEASURES) or known)
        return cls(
            cast(Measure, measure),
            section.decimal("tail"),
            section.decimal("weight", Fraction(1)),
            section.decimal("filter") if "filter" in section else None,
        )

    @classmethod
    def from_json(cls, value: Json, what: str) -> Self:
        """Read what `to_json` wrote; raise DecodeError for any other shape."""
        with Fields(value, what) as fields:
            measure = cast(Measure, fields.choice("measure", MEASURES))
            decay = fields.text("filter")
            return cls(
                measure,
                fields.fraction("tail"),
                fields.fraction("weight"),
                fraction(decay, f"{what}.filter") if decay else None,
            )

    def to_json(self) -> Json:
        """Return all four, an absent filter as empty text."""
        return {
            "measure": self.measure,
            "tail": fraction_text(self.tail),
            "weight": fraction_text(self.weight),
            "filter": "" if self.decay is None else fraction_text(self.decay),
        }

    def faults(self, book: BookPolicy, quote: str) -> Iterator[Fault]:
        """Say which numbers are out of range, and whether there are stress scenarios where there should be."""
        if not 0 < self.tail < 1:
            yield "tail", decimal_text(self.tail), "not between 0 and 1", "0.01 is the worst 1 %"
        if not 0 < self.weight <= 1:
            yield "weight", decimal_text(self.weight), "not above 0 and at most 1", '"1" is history alone'
        elif (self.weight < 1) != bool(book.scenarios):
            hint = "a weight below 1 leaves the rest to stress scenarios"
            yield "weight", decimal_text(self.weight), f"with {len(book.scenarios)} stress scenarios", hint
        if self.decay is not None and not 0 < self.decay < 1:
            yield "filter", decimal_text(self.decay), "not between 0 and 1", "0.97 forgets 3 % a scenario"

    def beside_losses(self, book: BookPolicy) -> Iterator[str]:
        """Yield value at risk, which is not subadditive, and what is charged beside the measure."""
        if self.measure != "expected-shortfall":
            yield "measure"
        if self.weight != 1:
            yield "weight"
        if book.short_option_minimum:
            yield "short_option_minimum"

    def market_faults(self, book: BookPolicy, policy: Policy, market: Market) -> Iterator[Fault]:
        """Name what moves in the book and has no past moves."""
        if market.returns is None:
            yield "model", "historical", "the market has no returns", "write returns.csv"
            return
        for asset in book.price_range:
            if asset not in market.returns.price:
                yield f"price_range.{asset}", None, "no past moves of this asset", "add it to returns.csv"
        if taken := {item.name for item in book.scenarios} & set(market.returns.scenarios):
            yield "scenarios", min(taken), "a stress scenario has the name of a past one", None
