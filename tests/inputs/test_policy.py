from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest
from small_exchange import POLICY

from zkmargin import canonical, limits
from zkmargin.errors import DecodeError, InputError
from zkmargin.inputs import parse_policy
from zkmargin.inputs.policy import Policy
from zkmargin.inputs.policy_rules import check_policy, duration, tier_value
from zkmargin.inputs.presets import PRESETS

F = Fraction


def faults(text: str) -> list[tuple[str | None, str]]:
    with pytest.raises(InputError) as caught:
        parse_policy(text)
    return [(problem.column, problem.message) for problem in caught.value.problems]


def test_values_and_defaults() -> None:
    policy = parse_policy(POLICY)
    book, spot = policy.books["portfolio"], policy.books["spot"]
    assert (policy.circuit_version, policy.max_overstatement, policy.max_price_age) == (1, 1, "5m")
    assert (policy.equity_quantum, policy.margin_quantum) == (F(1, 10**6), F(1, 10**4))
    assert (book.netting, book.interest, book.position_limit) == ("underlying", 0, 10**7)
    assert book.levels == (("warning", F(3, 2)), ("call", F(11, 10)), ("liquidation", F(1)))
    assert book.collateral == {
        "USD": "cash",
        "BTC": "shocked",
        "ETH": ((F(0), F(19, 20)), (F(10**6), F(9, 10))),
    }
    assert (spot.model, spot.initial_factor, spot.pad_to, spot.minimum_accounts) == ("collateral", 1, 1, 16)
    assert spot.pools["loan"] == {"BTC": ((F(0), F(1)), (F(100_000), F(1, 2)))}
    assert spot.levels == (("liquidation", F(1)),)


def test_span_16_is_as_published() -> None:
    moves = {(s.price, s.volatility, s.weight) for s in PRESETS["span-16"]}
    inside = {(F(n, 3), F(sign), F(1)) for n in range(-3, 4) for sign in (1, -1)}
    assert moves == inside | {(F(2), F(0), F(7, 20)), (F(-2), F(0), F(7, 20))}
    assert len(PRESETS["span-16"]) == len({s.name for s in PRESETS["span-16"]}) == 16
    assert {"+1/3 up", "0 down", "-1 up", "+2 x 7/20"} <= {s.name for s in PRESETS["span-16"]}


def test_a_scenario_set_of_ones_own() -> None:
    own = 'scenarios = [{price = "1"}, {price = "-0.5", volatility = "0.25", weight = "0.75"}]'
    book = parse_policy(POLICY.replace('scenarios = "span-16"', own)).books["portfolio"]
    assert [(s.name, s.price, s.volatility, s.weight) for s in book.scenarios] == [
        ("+1", 1, 0, 1),
        ("-1/2 volatility 1/4 x 3/4", F(-1, 2), F(1, 4), F(3, 4)),
    ]


