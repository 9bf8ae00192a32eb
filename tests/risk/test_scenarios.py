"""Scenario P&L of every kind of instrument, against figures computed by hand or by another library."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from small_market import MARCH, TIME, UP_DOWN, F, book, contract, market, policy, spot_book
from vollib.black import black

from zkmargin.errors import PolicyError
from zkmargin.inputs.policy import Scenario
from zkmargin.risk.scenarios import common_unit
from zkmargin.risk.table import Pnl, build_risk_table


def pnl_of(name: str, *more: object, **changes: object) -> Pnl:
    table = build_risk_table(policy(book(**changes)), market(*more))
    return table.books["portfolio"].pnl[name]


def quote(pnl: Pnl) -> list[F]:
    return [pnl.long(scenario) for scenario in range(len(pnl.values))]


@pytest.mark.parametrize(
    ("name", "up"),
    [
        ("BTC", F("0.0001") * 100_000 * F("0.16")),
        ("BTC-PERP", F("0.001") * 100_010 * F("0.16")),
        ("BTC-MAR26", F("0.001") * 101_000 * F("0.16")),
        ("ETH-PERP", F("0.01") * 4_001 * F("0.18")),
        ("BTC-INVERSE", F(0)),  # in quote an inverse contract keeps its value: the risk is in its cost
    ],
)
def test_linear_and_inverse(name: str, up: F) -> None:
    pnl = pnl_of(name, scenarios=UP_DOWN)
    assert quote(pnl) == [up, -up]
    assert pnl.exact


@pytest.mark.parametrize(
    ("scenario", "r", "published"),
    [(0, F("0.16"), 0.043384601931034494), (1, F("-0.16"), -0.05991206933333334)],
)
def test_inverse_position_with_its_cost_is_the_coin_formula(scenario: int, r: F, published: float) -> None:
    """Deribit's example: BTC-PERPETUAL 0.314538364 entered at the mark gains q r / (1 + r) in coin."""
    table = build_risk_table(policy(book(scenarios=UP_DOWN)), market())
    pnl = table.books["portfolio"].pnl
    coins = F("0.314538364")
    contracts = coins * 100_000 / 10  # lots of 10 USD; a fraction of one here
    cost = -coins / F("0.0001")  # an inverse long's cost is -quantity x multiplier / entry
    total = contracts * pnl["BTC-INVERSE"].long(scenario) - cost * pnl["BTC"].long(scenario)
    in_coin = total / (100_000 * (1 + r))
    assert in_coin == coins * r / (1 + r)
    assert float(in_coin) == pytest.approx(published, rel=1e-9)


def test_span_16_moves_and_weights() -> None:
    per_range = F("0.001") * 100_010 * F("0.16")
    moves = [F(0), F(1, 3), F(-1, 3), F(2, 3), F(-2, 3), F(1), F(-1)]
    expected = [move * per_range for move in moves for _ in "ud"]
    expected += [F("0.35") * 2 * per_range, F("-0.35") * 2 * per_range]
    assert quote(pnl_of("BTC-PERP")) == expected


def test_option_against_vollib() -> None:
    pnl = pnl_of("BTC-MAR26-110000-C", interest=F("0.03"))
    years = (MARCH - TIME) / timedelta(days=365)
    base = black("c", 101_000, 110_000, years, 0.03, 0.5)
    scenarios = book().scenarios
    assert len(pnl.values) == 16
    for scenario, got in zip(scenarios, quote(pnl), strict=True):
        forward = 101_000 * float(1 + scenario.price * F("0.16"))
        volatility = 0.5 * float(1 + scenario.volatility * F("0.5"))
        expected = black("c", forward, 110_000, years, 0.03, volatility) - base
        assert float(got) == pytest.approx(0.1 * float(scenario.weight) * expected, abs=2e-9)
    assert not pnl.exact
    assert pnl.unit == F(1, 10**9)


