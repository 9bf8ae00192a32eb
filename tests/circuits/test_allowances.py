"""Pieces of a maximum less a constant: exact at every input, the bit set where needed; nobody can claim less."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from circuit_cases import broken, columns, fill, two_positions
from circuit_oracle import best

from zkmargin.circuits.atoms import either, maximum
from zkmargin.circuits.circuit import R
from zkmargin.circuits.expression import Expression, Signed
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.witness import check_row
from zkmargin.errors import CircuitError

F = Fraction
FACTS = CircuitFacts({"P": 0, "Q": 0}, {})
PAIRS = list(itertools.product(range(-15, 16), repeat=2))


def multiplied(p: Signed, q: Signed) -> Expression:
    """Once up to 6, three times from there, seven times from 16."""
    raw = p.gross + q.gross
    pieces = {"1 x": raw, "3 x": raw * 3, "7 x": raw * 7}
    return maximum("m", pieces, floor_zero=True, allowances={"3 x": F(12), "7 x": F(76)})


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
    witness = book.program.run(columns(*rows), len(rows))
    assert [int(r) for r in witness.outputs[:, R]] == [value(p, q) for p, q in PAIRS]
    for index in range(0, len(PAIRS), 17):
        check_row(book.circuit, witness.row(index))
    assert broken(book.circuit, FACTS) == set()


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
    assert "constants in favour of the account: constants of m, once" in text
