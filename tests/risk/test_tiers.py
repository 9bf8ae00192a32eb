"""Haircut schedules: whole lots and quanta, never below the rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_market import F

from zkmargin.errors import PolicyError
from zkmargin.inputs.policy_rules import tier_value
from zkmargin.risk.tiers import haircut_schedule

QUANTUM = F(1, 10**6)


def haircut(lots: int, schedule: list[tuple[int, int]]) -> int:
    """Read a schedule lot by tier, the definition."""
    ends = [knot for knot, _ in schedule[1:]] + [lots]
    parts = (max(0, min(lots, end) - knot) * rate for (knot, rate), end in zip(schedule, ends, strict=True))
    return sum(parts)


def test_knots_in_lots_and_haircuts_in_quanta() -> None:
    tiers = ((F(0), F("0.95")), (F(1_000_000), F("0.9")), (F("1000000.2"), F("0.5")))
    assert haircut_schedule(tiers, 4_000_001, QUANTUM) == [
        (0, 200_001),  # 200,000.05 up
        (249_999, 2_000_001),  # 249,999.9 down; the second tier is shorter than a lot, so the third holds
    ]


@pytest.mark.parametrize(
    "tiers",
    [
        (),
        ((F(1), F("0.9")),),
        ((F(0), F("0.9")), (F(0), F("0.8"))),
        ((F(0), F("0.8")), (F(10), F("0.9"))),
        ((F(0), F("1.1")),),
        ((F(0), F("0.1")), (F(10), F("-0.1"))),
    ],
)
def test_tiers_that_are_not_concave_are_refused(tiers: tuple[tuple[F, F], ...]) -> None:
    with pytest.raises(PolicyError, match="collateral"):
        haircut_schedule(tiers, 1_000, QUANTUM)


@st.composite
def rules(draw: st.DrawFn) -> tuple[tuple[F, F], ...]:
    count = draw(st.integers(1, 5))
    starts = draw(st.lists(st.integers(1, 2_000_000), min_size=count - 1, max_size=count - 1, unique=True))
    rates = draw(st.lists(st.integers(0, 1_000), min_size=count, max_size=count))
    return tuple(
        (F(start, 100), F(rate, 1_000))
        for start, rate in zip([0, *sorted(starts)], sorted(rates, reverse=True), strict=True)
    )


@given(rules(), st.integers(1, 10**9), st.integers(0, 10**6))
def test_never_below_the_rule(tiers: tuple[tuple[F, F], ...], lot_value: int, lots: int) -> None:
    value = lots * lot_value * QUANTUM
    rule = (value - tier_value(tiers, value)) / QUANTUM
    got = haircut(lots, haircut_schedule(tiers, lot_value, QUANTUM))
    assert rule <= got <= lots * lot_value
