"""Which policies are refused, and why: sizes, signs, and parameters that would make a rule non-convex.

The same rules hold for a policy read from TOML and for one read from an attestation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from typing import get_args

from zkmargin import limits
from zkmargin.errors import Problem
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.liquidity import cost_faults
from zkmargin.inputs.models import MODELS
from zkmargin.inputs.policy import BookPolicy, Legs, Policy, Tiers
from zkmargin.inputs.presets import PRESETS
from zkmargin.inputs.problems import Fault
from zkmargin.inputs.texts import identifier_fault, label_fault

CIRCUIT_VERSIONS = (1,)
NO_LEVEL = "normal"
CHARGES = (
    "minimum charge",
    "minimum delta",
    "short-option minimum",
)  # pieces of a worst case besides scenarios
CUSTOM = "custom"  # the name of scenarios that are no preset
PUBLISHABLE = ("initial_requirement", "open_interest", "requirement", "surplus")

_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def check_policy(policy: Policy, file: str = "policy.toml") -> list[Problem]:
    """Return every reason to refuse a policy by itself, without a market."""
    faults = list(_house(policy))
    for book in policy.books.values():
        faults.extend((f"book.{book.id}.{fault[0]}", *fault[1:]) for fault in _book(book, policy.quote))
    return [Problem(file, None, *fault) for fault in faults]


def duration(text: str) -> timedelta | None:
    """Read a duration such as "90s", "5m", "2h" or "1d"; None if it is none."""
    match = _DURATION.fullmatch(text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def _house(policy: Policy) -> Iterator[Fault]:
    for name, label in (("exchange.name", policy.exchange), ("exchange.quote", policy.quote)):
        if fault := label_fault(label):
            yield name, label, fault, None
    if policy.circuit_version not in CIRCUIT_VERSIONS:
        known = ", ".join(map(str, CIRCUIT_VERSIONS))
        yield (
            "exchange.circuit_version",
            str(policy.circuit_version),
            "unknown circuit version",
            f"known: {known}",
        )
    if policy.equity_quantum <= 0 or policy.margin_quantum <= 0:
        yield "units", None, "a quantum must be positive", None
    elif (policy.margin_quantum / policy.equity_quantum).denominator != 1:
        yield "units.margin_quantum", None, "not a multiple of the equity quantum", None
    if policy.max_price_age is not None and duration(policy.max_price_age) is None:
        yield (
            "attestation.max_price_age",
            policy.max_price_age,
            "not a duration",
            'such as "90s", "5m" or "2h"',
        )
    if policy.max_overstatement < 0:
        yield "attestation.max_overstatement", decimal_text(policy.max_overstatement), "negative", None
    for name in policy.publish:
        if name not in PUBLISHABLE:
            yield "attestation.publish", name, "unknown total", f"known: {', '.join(PUBLISHABLE)}"
    if len(set(policy.publish)) != len(policy.publish):
        yield "attestation.publish", None, "a total stands twice", None
    if not 1 <= len(policy.books) <= limits.MAX_BOOKS:
        yield "book", None, f"{len(policy.books)} books", f"1 to {limits.MAX_BOOKS}"


def _book(book: BookPolicy, quote: str) -> Iterator[Fault]:
    if fault := identifier_fault(book.id):
        yield "id", book.id, fault, None
    if MODELS[book.model].shocks:
        yield from _scenario_book(book, quote)
    if MODELS[book.model].trades:
        yield from _trading_book(book, quote)
    if book.parameters is not None:
        yield from book.parameters.faults(book, quote)
    for pool, assets in book.pools.items():
        if fault := identifier_fault(pool):
            yield f"pools.{pool}", None, fault, None
        for asset, tiers in assets.items():
            yield from tier_faults(f"pools.{pool}.{asset}", tiers)
    if len(book.pools) > limits.MAX_POOLS:
        yield "pools", None, f"more than {limits.MAX_POOLS} pools", None
    if book.balance_limit <= 0:
        yield "limits.balance", decimal_text(book.balance_limit), "must be positive", None
    yield from _levels(book)
    yield from _liquidity(book)
    yield from _account_limit(book)
    yield from _legs(book)
    for name, count in (("pad_to", book.pad_to), ("minimum_accounts", book.minimum_accounts)):
        if not 1 <= count <= limits.MAX_ACCOUNTS:
            yield name, str(count), f"not from 1 to {limits.MAX_ACCOUNTS}", None


def _liquidity(book: BookPolicy) -> Iterator[Fault]:
    yield from cost_faults(book.liquidity)
    if book.liquidity and not MODELS[book.model].trades:
        yield "liquidity", None, f"not in the model {book.model}", "it takes no positions"


def _account_limit(book: BookPolicy) -> Iterator[Fault]:
    if book.account_limit is None:
        return
    if not MODELS[book.model].trades:
        yield "limits.account", None, f"not in the model {book.model}", "it takes no positions"
    elif book.account_limit <= 0:
        yield "limits.account", decimal_text(book.account_limit), "must be positive", None


def _legs(book: BookPolicy) -> Iterator[Fault]:
    if book.legs is None:
        return
    if book.legs not in get_args(Legs):
        yield "legs", book.legs, "unknown legs", f"known: {', '.join(get_args(Legs))}"
    hint = "the charge of one position by itself is part of the whole only where nothing but netted losses is charged"
    if not MODELS[book.model].shocks:
        yield "legs", book.legs, f"not in the model {book.model}", hint
    elif book.parameters is not None:
        for key in book.parameters.beside_losses(book):
            yield "legs", book.legs, f"not with {key}", hint


def _scenario_book(book: BookPolicy, quote: str) -> Iterator[Fault]:
    if book.netting not in ("underlying", "joint"):
        yield "netting", book.netting, "unknown netting", 'one of "underlying", "joint"'
    least = 1 if book.parameters is None else book.parameters.least_scenarios
    if not least <= len(book.scenarios) <= limits.MAX_SCENARIOS:
        yield "scenarios", None, f"{len(book.scenarios)} scenarios", f"{least} to {limits.MAX_SCENARIOS}"
    if len({item.name for item in book.scenarios}) != len(book.scenarios):
        yield "scenarios", None, "a scenario stands twice", None
    for scenario in book.scenarios:
        if scenario.name in CHARGES:
            yield (
                "scenarios",
                scenario.name,
                "reserved",
                "it is what stands beside the scenarios in a worst case",
            )
    yield from _shocks(book, quote)
    for name, rate in (
        ("volatility_range", book.volatility_range),
        ("short_option_minimum", book.short_option_minimum),
    ):
        if rate < 0:
            yield name, decimal_text(rate), "negative", None
    if abs(book.interest) > 1:
        yield "interest", decimal_text(book.interest), "more than 100 % a year", "0.05 is 5 %"
    if book.initial_factor < 1:
        yield (
            "initial_factor",
            decimal_text(book.initial_factor),
            "below 1",
            "initial is at least maintenance",
        )


def _trading_book(book: BookPolicy, quote: str) -> Iterator[Fault]:
    if book.position_limit <= 0:
        yield "limits.position", decimal_text(book.position_limit), "must be positive", None
    for asset, rule in book.collateral.items():
        if rule == "shocked" and asset not in book.price_range and asset != quote:
            yield f"collateral.{asset}", "shocked", "the asset has no price_range", None
        elif not isinstance(rule, str):
            yield from tier_faults(f"collateral.{asset}", rule)


def _shocks(book: BookPolicy, quote: str) -> Iterator[Fault]:
    if book.scenario_set != CUSTOM and book.scenarios != PRESETS.get(book.scenario_set):
        yield (
            "scenarios",
            book.scenario_set,
            "not the scenarios of that set",
            f'other ones are called "{CUSTOM}"',
        )
    for scenario in book.scenarios:
        if scenario.weight <= 0:
            yield "scenarios", scenario.name, "weight must be positive", None
        if 1 + scenario.volatility * book.volatility_range <= 0:
            yield (
                "volatility_range",
                decimal_text(book.volatility_range),
                f"{scenario.name}: volatility below 0",
                None,
            )
    lowest = min(book.scenarios, key=lambda scenario: scenario.price, default=None)
    for asset, size in book.price_range.items():
        if asset == quote:
            yield f"price_range.{asset}", None, "the quote asset's price is 1 by definition", None
        if size < 0:
            yield f"price_range.{asset}", decimal_text(size), "negative", None
        if lowest is not None and 1 + lowest.price * size <= 0:
            hint = f"scenario {lowest.name!r} takes the price to 0 or below"
            yield f"price_range.{asset}", decimal_text(size), "too wide", hint


def _levels(book: BookPolicy) -> Iterator[Fault]:
    if not book.levels:
        yield "levels", None, "no level", None
    for name, ratio in book.levels:
        if name == NO_LEVEL:
            yield f"levels.{name}", None, "reserved", "it is what accounts above every level have"
        if fault := identifier_fault(name):
            yield f"levels.{name}", None, fault, None
        if ratio <= 0:
            yield f"levels.{name}", decimal_text(ratio), "must be positive", None
    for (upper, high), (lower, low) in pairwise(book.levels):
        if low >= high:
            yield f"levels.{lower}", decimal_text(low), f"not below {upper}", "levels fall"
    if len({name for name, _ in book.levels}) != len(book.levels):
        yield "levels", None, "a level stands twice", None


def tier_faults(name: str, tiers: Tiers) -> Iterator[Fault]:
    """Say why marginal collateral rates make no concave value: they fall, from 0 on, within 0 and 1."""
    if not 1 <= len(tiers) <= limits.MAX_TIERS:
        yield name, None, f"{len(tiers)} tiers", f"1 to {limits.MAX_TIERS}"
        return
    if tiers[0][0] != 0:
        yield name, decimal_text(tiers[0][0]), "the first tier does not begin at 0", None
    for _, rate in tiers:
        if not 0 <= rate <= 1:
            yield name, decimal_text(rate), "a rate is not from 0 to 1", "0.95 is 95 %"
    for (start, rate), (next_start, next_rate) in pairwise(tiers):
        if next_start <= start:
            yield name, decimal_text(next_start), "crossed tiers", "each begins above the one before"
        if next_rate > rate:
            hint = "collateral rates fall with value: a rising one is not convex and cannot be proven"
            yield name, decimal_text(next_rate), "a rate rises", hint


def tier_value(tiers: Tiers, value: Fraction) -> Fraction:
    """Return what a holding of this value counts: each tier's rate on the part of the value inside it."""
    ends = [start for start, _ in tiers[1:]]
    total = Fraction(0)
    for index, (start, rate) in enumerate(tiers):
        end = min(value, ends[index]) if index < len(ends) else value
        total += rate * max(Fraction(0), end - start)
    return total
