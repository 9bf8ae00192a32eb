"""The exact calculator of the models "scenarios" and "collateral": the integers that a circuit's honest witness holds,
computed a second time and another way. No circuit is read here.

    N  net value       balances, positions and costs at their lot values
    E  equity          N less haircuts
    R  maintenance     sum over risk units of the worst case, scaled from margin to equity quanta
    I  initial         initial factor x R, rounded up to margin quanta where it is no whole number of equity quanta
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from zkmargin.inputs.ledger import Pots
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.margin.book import BookMargin, Integers, UnitMargin
from zkmargin.margin.equity import haircut_amounts, money_dtype, net_amounts, sum_amounts
from zkmargin.margin.requirement import (
    MINIMUM,
    NOTHING,
    Requirement,
    refuse_unmargined,
    unit_exposures,
    worst_cases,
)
from zkmargin.risk.entries import BookRisk, RiskTable

SHORT_MINIMUM = "short-option minimum"


@dataclass(frozen=True, repr=False)
class UnitCharges:
    """Worst cases by risk unit; `scale`: equity quanta per margin quantum."""

    units: Requirement
    scenarios: tuple[str, ...]
    scale: int

    def of(self, row: int) -> Iterator[UnitMargin]:
        """Yield every risk unit of one pot."""
        for u, name in enumerate(self.units.units):
            code = int(self.units.binding[row, u])
            binding = {NOTHING: None, MINIMUM: SHORT_MINIMUM}.get(code) if code < 0 else self.scenarios[code]
            yield UnitMargin(name, int(self.units.values[row, u]) * self.scale, binding)


def calculate_scenarios(
    policy: Policy, table: RiskTable, book: BookPolicy, risk: BookRisk, pots: Pots
) -> BookMargin:
    """Compute the margin of all pots of a book; raise PolicyError for an amount that the book does not margin."""
    count = len(pots.labels)
    refuse_unmargined(policy, risk, pots.values)
    exposures = unit_exposures(
        book, risk, table.short_minimum.get(book.id, {}), pots.values, policy.margin_quantum
    )
    units = worst_cases(exposures, len(risk.scenarios), count)
    scale = int(policy.margin_quantum / policy.equity_quantum)
    factor = book.initial_factor * scale

    net_parts = net_amounts(pots.values, table.lot_value)
    cuts = haircut_amounts(book, pots.values, table.lot_value, policy.equity_quantum)
    losses = sum(unit.reach for unit in exposures)
    dtype = money_dtype(
        sum(part.reach for part in net_parts + cuts)
        + losses * max(scale, factor.numerator, book.initial_factor.numerator)
        + (scale + book.initial_factor.denominator)
    )
    net = sum_amounts(net_parts, count, dtype)
    worst = units.values.astype(dtype).sum(axis=1, dtype=dtype)
    return BookMargin(
        book=book,
        labels=pots.labels,
        net=net,
        equity=net - sum_amounts(cuts, count, dtype),
        requirement=worst * scale,
        initial=_initial(worst, book.initial_factor, scale),
        charges=UnitCharges(units, risk.scenarios, scale),
    )


def _initial(worst: Integers, factor: Fraction, scale: int) -> Integers:
    """I from R in margin quanta: exact where factor x scale is whole, else up to the next margin quantum."""
    if (factor * scale).denominator == 1:
        return worst * int(factor * scale)
    return -(-worst * factor.numerator // factor.denominator) * scale
