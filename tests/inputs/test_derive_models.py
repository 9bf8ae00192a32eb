"""Parameters of Derive's models and the feeds that they read: from files, as canonical JSON, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest
import small_market as sm
from derive_market import market, pm2_book, srm_book

from zkmargin import canonical
from zkmargin.errors import DecodeError, InputError
from zkmargin.inputs import parse_policy
from zkmargin.inputs.feeds import Feeds
from zkmargin.inputs.market import Market
from zkmargin.inputs.market_files import load_market
from zkmargin.inputs.market_rules import check_market, check_together
from zkmargin.inputs.models.derive_pm2 import DerivePm2
from zkmargin.inputs.models.derive_srm import DeriveSrm
from zkmargin.inputs.models.pm2_numbers import PUBLISHED_SCENARIOS, Pm2Parameters
from zkmargin.inputs.policy import BookPolicy, Policy

F = Fraction
HEAD = """
[exchange]
name = "Example"
quote = "USD"
[units]
equity_quantum = "1e-6"
margin_quantum = "1e-4"
"""
BOOK = """
[book.b]
model = "{model}"
settlement = "USD"
collateral = {{ USD = "cash", BTC = [["0", "0.97"]] }}
limits = {{ position = "1e6", balance = "1e6" }}
{keys}
"""
PM2 = 'underlying = "BTC"'
SRM = "underlyings = { BTC = {} }"


def book(model: str, keys: str) -> BookPolicy:
    return parse_policy(HEAD + BOOK.format(model=model, keys=keys)).books["b"]


def faults(model: str, keys: str) -> list[tuple[str | None, str]]:
    with pytest.raises(InputError) as caught:
        book(model, keys)
    return [(problem.column, problem.message) for problem in caught.value.problems]


def test_the_published_values_are_the_defaults() -> None:
    found = book("derive-pm2", PM2).parameters
    assert found == DerivePm2("BTC", Pm2Parameters(), (), {})
    assert isinstance(found, DerivePm2)
    assert found.numbers.scenarios == PUBLISHED_SCENARIOS
    standard = book("derive-srm", SRM).parameters
    assert isinstance(standard, DeriveSrm)
    assert standard.underlyings["BTC"].option.call_spot == F("0.075")


def test_numbers_of_ones_own() -> None:
    keys = f"""{PM2}
