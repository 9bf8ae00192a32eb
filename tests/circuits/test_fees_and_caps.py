"""Fees for holding anything, and caps: exact at every input; the bits and not convexity keep cheats out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from circuit_cases import broken, check_requirements, columns, two_positions
from circuit_oracle import best

from zkmargin.circuits.atoms import Tiers, either, maximum
from zkmargin.circuits.circuit import R
from zkmargin.circuits.expression import Expression, Signed
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.parameters import Named
from zkmargin.errors import CurvatureError

FACTS = CircuitFacts({"P": 0, "Q": 0}, {})
LOTS = range(-15, 16)


def fee(amount: Expression, charge: object, slope: object = 0) -> Expression:
    return Tiers("fee", amount, [0]).function("fee", [charge], [slope])


def capped(p: Signed, _: Signed) -> Expression:
    return maximum("charge", {"capped": either(p.gross * 3, fee(p.gross, 20))}, floor_zero=True)


CASES: dict[str, tuple[Callable[[Signed, Signed], Expression], Callable[[int], int]]] = {
    "fee for holding anything": (lambda p, _: fee(p.gross, 7, 2), lambda x: 2 * x + 7 * (x > 0)),
    "fee in fractions of a quantum": (lambda p, _: fee(p.gross, "6.5"), lambda x: 7 * (x > 0)),
    "cap": (capped, lambda x: min(3 * x, 20)),
    "fee and tiers that jump": (
        lambda p, _: Tiers("rate", p.gross, [0, 4, 9], apart=True).function("r", [5, 8, 50], [0, 2, 5]),
        lambda x: 5 * (0 < x < 4) + (2 * x) * (4 <= x < 9) + (5 * x + 5) * (x >= 9),
    ),
    "fee and tiers that meet": (
        lambda p, _: Tiers("rate", p.gross, [0, 4]).function("r", [5, 13], [2, 3]),
        lambda x: (x > 0) * (5 + 2 * x + max(x - 4, 0)),
    ),
}


@pytest.mark.parametrize("digits", [None, 1])
@pytest.mark.parametrize("case", CASES)
def test_the_canonical_witness_is_the_function(case: str, digits: int | None) -> None:
    build, value = CASES[case]
    book = two_positions(build, digits)
    check_requirements(book, FACTS, [{("position", "P"): x} for x in LOTS], [value(abs(x)) for x in LOTS])


@pytest.mark.parametrize("case", CASES)
def test_nobody_can_claim_less(case: str) -> None:
    build, value = CASES[case]
    book = two_positions(build)
    witness = book.program.run(columns(*({("position", "P"): x} for x in LOTS)), len(LOTS))
    for index, x in enumerate(LOTS):
        assert best(book.circuit, witness.row(index), R, bits=True) == pytest.approx(value(abs(x)), abs=1e-4)


def test_a_fee_on_tiers_that_a_rate_used_before() -> None:
    """One tier needs no columns for a rate; the fee that comes later adds them."""

    def both(p: Signed, _: Signed) -> Expression:
        tiers = Tiers("t", p.gross, [0])
        rate = tiers.function("rate", [0], [2])
        return maximum("m", {"rate": rate}, floor_zero=True) + tiers.function("fee", [3], [0])

    book = two_positions(both)
    witness = book.program.run(columns(*({("position", "P"): x} for x in LOTS)), len(LOTS))
    assert [int(r) for r in witness.outputs[:, R]] == [2 * abs(x) + 3 * bool(x) for x in LOTS]
    assert broken(book.circuit, FACTS) == set()


def test_a_rebate_is_refused_by_name() -> None:
    with pytest.raises(CurvatureError) as caught:
        two_positions(lambda p, _: fee(p.gross, Named("-1", "rebate")))
    assert str(caught.value) == "fee: falls from 0 lots on, by -1"
