"""Power laws by chords: convex, never below, above by what the docstring says."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from circuit_cases import broken, columns, two_positions

from zkmargin.circuits.atoms import chords, piecewise
from zkmargin.circuits.circuit import R
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.parameters import Named
from zkmargin.errors import CircuitError, CurvatureError

F = Fraction


def value(knots: list[int], slopes: list[Fraction], x: int) -> Fraction:
    ends = [*knots[1:], max(x, knots[-1])]
    return sum(
        (
            slope * (min(x, end) - knot)
            for knot, end, slope in zip(knots, ends, slopes, strict=True)
            if x > knot
        ),
        F(0),
    )


@pytest.mark.parametrize(
    ("exponent", "per_doubling", "excess"),
    [
        ("1.5", 2, "0.012"),
        ("2", 2, "0.031"),
        ("1.5", 4, "0.003"),
        ("2", 4, "0.008"),
        ("1.6", 2, "0.015"),
        ("1", 2, 0),
    ],
)
def test_never_below_and_close_above(exponent: str, per_doubling: int, excess: str) -> None:
    """In whole numbers: chord^q >= x^p, where the exponent is p / q."""
    p, q = F(exponent).as_integer_ratio()
    knots, slopes = chords("impact", exponent, 3000, per_doubling=per_doubling)
    assert all(a <= b for a, b in pairwise(slopes))
    worst = F(0)
    for x in range(1, 3001):
        chord = value(knots, slopes, x)
        assert chord**q >= F(x) ** p
        if x > 256:
            worst = max(worst, chord**q / F(x) ** p)
    assert worst <= (1 + F(excess)) ** q
    if excess:
        assert worst >= (1 + F(excess) / 2) ** q  # and the bound says something


def test_coefficient_and_lot_are_of_the_law() -> None:
    knots, slopes = chords("impact", 2, 100, coefficient="0.25", lot="0.1")
    assert value(knots, slopes, 64) == F("0.25") * F("6.4") ** 2
    assert knots[:8] == [0, 1, 2, 3, 4, 6, 8, 11]
    knots, slopes = chords("impact", "1.5", 100, coefficient=3, lot="0.04")
    assert value(knots, slopes, 16) == 3 * F("0.8") ** 3 / 1
    assert chords("impact", "1.5", 64, first=16)[0] == [0, 16, 23, 32, 45]


def test_as_a_requirement() -> None:
    schedule = chords("impact", "1.5", 15)
    book = two_positions(lambda p, q: piecewise("impact", p.gross, *schedule) * 100)
    lots = range(-15, 16)
    found = book.program.run(columns(*({("position", "P"): x} for x in lots)), len(lots)).outputs[:, R]
    for x, r in zip(lots, found, strict=True):
        exact = 100 * value(*schedule, abs(x))
        assert exact <= int(r) <= exact + abs(x)
    assert broken(book.circuit, CircuitFacts({"P": 0, "Q": 0}, {})) == set()


def test_refusals() -> None:
    with pytest.raises(CurvatureError) as caught:
        chords("impact ETH", Named("0.5", "impact.exponent"), 100)
    assert str(caught.value) == (
        "impact ETH: a power law is convex from exponent 1 on, not with impact.exponent = 0.5"
    )
    with pytest.raises(CircuitError) as refused:
        chords("impact ETH", 2, 100, coefficient=Named("-1", "impact.rate"))
    assert str(refused.value) == "impact ETH: coefficient must be positive (got impact.rate = -1)"
    for first, most, per_doubling in ((0, 5, 2), (6, 5, 2), (1, 5, 0)):
        with pytest.raises(CircuitError, match="impact: knots need 1 <= first <= most"):
            chords("impact", 2, most, first=first, per_doubling=per_doubling)
