"""Black-76 against another library, limits by hand, and where floats end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import exp, floor, inf, nan

import numpy as np
import pytest
from vollib.black import black

from zkmargin.errors import PolicyError
from zkmargin.risk.pricing import black76, floor_pnl, inexact_unit, years_between


def price(forward: float, strike: float, volatility: float, years: float, rate: float, right: str) -> float:
    arguments = [np.array([[value]]) for value in (forward, strike, volatility, years)]
    return float(black76(*arguments, rate, np.array([[right == "call"]]))[0, 0])


def test_published_vector() -> None:
    """S=600, K=1000, r=0.05, t=0.5, v=0.3 on spot is Black-76 on the forward S exp(r t)."""
    forward = 600 * exp(0.05 * 0.5)
    assert price(forward, 1000, 0.3, 0.5, 0.05, "call") == pytest.approx(0.6086606992, abs=5e-11)
    assert price(forward, 1000, 0.3, 0.5, 0.05, "put") == pytest.approx(375.9185727, abs=5e-8)


@pytest.mark.parametrize("right", ["call", "put"])
@pytest.mark.parametrize("rate", [0.0, 0.05])
def test_agrees_with_vollib_on_a_grid_at_once(right: str, rate: float) -> None:
    forwards = np.array([[20_000.0, 84_000.0, 100_000.0, 116_000.0, 300_000.0]])
    rows = [
        (k, v, t) for k in (40_000, 100_000, 250_000) for v in (0.05, 0.6, 2.0) for t in (1e-4, 0.15, 2.0)
    ]
    strike, volatility, years = (np.array([[row[i]] for row in rows], dtype=float) for i in range(3))
    ours = black76(forwards, strike, volatility, years, rate, np.array([[right == "call"]]))
    for row, (k, v, t) in enumerate(rows):
        for column, forward in enumerate(forwards[0]):
            theirs = black(right[0], forward, k, t, rate, v)
            assert ours[row, column] == pytest.approx(theirs, rel=1e-9, abs=1e-7)


@pytest.mark.parametrize(
    ("forward", "volatility", "years", "right", "expected"),
    [
        (120.0, 0.5, 0.0, "call", 20.0),  # at expiry
        (120.0, 0.5, -1.0, "call", 20.0),  # after: no discount either
        (80.0, 0.5, -1.0, "put", 20.0),
        (80.0, 0.5, 0.0, "call", 0.0),
        (120.0, 0.0, 1.0, "call", 20.0 * exp(-0.05)),  # no volatility: discounted intrinsic value
        (100.0, 0.0, 1.0, "call", 0.0),
        (0.0, 0.5, 1.0, "call", 0.0),  # worthless underlying
        (0.0, 0.5, 1.0, "put", 100.0 * exp(-0.05)),
    ],
)
def test_limits(forward: float, volatility: float, years: float, right: str, expected: float) -> None:
    assert price(forward, 100.0, volatility, years, 0.05, right) == pytest.approx(expected, abs=1e-12)


def test_years_are_act_365() -> None:
    start = datetime(2027, 12, 31, 8, tzinfo=UTC)
    assert years_between(start, start + timedelta(days=365)) == 1.0  # 2028 is a leap year
    assert years_between(start, start - timedelta(hours=12)) == -0.5 / 365


def test_floats_end_in_floors_of_exact_products() -> None:
    factors = [Fraction(1, 10), Fraction(7, 200), Fraction(1, 10), Fraction(1, 10)]
    change = [1.0, -1.0, -1e-30, 0.0]
    unit = Fraction(1, 10**9)
    got = floor_pnl("X", change, factors, unit)
    assert got == (10**8, -35_000_000, -1, 0)
    assert got == tuple(floor(Fraction(c) * f / unit) for c, f in zip(change, factors, strict=True))


@pytest.mark.parametrize("value", [inf, -inf, nan])
def test_a_price_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(PolicyError, match="not finite"):
        floor_pnl("X", [value], [Fraction(1)], Fraction(1))


def test_units_stay_above_what_float64_can_tell_apart() -> None:
    assert inexact_unit(Fraction(10_000)) == Fraction(1, 10**9)
    assert inexact_unit(Fraction(10**5)) == Fraction(1, 10**9)
    assert inexact_unit(Fraction(10**5) + 1) == Fraction(1, 10**8)
    assert inexact_unit(Fraction(10**9)) == Fraction(1, 10**5)
