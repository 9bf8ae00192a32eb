"""Parameters of the model "scenarios" beyond plain ones: shocks by underlying, and charges beside the worst case.

    [book.portfolio.portfolio_margin]
    maintenance_factor = "0.8"                  # of everything below; initial_factor multiplies the result
    measure = "settlement"                      # losses counted in coins of the settlement asset, not in quote
    linear_cap = "1"                            # everything but options moves by at most so many price ranges
    gain_offset = "0.5"                         # of an underlying's gains, what counts against others' losses,
    gain_cap = "10000"                          # and how much of it at most
    [book.portfolio.portfolio_margin.moves]     # relative price moves of a scenario, in place of price x price_range
    crash = { BTC = "-0.66", "*" = "-0.5" }
    [book.portfolio.portfolio_margin.weights]   # in place of the scenario's weight
    crash = { SOL = "0.3" }
    [book.portfolio.portfolio_margin.deductions]        # from the loss of a scenario, in quote currency
    crash = "50000"
    [book.portfolio.portfolio_margin.volatility]
    "*" = { up = "0.5", down = "0.25", minimum = "0.5", short_power = "0.3", long_power = "0.13", days_floor = "1" }
    [book.portfolio.portfolio_margin.basis]
    "*" = { minimum = "0.01", annualised = "0.05" }
    [book.portfolio.portfolio_margin.minimum_delta]
    "*" = { net = "0.02", hedged = "0.01" }
    [book.portfolio.portfolio_margin.minimum_charge]
    "*" = { rate = "0.0045", multipliers = [["0", "1"], ["250000", "2"]] }

Tables are by underlying, "*" standing for all others, or by scenario. What is left out is not charged; moves, weights
and volatilities that are left out are those of the plain model. The formulas are in docs/margin.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Literal, Self, cast

from zkmargin.canonical import Json, fraction_text
from zkmargin.errors import DecodeError
from zkmargin.inputs.json_fields import Fields, fraction, strings
from zkmargin.inputs.models.kind import Parameters
from zkmargin.inputs.models.named_rates import (
    BasisMove,
    DeltaRates,
    VolatilityShock,
    decoded_numbers,
    decoded_rows,
    numbers_json,
    read_numbers,
    read_rows,
    rows_json,
)
from zkmargin.inputs.models.scenario_faults import market_faults, parameter_faults
from zkmargin.inputs.problems import Fault

if TYPE_CHECKING:
    from zkmargin.inputs.market import Instrument, Market
    from zkmargin.inputs.policy import BookPolicy, Policy
    from zkmargin.inputs.sections import Section

KEY = "portfolio_margin"
ONE = Fraction(1)
Measure = Literal["quote", "settlement"]
Multipliers = tuple[tuple[Fraction, Fraction], ...]  # (amount in quote from which it holds, multiplier)


@dataclass(frozen=True)
class MinimumCharge:
    """A rate on the gross cash delta, and marginal multipliers of what it gives."""

    rate: Fraction
    multipliers: Multipliers


@dataclass(frozen=True)
class PortfolioMargin(Parameters):
    """See the module. `moves`, `weights`: scenario -> underlying -> number; None: no such rule."""

    optional: ClassVar[bool] = True
    maintenance_factor: Fraction = ONE
    measure: Measure = "quote"
    linear_cap: Fraction | None = None
    gain_offset: Fraction | None = None
    gain_cap: Fraction | None = None
    moves: Mapping[str, Mapping[str, Fraction]] = field(default_factory=dict)
    weights: Mapping[str, Mapping[str, Fraction]] = field(default_factory=dict)
    deductions: Mapping[str, Fraction] = field(default_factory=dict)
    volatility: Mapping[str, VolatilityShock] = field(default_factory=dict)
    basis: Mapping[str, BasisMove] = field(default_factory=dict)
    minimum_delta: Mapping[str, DeltaRates] = field(default_factory=dict)
    minimum_charge: Mapping[str, MinimumCharge] = field(default_factory=dict)

    @classmethod
    def read(cls, section: Section) -> Self | None:
        """Take the table `portfolio_margin`; None if it is not there."""
        if KEY not in section:
            return None
        table = section.section(KEY)
        charges, deductions = (table.section(key, required=False) for key in ("minimum_charge", "deductions"))
        found = cls(
            maintenance_factor=table.decimal("maintenance_factor", ONE),
            measure=cast(Measure, table.text("measure", "quote")),
            linear_cap=_maybe(table, "linear_cap"),
            gain_offset=_maybe(table, "gain_offset"),
            gain_cap=_maybe(table, "gain_cap"),
            moves=read_numbers(table, "moves"),
            weights=read_numbers(table, "weights"),
            deductions={name: deductions.decimal(name) for name in sorted(deductions.names())},
            volatility=read_rows(table, "volatility", VolatilityShock),
            basis=read_rows(table, "basis", BasisMove),
            minimum_delta=read_rows(table, "minimum_delta", DeltaRates),
            minimum_charge={name: _charge(charges.section(name)) for name in sorted(charges.names())},
        )
        table.finish()
        return found

    @classmethod
    def from_json(cls, value: Json, what: str) -> Self:
        """Read what `to_json` wrote; raise DecodeError for any other shape."""
        with Fields(value, what) as found:
            return cls(
                maintenance_factor=found.fraction("maintenance_factor"),
                measure=cast(Measure, found.text("measure")),
                linear_cap=_optional(found.text("linear_cap"), f"{what}.linear_cap"),
                gain_offset=_optional(found.text("gain_offset"), f"{what}.gain_offset"),
                gain_cap=found.fraction("gain_cap") if "gain_cap" in found else None,
                moves=decoded_numbers(found.take("moves"), f"{what}.moves"),
                weights=decoded_numbers(found.take("weights"), f"{what}.weights"),
                deductions=_deductions(found, what) if "deductions" in found else {},
                volatility=decoded_rows(found.mapping("volatility"), VolatilityShock, what),
                basis=decoded_rows(found.mapping("basis"), BasisMove, what),
                minimum_delta=decoded_rows(found.mapping("minimum_delta"), DeltaRates, what),
                minimum_charge={
                    name: _decoded(item, f"{what}.{name}")
                    for name, item in found.mapping("minimum_charge").items()
                },
            )

    def to_json(self) -> Json:
        """Return every rule; the text of one that is not there is empty, later ones stand only where they are there."""
        later: dict[str, Json] = {} if self.gain_cap is None else {"gain_cap": fraction_text(self.gain_cap)}
        if self.deductions:
            later["deductions"] = {name: fraction_text(amount) for name, amount in self.deductions.items()}
        return later | {
            "maintenance_factor": fraction_text(self.maintenance_factor),
            "measure": self.measure,
            "linear_cap": _text(self.linear_cap),
            "gain_offset": _text(self.gain_offset),
            "moves": numbers_json(self.moves),
            "weights": numbers_json(self.weights),
            "volatility": rows_json(self.volatility),
            "basis": rows_json(self.basis),
            "minimum_delta": rows_json(self.minimum_delta),
            "minimum_charge": {name: _charge_json(charge) for name, charge in self.minimum_charge.items()},
        }

    @property
    def charges_deltas(self) -> bool:
        """Whether a charge is taken on cash deltas."""
        return bool(self.basis or self.minimum_delta or self.minimum_charge)

    def faults(self, book: BookPolicy, quote: str) -> Iterator[Fault]:
        """Say which rules make no convex requirement, or name what the book does not have."""
        yield from map(_own, parameter_faults(self, book, quote))

    def market_faults(self, book: BookPolicy, policy: Policy, market: Market) -> Iterator[Fault]:
        """Name contracts that the market lacks, and such as the measure cannot value."""
        yield from map(_own, market_faults(self, book, market))

    def concerns(self, book: BookPolicy, contract: Instrument) -> bool:
        """Tell whether a contract is the book's: one measured in a coin has contracts on that coin alone."""
        return self.measure == "quote" or contract.underlying == book.settlement

    def beside_losses(self, book: BookPolicy) -> Iterator[str]:
        """Yield the rules that are no worst case of one unit: offsets, constants, charges on deltas."""
        rules = ("gain_offset", "deductions", "basis", "minimum_delta", "minimum_charge")
        yield from (key for key in rules if getattr(self, key) not in (None, {}))

    def revaluations(self) -> int:
        """Return two inequalities for an expiry's basis, two and a gross for the deltas, one per multiplier."""
        steps = (len(charge.multipliers) for charge in self.minimum_charge.values())
        return 2 * bool(self.basis) + 3 * bool(self.minimum_delta) + max(steps, default=0)


