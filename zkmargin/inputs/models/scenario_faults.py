"""Which parameters of the model "scenarios" are refused, by name: what would not be convex, and what names nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.models.bracket import Bracket, bracket_faults
from zkmargin.inputs.models.named_rates import OTHERS, VolatilityShock, lookup
from zkmargin.inputs.problems import Fault

if TYPE_CHECKING:
    from zkmargin.inputs.market import Market
    from zkmargin.inputs.models.scenarios import PortfolioMargin
    from zkmargin.inputs.policy import BookPolicy


def parameter_faults(rules: PortfolioMargin, book: BookPolicy, quote: str) -> Iterator[Fault]:
    """Say what is wrong whatever the market."""
    yield from _factors(rules, book)
    yield from _measure(rules, book, quote)
    yield from _shocks(rules, book)
    for key in ("volatility", "basis", "minimum_delta", "minimum_charge"):
        table: Mapping[str, object] = getattr(rules, key)
        yield from _unknown(key, table, book)
        for name, row in table.items():
            yield from _negative(f"{key}.{name}", vars(row))
    for name, shock in rules.volatility.items():
        yield from _volatility(f"volatility.{name}", shock)
    for name, rates in rules.minimum_delta.items():
        if rates.net < rates.hedged / 2:
            hint = "the hedged part would count negatively: not convex, so it cannot be proven"
            yield f"minimum_delta.{name}.net", decimal_text(rates.net), "below half the hedged rate", hint
    for name, charge in rules.minimum_charge.items():
        steps = tuple(Bracket(start, by, by) for start, by in charge.multipliers)
        yield from bracket_faults(f"minimum_charge.{name}.multipliers", steps)


def market_faults(rules: PortfolioMargin, book: BookPolicy, market: Market) -> Iterator[Fault]:
    """Say what is wrong with a market."""
    if rules.measure != "settlement":
        return
    for contract in market.contracts:
        if contract.underlying in book.price_range and contract.settlement != book.settlement:
            message = f"{contract.name!r} does not settle in {book.settlement}"
            yield (
                "measure",
                rules.measure,
                message,
                "a book measured in a coin has contracts in that coin alone",
            )


def _factors(rules: PortfolioMargin, book: BookPolicy) -> Iterator[Fault]:
    if rules.maintenance_factor <= 0:
        yield "maintenance_factor", decimal_text(rules.maintenance_factor), "must be positive", None
    if rules.linear_cap is not None and rules.linear_cap <= 0:
        yield "linear_cap", decimal_text(rules.linear_cap), "must be positive", None
    if rules.gain_offset is None:
        return
    if not 0 <= rules.gain_offset <= 1:
        hint = "a gain that counted for more than itself would not be convex"
        yield "gain_offset", decimal_text(rules.gain_offset), "not from 0 to 1", hint
    if book.netting != "underlying":
        yield "gain_offset", decimal_text(rules.gain_offset), "needs netting by underlying", None


def _measure(rules: PortfolioMargin, book: BookPolicy, quote: str) -> Iterator[Fault]:
    """Refuse other assets in a book measured in a coin: they lose against it when the coin rises."""
    if rules.measure not in ("quote", "settlement"):
        yield "measure", rules.measure, "unknown measure", 'one of "quote", "settlement"'
    if rules.measure != "settlement":
        return
    if tuple(book.price_range) != (book.settlement,) or book.settlement == quote:
        hint = "give each coin a book of its own, with a price_range of that coin alone"
        yield "measure", rules.measure, "the book is not of its settlement asset alone", hint
    for asset, rule in book.collateral.items():
        if asset != book.settlement or rule == "shocked":
            hint = "list the settlement asset alone, as cash: it keeps its value in itself"
            yield (
                "measure",
                rules.measure,
                f"collateral {asset} cannot be measured in {book.settlement}",
                hint,
            )


def _shocks(rules: PortfolioMargin, book: BookPolicy) -> Iterator[Fault]:
    scenarios = {scenario.name for scenario in book.scenarios}
    for key, table in (("moves", rules.moves), ("weights", rules.weights)):
        for scenario, numbers in table.items():
            if scenario not in scenarios:
                yield f"{key}.{scenario}", None, "no such scenario", None
            yield from _unknown(f"{key}.{scenario}", numbers, book)
    for scenario, numbers in rules.moves.items():
        for asset, move in numbers.items():
            if move <= -1:
                yield f"moves.{scenario}.{asset}", decimal_text(move), "takes the price to 0 or below", None
    for scenario, numbers in rules.weights.items():
        for asset, weight in numbers.items():
            if weight <= 0:
                yield f"weights.{scenario}.{asset}", decimal_text(weight), "must be positive", None
    moved = any(scenario.volatility for scenario in book.scenarios)
    for asset in book.price_range:
        if moved and not book.volatility_range and lookup(rules.volatility, asset) is None:
            yield f"volatility.{asset}", None, "missing", "or set volatility_range"


def _volatility(name: str, shock: VolatilityShock) -> Iterator[Fault]:
    if shock.down > 1:
        yield f"{name}.down", decimal_text(shock.down), "volatility below 0", None
    for key, power in (("short_power", shock.short_power), ("long_power", shock.long_power)):
        if power > 1:
            yield f"{name}.{key}", decimal_text(power), "above 1", "0.3 is usual"
    if shock.days_floor <= 0:
        yield f"{name}.days_floor", decimal_text(shock.days_floor), "must be positive", None


def _negative(name: str, numbers: Mapping[str, object]) -> Iterator[Fault]:
    for key, number in numbers.items():
        if isinstance(number, Fraction) and number < 0:
            yield f"{name}.{key}", decimal_text(number), "negative", None


def _unknown(key: str, table: Mapping[str, object], book: BookPolicy) -> Iterator[Fault]:
    for name in table:
        if name != OTHERS and name not in book.price_range:
            yield f"{key}.{name}", None, "the underlying has no price_range", None
