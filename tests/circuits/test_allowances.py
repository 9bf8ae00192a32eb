"""Pieces of a maximum less a constant, and values that are negative down to one: exact at every input.

The bits are set where they are needed, and nobody can claim less.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from circuit_cases import check_requirements, fill, two_positions
from circuit_oracle import best

from zkmargin.circuits.atoms import either, floored, maximum
from zkmargin.circuits.circuit import R
from zkmargin.circuits.expression import Expression, Signed, total
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.errors import CircuitError

F = Fraction
FACTS = CircuitFacts({"P": 0, "Q": 0}, {})
PAIRS = list(itertools.product(range(-15, 16), repeat=2))


def multiplied(p: Signed, q: Signed) -> Expression:
    """Once up to 6, three times from there, seven times from 16."""
    raw = p.gross + q.gross
    pieces = {"1 x": raw, "3 x": raw * 3, "7 x": raw * 7}
    return maximum("multiplied", pieces, floor_zero=True, allowances={"3 x": F(12), "7 x": F(76)})


def netted(p: Signed, q: Signed) -> Expression:
    """The worse of two scenarios, in each of which losses count twice, gains once and up to 12."""
    moves = {"down": (p * 3, -q * 2), "up": (-p, q * 5)}
    return maximum(
        "m",
        {s: total(gained(f"{s} {i}", x) for i, x in enumerate(of)) for s, of in moves.items()},
        floor_zero=True,
    )


def gained(name: str, loss: Expression) -> Expression:
    return floored(name, {"loss": loss * 2, "offset": loss}, F(-12))


def capped(loss: int) -> int:
    return max(2 * loss, loss, -12)


CASES: dict[str, tuple[Callable[[Signed, Signed], Expression], Callable[[int, int], int]]] = {
    "marginal multipliers": (multiplied, lambda p, q: max(x := abs(p) + abs(q), 3 * x - 12, 7 * x - 76)),
    "a deductible alone": (
        lambda p, q: maximum("m", {"x": p * 2 - q}, floor_zero=True, allowances={"x": F(5)}),
        lambda p, q: max(0, 2 * p - q - 5),
    ),
    "above a base": (
        lambda p, q: maximum("m", {"x": p.gross, "y": p.gross + q * 3}, allowances={"y": F(7)}),
        lambda p, q: max(abs(p), abs(p) + 3 * q - 7),
    ),
    "beside alternatives": (
        lambda p, q: maximum(
            "m", {"x": p * 3, "better": either(p, q)}, floor_zero=True, allowances={"x": F(10)}
        ),
        lambda p, q: max(0, 3 * p - 10, min(p, q)),
    ),
    "gains up to a cap": (
        netted,
        lambda p, q: max(0, capped(3 * p) + capped(-2 * q), capped(-p) + capped(5 * q)),
    ),
    "gains up to a cap, twice": (
        lambda p, q: maximum("n", {"x": netted(p, q) * 2, "y": p.gross}, floor_zero=True),
        lambda p, q: max(2 * CASES["gains up to a cap"][1](p, q), abs(p)),
    ),
    "times a factor": (
        lambda p, q: multiplied(p, q) * 3,
        lambda p, q: 3 * CASES["marginal multipliers"][1](p, q),
    ),
}


@pytest.mark.parametrize("digits", [None, 1])
@pytest.mark.parametrize("case", CASES)
def test_the_canonical_witness_is_the_function(case: str, digits: int | None) -> None:
    build, value = CASES[case]
    book = two_positions(build, digits)
    rows = [{("position", "P"): p, ("position", "Q"): q} for p, q in PAIRS]
    check_requirements(book, FACTS, rows, [value(p, q) for p, q in PAIRS])


@pytest.mark.parametrize("case", CASES)
def test_nobody_can_claim_less(case: str) -> None:
    build, value = CASES[case]
    book = two_positions(build)
    rng = np.random.default_rng(9)
    pairs = [PAIRS[i] for i in rng.choice(len(PAIRS), 20, replace=False)] + [(0, 0), (15, 15)]
    for p, q in pairs:
        row = fill(book, {("position", "P"): p, ("position", "Q"): q}).row(0)
        assert best(book.circuit, row, R, bits=True) == pytest.approx(value(p, q), abs=1e-3)


def test_the_bit_is_set_where_a_piece_needs_it() -> None:
    book = two_positions(multiplied)
    (allowance,) = book.circuit.allowances
    for p, bit in ((0, 0), (3, 1), (6, 1), (-15, 1)):
        row = fill(book, {("position", "P"): p}).row(0)
        assert row.columns.get(allowance.bit, 0) == bit


@pytest.mark.parametrize("constant", [F(1, 2), F(0), F(-3)])
def test_a_constant_that_would_be_rounded_is_refused(constant: Fraction) -> None:
    with pytest.raises(CircuitError, match="m, piece x: a constant must be a positive whole number of 1"):
        two_positions(lambda p, q: maximum("m", {"x": p}, floor_zero=True, allowances={"x": constant}))


def test_an_auditor_sees_the_constants() -> None:
    text = two_positions(multiplied).circuit.explain()
    assert "constants in favour of the account: constants of multiplied, once" in text


def test_a_gain_is_below_zero_where_it_counts() -> None:
    book = two_positions(netted)
    for p, q, bits in ((0, 0, 0), (5, 0, 1), (-5, 0, 1), (5, 5, 2)):
        row = fill(book, {("position", "P"): p, ("position", "Q"): q}).row(0)
        assert sum(row.columns.get(floor.below, 0) for floor in book.circuit.floors) == bits


def test_a_floor_is_a_negative_constant() -> None:
    for least in (F(0), F(3), F(-1, 2)):
        with pytest.raises(
            CircuitError, match="m, its least: a constant must be a positive whole number of 1"
        ):
            two_positions(lambda p, q, least=least: floored("m", {"x": p}, least))  # type: ignore[misc]
    text = two_positions(netted).circuit.explain()
    assert "max:down 0 less 12 x below:down 0 >= each of 2: loss, offset" in text


def test_constants_stay_as_they_are_and_their_declarations_are_in_the_digest() -> None:
    circuit = two_positions(lambda p, q: netted(p, q) + multiplied(p, q)).circuit
    assert circuit.digest.hex() == "8571c61b199ba91ae2658f6c16fd3f5dec2aae0f1e44fe7e248e861b6e06c214"
    changed = [replace(circuit, **{name: getattr(circuit, name)[1:]}) for name in ("allowances", "floors")]
    assert len({item.digest for item in (circuit, *changed)}) == 3
