"""Rules beyond convex ones under the proof of liabilities: honest rows pass, fractional and missing bits do not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from circuit_cases import at, changed, columns, fill, two_positions
from liability_cases import FAST, Shelf, commit_shelf
from malicious.second_book_prover import LiabilitiesSteps

from zkmargin.circuits.atoms import either, expected_shortfall, maximum, norm, value_at_risk
from zkmargin.circuits.circuit import Circuit, R
from zkmargin.circuits.expression import Expression, Signed, total
from zkmargin.circuits.witness import AccountRow
from zkmargin.errors import VerificationError
from zkmargin.proofs import liabilities_verifier

HALF = pow(2, -1, FAST.order)


def charge(p: Signed, q: Signed) -> Expression:
    losses = {"a": p * 2 - q, "b": q, "c": -p}
    return total(
        (
            maximum("m", {"better": either(p * 2, q * 2)}, floor_zero=True),
            expected_shortfall("es", losses, "0.5"),
            value_at_risk("var", losses, 1),
            norm("n", {"p": p, "q": q}),
        )
    )


BOOK = two_positions(charge, bits=3)
EITHER = two_positions(lambda p, q: maximum("m", {"better": either(p * 2, q * 2)}, floor_zero=True), bits=3)


def shelf(circuit: Circuit, rows: list[AccountRow], fractions: Mapping[str, int] | None = None) -> Shelf:
    """Commit rows; `fractions` are field elements for one-bit columns of the first row."""
    bits = [
        [
            row.columns.get(j, 0) >> k & 1
            for j, column in enumerate(circuit.columns)
            for k in range(column.width)
        ]
        for row in rows
    ]
    for name, value in (fractions or {}).items():
        bits[0][circuit.offsets[at(circuit, name)]] = value
    return commit_shelf(FAST, circuit, [list(row.outputs) for row in rows], bits)


def verify(book: Shelf) -> None:
    liabilities_verifier.verify(FAST, book.statement, LiabilitiesSteps(FAST, book).prove())


def test_honest_rows_pass() -> None:
    lots = np.random.default_rng(5).integers(-7, 8, (4, 2)).tolist()
    rows = columns(*({("position", "P"): p, ("position", "Q"): q} for p, q in lots))
    witness = BOOK.program.run(rows, len(lots))
    verify(shelf(BOOK.circuit, [witness.row(i) for i in range(len(lots))]))


def test_half_waivers_keep_every_equation_and_are_no_bits() -> None:
    """6 and 6 lots are charged 12; with each inequality waived by half of 14 it would be 5."""
    circuit = EITHER.circuit
    row = fill(EITHER, {("position", "P"): 6, ("position", "Q"): 6}).row(0)
    assert row.outputs[R] == 12
    value = 12 - 14 // 2
    lower = changed(
        circuit,
        row,
        {R: value},
        **{"max:m": value, "slack:m >= better, first": 0, "slack:m >= better, second": 0},
        shortfall=value,
    )
    bits = {"waived:m, better": 1, "waive:m >= better, first": HALF, "waive:m >= better, second": HALF}
    with pytest.raises(VerificationError) as caught:
        verify(shelf(circuit, [lower], bits))
    assert caught.value.code == "mask/equation"


def test_both_waived_break_the_count() -> None:
    circuit = EITHER.circuit
    row = fill(EITHER, {("position", "P"): 6, ("position", "Q"): 6}).row(0)
    names = "first", "second"
    waived = {f"waive:m >= better, {name}": 1 for name in names}
    slacks = {f"slack:m >= better, {name}": 14 - 12 for name in names}
    lower = changed(
        circuit, row, {R: 0}, shortfall=0, **{"max:m": 0, "waived:m, better": 1}, **waived, **slacks
    )
    with pytest.raises(VerificationError) as caught:
        verify(shelf(circuit, [lower]))
    assert caught.value.code == "row/B/equation"


@pytest.mark.parametrize("name", ["es:es", "max:var", "norm:n.2.0", "max:m"])
def test_a_requirement_one_quantum_lower_is_refused(name: str) -> None:
    """The value and all that follows from it, its slack left as a negative number or at zero."""
    row = fill(BOOK, {("position", "P"): 5, ("position", "Q"): 4}).row(0)
    less = row.columns[at(BOOK.circuit, name)] - 1
    requirement = row.outputs[R] - 1
    lower = changed(BOOK.circuit, row, {R: requirement}, shortfall=requirement, **{name: less})
    with pytest.raises(VerificationError) as caught:
        verify(shelf(BOOK.circuit, [lower]))
    assert caught.value.code == "row/B/equation"
