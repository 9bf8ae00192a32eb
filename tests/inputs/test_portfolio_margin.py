"""Parameters of the model "scenarios": presets, round trip, and everything that is refused, by name."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import portfolio_margin_cases as cases
import pytest
import small_market as sm
from small_exchange import POLICY

from zkmargin import canonical
from zkmargin.errors import DecodeError, InputError
from zkmargin.inputs import parse_policy
from zkmargin.inputs.market_rules import check_together
from zkmargin.inputs.models.named_rates import BasisMove, DeltaRates, VolatilityShock
from zkmargin.inputs.models.scenarios import MinimumCharge, PortfolioMargin
from zkmargin.inputs.policy import Policy
from zkmargin.inputs.policy_rules import check_policy

F = Fraction
SHOCK = VolatilityShock(F("0.5"), F("0.25"), F("0.5"), F("0.3"), F("0.13"), F(1))
RULES = """
[book.portfolio.portfolio_margin]
maintenance_factor = "0.8"
gain_offset = "0"
[book.portfolio.portfolio_margin.moves]
"+2 x 7/20" = "0.4"
[book.portfolio.portfolio_margin.weights]
"-2 x 7/20" = { BTC = "0.5" }
[book.portfolio.portfolio_margin.minimum_charge]
BTC = { rate = "0.0045", multipliers = [["0", "1"], ["10000", "2"]] }
"""


def test_a_policy_without_the_table_has_no_parameters() -> None:
    book = parse_policy(POLICY).books["portfolio"]
    assert book.parameters is None
    assert "parameters" not in book.to_json()


def test_values_and_defaults() -> None:
    rules = parse_policy(POLICY + RULES).books["portfolio"].parameters
    assert rules == PortfolioMargin(
        maintenance_factor=F("0.8"),
        gain_offset=F(0),
        moves={"+2 x 7/20": {"*": F("0.4")}},
        weights={"-2 x 7/20": {"BTC": F("0.5")}},
        minimum_charge={"BTC": MinimumCharge(F("0.0045"), ((F(0), F(1)), (F(10_000), F(2))))},
    )


@pytest.mark.parametrize("name", ["deribit", "okx", "paradex"])
def test_presets_are_policies_and_round_trip(name: str) -> None:
    policy = parse_policy((cases.EXAMPLES / "policies" / f"{name}.toml").read_text())
    assert all(isinstance(book.parameters, PortfolioMargin) for book in policy.books.values())
    again = Policy.from_json(canonical.decode(canonical.encode(policy.to_json()), "policy"))
    assert again == policy
    assert check_policy(again) == []


def test_scenarios_may_be_named() -> None:
    own = 'scenarios = [{name = "crash", price = "-1"}, {price = "1", weight = "0.5"}]'
    book = parse_policy(POLICY.replace('scenarios = "span-16"', own)).books["portfolio"]
    assert [scenario.name for scenario in book.scenarios] == ["crash", "+1 x 1/2"]
    with pytest.raises(InputError, match="a scenario stands twice"):
        parse_policy(POLICY.replace('scenarios = "span-16"', own.replace("crash", "+1 x 1/2")))
    for name in ('"cra\\u0007sh"', "7"):
        with pytest.raises(InputError, match="scenarios"):
            parse_policy(POLICY.replace('scenarios = "span-16"', own.replace('"crash"', name)))


COIN: dict[str, Any] = {"settlement": "BTC", "price_range": {"BTC": F("0.16")}, "collateral": {"BTC": "cash"}}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "a factor of nothing": ({"maintenance_factor": F(0)}, {}, "maintenance_factor", "must be positive"),
    "a cap of nothing": ({"linear_cap": F(0)}, {}, "linear_cap", "must be positive"),
    "gains for more than themselves": ({"gain_offset": F("1.01")}, {}, "gain_offset", "not from 0 to 1"),
    "losses counted as gains": ({"gain_offset": F("-0.5")}, {}, "gain_offset", "not from 0 to 1"),
    "an offset in one grid": (
        {"gain_offset": F(0)},
        {"netting": "joint"},
        "gain_offset",
        "needs netting by underlying",
    ),
    "an unknown measure": ({"measure": "gold"}, {}, "measure", "unknown measure"),
    "two coins": (
        {"measure": "settlement"},
        COIN | {"price_range": {"BTC": F(0), "ETH": F(0)}},
        "measure",
        "not of its settlement",
    ),
    "measured in quote twice": (
        {"measure": "settlement"},
        COIN | {"settlement": "USD"},
        "measure",
        "not of its settlement",
    ),
    "other collateral": (
        {"measure": "settlement"},
        COIN | {"collateral": {"BTC": "cash", "USD": "cash"}},
        "measure",
        "collateral USD",
    ),
    "shocked by itself": (
        {"measure": "settlement"},
        COIN | {"collateral": {"BTC": "shocked"}},
        "measure",
        "collateral BTC",
    ),
    "moves of no scenario": ({"moves": {"boom": {"*": F(1)}}}, {}, "moves.boom", "no such scenario"),
    "moves of no underlying": (
        {"moves": {"0 up": {"XRP": F(1)}}},
        {},
        "moves.0 up.XRP",
        "has no price_range",
    ),
    "a move to nothing": ({"moves": {"0 up": {"BTC": F(-1)}}}, {}, "moves.0 up.BTC", "to 0 or below"),
    "weights of no scenario": ({"weights": {"boom": {"*": F(1)}}}, {}, "weights.boom", "no such scenario"),
    "a weight of nothing": ({"weights": {"0 up": {"*": F(0)}}}, {}, "weights.0 up.*", "must be positive"),
    "volatility of no underlying": (
        {"volatility": {"XRP": SHOCK}},
        {},
        "volatility.XRP",
        "has no price_range",
    ),
    "a negative range": ({"volatility": {"*": replace(SHOCK, up=F(-1))}}, {}, "volatility.*.up", "negative"),
    "volatility below 0": (
        {"volatility": {"*": replace(SHOCK, down=F(2))}},
        {},
        "volatility.*.down",
        "below 0",
    ),
    "a steep term structure": (
        {"volatility": {"*": replace(SHOCK, short_power=F(2))}},
        {},
        "volatility.*.short_power",
        "above 1",
    ),
    "a floor of no days": (
        {"volatility": {"*": replace(SHOCK, days_floor=F(0))}},
        {},
        "volatility.*.days_floor",
        "positive",
    ),
    "no volatility range at all": (
        {"volatility": {"BTC": SHOCK}},
        {"volatility_range": F(0)},
        "volatility.ETH",
        "missing",
    ),
    "a basis of no underlying": (
        {"basis": {"XRP": BasisMove(F(0), F(0))}},
        {},
        "basis.XRP",
        "has no price_range",
    ),
    "a negative basis": ({"basis": {"*": BasisMove(F(-1), F(0))}}, {}, "basis.*.minimum", "negative"),
    "a hedge for more than it hedges": (
        {"minimum_delta": {"*": DeltaRates(F("0.01"), F("0.021"))}},
        {},
        "minimum_delta.*.net",
        "below half the hedged rate",
    ),
    "a negative delta rate": (
        {"minimum_delta": {"*": DeltaRates(F("0.01"), F("-0.02"))}},
        {},
        "minimum_delta.*.hedged",
        "negative",
    ),
    "a negative charge": (
        {"minimum_charge": {"*": MinimumCharge(F(-1), ((F(0), F(1)),))}},
        {},
        "minimum_charge.*.rate",
        "negative",
    ),
    "no multipliers": (
        {"minimum_charge": {"*": MinimumCharge(F(1), ())}},
        {},
        "minimum_charge.*.multipliers",
        "0 brackets",
    ),
    "falling multipliers": (
        {"minimum_charge": {"*": MinimumCharge(F(1), ((F(0), F(2)), (F(9), F(1))))}},
        {},
        "minimum_charge.*.multipliers",
        "a rate falls",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_convex_or_names_nothing_is_refused(case: str) -> None:
    rules, changes, name, message = REFUSED[case]
    book = sm.book(**{"parameters": PortfolioMargin(**rules)} | changes)
    found = [(p.column, p.message) for p in check_policy(sm.policy(book)) if p.column is not None]
    assert any(c == f"book.portfolio.portfolio_margin.{name}" and message in m for c, m in found), found


def test_the_good_parameters_are_taken() -> None:
    rules = PortfolioMargin(
        maintenance_factor=F("0.8"),
        linear_cap=F(1),
        gain_offset=F(1),
        moves={"0 up": {"BTC": F("-0.99")}},
        weights={"0 up": {"*": F(2)}},
        volatility={"*": SHOCK},
        basis={"BTC": BasisMove(F(0), F(1))},
        minimum_delta={"*": DeltaRates(F("0.01"), F("0.02"))},
        minimum_charge={"ETH": MinimumCharge(F(0), ((F(0), F(1)), (F(5), F(1))))},
    )
    assert check_policy(sm.policy(sm.book(parameters=rules))) == []
    coin = sm.book(**COIN, parameters=PortfolioMargin(measure="settlement"))
    assert check_policy(sm.policy(coin)) == []


def test_a_book_measured_in_a_coin_takes_its_contracts_alone() -> None:
    coin = sm.policy(sm.book(**COIN, parameters=PortfolioMargin(measure="settlement")))
    problems = check_together(coin, sm.market())
    assert {problem.column for problem in problems} == {"book.portfolio.portfolio_margin.measure"}
    named = {problem.message.split("'")[1] for problem in problems}
    assert named == {"BTC-PERP", "BTC-MAR26", "BTC-MAR26-110000-C", "BTC-MAR26-90000-P"}  # settled in USD
    assert problems[0].hint is not None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('maintenance_factor = "0.8"', 'maintenance_factor = "0.8"\ncolour = "red"', "unknown key"),
        ('rate = "0.0045", ', "", "missing"),
        ('rate = "0.0045"', 'rate = "0.0045", colour = "red"', "unknown key"),
        ('[["0", "1"], ["10000", "2"]]', '"1"', "not an array of"),
        ('"+2 x 7/20" = "0.4"', '"+2 x 7/20" = 0.4', "a decimal in quotes"),
        ('{ BTC = "0.5" }', "{ BTC = 0.5 }", "a decimal in quotes"),
        (
            "[book.portfolio.portfolio_margin.moves]",
            '[book.portfolio.portfolio_margin.basis.BTC]\nminimum = "0.1"\n',
            "missing",
        ),
    ],
)
def test_what_is_no_such_table(old: str, new: str, message: str) -> None:
    assert old in RULES
    with pytest.raises(InputError) as caught:
        parse_policy(POLICY + RULES.replace(old, new))
    assert any(message in problem.message for problem in caught.value.problems)


@pytest.mark.parametrize(
    "change",
    [
        {"maintenance_factor": None},
        {"moves": []},
        {"moves": {"0 up": "1"}},
        {"basis": {"*": {"minimum": "1"}}},
        {"minimum_charge": {"*": {"rate": "1", "multipliers": "1"}}},
        {"gain_offset": "x"},
        {"colour": "red"},
    ],
)
def test_json_of_another_shape_does_not_decode(change: dict[str, Any]) -> None:
    good = PortfolioMargin().to_json()
    assert PortfolioMargin.from_json(good, "x") == PortfolioMargin()
    with pytest.raises(DecodeError):
        PortfolioMargin.from_json({k: v for k, v in (good | change).items() if v is not None}, "x")