@pytest.mark.parametrize(
    "old, new, column, message",
    [
        ('name = "Small"', "", "exchange.name", "missing"),
        ('name = "Small"', 'name = "Sm\\u0007all"', "exchange.name", "control characters"),
        ('quote = "USD"', 'quote = "USD"\ncolour = "red"', "exchange.colour", "unknown key"),
        (
            'quote = "USD"',
            'quote = "USD"\ncircuit_version = 2',
            "exchange.circuit_version",
            "unknown circuit version",
        ),
        (
            'quote = "USD"',
            'quote = "USD"\ncircuit_version = "1"',
            "exchange.circuit_version",
            "not an integer",
        ),
        (
            'quote = "USD"',
            'quote = "USD"\ncircuit_version = true',
            "exchange.circuit_version",
            "not an integer",
        ),
        ('"1e-6"', '"0"', "units", "must be positive"),
        ('"1e-4"', '"2.5e-6"', "units.margin_quantum", "not a multiple"),
        ('"1e-4"', "0.0001", "units.margin_quantum", "not a decimal in quotes"),
        ('"1e-4"', '"nan"', "units.margin_quantum", "not a finite number"),
        ('"5m"', '"five"', "attestation.max_price_age", "not a duration"),
        ('["requirement"]', '["profit"]', "attestation.publish", "unknown total"),
        ('["requirement"]', '["surplus", "surplus"]', "attestation.publish", "twice"),
        (
            "[attestation]",
            '[attestation]\nmax_overstatement = "-1"',
            "attestation.max_overstatement",
            "negative",
        ),
        ("[book.portfolio]", '[book."a b"]\n[book.portfolio]', "book.a b.model", "missing"),
        ('model = "scenarios"', 'model = "var"', "book.portfolio.model", "unknown model"),
        ('"span-16"', '"span-17"', "book.portfolio.scenarios", "unknown scenario set"),
        ('"span-16"', '[{volatility = "1"}]', "book.portfolio.scenarios", "not a table of price"),
        ('"span-16"', '[{price = "1"}, {price = "1"}]', "book.portfolio.scenarios", "twice"),
        ('"span-16"', '[{price = "1", weight = "0"}]', "book.portfolio.scenarios", "weight must be positive"),
        ('"span-16"', "[]", "book.portfolio.scenarios", "0 scenarios"),
        ('netting = "joint"', 'netting = "both"', "book.portfolio.netting", "unknown netting"),
        ('BTC = "0.16"', 'BTC = "0.5"', "book.portfolio.price_range.BTC", "too wide"),
        ('BTC = "0.16"', 'BTC = "-0.1"', "book.portfolio.price_range.BTC", "negative"),
        ('BTC = "0.16"', 'BTC = "0.16", USD = "0.1"', "book.portfolio.price_range.USD", "1 by definition"),
        ('BTC = "0.16", ', "", "book.portfolio.collateral.BTC", "no price_range"),
        ('volatility_range = "0.5"', "", "book.portfolio.volatility_range", "missing"),
        ('volatility_range = "0.5"', 'volatility_range = "1"', "book.portfolio.volatility_range", "below 0"),
        ('initial_factor = "1.25"', 'initial_factor = "0.9"', "book.portfolio.initial_factor", "below 1"),
        ('minimum = "0.005"', 'minimum = "-0.005"', "book.portfolio.short_option_minimum", "negative"),
        ('"0.95"], ["1000000"', '"0.85"], ["1000000"', "book.portfolio.collateral.ETH", "a rate rises"),
        ('["1000000", "0.9"]', '["0", "0.9"]', "book.portfolio.collateral.ETH", "crossed tiers"),
        ('[["0", "0.95"]', '[["1", "0.95"]', "book.portfolio.collateral.ETH", "does not begin at 0"),
        ('[["0", "0.95"]', '[["0", "1.01"]', "book.portfolio.collateral.ETH", "not from 0 to 1"),
        ('[["0", "0.95"]', '[["0"]', "book.portfolio.collateral.ETH", "not an array of tiers"),
        ('USD = "cash"', 'USD = "money"', "book.portfolio.collateral.USD", "unknown rule"),
        ('position = "1e7"', 'position = "0"', "book.portfolio.limits.position", "must be positive"),
        ('position = "1e7", ', "", "book.portfolio.limits.position", "missing"),
        ('call = "1.1"', 'call = "1.6"', "book.portfolio.levels.call", "not below warning"),
        ('call = "1.1"', 'normal = "1.1"', "book.portfolio.levels.normal", "reserved"),
        ("[book.spot]", '[book."a b"]', "book.a b.id", "not 1 to 64"),
        ('balance = "1e9" }', 'balance = "-1" }', "book.portfolio.limits.balance", "must be positive"),
        ("pad_to = 4", 'pad_to = 4\ninterest = "5"', "book.portfolio.interest", "more than 100 %"),
        (
            'levels = { warning = "1.5", call = "1.1", liquidation = "1.0" }',
            "levels = {}",
            "book.portfolio.levels",
            "no level",
        ),
        ('liquidation = "1.0"', '"l 1" = "1.0"', "book.portfolio.levels.l 1", "not 1 to 64"),
        ('liquidation = "1.0"', 'liquidation = "0"', "book.portfolio.levels.liquidation", "must be positive"),
        ('[["0", "0.9"]]', "[]", "book.spot.pools.margin.BTC", "0 tiers"),
        ('[["0", "0.9"]]', '[["0", 1]]', "book.spot.pools.margin.BTC", "not a decimal in quotes"),
        ('["requirement"]', "[1]", "attestation.publish", "not an array of texts"),
        ("pad_to = 4", "pad_to = 0", "book.portfolio.pad_to", "not from 1"),
        ('margin = { BTC = [["0", "0.9"]] }', '"m n" = {}', "book.spot.pools.m n", "not 1 to 64"),
        ('["100000", "0.5"]', '["100000", "2"]', "book.spot.pools.loan.BTC", "not from 0 to 1"),
        (
            'limits = { balance = "1e9" }',
            'netting = "joint"\nlimits = { balance = "1e9" }',
            "book.spot.netting",
            "unknown",
        ),
    ],
)
def test_what_is_refused(old: str, new: str, column: str, message: str) -> None:
    text = POLICY.replace('scenarios = "span-16"', 'scenarios = "span-16"\nnetting = "joint"')
    assert old in text
    found = faults(text.replace(old, new, 1))
    assert any(where == column and message in what for where, what in found), found


