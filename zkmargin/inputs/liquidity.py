"""Liquidity add-ons of a trading book: what closing a position is expected to cost, by its size; on top of any model.

    [book.NAME.liquidity]
    BTC-PERP = { beyond = "0.05" }                                      # into the order book: the market's depth
    ETH-PERP = [["0", "0.0005"], ["1000000", "0.002"]]                  # marginal rates by notional
    "*" = { rate = "0.001", reference = "1000000", power = "1.5" }      # a power law, for contracts not named

Notional is at the index. Costs are convex in size, so rates rise and powers are at least 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from zkmargin import limits
from zkmargin.canonical import Json, fraction_text
from zkmargin.errors import DecodeError
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.json_fields import Fields, fraction, strings
from zkmargin.inputs.problems import Fault

if TYPE_CHECKING:
    from zkmargin.inputs.market import Market
    from zkmargin.inputs.sections import Section

OTHERS = "*"
MOST_POWER = 3


@dataclass(frozen=True)
class BookCost:
    """Close into the order book; what its levels do not hold costs `beyond` of the mark value."""

    beyond: Fraction


@dataclass(frozen=True)
class PowerCost:
    """rate x reference x (notional / reference)^power: `rate` of the notional at the reference size in quote."""

    rate: Fraction
    reference: Fraction
    power: Fraction


@dataclass(frozen=True)
class RateCost:
    """Marginal rates: (notional in quote from which it holds, rate), first from 0."""

    rates: tuple[tuple[Fraction, Fraction], ...]


Cost = BookCost | PowerCost | RateCost
Costs = Mapping[str, Cost]
_TABLES: tuple[type[BookCost | PowerCost], ...] = (BookCost, PowerCost)


def cost_of(costs: Costs, contract: str) -> Cost | None:
    """Return the cost of a contract, that of "*" if it has none of its own."""
    return costs.get(contract, costs.get(OTHERS))


def read_costs(section: Section) -> dict[str, Cost]:
    """Take the table `liquidity`, empty if it is not there."""
    table = section.section("liquidity", required=False)
    return {name: cost for name in sorted(table.names()) if (cost := _read(table, name)) is not None}


def costs_json(costs: Costs) -> Json:
    """Return rates as arrays and everything else as objects."""
    return {name: _json(cost) for name, cost in costs.items()}


def decoded_costs(value: Json, what: str) -> dict[str, Cost]:
    """Read what `costs_json` wrote; raise DecodeError for any other shape."""
    if not isinstance(value, dict) or not value:
        raise DecodeError("json", f"{what} is no object of costs")
    return {name: _decoded(item, f"{what}.{name}") for name, item in value.items()}


def cost_faults(costs: Costs) -> Iterator[Fault]:
    """Say which costs are not convex in size."""
    for name, cost in costs.items():
        match cost:
            case BookCost(beyond) if not 0 <= beyond <= 1:
                yield f"liquidity.{name}", decimal_text(beyond), "beyond is not from 0 to 1", "0.05 is 5 %"
            case PowerCost(rate, reference, power):
                if rate <= 0 or reference <= 0:
                    yield f"liquidity.{name}", None, "rate and reference must be positive", None
                if not 1 <= power <= MOST_POWER or power.denominator > limits.MAX_TIERS:
                    hint = f"1 to {MOST_POWER}: below 1 a cost is not convex and cannot be proven"
                    yield f"liquidity.{name}", decimal_text(power), "power out of range", hint
            case RateCost(rates):
                yield from _rate_faults(f"liquidity.{name}", rates)


def market_cost_faults(costs: Costs, market: Market) -> Iterator[Fault]:
    """Name costs of contracts that the market lacks, and order books that it lacks."""
    known = {contract.name for contract in market.contracts}
    for name in costs:
        if name not in known | {OTHERS}:
            yield f"liquidity.{name}", None, "no such contract", None
    for name in sorted(known):
        if isinstance(cost_of(costs, name), BookCost) and name not in market.depth:
            yield f"liquidity.{name}", None, "no order book", f"add {name} to depth.csv"


def _read(table: Section, name: str) -> Cost | None:
    value = table.raw(name)
    if isinstance(value, list) and all(isinstance(item, list) and len(item) == 2 for item in value):
        return RateCost(tuple((table.exact(name, start), table.exact(name, rate)) for start, rate in value))
    for kind in _TABLES:
        if isinstance(value, dict) and set(value) == set(_names(kind)):
            return kind(*(table.exact(name, value[key]) for key in _names(kind)))
    hint = '{ beyond }, { rate, reference, power } or [["0", "0.0005"], ["1000000", "0.002"]]'
    table.fault(name, repr(value), "no cost", hint)
    return None


def _json(cost: Cost) -> Json:
    if isinstance(cost, RateCost):
        return [[fraction_text(start), fraction_text(rate)] for start, rate in cost.rates]
    return {name: fraction_text(value) for name, value in vars(cost).items()}


def _decoded(value: Json, what: str) -> Cost:
    if isinstance(value, list):
        pairs = (strings(item, 2, what) for item in value)
        return RateCost(tuple((fraction(start, what), fraction(rate, what)) for start, rate in pairs))
    with Fields(value, what) as found:
        kind = BookCost if "beyond" in found else PowerCost
        return kind(*(found.fraction(name) for name in _names(kind)))


def _names(kind: type[Any]) -> list[str]:
    return [field.name for field in fields(kind)]


def _rate_faults(name: str, rates: tuple[tuple[Fraction, Fraction], ...]) -> Iterator[Fault]:
    if not 1 <= len(rates) <= limits.MAX_TIERS:
        yield name, None, f"{len(rates)} rates", f"1 to {limits.MAX_TIERS}"
        return
    if rates[0][0] != 0 or rates[0][1] < 0:
        yield name, decimal_text(rates[0][0]), "the first rate is negative or does not begin at 0", None
    for (start, rate), (next_start, next_rate) in pairwise(rates):
        if next_start <= start or next_rate < rate:
            hint = "each begins above the one before and is not lower: a falling one is not convex"
            yield name, decimal_text(next_start), "a rate falls, or rates are crossed", hint
