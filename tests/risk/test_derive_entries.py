"""Public numbers of a portfolio-margin book: in the risk table, stored, computed again by the auditor."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
import small_market as sm
from derive_market import CALL, OPTIONS, SCENARIOS, compiled, market, pm2_book

from zkmargin import canonical
from zkmargin.errors import DecodeError, PolicyError, VerificationError
from zkmargin.inputs.market import time_text
from zkmargin.inputs.models.pm2_numbers import StaticDiscount, VolatilityShock
from zkmargin.inputs.models.srm_numbers import SrmOptionRates
from zkmargin.risk.derive.charges import OptionTerms, initial_charge, maintenance_charge, oracle_rate
from zkmargin.risk.derive.pm2_entries import book_market, long_factor
from zkmargin.risk.derive.pm2_pricing import pm2_prices
from zkmargin.risk.entries import Pnl, RiskTable
from zkmargin.risk.table import build_risk_table, compare, differences

F = Fraction


def table() -> RiskTable:
    return compiled("derive-pm2")[1]


def with_entry(stored: RiskTable, group: str, name: str, entry: Pnl) -> RiskTable:
    risk = stored.books["portfolio"]
    changed = replace(risk, **{group: getattr(risk, group) | {name: entry}})
    return replace(stored, books={"portfolio": changed})


def raised(entry: Pnl, by: int) -> Pnl:
    return replace(entry, values=tuple(value + by for value in entry.values))


def test_entries_bound_the_prices() -> None:
    policy, found, _ = compiled("derive-pm2")
    risk, book = found.books["portfolio"], policy.books["portfolio"]
    assert len(risk.scenarios) == len(SCENARIOS) + 2
    prices = pm2_prices(book.parameters.numbers, book_market(book, market()))  # type: ignore[union-attr]
    order = [item.name for item in market().contracts if item.name in OPTIONS]
    for s, row in enumerate([*prices.shocked, *prices.basis]):
        for name, price in zip(order, row.tolist(), strict=True):
            worth = F(price) * F("0.1")  # a lot is a tenth of a contract
            assert risk.pnl[name].long(s) <= worth <= -risk.pnl[name].short(s)
    at = time_text(sm.MARCH)
    factor = risk.factors[long_factor(at)]
    assert factor.long(0) <= F(float(prices.long[0])) <= -factor.short(0)
    assert risk.pnl["BTC-PERP"].long(0) == F("0.18") * F("100.01")
    assert risk.pnl["BTC"].long(1) == F("-0.09") * 10


def test_one_canonical_json() -> None:
    text = canonical.encode(table().to_json())
    assert RiskTable.from_json(canonical.decode(text, "risk")) == table()
    assert b'"factors"' in text
    broken = canonical.decode(text, "risk")
    broken["books"]["portfolio"]["factors"]["more"] = {}
    with pytest.raises(DecodeError, match=r"factors\.more"):
        RiskTable.from_json(broken)
    broken["books"]["portfolio"]["factors"] = {}
    with pytest.raises(DecodeError, match="left out"):
        RiskTable.from_json(broken)


def test_a_unit_of_a_float_is_tolerated_and_said() -> None:
    assert compare(table(), build_risk_table(compiled("derive-pm2")[0], market())) == 0
    risk, at = table().books["portfolio"], long_factor(time_text(sm.MARCH))
    value = differences(with_entry(table(), "pnl", CALL, raised(risk.pnl[CALL], 1)), table())
    assert value.per_lot == {CALL: risk.pnl[CALL].unit}
    factor = differences(with_entry(table(), "factors", at, raised(risk.factors[at], 1)), table())
    assert set(OPTIONS) <= set(factor.per_lot)
    assert 0 < factor.money < F("1e-6")


@pytest.mark.parametrize("by", [-2, 2])
def test_a_wrong_discount_or_value_is_found(by: int) -> None:
    risk, at = table().books["portfolio"], long_factor(time_text(sm.MARCH))
    for group, name in (("factors", at), ("pnl", CALL)):
        changed = with_entry(table(), group, name, raised(getattr(risk, group)[name], by))
        with pytest.raises(VerificationError, match="does not follow"):
            compare(changed, table())
    less = dict(risk.factors)
    del less[at]
    with pytest.raises(VerificationError, match="factors"):
        compare(replace(table(), books={"portfolio": replace(risk, factors=less)}), table())


@pytest.mark.parametrize(
    "numbers",
    [
        {"discount": StaticDiscount(long_addition=F(-(10**6)))},
        {"volatility": VolatilityShock(range_up=F(10**300), floor_days=F("1e-9"), short_term_power=F(900))},
    ],
)
def test_numbers_out_of_proportion(numbers: dict[str, Any]) -> None:
    soon = replace(market(), time=sm.MARCH - timedelta(days=1))
    with pytest.raises(PolicyError, match="not finite"):
        build_risk_table(sm.policy(pm2_book(**numbers)), soon)


def test_charges_by_hand() -> None:
    """Spot 1500: 7.5 % is 112.5, 10 % is 150, 15 % is 225; a put also 7.5 % of its mark, or 1.05 x maintenance."""
    rates = SrmOptionRates()
    call = OptionTerms(F(1500), F(80), F(1500), True)
    assert (maintenance_charge(rates, call), initial_charge(rates, call)) == (F("192.5"), F(305))
    assert initial_charge(rates, replace(call, strike=F(1530))) == F(275)
    assert initial_charge(rates, replace(call, strike=F(1900))) == F(230)
    put = OptionTerms(F(1500), F(3000), F(4500), False)
    assert maintenance_charge(rates, put) == F(3225)
    assert initial_charge(rates, put) == F("3386.25")
    assert oracle_rate(F("0.55"), F(1), F("0.55")) == 0
    assert oracle_rate(F("0.55"), F(1), F("0.5")) == F("0.5")
