"""Where convexity ends: the smaller of two and order statistics, exact at every input; nobody can claim less."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from circuit_cases import check_requirements, columns, fill, two_positions
from circuit_oracle import best

from zkmargin.circuits.atoms import absolute, either, maximum, pos, value_at_risk
from zkmargin.circuits.circuit import R
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.expression import Expression, Signed
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.overstatement import overstatement
from zkmargin.errors import CircuitError, CurvatureError

FACTS = CircuitFacts({"P": 0, "Q": 0}, {})
LOTS = range(-15, 16)
PAIRS = list(itertools.product(LOTS, repeat=2))


def losses(p: Signed, q: Signed) -> dict[str, Expression]:
    return {"a": p * 2, "b": q - p, "c": -q * 3, "d": p + q, "e": -p}


def skew(p: Signed, q: Signed) -> Expression:
    """Derive PM2: an expiry's loss in a skew scenario, its gain discounted: the smaller of two."""
    value, mark = p * 4 + q * 3, p * 3 + q * 4
    loss = mark * 10 - value * 7 + pos("short value", -value) * 2
    return maximum(
        "skew", {"loss": loss, "gain": either(value * 7 - mark * 10, value * 9 - mark * 10)}, floor_zero=True
    )


def skew_loss(p: int, q: int) -> int:
    value, mark = 4 * p + 3 * q, 3 * p + 4 * q
    return abs(mark * 10 - (value * 7 if value > 0 else value * 9))


CASES: dict[str, tuple[Callable[[Signed, Signed], Expression], Callable[[int, int], int]]] = {
    "the better of two": (
        lambda p, q: maximum("m", {"better": either(p.gross * 3, q.gross * 2 + p.short)}, floor_zero=True),
        lambda p, q: min(3 * abs(p), 2 * abs(q) + max(-p, 0)),
    ),
    "beside another piece": (
        lambda p, q: maximum("m", {"x": p - q, "better": either(p * 2, q * 3)}, floor_zero=True),
        lambda p, q: max(0, p - q, min(2 * p, 3 * q)),
    ),
    "above a base": (
        lambda p, q: maximum("m", {"x": p - q, "better": either(p * 2, q * 3)}),
        lambda p, q: max(p - q, min(2 * p, 3 * q)),
    ),
    "two pairs": (
        lambda p, q: maximum("m", {"x": either(p, q * 2), "y": either(-p, -q)}, floor_zero=True),
        lambda p, q: max(0, min(p, 2 * q), min(-p, -q)),
    ),
    "of convex terms, used twice": (
        lambda p, q: maximum("m", {"x": either(pos("u", p - q) * 2, absolute("v", q))}, floor_zero=True) * 3,
        lambda p, q: 3 * min(2 * max(p - q, 0), abs(q)),
    ),
    "skew of an expiry": (skew, skew_loss),
    "no loss ignored": (
        lambda p, q: value_at_risk("var", losses(p, q), 0),
        lambda p, q: max(0, 2 * p, q - p, -3 * q, p + q, -p),
    ),
    "two losses ignored": (
        lambda p, q: value_at_risk("var", losses(p, q), 2),
        lambda p, q: max(0, sorted((2 * p, q - p, -3 * q, p + q, -p))[-3]),
    ),
    "all but one ignored": (
        lambda p, q: value_at_risk("var", losses(p, q), 4),
        lambda p, q: max(0, min(2 * p, q - p, -3 * q, p + q, -p)),
    ),
}  # fmt: skip


def filled(book: CompiledBook, pairs: list[tuple[int, int]]) -> list[dict[tuple[str, str], int]]:
    return [{("position", "P"): p, ("position", "Q"): q} for p, q in pairs]


@pytest.mark.parametrize("digits", [None, 1])
@pytest.mark.parametrize("case", CASES)
def test_the_canonical_witness_is_the_function(case: str, digits: int | None) -> None:
    build, value = CASES[case]
    book = two_positions(build, digits)
    check_requirements(book, FACTS, filled(book, PAIRS), [value(p, q) for p, q in PAIRS])


@pytest.mark.parametrize("case", CASES)
def test_nobody_can_claim_less(case: str) -> None:
    build, value = CASES[case]
    book = two_positions(build)
    rng = np.random.default_rng(7)
    pairs = [PAIRS[i] for i in rng.choice(len(PAIRS), 25, replace=False)] + [(0, 0), (15, 15), (-15, -15)]
    witness = book.program.run(columns(*filled(book, pairs)), len(pairs))
    for index, (p, q) in enumerate(pairs):
        assert best(book.circuit, witness.row(index), R, bits=True) == pytest.approx(value(p, q), abs=1e-3)