def test_option_multiplier_and_short_side() -> None:
    name = "BTC-MAR26-90000-P"
    single = pnl_of(name)
    instruments = dict(market().instruments)
    doubled = replace(instruments[name], name="X", multiplier=F(2))
    double = (
        build_risk_table(
            policy(),
            market(doubled, mark={"X": F(6_200)}, volatility={"X": F("0.55")}),
        )
        .books["portfolio"]
        .pnl["X"]
    )
    for s in range(16):
        assert abs(double.values[s] * double.unit - 2 * single.values[s] * single.unit) <= 2 * double.unit
        assert single.short(s) == -(single.values[s] + 1) * single.unit


def test_a_heavy_scenario_has_a_coarser_unit() -> None:
    """The weight multiplies the noise of floats as well, so that recomputing stays within one unit."""
    plain = pnl_of("BTC-MAR26-110000-C", scenarios=(Scenario("x", F(1), F(1), F(1)),))
    heavy = pnl_of("BTC-MAR26-110000-C", scenarios=(Scenario("x", F(1), F(1), F(10**6)),))
    assert heavy.unit > plain.unit


@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=1)])
def test_expired_option_is_its_intrinsic_value_exactly(late: timedelta) -> None:
    table = build_risk_table(policy(book(scenarios=UP_DOWN)), market(time=MARCH + late, volatility={}))
    pnl = table.books["portfolio"].pnl["BTC-MAR26-110000-C"]
    assert pnl.exact
    assert quote(pnl) == [F("0.1") * (F("101000") * F("1.16") - 110_000), 0]
    assert pnl.short(0) == -pnl.long(0)


def test_expired_future_is_still_marked_and_moved() -> None:
    table = build_risk_table(policy(book(scenarios=UP_DOWN)), market(time=MARCH))
    assert quote(table.books["portfolio"].pnl["BTC-MAR26"])[0] == F("0.001") * 101_000 * F("0.16")


def test_units_by_underlying_and_joint() -> None:
    apart = build_risk_table(policy(), market()).books["portfolio"].units
    assert [(unit.name, unit.assets) for unit in apart] == [("BTC", ("BTC",)), ("ETH", ("ETH",))]
    assert apart[1].instruments == ("ETH-MAR26-4000-C", "ETH-PERP")
    assert apart[0].instruments[0] == "BTC-MAR26"  # by (kind, name): futures first
    assert apart[0].instruments[-2:] == ("BTC-INVERSE", "BTC-PERP")
    (joint,) = build_risk_table(policy(book(netting="joint")), market()).books["portfolio"].units
    assert joint.name == "joint"
    assert joint.assets == ("BTC", "ETH")
    assert set(joint.instruments) == {item.name for item in market().contracts}


QUANTO = contract("ETH-BTC", "ETH", "0.1", settlement="BTC")
QUANTO_MARK = {"ETH-BTC": F("0.04")}


def test_two_shocked_prices_are_refused_under_netting_by_underlying() -> None:
    with pytest.raises(PolicyError, match="joint") as caught:
        build_risk_table(policy(), market(QUANTO, mark=QUANTO_MARK))
    assert caught.value.code == "two-prices"


def test_two_shocked_prices_multiply_under_joint_netting() -> None:
    table = build_risk_table(
        policy(book(netting="joint", scenarios=UP_DOWN)), market(QUANTO, mark=QUANTO_MARK)
    )
    value = F("0.1") * F("0.04") * 100_000
    expected = [value * (F("1.18") * F("1.16") - 1), value * (F("0.82") * F("0.84") - 1)]
    assert quote(table.books["portfolio"].pnl["ETH-BTC"]) == expected


def test_inverse_of_two_prices_under_joint_netting() -> None:
    """Worth -size / mark of BTC: falls with a dearer BTC, rises with a dearer ETH."""
    inverse = contract("ETH-INVERSE", "ETH", "10", settlement="BTC", inverse=True)
    table = build_risk_table(
        policy(book(netting="joint", scenarios=UP_DOWN)), market(inverse, mark={"ETH-INVERSE": F(4_000)})
    )
    value = F(10, 4_000) * 100_000
    expected = [-value * (F("1.16") / F("1.18") - 1), -value * (F("0.84") / F("0.82") - 1)]
    assert quote(table.books["portfolio"].pnl["ETH-INVERSE"]) == expected


