"""Shocks by underlying, measures and deltas: against figures computed by hand or by another library."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest
import small_market as sm
from vollib.black import black
from vollib.black.greeks.analytical import delta as black_delta

from zkmargin import canonical
from zkmargin.errors import DecodeError, VerificationError
from zkmargin.inputs.models.named_rates import BasisMove, DeltaRates, VolatilityShock
from zkmargin.inputs.models.scenarios import MinimumCharge, PortfolioMargin
from zkmargin.inputs.policy import BookPolicy, Scenario
from zkmargin.risk.comparison import differences
from zkmargin.risk.deltas import basis_rate, cash_delta
from zkmargin.risk.entries import Pnl, RiskTable
from zkmargin.risk.shocks import stressed_volatilities, term_scale
from zkmargin.risk.table import build_risk_table

F = Fraction
CALL, PUT = "BTC-MAR26-110000-C", "BTC-MAR26-90000-P"
SHOCK = VolatilityShock(F("0.5"), F("0.25"), F("0.5"), F("0.3"), F("0.13"), F(1))
MOVES = (Scenario("up", F(1), F(1)), Scenario("down", F(-1), F(-1)), Scenario("crash", F(0), F(1), F("0.25")))
YEARS = 56 / 365


def charged(**rules: object) -> BookPolicy:
    return sm.book(
        scenario_set="custom",
        scenarios=MOVES,
        parameters=PortfolioMargin(**rules),  # type: ignore[arg-type]
    )


def pnl_of(name: str, book: BookPolicy) -> list[Fraction]:
    pnl = build_risk_table(sm.policy(book), sm.market()).books["portfolio"].pnl[name]
    return [pnl.long(scenario) for scenario in range(len(pnl.values))]


def test_moves_and_weights_by_underlying() -> None:
    book = charged(
        moves={"crash": {"BTC": F("-0.66"), "*": F("-0.5")}},
        weights={"crash": {"ETH": F("0.3")}, "up": {"*": F(2)}},
    )
    perp, ether = F("100.01"), F("40.01")  # values of a lot
    assert pnl_of("BTC-PERP", book) == [
        2 * F("0.16") * perp,
        -F("0.16") * perp,
        F("0.25") * F("-0.66") * perp,
    ]
    assert pnl_of("ETH-PERP", book) == [
        2 * F("0.18") * ether,
        -F("0.18") * ether,
        F("0.3") * F("-0.5") * ether,
    ]
    assert pnl_of("BTC", book)[2] == F("0.25") * F("-0.66") * 10


def test_everything_but_options_stays_within_the_cap() -> None:
    book = charged(moves={"crash": {"*": F("-0.66")}}, linear_cap=F("1.5"), volatility={"*": SHOCK})
    assert pnl_of("BTC-PERP", book)[2] == F("0.25") * F("-0.24") * F("100.01")
    assert pnl_of("BTC", book)[2] == F("0.25") * F("-0.24") * 10
    sigma = 0.55 * (1 + 0.5 * (30 / 56) ** 0.13)
    change = black("p", 101_000 * 0.34, 90_000, YEARS, 0.0, sigma) - black(
        "p", 101_000, 90_000, YEARS, 0.0, 0.55
    )
    assert float(pnl_of(PUT, book)[2]) == pytest.approx(0.25 * 0.1 * change, rel=1e-9)


def test_volatility_has_a_term_structure() -> None:
    assert term_scale(SHOCK, 30 / 365) == 1
    assert term_scale(SHOCK, 15 / 365) == pytest.approx(2**0.3)
    assert term_scale(SHOCK, 60 / 365) == pytest.approx(0.5**0.13)
    assert term_scale(SHOCK, 0.1 / 365) == term_scale(SHOCK, 1 / 365) == pytest.approx(30**0.3)
    book = charged(volatility={"*": SHOCK})
    up, down, crash = stressed_volatilities(book, "BTC", 0.6, 15 / 365)
    assert up == crash == pytest.approx(0.6 * (1 + 0.5 * 2**0.3))
    assert down == pytest.approx(0.6 * (1 - 0.25 * 2**0.3))
    assert stressed_volatilities(book, "BTC", 0.2, 30 / 365) == [
        0.5,
        pytest.approx(0.15),
        0.5,
    ]  # the minimum, up only
    steep = replace(SHOCK, down=F(1))
    assert stressed_volatilities(charged(volatility={"*": steep}), "BTC", 0.6, 1 / 365)[1] == 0.0


def test_an_underlying_without_a_shock_of_its_own_has_the_plain_range() -> None:
    book = charged(volatility={"BTC": SHOCK})
    assert stressed_volatilities(book, "ETH", 0.7, 0.1) == pytest.approx([1.05, 0.35, 1.05])


def test_measured_in_the_settlement_asset() -> None:
    """Each value in coins at its shocked price; coins are worth one another, what is owed in quote is not."""
    coin = sm.option("BTC-C-COIN", "BTC", "0.1", 110_000, "call", settlement="BTC")
    own = replace(
        charged(measure="settlement"),
        settlement="BTC",
        price_range={"BTC": F("0.16")},
        collateral={"BTC": "cash"},
    )
    base = sm.market(coin, mark={"BTC-C-COIN": F("0.045")}, volatility={"BTC-C-COIN": F("0.5")})
    kept = {k: v for k, v in base.instruments.items() if v.kind == "spot" or v.settlement == "BTC"}
    market = replace(base, instruments=kept)
    table = build_risk_table(sm.policy(own), market)
    risk = table.books["portfolio"]
    assert [(unit.name, unit.assets) for unit in risk.units] == [("BTC", ("USD",))]
    inverse, dollar = risk.pnl["BTC-INVERSE"], risk.pnl["USD"]
    assert inverse.long(0) == -10 * (1 / F("1.16") - 1)  # 10 USD a lot: short of dollars, so a gain
    assert inverse.long(1) == -10 * (1 / F("0.84") - 1)
    assert dollar.long(1) == F("0.01") * (1 / F("0.84") - 1)
    after = black("c", 101_000 * 0.84, 110_000, YEARS, 0.0, 0.25) / 0.84
    change = after - black("c", 101_000, 110_000, YEARS, 0.0, 0.5)
    assert float(risk.pnl["BTC-C-COIN"].long(1)) == pytest.approx(0.1 * change, rel=1e-9)


DELTAS = {
    "basis": {"basis": {"*": BasisMove(F("0.01"), F("0.075"))}},
    "minimum_delta": {"minimum_delta": {"*": DeltaRates(F("0.02"), F("0.01"))}},
    "minimum_charge": {"minimum_charge": {"*": MinimumCharge(F("0.0045"), ((F(0), F(1)),))}},
}


@pytest.fixture(scope="module")
def table() -> RiskTable:
    return build_risk_table(sm.policy(charged(**DELTAS["basis"])), sm.market())


def test_deltas_are_in_the_table_where_they_are_charged(table: RiskTable) -> None:
    options = {CALL, PUT, "ETH-MAR26-4000-C"}
    for rules in DELTAS.values():
        found = build_risk_table(sm.policy(charged(**rules)), sm.market())
        assert set(found.books["portfolio"].delta) == options
    plain = build_risk_table(sm.policy(charged()), sm.market())
    assert plain.books["portfolio"].delta == {}
    assert b'"delta"' not in canonical.encode(plain.to_json())
    assert RiskTable.from_json(canonical.decode(canonical.encode(table.to_json()), "risk")) == table


def test_deltas_of_options_are_floored(table: RiskTable) -> None:
    market, risk = sm.market(), table.books["portfolio"]
    for name, flag, strike, sigma in ((CALL, "c", 110_000, 0.5), (PUT, "p", 90_000, 0.55)):
        exact = black_delta(flag, 101_000, strike, YEARS, 0.0, sigma) * 0.1 * 100_000
        found = cash_delta(market, risk, market.instruments[name])
        assert not found.exact
        assert float(found.long(0)) == pytest.approx(exact, abs=1e-8)
        assert found.long(0) < -found.short(0) == found.long(0) + found.unit


def test_deltas_of_everything_else_are_exact(table: RiskTable) -> None:
    market, risk = sm.market(), table.books["portfolio"]
    expected = {"BTC-PERP": 100, "BTC-MAR26": 100, "ETH-PERP": 40, "BTC-INVERSE": 10}
    for name, delta in expected.items():
        found = cash_delta(market, risk, market.instruments[name])
        assert (found.exact, found.long(0), found.short(0)) == (True, delta, -delta)


@pytest.mark.parametrize(("name", "delta"), [(CALL, 0), (PUT, -10_000)])
def test_after_expiry_an_option_moves_with_what_it_pays(name: str, delta: int) -> None:
    at = {("BTC", sm.MARCH): F(80_000)}
    market = sm.market(time=sm.MARCH, forward=at, volatility={})
    found = build_risk_table(sm.policy(charged(**DELTAS["basis"])), market).books["portfolio"]
    assert found.delta == {}
    assert cash_delta(market, found, market.instruments[name]).long(0) == delta


def test_the_rate_of_a_basis_is_exact() -> None:
    market, move = sm.market(), BasisMove(F("0.01"), F("0.075"))
    assert basis_rate(market, move, None) == F("0.01")
    assert basis_rate(market, move, sm.MARCH) == F("0.075") * F(56, 365)
    assert basis_rate(market, move, sm.TIME + timedelta(days=10)) == F("0.01")
    assert basis_rate(market, move, sm.TIME - timedelta(days=500)) == F("0.01")


def moved(table: RiskTable, by: int) -> RiskTable:
    risk = table.books["portfolio"]
    delta = replace(risk.delta[CALL], values=(risk.delta[CALL].values[0] + by,))
    return replace(table, books={"portfolio": replace(risk, delta=risk.delta | {CALL: delta})})


def test_one_unit_of_a_delta_is_tolerated_and_priced(table: RiskTable) -> None:
    found = differences(moved(table, 1), table)
    assert (found.entries, found.money) == (1, table.books["portfolio"].delta[CALL].unit)
    with pytest.raises(VerificationError, match=f"delta of {CALL}"):
        differences(moved(table, 2), table)
    without = replace(table, books={"portfolio": replace(table.books["portfolio"], delta={})})
    with pytest.raises(VerificationError, match="instruments with delta"):
        differences(without, table)


@pytest.mark.parametrize(
    "delta", [{"XRP-C": Pnl(F(1), (1,), exact=False)}, {CALL: Pnl(F(1), (1, 2), exact=False)}]
)
def test_deltas_of_other_things_do_not_decode(table: RiskTable, delta: dict[str, Pnl]) -> None:
    wrong = replace(table, books={"portfolio": replace(table.books["portfolio"], delta=delta)})
    with pytest.raises(DecodeError, match="deltas"):
        RiskTable.from_json(canonical.decode(canonical.encode(wrong.to_json()), "risk"))


def test_no_deltas_have_one_spelling(table: RiskTable) -> None:
    found = canonical.decode(canonical.encode(table.to_json()), "risk")
    found["books"]["portfolio"]["delta"] = {}
    with pytest.raises(DecodeError, match="or left out"):
        RiskTable.from_json(found)
