"""Parameters of the model "derive-pm2": Derive's portfolio margin 2, one underlying per book.

    [book.btc]
    model = "derive-pm2"
    underlying = "BTC"
    collateral = { USDC = "cash", BTC = [["0", "0.97"]] }      # maintenance rates
    hedges = ["BTC"]                                           # collateral whose value moves in the scenarios
    initial_haircut = { BTC = "0.01" }                         # of the value, on top of the maintenance haircut
    scenarios = "derive-pm2"                                   # or [{ spot = "1.18", volatility = "up" }]
    volatility = { range_up = "0.5" }                          # groups of numbers: see `pm2_numbers`

Everything but underlying has the published value as its default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self, get_args

from zkmargin import limits
from zkmargin.canonical import Json, fraction_text
from zkmargin.errors import DecodeError
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.json_fields import Fields, fraction, strings
from zkmargin.inputs.models.kind import Parameters
from zkmargin.inputs.models.numbers import decode_numbers, negative_numbers, numbers_json, read_numbers
from zkmargin.inputs.models.pm2_numbers import (
    PRESET,
    PUBLISHED_SCENARIOS,
    BasisContingency,
    OtherContingency,
    Pm2Parameters,
    Pm2Scenario,
    SkewShock,
    StaticDiscount,
    VolatilityMove,
    VolatilityShock,
)
from zkmargin.inputs.problems import Fault

if TYPE_CHECKING:
    from zkmargin.inputs.market import Instrument, Market
    from zkmargin.inputs.policy import BookPolicy, Policy
    from zkmargin.inputs.sections import Section

MOVES: tuple[VolatilityMove, ...] = get_args(VolatilityMove)
GROUPS: Mapping[str, type] = {
    "volatility": VolatilityShock,
    "skew": SkewShock,
    "discount": StaticDiscount,
    "basis": BasisContingency,
    "other": OtherContingency,
}
SIGNED = ("linear_slope", "abs_slope", "volatility_scale", "long_addition", "short_addition")
COMMENSURABLE = 256  # denominator of option_initial / option
FACTORS = ("maintenance_factor", "initial_factor")


@dataclass(frozen=True)
class DerivePm2(Parameters):
    """`numbers` of the rule; `hedges` and `initial_haircut` by asset."""

    underlying: str
    numbers: Pm2Parameters
    hedges: tuple[str, ...]
    initial_haircut: Mapping[str, Fraction]

    @classmethod
    def read(cls, section: Section) -> Self:
        """Take the keys of the model."""
        groups: dict[str, Any] = {
            name: read_numbers(section.section(name, required=False), kind) for name, kind in GROUPS.items()
        }
        haircuts = section.section("initial_haircut", required=False)
        factors: dict[str, Any] = {
            name: section.decimal(name, getattr(Pm2Parameters, name)) for name in FACTORS
        }
        return cls(
            underlying=section.text("underlying"),
            numbers=Pm2Parameters(scenarios=_scenarios(section), **groups, **factors),
            hedges=tuple(sorted(section.strings("hedges"))),
            initial_haircut={asset: haircuts.decimal(asset) for asset in sorted(haircuts.names())},
        )

    @classmethod
    def from_json(cls, value: Json, what: str) -> Self:
        """Read what `to_json` wrote; raise DecodeError for any other shape."""
        with Fields(value, what) as found:
            groups: dict[str, Any] = {
                name: decode_numbers(found.take(name), kind, f"{what}.{name}")
                for name, kind in GROUPS.items()
            }
            factors: dict[str, Any] = {name: found.fraction(name) for name in FACTORS}
            scenarios = tuple(_decoded(item, f"{what}.scenarios") for item in found.items("scenarios"))
            hedges = found.items("hedges")
            return cls(
                underlying=found.text("underlying"),
                numbers=Pm2Parameters(scenarios=scenarios, **groups, **factors),
                hedges=tuple(strings(hedges, len(hedges), f"{what}.hedges")),
                initial_haircut=found.fractions("initial_haircut"),
            )

    def to_json(self) -> Json:
        """Return every number; a scenario is [spot, volatility, damping]."""
        return {
            "underlying": self.underlying,
            "scenarios": [
                [fraction_text(each.spot), each.volatility, fraction_text(each.damping)]
                for each in self.numbers.scenarios
            ],
            **{name: numbers_json(getattr(self.numbers, name)) for name in GROUPS},
            **{name: fraction_text(getattr(self.numbers, name)) for name in FACTORS},
            "hedges": list(self.hedges),
            "initial_haircut": {asset: fraction_text(rate) for asset, rate in self.initial_haircut.items()},
        }

    def faults(self, book: BookPolicy, quote: str) -> Iterator[Fault]:
        """Say which numbers make no rule, and which collateral is named twice over or not at all."""
        numbers = self.numbers
        for name in GROUPS:
            yield from negative_numbers(name, getattr(numbers, name), SIGNED)
        yield from _scenario_faults(numbers.scenarios)
        if numbers.skew.minimum_k_star <= 0:
            yield "skew.minimum_k_star", decimal_text(numbers.skew.minimum_k_star), "must be positive", None
        if numbers.volatility.floor_days <= 0:
            yield (
                "volatility.floor_days",
                decimal_text(numbers.volatility.floor_days),
                "must be positive",
                None,
            )
        if (numbers.other.option_initial / (numbers.other.option or 1)).denominator > COMMENSURABLE:
            hint = "such as 2/3 of it: one column carries both"
            rate = decimal_text(numbers.other.option_initial)
            yield "other.option_initial", rate, "no simple multiple of other.option", hint
        if not 0 < numbers.maintenance_factor <= numbers.initial_factor:
            yield (
                "initial_factor",
                decimal_text(numbers.initial_factor),
                "initial is at least maintenance",
                None,
            )
        yield from haircut_faults(book, self.initial_haircut)
        for asset in self.hedges:
            if isinstance(book.collateral.get(asset, "cash"), str):
                yield "hedges", asset, "no collateral with rates", 'such as [["0", "0.97"]] under collateral'
        if list(self.hedges) != sorted(set(self.hedges)):
            yield "hedges", None, "not sorted, or named twice", None

    def market_faults(self, book: BookPolicy, policy: Policy, market: Market) -> Iterator[Fault]:
        """Name what the rule does not know: another settlement asset, a second perpetual."""
        if self.underlying not in market.assets:
            yield "underlying", self.underlying, "no such spot instrument", None
        elif self.underlying not in market.index:
            yield "underlying", self.underlying, "no contract, and no index price", None
        own = [contract for contract in market.contracts if self.margins(contract)]
        yield from settlement_faults(book, own, policy.quote)
        perpetuals = [contract.name for contract in own if contract.kind == "perpetual"]
        if len(perpetuals) > 1:
            yield "underlying", self.underlying, "more than one perpetual", ", ".join(perpetuals)

    def margins(self, contract: Instrument) -> bool:
        """Tell whether a contract is an option on, or a linear perpetual of, the underlying."""
        known = contract.kind in ("option", "perpetual") and not contract.inverse
        return known and contract.underlying == self.underlying

    def revaluations(self) -> int:
        """Return about how many inequalities price every option: a value and a discount per scenario."""
        return 2 * len(self.numbers.scenarios) + 4


def haircut_faults(book: BookPolicy, initial_haircut: Mapping[str, Fraction]) -> Iterator[Fault]:
    """Say which extra haircuts are no share, or of no collateral."""
    for asset, rate in initial_haircut.items():
        if not 0 <= rate <= 1:
            yield f"initial_haircut.{asset}", decimal_text(rate), "not from 0 to 1", "0.05 is 5 %"
        if isinstance(book.collateral.get(asset, "cash"), str):
            yield f"initial_haircut.{asset}", None, "the asset has no rates under collateral", None


def settlement_faults(book: BookPolicy, contracts: list[Instrument], quote: str) -> Iterator[Fault]:
    """Name what settles in another asset than the quote asset: a debt in it would not be margined."""
    if book.settlement != quote:
        yield "settlement", book.settlement, "this model settles in the quote asset", quote
    for contract in contracts:
        if contract.settlement != quote:
            yield (
                "model",
                contract.name,
                f"settles in {contract.settlement}",
                f"this model settles in {quote}",
            )


def _scenarios(section: Section) -> tuple[Pm2Scenario, ...]:
    value = section.raw("scenarios")
    if value is None or value == PRESET:
        return PUBLISHED_SCENARIOS
    if isinstance(value, list):
        return tuple(_scenario(section, item) for item in value)
    section.fault(
        "scenarios", repr(value), "unknown", f'"{PRESET}" or an array of {{spot, volatility, damping}}'
    )
    return ()


def _scenario(section: Section, value: Any) -> Pm2Scenario:
    known = {"spot", "volatility", "damping"}
    if not isinstance(value, dict) or not set(value) <= known or value.get("volatility", "none") not in MOVES:
        hint = f"volatility is one of {', '.join(MOVES)}"
        section.fault("scenarios", repr(value), "not a table of spot, volatility and damping", hint)
        return Pm2Scenario(Fraction(1), "none")
    spot, damping = (section.exact("scenarios", value.get(name, "1")) for name in ("spot", "damping"))
    return Pm2Scenario(spot, value.get("volatility", "none"), damping)


def _decoded(value: Json, what: str) -> Pm2Scenario:
    spot, move, damping = strings(value, 3, what)
    found = next((known for known in MOVES if known == move), None)
    if found is None:
        raise DecodeError("json", f"{what}: unknown volatility", actual=move)
    return Pm2Scenario(fraction(spot, what), found, fraction(damping, what))


def _scenario_faults(scenarios: tuple[Pm2Scenario, ...]) -> Iterator[Fault]:
    if not 1 <= len(scenarios) <= limits.MAX_SCENARIOS:
        yield "scenarios", None, f"{len(scenarios)} scenarios", f"1 to {limits.MAX_SCENARIOS}"
    if len({each.name for each in scenarios}) != len(scenarios):
        yield "scenarios", None, "a scenario stands twice", None
    for each in scenarios:
        if each.spot <= 0 or each.damping < 0:
            yield "scenarios", each.name, "a spot or damping below 0", None