def test_all_problems_at_once() -> None:
    found = faults(POLICY.replace('"1.25"', "1.25").replace("pad_to", "pad_too").replace('"1e-6"', '"x"'))
    assert {column for column, _ in found} == {
        "book.portfolio.initial_factor",
        "book.portfolio.pad_too",
        "units.equity_quantum",
    }


def test_what_is_no_toml() -> None:
    assert faults("[exchange\n")[0][1].startswith("not TOML")
    assert ("exchange", "missing") in faults("")


def test_json_round_trip_and_digest() -> None:
    policy = parse_policy(POLICY)
    data = canonical.encode(policy.to_json())
    again = Policy.from_json(canonical.decode(data, "policy"))
    assert again == policy and again.digest == policy.digest
    assert parse_policy(POLICY.replace('"1e7"', '"10000000.0"')).digest == policy.digest
    assert parse_policy(POLICY.replace("pad_to = 4", "pad_to = 5")).digest != policy.digest


@pytest.mark.parametrize(
    "path, value",
    [
        ((), None),
        (("books",), []),
        (("circuit_version",), "1" * 70),
        (("equity_quantum",), "0.5"),
        (("equity_quantum",), "2/4"),
        (("equity_quantum",), "1/0"),
        (("circuit_version",), "01"),
        (("circuit_version",), 1),
        (("publish",), "requirement"),
        (("surplus_key",), "1"),
        (("books", "spot", "model"), "var"),
        (("books", "spot", "pools"), {"loan": []}),
        (("books", "spot", "levels"), [["only"]]),
        (("books", "portfolio", "scenarios"), [["a", "1", "1"]]),
        (("books", "portfolio", "collateral"), {"BTC": "other"}),
    ],
)
def test_json_of_another_shape_is_refused(path: tuple[str, ...], value: object) -> None:
    data = parse_policy(POLICY).to_json()
    target = data
    for key in path[:-1]:
        target = target[key]
    if path:
        target[path[-1]] = value
    else:
        data = value
    with pytest.raises(DecodeError):
        Policy.from_json(data)


def test_json_with_a_member_missing() -> None:
    data = parse_policy(POLICY).to_json()
    del data["books"]["spot"]["pad_to"]
    with pytest.raises(DecodeError, match="no member 'pad_to'"):
        Policy.from_json(data)


def test_json_is_held_against_the_same_rules() -> None:
    policy = parse_policy(POLICY)
    assert check_policy(policy) == []
    assert check_policy(replace(policy, equity_quantum=F(0)))


def test_bounds_of_what_only_json_can_say() -> None:
    policy = parse_policy(POLICY)
    spot = policy.books["spot"]
    pools = {f"p{number}": spot.pools["loan"] for number in range(limits.MAX_POOLS + 1)}
    levels = (("a", F(2)), ("a", F(1)))
    for wrong, column, message in (
        (replace(policy, books={}), "book", "0 books"),
        (replace(policy, books={"spot": replace(spot, pools=pools)}), "book.spot.pools", "more than"),
        (replace(policy, books={"spot": replace(spot, levels=levels)}), "book.spot.levels", "twice"),
    ):
        assert [(p.column, message in p.message) for p in check_policy(wrong)] == [(column, True)]


def test_durations() -> None:
    assert duration("90s") == timedelta(seconds=90)
    assert duration("2h") == timedelta(hours=2)
    assert [duration(text) for text in ("", "0m", "5", "5w", "-5m", "5 m")] == [None] * 6


def test_marginal_tiers() -> None:
    tiers = ((F(0), F(1)), (F(100), F(1, 2)), (F(200), F(0)))
    assert [tier_value(tiers, F(v)) for v in (0, 50, 100, 150, 200, 10**6)] == [0, 50, 100, 125, 150, 150]