def test_fractions_of_a_bit_would_claim_less() -> None:
    """Why the bits must be bits: an optimiser with fractions of them goes below the rule."""
    build, value = CASES["two losses ignored"]
    book = two_positions(build)
    row = fill(book, {("position", "P"): 9, ("position", "Q"): -4}).row(0)
    assert value(9, -4) == 5
    assert best(book.circuit, row, R) < 4


def test_waivers_are_set_where_needed_and_nowhere_else() -> None:
    book = two_positions(CASES["beside another piece"][0])
    waivers = book.circuit.waivers[0]
    cases = {(5, 3): (1, 0), (3, 5): (0, 1), (3, 2): (0, 0), (-1, 4): (0, 1), (8, -8): (0, 0), (0, 0): (0, 0)}
    for (p, q), bits in cases.items():
        row = fill(book, {("position", "P"): p, ("position", "Q"): q}).row(0)
        assert tuple(row.columns.get(bit, 0) for bit in waivers.bits) == bits
        assert row.columns.get(waivers.used, 0) == max(bits)
        assert waivers.slack not in row.columns


def test_a_row_that_waives_more_than_it_needs_costs_nothing_and_gains_nothing() -> None:
    book = two_positions(CASES["two losses ignored"][0])
    waivers = book.circuit.waivers[0]
    row = fill(book, {("position", "P"): 9}).row(0)  # losses 18, -9, 0, 9, -9: the third largest is 0
    assert row.outputs[R] == 0
    assert [row.columns.get(bit, 0) for bit in waivers.bits] == [1, 0, 0, 1, 0]
    assert waivers.slack not in row.columns
    row = fill(book, {("position", "Q"): 9}).row(0)  # 0, 9, -27, 9, 0: two are waived, none is left
    assert row.outputs[R] == 0


def test_values_at_risk_of_random_portfolios() -> None:
    """250 scenarios, prices with fractions, stored bit by bit: the order statistic, above by rounding only."""
    rng = np.random.default_rng(5)
    moves = [(Fraction(int(a), 97), Fraction(int(b), 89)) for a, b in rng.integers(-900, 900, (250, 2))]
    book = two_positions(
        lambda p, q: value_at_risk("var", {str(s): p * a + q * b for s, (a, b) in enumerate(moves)}, 6),
        1,
        bits=10,
    )
    pairs = [(int(p), int(q)) for p, q in rng.integers(-1023, 1024, (200, 2))]
    found = book.program.run(columns(*filled(book, pairs)), len(pairs)).outputs[:, R]
    for (p, q), r in zip(pairs, found, strict=True):
        exact = max(Fraction(0), sorted(p * a + q * b for a, b in moves)[-7])
        assert ceil(exact) <= int(r) <= exact + overstatement(book)


REFUSED: dict[str, tuple[Callable[[Signed, Signed], object], str]] = {
    "alternatives of concave terms": (
        lambda p, q: maximum("m", {"better": either(p, -pos("gain", q))}, floor_zero=True),
        "m, piece better, second: must be convex, but the convex term 'gain' enters with coefficient -1",
    ),
    "alternatives in a sum": (
        lambda p, q: p + either(p, q),
        "first or second: alternatives are not convex, they may only be a piece of a maximum",
    ),
    "alternatives times a number": (lambda p, q: either(p, q) * 2, "may only be a piece of a maximum"),
    "minus alternatives": (lambda p, q: -either(p, q), "may only be a piece of a maximum"),
    "alternatives of alternatives": (
        lambda p, q: either(p, either(p, q)),  # type: ignore[arg-type]
        "may only be a piece of a maximum",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_alternatives_elsewhere_are_refused(case: str) -> None:
    act, message = REFUSED[case]
    with pytest.raises(CurvatureError) as caught:
        two_positions(act)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_alternatives_need_something_to_stand_above() -> None:
    with pytest.raises(CircuitError, match="m: a maximum of alternatives alone, without zero"):
        two_positions(lambda p, q: maximum("m", {"x": either(p, q)}))


@pytest.mark.parametrize("ignored", [-1, 5, 6])
def test_some_scenarios_must_count(ignored: int) -> None:
    with pytest.raises(CircuitError) as caught:
        two_positions(lambda p, q: value_at_risk("var", losses(p, q), ignored))
    assert str(caught.value) == (
        f"var: of the scenarios some must count (expected 0 <= ignored < 5, got {ignored})"
    )


def test_an_auditor_sees_where_convexity_ends() -> None:
    text = two_positions(CASES["beside another piece"][0]).circuit.explain()
    assert "max:m >= 0 and >= each of 1: x" in text
    assert (
        "not convex: m, better: at most 1 of 2 inequalities waived, a bit each: better, first, better, second"
        in text
    )
    assert "constants in favour of the account: 2 waivers of inequalities, within their budgets" in text