def _own(fault: Fault) -> Fault:
    name, value, message, hint = fault
    return f"{KEY}.{name}", value, message, hint


def _charge(section: Section) -> MinimumCharge:
    rate, value = section.decimal("rate"), section.raw("multipliers")
    section.finish()
    if not isinstance(value, list) or not all(isinstance(item, list) and len(item) == 2 for item in value):
        hint = '[["0", "1"], ["10000", "2"]]'
        section.fault("multipliers", repr(value), "not an array of [amount, multiplier]", hint)
        return MinimumCharge(rate, ())
    steps = ((section.exact("multipliers", start), section.exact("multipliers", by)) for start, by in value)
    return MinimumCharge(rate, tuple(steps))


def _charge_json(charge: MinimumCharge) -> Json:
    return {
        "rate": fraction_text(charge.rate),
        "multipliers": [[fraction_text(number) for number in step] for step in charge.multipliers],
    }


def _decoded(value: Json, what: str) -> MinimumCharge:
    with Fields(value, what) as found:
        pairs = (strings(item, 2, what) for item in found.items("multipliers"))
        steps = tuple((fraction(start, what), fraction(by, what)) for start, by in pairs)
        return MinimumCharge(found.fraction("rate"), steps)


def _deductions(found: Fields, what: str) -> dict[str, Fraction]:
    deductions = found.fractions("deductions")
    if not deductions:
        raise DecodeError("json", f"{what}.deductions is left out where there are none")
    return deductions


def _maybe(section: Section, key: str) -> Fraction | None:
    return section.decimal(key) if key in section else None


def _text(number: Fraction | None) -> str:
    return "" if number is None else fraction_text(number)


def _optional(text: str, what: str) -> Fraction | None:
    return fraction(text, what) if text else None
