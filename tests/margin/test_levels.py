"""Ratio and level: exact comparisons, also where int64 would wrap."""

from __future__ import annotations

import numpy as np
import pytest
from small_market import F

from zkmargin.margin.levels import NORMAL, level_indices, level_of, ratio, ratio_text
from zkmargin.sparse import integers

LEVELS = (("warning", F("1.5")), ("call", F("1.1")), ("liquidation", F(1)))


@pytest.mark.parametrize(
    ("equity", "requirement", "level"),
    [
        (150, 100, NORMAL),
        (149, 100, "warning"),
        (110, 100, "warning"),
        (109, 100, "call"),
        (100, 100, "call"),
        (99, 100, "liquidation"),
        (-5, 100, "liquidation"),
        (0, 0, NORMAL),
        (7, 0, NORMAL),
        (-1, 0, "liquidation"),
        (15 * 10**30, 10**31, NORMAL),
        (15 * 10**30 - 1, 10**31, "warning"),
    ],
)
def test_levels(equity: int, requirement: int, level: str) -> None:
    assert level_of(equity, requirement, LEVELS) == level


def test_unhealthy_is_at_least_the_first_level_not_above_one() -> None:
    """Lighter: maintenance 1, close-out fraction two thirds of it."""
    levels = (*LEVELS, ("close-out", F(2, 3)))
    found = [level_of(equity, 300, levels) for equity in (331, 329, 299, 200, 199, -1)]
    assert found == ["warning", "call", "liquidation", "liquidation", "close-out", "close-out"]
    assert [level_of(equity, 0, levels) for equity in (0, -1)] == [NORMAL, "close-out"]
    assert level_of(99, 100, (("warning", F("1.5")),)) == "warning"
    assert level_of(95, 100, (("call", F("1.1")), ("close-out", F("0.9")))) == "close-out"
    assert level_of(105, 100, (("call", F("1.1")), ("close-out", F("0.9")))) == "call"


@pytest.mark.parametrize("power", [10, 58, 59, 60, 61])
def test_products_do_not_wrap(power: int) -> None:
    equity, requirement = integers([2**power, 2**power - 1]), integers([2**power, 2**power])
    assert list(level_indices(equity, requirement, LEVELS)) == [1, 2]
    plenty = integers([2**power]), integers([2 ** (power - 2)])
    assert list(level_indices(*plenty, LEVELS)) == [-1]


def test_many_at_once() -> None:
    got = level_indices(np.array([150, 149, 99]), np.array([100, 100, 100]), LEVELS)
    assert list(got) == [-1, 0, 2]
    assert list(level_indices(np.array([], dtype=np.int64), np.array([], dtype=np.int64), LEVELS)) == []


@pytest.mark.parametrize(
    ("equity", "requirement", "text"),
    [(3, 2, "1.5000"), (2, 3, "0.6666"), (-1, 3, "-0.3334"), (0, 0, "infinite"), (-1, 0, "-infinite")],
)
def test_ratio_text_rounds_down(equity: int, requirement: int, text: str) -> None:
    assert ratio_text(equity, requirement) == text


def test_ratio_is_exact() -> None:
    assert ratio(10**30 + 1, 10**30) == F(10**30 + 1, 10**30)
    assert ratio(1, 0) is None
