"""Norms by folds: never below the square root, within 0.155 % a level above it; no row gives less."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import atan2, ceil, isqrt, pi

import numpy as np
import pytest
from circuit_cases import broken, columns, fill, two_positions
from circuit_oracle import best

from zkmargin.circuits.atoms import maximum, norm, pos
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.circuit import R
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.expression import Expression, total
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.folds import FOLDS, LAST
from zkmargin.circuits.overstatement import overstatement
from zkmargin.circuits.witness import check_row
from zkmargin.errors import CircuitError, CurvatureError

FACTS = CircuitFacts({"P": 0, "Q": 0}, {})
LEVEL = Fraction(1297, 1295)


def of_positions(count: int, bits: int = 12, digits: int | None = 1, unit: object = 1) -> CompiledBook:
    rules = Rules("norm", version=1, equity_quantum=1, margin_quantum=unit)
    held = rules.signed("position", {f"P{i}": bits for i in range(count)}, digits=digits)
    rules.net_value(Expression())
    rules.equity(Expression())
    rules.requirement(norm("n", held))
    rules.initial_requirement(Expression())
    return rules.compile()


def levels(count: int) -> int:
    return (count - 1).bit_length()


def assert_close(found: int, squares: int, count: int) -> None:
    """sqrt(squares) <= found <= sqrt(squares) x (1297/1295)^levels, but for a unit a part and pair."""
    assert found**2 >= squares
    above = isqrt(ceil(squares * LEVEL ** (2 * levels(count)))) + 1
    assert found <= above + 4 * count


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 13])
def test_random_portfolios(count: int) -> None:
    book = of_positions(count)
    rng = np.random.default_rng(count)
    lots = rng.integers(-4095, 4096, (300, count)) * (rng.random((300, count)) < 0.7)
    rows = [{("position", f"P{i}"): int(x) for i, x in enumerate(row)} for row in lots]
    witness = book.program.run(columns(*rows), len(rows))
    for index, row in enumerate(lots.tolist()):
        assert_close(int(witness.outputs[index, R]), sum(x * x for x in row), count)
        if not index % 30:
            check_row(book.circuit, witness.row(index))
    assert broken(book.circuit, CircuitFacts({f"P{i}": 0 for i in range(count)}, {})) == set()


@pytest.mark.parametrize("digits", [None, 1, 4])
def test_every_direction(digits: int | None) -> None:
    """All the plane at 12 bits: the measured excess is what the docstring says, with nothing below."""
    book = of_positions(2, digits=digits)
    angles = np.linspace(-pi, pi, 2000)
    lots = [(round(4095 * float(np.cos(a))), round(4095 * float(np.sin(a)))) for a in angles]
    rows = [{("position", "P0"): x, ("position", "P1"): y} for x, y in lots]
    witness = book.program.run(columns(*rows), len(rows))
    excess = [int(r) / (x * x + y * y) ** 0.5 for (x, y), r in zip(lots, witness.outputs[:, R], strict=True)]
    assert 1 <= min(excess) < 1.0003
    assert 1.001 < max(excess) <= float(LEVEL) + 2 / 4095
    for index in range(0, 2000, 97):
        check_row(book.circuit, witness.row(index))


def test_folds_are_exact_and_their_directions_cover_the_quadrant() -> None:
    """The proof in the docstrings, in numbers."""
    assert all(c * c + s * s == d * d for c, s, d in (*FOLDS, LAST))
    angles = [atan2(s, c) for c, s, _ in FOLDS]
    last = atan2(LAST[1], LAST[0])
    later = [sum(angles[t + 1 :]) + last for t in range(len(angles))]
    assert all(angle >= rest for angle, rest in zip(angles, later, strict=True))
    directions = sorted(
        sum(sign * angle for sign, angle in zip((1, *signs), angles, strict=True)) + side * last
        for signs in itertools.product((1, -1), repeat=len(angles) - 1)
        for side in (1, -1)
    )
    assert len(directions) == 16
    assert directions[0] <= last and directions[-1] >= pi / 2 - last
    assert max(b - a for a, b in itertools.pairwise(directions)) <= 2 * last + 1e-12


@pytest.mark.parametrize("count", [2, 3, 5])
def test_nobody_can_claim_less(count: int) -> None:
    book = of_positions(count, bits=8, digits=None)
    rng = np.random.default_rng(23)
    lots = rng.integers(-255, 256, (12, count)).tolist()
    corners = [[255] + [0] * (count - 1), [0] * (count - 1) + [255], [1] + [0] * (count - 1), [200] * count]
    rows = [{("position", f"P{i}"): x for i, x in enumerate(row)} for row in (*lots, *corners)]
    witness = book.program.run(columns(*rows), len(rows))
    for index, row in enumerate((*lots, *corners)):
        exact = sum(x * x for x in row) ** 0.5
        assert best(book.circuit, witness.row(index), R) >= exact * (1 - 1e-9)
        assert int(witness.outputs[index, R]) >= exact


def test_the_first_fold_is_the_one_that_keeps_cheats_out() -> None:
    """With 43.6 degrees instead of 46.4 an overstated fold would turn a vector near the axis for less."""
    c, s, _ = FOLDS[0]
    rest = sum(atan2(b, a) for a, b, _ in (*FOLDS[1:], LAST))
    assert atan2(c, s) < rest <= atan2(s, c)


def test_six_values_a_pair_and_one_a_part() -> None:
    book = of_positions(8, bits=20)
    rows = [{("position", f"P{i}"): 3**i * 101 for i in range(8)}]
    row = book.program.run(columns(*rows), 1).row(0)
    own = [
        j for j in row.columns if "n." in book.circuit.columns[j].name or "n:" in book.circuit.columns[j].name
    ]
    assert len(own) <= 8 + 6 * 7


def test_correlations_by_cholesky_rows_in_fractions_with_a_factor() -> None:
    """sqrt(x' C x) with correlation 0.6 and weights in fractions of a quantum; rounding is bounded."""
    book = two_positions(
        lambda p, q: (
            norm("k", {"1": p * Fraction(7, 3) + q * "1.2", "2": q * "1.6"}) * Fraction(3, 2)
            + pos("add-on", p - q)
        ),
        digits=1,
        bits=10,
    )
    rng = np.random.default_rng(2)
    pairs = [(int(p), int(q)) for p, q in rng.integers(-1023, 1024, (300, 2))]
    rows = columns(*({("position", "P"): p, ("position", "Q"): q} for p, q in pairs))
    found = book.program.run(rows, len(pairs)).outputs[:, R]
    most = overstatement(book)
    assert 0 < most < 300
    for (p, q), r in zip(pairs, found, strict=True):
        squares = (Fraction(7, 3) * p + Fraction("1.2") * q) ** 2 + (Fraction("1.6") * q) ** 2
        exact = Fraction(3, 2) * Fraction(float(squares) ** 0.5) + max(p - q, 0)
        assert exact * (1 - Fraction(1, 10**12)) <= int(r) <= exact * LEVEL + most
    assert broken(book.circuit, FACTS) == set()


def test_inside_a_maximum_and_beside_itself() -> None:
    def requirement(p: Expression, q: Expression) -> Expression:
        length = norm("n", {"p": p * 3, "q": q * 4})
        return maximum("m", {"n": length, "gross": p * 5 - q}, floor_zero=True) + length

    book = two_positions(requirement)
    pairs = list(itertools.product(range(-15, 16, 3), repeat=2))
    rows = columns(*({("position", "P"): p, ("position", "Q"): q} for p, q in pairs))
    witness = book.program.run(rows, len(pairs))
    for index, (p, q) in enumerate(pairs):
        exact = (9 * p * p + 16 * q * q) ** 0.5
        assert exact + max(exact, 5 * p - q) <= int(witness.outputs[index, R]) + 1e-9
        assert int(witness.outputs[index, R]) <= (exact + max(exact, 5 * p - q)) * 1.0016 + 6
        check_row(book.circuit, witness.row(index))


def test_refusals() -> None:
    with pytest.raises(CircuitError, match="n: a norm of nothing"):
        norm("n", {})
    with pytest.raises(CurvatureError) as caught:
        two_positions(lambda p, q: norm("n", {"delta": p, "curvature": pos("gamma", q)}))
    assert str(caught.value) == (
        "n, part curvature: must be affine, but contains the convex term 'gamma'; the square of a convex "
        "expression is not convex"
    )
    with pytest.raises(CurvatureError, match="requirement: must be convex, but the convex term 'n'"):
        two_positions(lambda p, q: -norm("n", {"p": p, "q": q}))


def test_in_words() -> None:
    text = two_positions(lambda p, q: norm("n", {"p": p, "q": q}) + total([])).circuit.explain()
    assert (
        "norm:n.2.0 >= the square root of the sum of two squares, n: size of p and n: size of q, by folds"
        in text
    )


def test_an_empty_account_needs_nothing() -> None:
    row = fill(two_positions(lambda p, q: norm("n", {"p": p, "q": q})), {}).row(0)
    assert not row.columns
