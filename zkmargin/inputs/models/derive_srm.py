"""Parameters of the model "derive-srm": Derive's standard margin, over any number of underlyings.

    [book.standard]
    model = "derive-srm"
    underlyings = { BTC = {}, ETH = { perpetual = "0.05", option = { call_spot = "0.08" } } }
    collateral = { USDC = "cash", ETH = [["0", "0.8"]] }      # share of the base asset's value that counts
    initial_haircut = { ETH = "0.16" }                         # of the value, on top, for initial margin
    depeg = { threshold = "0.98", factor = "1.2" }

Every number has the value of the published test cases as its default: see `srm_numbers`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

from zkmargin.canonical import Json, fraction_text
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.json_fields import Fields
from zkmargin.inputs.models.derive_pm2 import haircut_faults, settlement_faults
from zkmargin.inputs.models.kind import Parameters
from zkmargin.inputs.models.numbers import decode_numbers, negative_numbers, numbers_json, read_numbers
from zkmargin.inputs.models.srm_numbers import (
    SrmDepeg,
    SrmOptionRates,
    SrmOracle,
    SrmPerpetual,
    SrmUnderlyingRates,
)
from zkmargin.inputs.problems import Fault

if TYPE_CHECKING:
    from zkmargin.inputs.market import Instrument, Market
    from zkmargin.inputs.policy import BookPolicy, Policy
    from zkmargin.inputs.sections import Section

MOST_PAYOFFS = 1 << 19  # options x strikes of an expiry, of all expiries: each is a coefficient per bit
GROUPS: Mapping[str, type] = {"option": SrmOptionRates, "perpetual": SrmPerpetual, "oracle": SrmOracle}


@dataclass(frozen=True)
class DeriveSrm(Parameters):
    """Rates by underlying, and what a lost peg of the quote currency costs."""

    underlyings: Mapping[str, SrmUnderlyingRates]
    depeg: SrmDepeg
    initial_haircut: Mapping[str, Fraction]

    @classmethod
    def read(cls, section: Section) -> Self:
        """Take the keys of the model."""
        table, haircuts = section.section("underlyings"), section.section("initial_haircut", required=False)
        return cls(
            underlyings={name: _read(table.section(name)) for name in sorted(table.names())},
            depeg=read_numbers(section.section("depeg", required=False), SrmDepeg),
            initial_haircut={asset: haircuts.decimal(asset) for asset in sorted(haircuts.names())},
        )

    @classmethod
    def from_json(cls, value: Json, what: str) -> Self:
        """Read what `to_json` wrote; raise DecodeError for any other shape."""
        with Fields(value, what) as found:
            return cls(
                underlyings={
                    name: _decoded(item, f"{what}.underlyings.{name}")
                    for name, item in found.mapping("underlyings").items()
                },
                depeg=decode_numbers(found.take("depeg"), SrmDepeg, f"{what}.depeg"),
                initial_haircut=found.fractions("initial_haircut"),
            )

    def to_json(self) -> Json:
        """Return every number, by underlying and group."""
        return {
            "underlyings": {
                name: {group: numbers_json(getattr(rates, group)) for group in GROUPS}
                for name, rates in self.underlyings.items()
            },
            "depeg": numbers_json(self.depeg),
            "initial_haircut": {asset: fraction_text(rate) for asset, rate in self.initial_haircut.items()},
        }

    def faults(self, book: BookPolicy, quote: str) -> Iterator[Fault]:
        """Say which rates are negative, and where initial margin asks for less than maintenance."""
        yield from negative_numbers("depeg", self.depeg)
        yield from haircut_faults(book, self.initial_haircut)
        if not self.underlyings:
            yield "underlyings", None, "no underlying", None
        for name, rates in self.underlyings.items():
            for group in GROUPS:
                yield from negative_numbers(f"underlyings.{name}.{group}", getattr(rates, group))
            yield from _order_faults(f"underlyings.{name}", rates)

    def market_faults(self, book: BookPolicy, policy: Policy, market: Market) -> Iterator[Fault]:
        """Name what the rule does not know: an underlying without a price, another settlement asset."""
        for name in self.underlyings:
            if name not in market.assets:
                yield f"underlyings.{name}", None, "no such spot instrument", None
        own = [contract for contract in market.contracts if self.margins(contract)]
        yield from settlement_faults(book, own, policy.quote)
        yield from _work_faults(own)

    def margins(self, contract: Instrument) -> bool:
        """Tell whether a contract is an option on, or a linear perpetual of, one of the underlyings."""
        known = contract.kind in ("option", "perpetual") and not contract.inverse
        return known and contract.underlying in self.underlyings

    def revaluations(self) -> int:
        """Return about how many inequalities price every option; each strike of an expiry adds one."""
        return 8


def _work_faults(contracts: list[Instrument]) -> Iterator[Fault]:
    """Say so if looking for the maximum loss at every strike asks for hours of work."""
    expiries: dict[Any, list[Instrument]] = {}
    for item in contracts:
        if item.kind == "option":
            expiries.setdefault((item.underlying, item.expiry), []).append(item)
    payoffs = sum(len(items) * len({item.strike for item in items}) for items in expiries.values())
    if payoffs > MOST_PAYOFFS:
        hint = f"options x strikes of every expiry: {payoffs}, at most {MOST_PAYOFFS}"
        yield "underlyings", None, "too many strikes for so many options", hint


def _read(section: Section) -> SrmUnderlyingRates:
    groups: dict[str, Any] = {
        name: read_numbers(section.section(name, required=False), kind) for name, kind in GROUPS.items()
    }
    section.finish()
    return SrmUnderlyingRates(**groups)


def _decoded(value: Json, what: str) -> SrmUnderlyingRates:
    with Fields(value, what) as found:
        return SrmUnderlyingRates(
            **{
                name: decode_numbers(found.take(name), kind, f"{what}.{name}")
                for name, kind in GROUPS.items()
            }
        )


def _order_faults(name: str, rates: SrmUnderlyingRates) -> Iterator[Fault]:
    for where, low, high in (
        ("perpetual.initial", rates.perpetual.maintenance, rates.perpetual.initial),
        ("option.unpaired_initial", rates.option.unpaired_maintenance, rates.option.unpaired_initial),
        ("option.maximum_spot", rates.option.minimum_spot, rates.option.maximum_spot),
    ):
        if low > high:
            yield f"{name}.{where}", decimal_text(high), "below what it should exceed", decimal_text(low)
