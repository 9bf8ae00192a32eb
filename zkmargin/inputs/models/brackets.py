"""Parameters of the model "brackets": marginal rates by notional, per contract (Binance, Hyperliquid and others).

    [book.perp.brackets]
    BTC-PERP = [["0", "0.004", "0.008"], ["50000", "0.005", "0.01"], ...]
    "*" = [["0", "0.05", "0.1"]]

Each bracket is (notional in quote from which it holds, maintenance rate, initial rate); "*" is for contracts without
brackets of their own. A rate applies to the part of the notional inside its bracket, which is the same as
`rate x notional - amount` with the exchange's maintenance amount `cum`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

from zkmargin import limits
from zkmargin.canonical import Json, fraction_text
from zkmargin.errors import DecodeError
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.json_fields import Fields, fraction, strings
from zkmargin.inputs.models.kind import Parameters
from zkmargin.inputs.problems import Fault

if TYPE_CHECKING:
    from zkmargin.inputs.market import Instrument, Market
    from zkmargin.inputs.policy import BookPolicy, Policy
    from zkmargin.inputs.sections import Section

OTHERS = "*"


@dataclass(frozen=True)
class Bracket:
    """Rates on the part of the notional from `floor` (quote currency) to the next bracket's floor."""

    floor: Fraction
    maintenance: Fraction
    initial: Fraction


@dataclass(frozen=True)
class Brackets(Parameters):
    """Brackets by contract, floors and rates rising."""

    of: Mapping[str, tuple[Bracket, ...]]

    @classmethod
    def read(cls, section: Section) -> Self:
        """Take the table `brackets`."""
        table = section.section("brackets")
        return cls({name: _read(table, name, table.raw(name)) for name in sorted(table.names())})

    @classmethod
    def from_json(cls, value: Json, what: str) -> Self:
        """Read what `to_json` wrote; raise DecodeError for any other shape."""
        with Fields(value, what) as fields:
            of = fields.mapping("brackets")
        return cls({name: _decoded(item, f"{what}.{name}") for name, item in of.items()})

    def to_json(self) -> Json:
        """Return every bracket as [floor, maintenance rate, initial rate]."""
        return {
            "brackets": {
                name: [[fraction_text(number) for number in vars(item).values()] for item in brackets]
                for name, brackets in self.of.items()
            }
        }

    def faults(self, book: BookPolicy, quote: str) -> Iterator[Fault]:
        """Say which brackets make no convex requirement."""
        for name, brackets in self.of.items():
            yield from _faults(f"brackets.{name}", brackets)

    def market_faults(self, book: BookPolicy, policy: Policy, market: Market) -> Iterator[Fault]:
        """Name brackets of contracts that the market lacks."""
        known = {contract.name for contract in market.contracts} | {OTHERS}
        for name in self.of:
            if name not in known:
                yield f"brackets.{name}", None, "no such contract", None

    def margins(self, contract: Instrument) -> bool:
        """Tell whether a contract has brackets; an option has none, its notional says too little of its risk."""
        return contract.kind != "option" and self.brackets(contract.name) is not None

    def brackets(self, contract: str) -> tuple[Bracket, ...] | None:
        """Return the brackets of a contract, those of "*" if it has none of its own."""
        return self.of.get(contract, self.of.get(OTHERS))


def _read(section: Section, name: str, value: Any) -> tuple[Bracket, ...]:
    if not isinstance(value, list) or not all(isinstance(item, list) and len(item) == 3 for item in value):
        hint = '[["0", "0.004", "0.008"], ["50000", "0.005", "0.01"]]'
        section.fault(name, repr(value), "not an array of [floor, maintenance rate, initial rate]", hint)
        return ()
    return tuple(Bracket(*(section.exact(name, number) for number in item)) for item in value)


def _decoded(value: Json, what: str) -> tuple[Bracket, ...]:
    if not isinstance(value, list):
        raise DecodeError("json", f"{what} is not an array of brackets")
    return tuple(Bracket(*(fraction(text, what) for text in strings(item, 3, what))) for item in value)


def _faults(name: str, brackets: tuple[Bracket, ...]) -> Iterator[Fault]:
    if not 1 <= len(brackets) <= limits.MAX_TIERS:
        yield name, None, f"{len(brackets)} brackets", f"1 to {limits.MAX_TIERS}"
        return
    if brackets[0].floor != 0:
        yield name, decimal_text(brackets[0].floor), "the first bracket does not begin at 0", None
    for bracket in brackets:
        if not 0 <= bracket.maintenance <= bracket.initial:
            yield (
                name,
                decimal_text(bracket.maintenance),
                "a maintenance rate below 0 or above the initial rate",
                "0.004 is 0.4 %",
            )
    for lower, upper in pairwise(brackets):
        if upper.floor <= lower.floor:
            yield name, decimal_text(upper.floor), "crossed brackets", "each begins above the one before"
        if upper.maintenance < lower.maintenance or upper.initial < lower.initial:
            hint = "rates rise with notional: a falling one is not convex and cannot be proven"
            yield name, decimal_text(upper.floor), "a rate falls", hint
