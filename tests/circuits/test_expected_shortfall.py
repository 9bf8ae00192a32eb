"""Expected Shortfall: the mean of the worst losses, exact up to rounding up; no threshold gives less."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from circuit_cases import broken, columns, fill, two_positions
from circuit_oracle import best

from zkmargin.circuits.atoms import expected_shortfall, maximum, pos
from zkmargin.circuits.circuit import R
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.expression import Expression, Signed
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.overstatement import overstatement
from zkmargin.circuits.parameters import Named
from zkmargin.circuits.witness import check_row
from zkmargin.errors import CircuitError, CurvatureError

FACTS = CircuitFacts({"P": 0, "Q": 0}, {})
PAIRS = list(itertools.product(range(-15, 16), repeat=2))
TAILS = ["0.2", "0.4", "0.5", "0.1", "1", "0.99"]


def losses(p: Signed, q: Signed) -> dict[str, Expression]:
    return {"a": p * 2, "b": q - p, "c": pos("fall", -q) * 3, "d": p + q, "e": -p - 2 * q}


def loss_values(p: int, q: int) -> list[int]:
    return [2 * p, q - p, 3 * max(-q, 0), p + q, -p - 2 * q]


def mean_of_worst(values: list[int] | list[Fraction], tail: Fraction) -> Fraction:
    """The reference, without a threshold: whole losses first, then the fraction of the next."""
    worst = sorted(map(Fraction, values), reverse=True)
    count = tail * len(values)
    if count < 1:
        return worst[0]
    whole = floor(count)
    rest = (count - whole) * worst[whole] if whole < len(worst) else Fraction(0)
    return (sum(worst[:whole], Fraction(0)) + rest) / count


def book(tail: str, *, floor_zero: bool = True, digits: int | None = None) -> CompiledBook:
    return two_positions(
        lambda p, q: expected_shortfall("es", losses(p, q), tail, floor_zero=floor_zero), digits
    )


def filled(pairs: list[tuple[int, int]]) -> list[dict[tuple[str, str], int]]:
    return [{("position", "P"): p, ("position", "Q"): q} for p, q in pairs]


@pytest.mark.parametrize("floor_zero", [True, False])
@pytest.mark.parametrize("tail", TAILS)
def test_the_canonical_witness_is_the_mean_of_the_worst(tail: str, floor_zero: bool) -> None:
    for digits in (None, 1):
        compiled = book(tail, floor_zero=floor_zero, digits=digits)
        witness = compiled.program.run(columns(*filled(PAIRS)), len(PAIRS))
        exact = [ceil(mean_of_worst(loss_values(p, q), Fraction(tail))) for p, q in PAIRS]
        assert [int(r) for r in witness.outputs[:, R]] == [max(r, 0) if floor_zero else r for r in exact]
        for index in range(0, len(PAIRS), 13):
            check_row(compiled.circuit, witness.row(index))
        assert broken(compiled.circuit, FACTS) == set()
        assert compiled.circuit.ratio_claims is floor_zero


@pytest.mark.parametrize("floor_zero", [True, False])
@pytest.mark.parametrize("tail", TAILS)
def test_nobody_can_claim_less(tail: str, floor_zero: bool) -> None:
    compiled = book(tail, floor_zero=floor_zero)
    pairs = [PAIRS[i] for i in np.random.default_rng(3).choice(len(PAIRS), 20, replace=False)]
    witness = compiled.program.run(columns(*filled(pairs)), len(pairs))
    for index, (p, q) in enumerate(pairs):
        exact = mean_of_worst(loss_values(p, q), Fraction(tail))
        least = max(exact, Fraction(0)) if floor_zero else exact
        assert best(compiled.circuit, witness.row(index), R) == pytest.approx(float(least), abs=1e-6)


def test_the_threshold_is_the_least_that_attains_the_minimum() -> None:
    compiled = book("0.4")
    tail = compiled.circuit.tails[0]
    for (p, q), threshold in {(3, 5): 2, (-4, 2): 0, (4, -8): 8, (0, 0): 0}.items():
        row = fill(compiled, {("position", "P"): p, ("position", "Q"): q}).row(0)
        found = row.columns.get(tail.up, 0) - row.columns.get(tail.down, 0)
        assert found == sorted(loss_values(p, q))[-3] == threshold
    gain = two_positions(lambda p, q: expected_shortfall("es", {"a": p, "b": p * 2}, 1))
    row = fill(gain, {("position", "P"): -3}).row(0)
    tail = gain.circuit.tails[0]
    assert (row.columns[tail.down], row.columns[tail.excesses[0]], row.outputs[R]) == (6, 3, 0)


def test_n_plus_2_values_are_not_zero() -> None:
    """Per scenario an excess or a slack, the threshold and the value (and what rounding leaves)."""
    rng = np.random.default_rng(1)
    moves = rng.integers(-99, 100, (40, 2)).tolist()
    compiled = two_positions(
        lambda p, q: expected_shortfall(
            "es", {str(s): p * a + q * b for s, (a, b) in enumerate(moves)}, "0.1"
        )
    )
    row = fill(compiled, {("position", "P"): 7, ("position", "Q"): -5}).row(0)
    own = [j for j in row.columns if "es" in compiled.circuit.columns[j].name]
    assert len(own) <= 40 + 2


def test_random_portfolios_over_250_scenarios() -> None:
    rng = np.random.default_rng(11)
    moves = [(Fraction(int(a), 97), Fraction(int(b), 89)) for a, b in rng.integers(-900, 900, (250, 2))]
    compiled = two_positions(
        lambda p, q: expected_shortfall(
            "es", {str(s): p * a + q * b for s, (a, b) in enumerate(moves)}, "0.025"
        ),
        digits=1,
        bits=10,
    )
    pairs = [(int(p), int(q)) for p, q in rng.integers(-1023, 1024, (100, 2))]
    found = compiled.program.run(columns(*filled(pairs)), len(pairs)).outputs[:, R]
    most = overstatement(compiled)
    assert 0 < most <= 2 * 10 + 1
    for (p, q), r in zip(pairs, found, strict=True):
        exact = mean_of_worst([p * a + q * b for a, b in moves], Fraction("0.025"))
        assert exact <= int(r) <= max(exact, Fraction(0)) + most


def test_inside_other_rules_and_with_a_factor() -> None:
    compiled = two_positions(
        lambda p, q: (
            maximum("m", {"es": expected_shortfall("es", losses(p, q), "0.4") * "1.5", "min": p.gross * 2})
            * 2
        )
    )
    witness = compiled.program.run(columns(*filled(PAIRS)), len(PAIRS))
    for (p, q), r in zip(PAIRS, witness.outputs[:, R], strict=True):
        exact = 2 * max(
            max(mean_of_worst(loss_values(p, q), Fraction("0.4")), Fraction(0)) * 3 / 2, 2 * abs(p)
        )
        assert exact <= int(r) <= exact + 4
    assert broken(compiled.circuit, FACTS) == set()


@pytest.mark.parametrize("tail", ["0", "-0.1", "1.01"])
def test_a_tail_outside_its_range_is_refused_by_name(tail: str) -> None:
    with pytest.raises(CircuitError) as caught:
        two_positions(lambda p, q: expected_shortfall("es[BTC]", losses(p, q), Named(tail, "policy.tail")))
    number = f"{float(tail):.6g}"
    assert str(caught.value) == (f"es[BTC]: tail = policy.tail = {number} must lie above 0 and at most at 1")


def test_other_refusals() -> None:
    with pytest.raises(CircuitError, match="es: there are no scenarios"):
        expected_shortfall("es", {}, "0.1")
    with pytest.raises(CurvatureError) as caught:
        two_positions(lambda p, q: expected_shortfall("es", {"up": -pos("call", p), "down": p}, "0.5"))
    assert str(caught.value) == (
        "es, scenario up: must be convex, but the convex term 'call' enters with coefficient -1"
    )
    with pytest.raises(CurvatureError, match="requirement: must be convex, but the convex term 'es'"):
        two_positions(lambda p, q: -expected_shortfall("es", losses(p, q), "0.4"))


def test_in_words() -> None:
    assert "es:es >= the mean of the worst 2.5 of 5 losses, at least 0" in book("0.5").circuit.explain()
    text = book("0.5", floor_zero=False).circuit.explain()
    assert "es:es >= the mean of the worst 2.5 of 5 losses, above threshold:es.up less .down" in text
