"""Parameters of the model "brackets": rates by notional, per contract (Binance, Hyperliquid, dYdX and others).

    [book.perp]
    maintenance_rates = "marginal"
    initial_rates = "whole"

    [book.perp.brackets]
    BTC-PERP = [["0", "0.004", "0.008"], ["50000", "0.005", "0.01"], ...]
    ETH = [{ from = "0", leverage = "25", maintenance_fraction = "0.5" }, ...]
    "*" = [["0", "0.05", "0.1"]]

A contract has the brackets under its name, else those of its underlying, else those of "*"; see `bracket` for what can
be written. A `marginal` rate applies to the part of the notional inside its bracket, which is the same as
`rate x notional - amount` with the exchange's maintenance amount `cum`; a `whole` one to the whole notional, so that
the requirement jumps at a floor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self, cast, get_args

from zkmargin.canonical import Json, fraction_text
from zkmargin.inputs.json_fields import Fields
from zkmargin.inputs.models.bracket import Bracket, bracket_faults, decode_brackets, read_brackets
from zkmargin.inputs.models.kind import Parameters
from zkmargin.inputs.models.named_rates import OTHERS
from zkmargin.inputs.models.open_interest import OpenInterest
from zkmargin.inputs.problems import Fault

if TYPE_CHECKING:
    from zkmargin.inputs.market import Instrument, Market
    from zkmargin.inputs.policy import BookPolicy, Policy
    from zkmargin.inputs.sections import Section

Rates = Literal["marginal", "whole"]
RATES: tuple[str, ...] = get_args(Rates)


@dataclass(frozen=True)
class Brackets(Parameters):
    """Brackets by contract, underlying or "*", floors and rates rising; open interest by contract, in quote."""

    of: Mapping[str, tuple[Bracket, ...]]
    maintenance: Rates = "marginal"
    initial: Rates = "marginal"
    open_interest: Mapping[str, OpenInterest] = field(default_factory=dict)

    @classmethod
    def read(cls, section: Section) -> Self:
        """Take the tables `brackets` and `open_interest`, and which rates are marginal."""
        table, interest = section.section("brackets"), section.section("open_interest", required=False)
        return cls(
            {name: read_brackets(table, name) for name in sorted(table.names())},
            cast(Rates, section.text("maintenance_rates", "marginal")),
            cast(Rates, section.text("initial_rates", "marginal")),
            {name: OpenInterest.read(interest.section(name)) for name in sorted(interest.names())},
        )

    @classmethod
    def from_json(cls, value: Json, what: str) -> Self:
        """Read what `to_json` wrote; raise DecodeError for any other shape."""
        with Fields(value, what) as fields:
            of, interest = fields.mapping("brackets"), fields.mapping("open_interest")
            return cls(
                {name: decode_brackets(item, f"{what}.{name}") for name, item in of.items()},
                cast(Rates, fields.choice("maintenance_rates", RATES)),
                cast(Rates, fields.choice("initial_rates", RATES)),
                {name: OpenInterest.from_json(item, f"{what}.{name}") for name, item in interest.items()},
            )

    def to_json(self) -> Json:
        """Return everything, every bracket as [floor, maintenance rate, initial rate]."""
        return {
            "brackets": {
                name: [[fraction_text(number) for number in vars(item).values()] for item in brackets]
                for name, brackets in self.of.items()
            },
            "maintenance_rates": self.maintenance,
            "initial_rates": self.initial,
            "open_interest": {name: item.to_json() for name, item in self.open_interest.items()},
        }

    def faults(self, book: BookPolicy, quote: str) -> Iterator[Fault]:
        """Say which brackets make no requirement that rises with the position."""
        for name, kind in (("maintenance_rates", self.maintenance), ("initial_rates", self.initial)):
            if kind not in RATES:
                yield name, kind, "unknown kind of rates", f"one of {', '.join(RATES)}"
        if self.maintenance == "whole" and self.initial == "marginal":
            hint = "at a floor the maintenance requirement would exceed the initial one"
            yield "initial_rates", "marginal", "below whole maintenance rates", hint
        for name, brackets in self.of.items():
            yield from bracket_faults(f"brackets.{name}", brackets)
        for name, interest in self.open_interest.items():
            yield from interest.faults(f"open_interest.{name}")

    def market_faults(self, book: BookPolicy, policy: Policy, market: Market) -> Iterator[Fault]:
        """Name brackets and open interest of what the market lacks, and base rates that cannot rise to 100 %."""
        contracts = {contract.name: contract for contract in market.contracts}
        known = {*contracts, *(contract.underlying for contract in market.contracts), OTHERS}
        for name in self.of:
            if name not in known:
                yield f"brackets.{name}", None, "no such contract or underlying", None
        if self.open_interest and "open_interest" not in policy.publish:
            hint = 'attestation.publish = ["open_interest"]: what is stated is compared with what is proven'
            yield "open_interest", None, "stated and not published", hint
        for name in self.open_interest:
            if name not in contracts or not self.margins(contracts[name]):
                yield f"open_interest.{name}", None, "no contract with brackets", None
            elif any(bracket.initial > 1 for bracket in self._written(contracts[name])):
                yield f"open_interest.{name}", None, "an initial rate above 1 cannot rise to 1", None

    def margins(self, contract: Instrument) -> bool:
        """Tell whether a contract has brackets; an option has none, its notional says too little of its risk."""
        return contract.kind != "option" and bool(self._written(contract))

    def revaluations(self) -> int:
        """Return the most brackets of a contract: each has columns as wide as a position."""
        return max(map(len, self.of.values()), default=0)

    def brackets(self, contract: Instrument) -> tuple[Bracket, ...]:
        """Return the brackets of a contract at today's open interest, none if it has none."""
        interest = self.open_interest.get(contract.name)
        if interest is None:
            return self._written(contract)
        return tuple(replace(item, initial=interest.scaled(item.initial)) for item in self._written(contract))

    def _written(self, contract: Instrument) -> tuple[Bracket, ...]:
        names = (contract.name, contract.underlying, OTHERS)
        return next((self.of[name] for name in names if name in self.of), ())
