"""Small public files that would ask a verifier for hours of work or for all its memory: refused before it begins."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_market import F, book, contract, market, policy

from zkmargin import limits
from zkmargin.errors import PolicyError
from zkmargin.inputs.market_rules import check_market, check_together
from zkmargin.inputs.models.correlations import Correlations
from zkmargin.inputs.models.sensitivities import Sensitivities
from zkmargin.inputs.policy import Scenario
from zkmargin.inputs.policy_rules import check_policy
from zkmargin.risk.scenarios import MOST_DENOMINATOR, common_unit
from zkmargin.risk.table import build_risk_table


def moves(count: int) -> tuple[Scenario, ...]:
    return tuple(Scenario(f"s{i}", F(i, 10_000), F(0)) for i in range(count))


def contracts(count: int) -> tuple[list[object], dict[str, F]]:
    names = [f"K{i}" for i in range(count)]
    return [contract(name, "BTC", "0.001") for name in names], dict.fromkeys(names, F(100_000))


def test_scenarios_times_instruments_are_bounded() -> None:
    """Each scenario has a coefficient per bit that it revalues: 10,000 x 1,000 contracts were some 90 GB."""
    more, marks = contracts(1_000)
    wide = market(*more, mark=marks)  # type: ignore[arg-type]
    few, many = (policy(book(scenario_set="custom", scenarios=moves(count))) for count in (16, 10_000))
    assert check_policy(many) == check_market(wide) == check_together(few, wide) == []
    assert [problem.message for problem in check_together(many, wide)] == [
        "too many scenarios for so many instruments"
    ]


def test_two_books_share_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    one = policy(book())
    two = replace(one, books={"a": replace(book(), id="a"), "b": replace(book(), id="b")})
    monkeypatch.setattr(limits, "MAX_REVALUED", 12_000)
    assert check_together(one, market()) == []
    assert len(check_together(two, market())) == 1


def test_correlations_of_too_many_factors_are_not_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A square of factors: 400 underlyings with 64 buckets took a minute, 4,000 would take hours."""
    buckets = tuple(F(days) for days in range(1, 64))
    rules = Sensitivities(buckets, F(0), Correlations(F(0), F(0), F(0)))
    ranges = {f"A{i}": F("0.1") for i in range(2)}
    shapes = {"price_range": ranges, "scenario_set": "custom", "scenarios": (), "collateral": {}}
    monkeypatch.setattr(Sensitivities, "matrices", lambda *_: pytest.fail("written out"))
    found = check_policy(policy(book(model="sensitivities", parameters=rules, **shapes)))
    assert [problem.message for problem in found] == ["128 risk factors"]


def test_denominators_that_grow_with_the_scenarios() -> None:
    """Coprime denominators multiply: 10,000 of 50 digits made a unit of half a million digits."""
    values = [F(1, 10**50 + 2 * i + 1) for i in range(10_000)]
    with pytest.raises(PolicyError) as refused:
        common_unit(values)
    assert refused.value.code == "scenario-digits"
    shocks = tuple(Scenario(f"s{i}", F(1, 10**20 + 2 * i + 1), F(0)) for i in range(100))
    with pytest.raises(PolicyError, match="more digits"):
        build_risk_table(policy(book(scenario_set="custom", scenarios=shocks)), market())


def test_as_many_digits_as_can_be_stored_are_accepted() -> None:
    assert common_unit([F(1, MOST_DENOMINATOR), F(0)]) == F(1, MOST_DENOMINATOR)