def test_an_option_settled_in_another_asset_depends_on_one_price() -> None:
    name, other = "ETH-MAR26-4000-C", "ETH-IN-BTC"
    twin = replace(market().instruments[name], name=other, settlement="BTC")
    prices = market(twin, mark={other: F("0.003")}, volatility={other: F("0.7")})
    pnl = build_risk_table(policy(), prices).books["portfolio"].pnl
    assert pnl[other] == pnl[name]


def test_contract_in_its_own_underlying_moves_twice() -> None:
    coin = contract("BTC-COIN", "BTC", "1", settlement="BTC", multiplier=F(1, 10**6))
    table = build_risk_table(policy(book(scenarios=UP_DOWN)), market(coin, mark={"BTC-COIN": F(100_000)}))
    value = F(1, 10**6) * 100_000 * 100_000
    assert quote(table.books["portfolio"].pnl["BTC-COIN"])[0] == value * (F("1.16") ** 2 - 1)


def test_underlyings_without_a_range_are_not_margined() -> None:
    table = build_risk_table(policy(book(price_range={"BTC": F("0.16")})), market())
    risk = table.books["portfolio"]
    assert "ETH-PERP" not in risk.pnl
    assert "ETH" not in risk.pnl
    assert [unit.name for unit in risk.units] == ["BTC"]
    assert "ETH-MAR26-4000-C" not in table.short_minimum["portfolio"]


def test_short_minimum_is_a_rate_of_the_index() -> None:
    table = build_risk_table(policy(), market(index={"BTC": F(100_500)}))
    assert table.short_minimum["portfolio"]["BTC-MAR26-90000-P"] == F("0.005") * 100_500 * F("0.1")


def test_collateral_book_has_no_scenarios() -> None:
    table = build_risk_table(policy(book(), spot_book()), market())
    assert table.books["spot"].units == ()
    assert table.books["spot"].pnl == {}
    assert "spot" not in table.short_minimum


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price_range": {"BTC": F("0.6"), "ETH": F("0.18")}}, "scenario-price"),  # extreme: -120 %
        ({"volatility_range": F("1.5")}, "scenario-volatility"),
        ({"price_range": {"BTC": F("0.16"), "ETH": F("0.18"), "USD": F("0.1")}}, "price-range"),
        ({"price_range": {"BTC": F("0.16"), "ETH": F("0.18"), "DOGE": F("0.1")}}, "price-range"),
        ({"collateral": {"SOL": "shocked"}}, "price-range"),
        ({"price_range": {"BTC": F("0.5"), "ETH": F("0.18")}}, "scenario-price"),  # inverse at price 0
    ],
)
def test_policies_that_cannot_be_priced_are_refused(changes: dict[str, object], code: str) -> None:
    with pytest.raises(PolicyError) as caught:
        build_risk_table(policy(book(**changes)), market())
    assert caught.value.code == code


def test_price_may_fall_to_zero_where_nothing_is_inverse() -> None:
    crash = (Scenario("crash", F(-1), F(0)),)
    with pytest.raises(PolicyError, match="inverse"):
        build_risk_table(policy(book(scenarios=crash, price_range={"BTC": F(1)})), market())
    full = market()
    linear = replace(full, instruments={k: v for k, v in full.instruments.items() if not v.inverse})
    table = build_risk_table(policy(book(scenarios=crash, price_range={"BTC": F(1)})), linear)
    assert quote(table.books["portfolio"].pnl["BTC"]) == [-F("0.0001") * 100_000]


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([F(0), F(0)], F(1)),
        ([F(1, 2), F(-1, 3)], F(1, 6)),
        ([F(6), F(-9), F(0)], F(3)),
        ([F("0.35"), F("-1.6")], F("0.05")),
    ],
)
def test_common_unit_is_the_largest(values: list[F], unit: F) -> None:
    assert common_unit(values) == unit