hedges = ["BTC"]
initial_haircut = {{ BTC = "0.01" }}
scenarios = [{{ spot = "1.2", volatility = "up" }}, {{ volatility = "linear", damping = "0.5" }}]
skew = {{ linear_slope = "-0.07" }}
maintenance_factor = "0.75"
"""
    own = book("derive-pm2", keys).parameters
    assert isinstance(own, DerivePm2)
    assert [scenario.name for scenario in own.numbers.scenarios] == ["+1/5 up", "linear x 1/2"]
    assert (own.numbers.skew.linear_slope, own.numbers.skew.linear_cap) == (F("-0.07"), F("0.15"))
    assert (own.hedges, own.initial_haircut) == (("BTC",), {"BTC": F("0.01")})
    assert own.numbers.maintenance_factor == F("0.75")
    rates = 'underlyings = { BTC = { perpetual = { initial = "0.1" } } }\ndepeg = { factor = "2" }'
    standard = book("derive-srm", rates).parameters
    assert isinstance(standard, DeriveSrm)
    assert (standard.underlyings["BTC"].perpetual.initial, standard.depeg.factor) == (F("0.1"), 2)


@pytest.mark.parametrize("given", [pm2_book(), srm_book()], ids=["derive-pm2", "derive-srm"])
def test_one_canonical_json(given: BookPolicy) -> None:
    policy = sm.policy(given)
    text = canonical.encode(policy.to_json())
    assert Policy.from_json(canonical.decode(text, "policy")) == policy
    broken = canonical.decode(text, "policy")
    broken["books"]["portfolio"]["parameters"]["more"] = "1"
    with pytest.raises(DecodeError, match="unknown members: more"):
        Policy.from_json(broken)


@pytest.mark.parametrize(
    ("model", "keys", "column", "message"),
    [
        ("derive-pm2", "", "book.b.underlying", "missing"),
        ("derive-pm2", f'{PM2}\nscenarios = "more"', "book.b.scenarios", "unknown"),
        ("derive-pm2", f"{PM2}\nscenarios = []", "book.b.scenarios", "0 scenarios"),
        (
            "derive-pm2",
            f'{PM2}\nscenarios = [{{ spot = "0" }}]',
            "book.b.scenarios",
            "a spot or damping below 0",
        ),
        (
            "derive-pm2",
            f'{PM2}\nscenarios = [{{ volatility = "sideways" }}]',
            "book.b.scenarios",
            "not a table of spot, volatility and damping",
        ),
        ("derive-pm2", f'{PM2}\nhedges = ["ETH"]', "book.b.hedges", "no collateral with rates"),
        ("derive-pm2", f'{PM2}\nhedges = ["USD"]', "book.b.hedges", "no collateral with rates"),
        (
            "derive-pm2",
            f'{PM2}\ninitial_haircut = {{ BTC = "2" }}',
            "book.b.initial_haircut.BTC",
            "not from 0 to 1",
        ),
        (
            "derive-pm2",
            f'{PM2}\ninitial_factor = "0.5"',
            "book.b.initial_factor",
            "initial is at least maintenance",
        ),
        ("derive-pm2", f'{PM2}\nbasis = {{ addition = "-1" }}', "book.b.basis.addition", "negative"),
        (
            "derive-pm2",
            f'{PM2}\nskew = {{ minimum_k_star = "0" }}',
            "book.b.skew.minimum_k_star",
            "must be positive",
        ),
        ("derive-pm2", f'{PM2}\nvolatility = {{ power = "1" }}', "book.b.volatility.power", "unknown key"),
        (
            "derive-pm2",
            f'{PM2}\nother = {{ option_initial = "0.00123457" }}',
            "book.b.other.option_initial",
            "no simple multiple of other.option",
        ),
        ("derive-srm", "underlyings = {}", "book.b.underlyings", "no underlying"),
        (
            "derive-srm",
            'underlyings = { BTC = { perpetual = { initial = "0.01" } } }',
            "book.b.underlyings.BTC.perpetual.initial",
            "below what it should exceed",
        ),
        (
            "derive-srm",
            'underlyings = { BTC = { oracle = { factor = "-1" } } }',
            "book.b.underlyings.BTC.oracle.factor",
            "negative",
        ),
    ],
)
def test_what_is_refused(model: str, keys: str, column: str, message: str) -> None:
    assert (column, message) in faults(model, keys)


def test_contracts_that_the_rule_does_not_know() -> None:
    second = sm.contract("BTC-PERP-2", "BTC", "0.001")
    elsewhere = sm.contract("BTC-PERP-3", "BTC", "0.001", settlement="ETH")
    found = sm.market(second, elsewhere, mark={"BTC-PERP-2": F(1), "BTC-PERP-3": F(1)})
    problems = check_together(sm.policy(pm2_book()), found)
    messages = [problem.message for problem in problems]
    assert "more than one perpetual" in messages
    assert "settles in ETH" in messages
    nothing = replace(pm2_book(), parameters=replace(pm2_book().parameters, underlying="SOL"))
    without = replace(market(), index={"BTC": F(100_000), "ETH": F(4_000)})
    assert "no contract, and no index price" in [
        p.message for p in check_together(sm.policy(nothing), without)
    ]
    assert not check_together(sm.policy(pm2_book()), market())
    assert not check_together(sm.policy(srm_book()), market())


def test_a_settlement_asset_in_which_debts_would_not_be_margined() -> None:
    for given in (pm2_book(), srm_book()):
        problems = check_together(sm.policy(replace(given, settlement="BTC")), market())
        assert "this model settles in the quote asset" in [problem.message for problem in problems]


def test_too_many_strikes_for_so_many_options() -> None:
    names = [f"O{number}" for number in range(800)]
    options = [sm.option(name, "BTC", "0.1", 1_000 + at, "call") for at, name in enumerate(names)]
    found = sm.market(*options, mark=dict.fromkeys(names, F(1)), volatility=dict.fromkeys(names, F(1)))
    messages = [problem.message for problem in check_together(sm.policy(srm_book()), found)]
    assert messages == ["too many strikes for so many options"]


def test_feeds_in_canonical_json() -> None:
    given = market()
    again = Market.from_json(canonical.decode(canonical.encode(given.to_json()), "market"))
    assert again == given
    assert "feeds" not in sm.market().to_json()
    for broken in ([], [*given.to_json()["feeds"]] * 2, [["mood", "BTC", "", "1"]]):
        with pytest.raises(DecodeError):
            Market.from_json(given.to_json() | {"feeds": broken})


LATER = sm.MARCH + timedelta(days=1)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (("confidence", "DOGE", None), F(1), "confidence of an unknown name or expiry"),
        (("rate", "BTC", LATER), F(0), "rate of an unknown name or expiry"),
        (("rate", "BTC", None), F(0), "rate with the wrong expiry: it needs one"),
        (("peg", "USD", sm.MARCH), F(1), "peg with the wrong expiry: it has none"),
        (("confidence", "BTC", None), F(2), "confidence is out of its range"),
        (("average", "BTC", sm.MARCH), F(0), "average is out of its range"),
    ],
)
def test_feeds_that_are_refused(key: tuple[str, str, None], value: Fraction, message: str) -> None:
    problems = check_market(replace(sm.market(), feeds=Feeds({key: value})))
    assert [problem.message for problem in problems] == [message]


PRICES = """time,kind,name,expiry,value
2026-01-30T08:00:00Z,spot,BTC,,50000
2026-01-30T08:00:00Z,mark,C,,4800
2026-01-30T08:00:00Z,forward,BTC,2026-03-27T08:00:00Z,50500
2026-01-30T08:00:00Z,volatility,C,,0.6
2026-01-30T08:00:00Z,rate,BTC,2026-03-27T08:00:00Z,0.05
2026-01-30T08:00:00Z,confidence,BTC,2026-03-27T08:00:00Z,0.9
2026-01-30T08:00:00Z,peg,USD,,0.99
"""
INSTRUMENTS = """instrument,kind,underlying,settlement,lot,tick,expiry,strike,right
USD,spot,USD,USD,0.01,0.01,,,
BTC,spot,BTC,USD,0.0001,0.01,,,
C,option,BTC,USD,0.01,0.5,2026-03-27T08:00:00Z,50000,call
"""


def test_feeds_from_files(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(HEAD + BOOK.format(model="derive-pm2", keys=PM2))
    (tmp_path / "instruments.csv").write_text(INSTRUMENTS)
    (tmp_path / "prices.csv").write_text(PRICES)
    _, found = load_market(tmp_path)
    assert found.feeds.rate("BTC", sm.MARCH) == F("0.05")
    assert found.feeds.confidence("BTC", sm.MARCH) == F("0.9")
    assert found.feeds.confidence("BTC") == 1
    assert found.feeds.peg("USD") == F("0.99")
    (tmp_path / "prices.csv").write_text(PRICES + PRICES.splitlines()[-1] + "\n")
    with pytest.raises(InputError, match="the peg stands twice"):
        load_market(tmp_path)
