"""Read policy.toml. Every default stands here; `policy_rules` says which values are refused."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from fractions import Fraction
from typing import Any, cast, get_args

from zkmargin.inputs.liquidity import read_costs
from zkmargin.inputs.models import MODELS, MarginModel
from zkmargin.inputs.models.scenarios import PortfolioMargin
from zkmargin.inputs.policy import BookPolicy, Collateral, Legs, Netting, Policy, Scenario, Tiers
from zkmargin.inputs.policy_rules import check_policy
from zkmargin.inputs.presets import PRESETS, scenario
from zkmargin.inputs.problems import Problems, suggestion
from zkmargin.inputs.sections import Section
from zkmargin.inputs.texts import label_fault

ZERO, ONE = Fraction(0), Fraction(1)
DEFAULT_LEVELS = (("liquidation", ONE),)
DEFAULT_MINIMUM_ACCOUNTS = 16
_SCENARIO = {"name", "price", "volatility", "weight"}


def parse_policy(text: str, file: str = "policy.toml") -> Policy:
    """Read a policy from TOML; raise InputError with all problems."""
    problems = Problems()
    policy = read_policy(text, file, problems)
    problems.raise_if_any()
    if policy is None:  # cannot happen: without a policy there is a problem
        raise ValueError(file)
    return policy


def read_policy(text: str, file: str, problems: Problems) -> Policy | None:
    """Read and check a policy, noting problems; None if any was found."""
    before = problems.count
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.add(file, None, None, None, f"not TOML: {error}")
        return None
    policy = _policy(Section(file, "", document, problems))
    if problems.count == before:
        problems.extend(check_policy(policy, file))
    return policy if problems.count == before else None


def _policy(root: Section) -> Policy:
    exchange, units = root.section("exchange"), root.section("units")
    attestation, books = root.section("attestation", required=False), root.section("book")
    policy = Policy(
        exchange=exchange.text("name"),
        quote=exchange.text("quote"),
        circuit_version=exchange.integer("circuit_version", 1),
        equity_quantum=units.decimal("equity_quantum"),
        margin_quantum=units.decimal("margin_quantum"),
        max_price_age=attestation.text("max_price_age", "") or None,
        max_overstatement=attestation.decimal("max_overstatement", ONE),
        publish=tuple(sorted(attestation.strings("publish"))),
        books={name: _book(name, books.section(name)) for name in sorted(books.names())},
    )
    for section in (root, exchange, units, attestation, books):
        section.finish()
    return policy


def _book(name: str, section: Section) -> BookPolicy:
    model = _model(section)
    shocks = model.shocks
    limits, levels = section.section("limits"), _levels(section)
    optional = model.parameters is not None and model.parameters.least_scenarios == 0
    stressed = shocks and ("scenarios" in section or not optional)
    scenario_set, scenarios = _scenarios(section) if stressed else ("custom" if shocks else "", ())
    parameters = None if model.parameters is None else model.parameters.read(section)
    volatile = not isinstance(parameters, PortfolioMargin) and any(item.volatility for item in scenarios)
    book = BookPolicy(
        id=name,
        model=model.name,
        settlement=section.text("settlement"),
        netting=cast(Netting, section.text("netting", "underlying") if shocks else "underlying"),
        scenario_set=scenario_set,
        scenarios=scenarios,
        price_range=_decimals(section.section("price_range")) if shocks else {},
        volatility_range=section.decimal("volatility_range", None if volatile else ZERO) if shocks else ZERO,
        interest=section.decimal("interest", ZERO) if shocks else ZERO,
        short_option_minimum=section.decimal("short_option_minimum", ZERO) if shocks else ZERO,
        initial_factor=section.decimal("initial_factor", ONE) if shocks else ONE,
        collateral=_collateral(section.section("collateral")) if model.trades else {},
        pools=_pools(section.section("pools", required=False)) if model.pools else {},
        position_limit=limits.decimal("position") if model.trades else ZERO,
        balance_limit=limits.decimal("balance"),
        levels=levels,
        pad_to=section.integer("pad_to", 1),
        minimum_accounts=section.integer("minimum_accounts", DEFAULT_MINIMUM_ACCOUNTS),
        parameters=parameters,
        liquidity=read_costs(section) if model.trades else {},
        account_limit=limits.decimal("account") if model.trades and "account" in limits else None,
        legs=_legs(section) if shocks else None,
    )
    limits.finish()
    section.finish()
    return book


def _model(section: Section) -> MarginModel:
    name = section.text("model")
    if name not in MODELS:
        known = ", ".join(f'"{model}"' for model in MODELS)
        section.fault("model", name, "unknown model", suggestion(name, MODELS) or f"one of {known}")
    return MODELS.get(name, MODELS["collateral"])


def _decimals(section: Section) -> dict[str, Fraction]:
    return {asset: section.decimal(asset) for asset in sorted(section.names())}


def _levels(section: Section) -> tuple[tuple[str, Fraction], ...]:
    if "levels" not in section:
        return DEFAULT_LEVELS
    levels = section.section("levels")
    return tuple((name, levels.decimal(name)) for name in levels.names())


def _legs(section: Section) -> Legs | None:
    if "legs" not in section:
        return None
    legs, known = section.text("legs"), get_args(Legs)
    if legs not in known:
        section.fault("legs", legs, "unknown legs", " or ".join(f'"{name}"' for name in known))
    return cast(Legs, legs)


def _scenarios(section: Section) -> tuple[str, tuple[Scenario, ...]]:
    value = section.raw("scenarios")
    if isinstance(value, list):
        return "custom", tuple(_scenario(section, item) for item in value)
    if isinstance(value, str) and value in PRESETS:
        return value, PRESETS[value]
    known = ", ".join(f'"{name}"' for name in PRESETS)
    section.fault(
        "scenarios",
        None if value is None else repr(value),
        "missing" if value is None else "unknown scenario set",
        (suggestion(value, PRESETS) if isinstance(value, str) else None)
        or f"{known} or an array of {{price, volatility, weight}}",
    )
    return "", ()


def _scenario(section: Section, value: Any) -> Scenario:
    if not isinstance(value, dict) or not {"price"} <= set(value) <= _SCENARIO:
        section.fault("scenarios", repr(value), "not a table of price, volatility and weight")
        return scenario(ONE, ZERO, ONE)
    price = section.exact("scenarios", value["price"])
    volatility = section.exact("scenarios", value.get("volatility", "0"))
    named = scenario(price, volatility, section.exact("scenarios", value.get("weight", "1")))
    name = value.get("name", named.name)
    if not isinstance(name, str) or (fault := label_fault(name)):
        section.fault("scenarios", repr(name), "not a name" if not isinstance(name, str) else str(fault))
        return named
    return replace(named, name=name)


def _collateral(section: Section) -> dict[str, Collateral]:
    rules: dict[str, Collateral] = {}
    for asset in sorted(section.names()):
        rule = section.raw(asset)
        if rule in ("cash", "shocked"):
            rules[asset] = cast(Collateral, rule)
        elif isinstance(rule, str):
            section.fault(asset, rule, "unknown rule", 'one of "cash", "shocked" or an array of tiers')
        else:
            rules[asset] = _tiers(section, asset, rule)
    return rules


def _pools(section: Section) -> dict[str, dict[str, Tiers]]:
    pools = {}
    for name in sorted(section.names()):
        pool = section.section(name)
        pools[name] = {asset: _tiers(pool, asset, pool.raw(asset)) for asset in sorted(pool.names())}
    return pools


def _tiers(section: Section, asset: str, value: Any) -> Tiers:
    if not isinstance(value, list) or not all(isinstance(item, list) and len(item) == 2 for item in value):
        section.fault(asset, repr(value), "not an array of tiers", '[["0", "0.95"], ["1000000", "0.9"]]')
        return ((ZERO, ONE),)
    return tuple((section.exact(asset, start), section.exact(asset, rate)) for start, rate in value)
