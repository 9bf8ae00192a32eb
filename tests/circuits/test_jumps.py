"""Rules that jump: fees, step factors and caps, exact at every input; the bits and not convexity keep cheats out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from circuit_cases import broken, columns, two_positions
from circuit_oracle import best

from zkmargin.circuits.atoms import either, maximum, piecewise
from zkmargin.circuits.circuit import R
from zkmargin.circuits.expression import Expression, Signed
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.parameters import Named
from zkmargin.circuits.witness import check_row
from zkmargin.errors import CircuitError

FACTS = CircuitFacts({"P": 0, "Q": 0}, {})
LOTS = range(-15, 16)


def step_factor(p: Signed, _: Signed) -> Expression:
    """The rate of the tier that contains the amount, on all of it: 1 below 4, 2 from 4, 5 from 9."""
    return piecewise("rate", p.gross, [0, 4, 9], [1, 2, 5], jumps=[0, 4, 27])


def capped(p: Signed, _: Signed) -> Expression:
    cap = piecewise("cap", p.gross, [0], [0], jumps=[20])
    return maximum("charge", {"capped": either(p.gross * 3, cap)}, floor_zero=True)


CASES: dict[str, tuple[Callable[[Signed, Signed], Expression], Callable[[int], int]]] = {
    "fee for holding anything": (
        lambda p, _: piecewise("fee", p.gross, [0], [2], jumps=[7]),
        lambda x: 2 * x + 7 * (x > 0),
    ),
    "step factor": (step_factor, lambda x: x * (1 if x < 4 else 2 if x < 9 else 5)),
    "cap": (capped, lambda x: min(3 * x, 20)),
    "jump at the last lot": (
        lambda p, _: piecewise("last", p.long + p.short, [0, 15, 30], [0, 0, 0], jumps=[0, 1, 5]),
        lambda x: int(x >= 15),
    ),
    "knots side by side": (
        lambda p, _: piecewise("j", p.gross, [0, 1, 2, 3], [0, 1, 1, 1], jumps=[1, 0, 2, 4]),
        lambda x: 1 * (x > 0) + max(x - 1, 0) + 2 * (x >= 2) + 4 * (x >= 3),
    ),
}


@pytest.mark.parametrize("digits", [None, 1])
@pytest.mark.parametrize("case", CASES)
def test_the_canonical_witness_is_the_function(case: str, digits: int | None) -> None:
    build, value = CASES[case]
    book = two_positions(build, digits)
    witness = book.program.run(columns(*({("position", "P"): x} for x in LOTS)), len(LOTS))
    assert [int(r) for r in witness.outputs[:, R]] == [value(abs(x)) for x in LOTS]
    for index in range(len(LOTS)):
        check_row(book.circuit, witness.row(index))
    assert broken(book.circuit, FACTS) == set()


@pytest.mark.parametrize("case", CASES)
def test_nobody_can_claim_less(case: str) -> None:
    build, value = CASES[case]
    book = two_positions(build)
    witness = book.program.run(columns(*({("position", "P"): x} for x in LOTS)), len(LOTS))
    for index, x in enumerate(LOTS):
        assert best(book.circuit, witness.row(index), R, bits=True) == pytest.approx(value(abs(x)), abs=1e-4)


def test_a_jump_out_of_reach_needs_no_tier() -> None:
    book = two_positions(lambda p, _: piecewise("far", p.gross, [0, 31], [3, 3], jumps=[0, 50]))
    assert not book.circuit.one_hots
    assert [tier.knot for tier in book.circuit.omitted_tiers] == [31]


def test_refusals() -> None:
    with pytest.raises(CircuitError) as caught:
        two_positions(
            lambda p, _: piecewise("fee", p.gross, [0, 5], [0, 0], jumps=[3, Named("-1", "rebate")])
        )
    assert str(caught.value) == "fee: falls by a jump of rebate = -1 at 5 lots"
    with pytest.raises(CircuitError, match="fee: one jump for each knot, or none at all"):
        two_positions(lambda p, _: piecewise("fee", p.gross, [0, 5], [0, 0], jumps=[3]))
