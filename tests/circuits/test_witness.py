"""Witnesses: columns, words and rows are one; int64 and Python integers agree at the edge; nothing depends on seeds."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from circuit_cases import at, changed, columns, everything, fill, small_book, two_positions
from hypothesis import given
from hypothesis import strategies as st

from zkmargin.circuits import evaluate, term_sums
from zkmargin.circuits import fill as filling
from zkmargin.circuits.atoms import pos
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.circuit import E, I, N, R
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.expression import Expression
from zkmargin.circuits.fill import Program
from zkmargin.circuits.term_sums import INT128_SAFE
from zkmargin.circuits.witness import Witness, check_row
from zkmargin.errors import CircuitError, VerificationError
from zkmargin.sparse import SparseValues, sparse

WHOLE, BITS = small_book(), small_book(digits=1)
DIGITS_OF_THREE = small_book(digits=3)
LIMITS = {
    ("held", "C"): 15,
    ("held", "USD"): 255,
    ("owed", "USD"): 255,
    ("position", "P"): 15,
    ("cost", "USD"): 255,
}


def row_of_inputs(keys: st.DrawFn) -> dict[tuple[str, str], int]:
    row = {}
    for key, most in LIMITS.items():
        low = -most if key[0] in {"position", "cost"} else 0
        row[key] = keys(st.integers(low, most))
    if not row["position", "P"]:
        row.pop(("cost", "USD"))
    return row


inputs = st.composite(row_of_inputs)()


def bits_of(witness: Witness, index: int) -> list[int]:
    """The bit string of one row, from its columns."""
    out: list[int] = []
    for column, values in zip(witness.circuit.columns, witness.columns, strict=True):
        value = int(values.dense(witness.rows)[index])
        out += [value >> k & 1 for k in range(column.width)]
    return out


@pytest.mark.parametrize("book", [WHOLE, BITS, DIGITS_OF_THREE], ids=["whole", "bits", "digits of three"])
@given(rows=st.lists(inputs, min_size=1, max_size=5))
def test_words_are_the_columns(book: CompiledBook, rows: list[dict[tuple[str, str], int]]) -> None:
    witness = fill(book, *rows)
    words = witness.words()
    assert len(words.columns) == book.circuit.n_words
    assert book.circuit.offsets == tuple(
        np.cumsum([0] + [c.width for c in book.circuit.columns])[:-1].tolist()
    )
    for index in range(len(rows)):
        bits = bits_of(witness, index)
        expected = [sum(bit << k for k, bit in enumerate(bits[w : w + 16])) for w in range(0, len(bits), 16)]
        assert [int(column.dense(len(rows))[index]) for column in words.columns] == expected
    assert all(column.values.dtype == np.uint16 for column in words.columns)
    assert words.touched == sum(int((column.dense(len(rows)) != 0).sum()) for column in words.columns)


@given(row=inputs)
def test_whole_columns_and_digits_hold_one_row(row: dict[tuple[str, str], int]) -> None:
    """Whole coefficients: how an input is cut changes no output."""
    outputs = {tuple(fill(book, row).outputs[0].tolist()) for book in (WHOLE, BITS, DIGITS_OF_THREE)}
    n, e, r, i = outputs.pop()
    assert not outputs
    q, c = row["position", "P"], row["held", "C"]
    assert n == 10 * c + row["held", "USD"] - row["owed", "USD"] + 3 * q - row.get(("cost", "USD"), 0)
    assert e == n - c - 2 * max(c - 6, 0)
    assert r == max(0, 2 * q, -3 * q)
    assert i == -(-5 * r // 4)


@given(row=inputs, data=st.data())
def test_any_change_of_a_column_or_output_breaks_an_equation(
    row: dict[tuple[str, str], int], data: st.DataObject
) -> None:
    """Every column stands in an equation that its neighbours cannot mend: canonical rows are isolated."""
    honest = fill(WHOLE, row).row(0)
    check_row(WHOLE.circuit, honest)
    column = data.draw(st.integers(0, len(WHOLE.circuit.columns) - 1))
    name = WHOLE.circuit.columns[column].name
    for step in (1, -1):
        value = honest.columns.get(column, 0) + step
        with pytest.raises(VerificationError):
            check_row(WHOLE.circuit, changed(WHOLE.circuit, honest, {}, **{name: value}))
    for output in (N, E, R, I):
        with pytest.raises(VerificationError):
            check_row(WHOLE.circuit, changed(WHOLE.circuit, honest, {output: honest.outputs[output] - 1}))


def test_a_requirement_understated_by_one_quantum_names_what_breaks() -> None:
    row = fill(WHOLE, {("position", "P"): 5}).row(0)
    slack = WHOLE.circuit.columns[at(WHOLE.circuit, "slack:worst >= down")]
    lower = {"max:worst": 9, "slack:worst >= up": 24, "surplus": 6}
    rounded = {"max:initial requirement, rounded up": 12, "slack:initial requirement, rounded up >= sum": 3}
    for forged, message in (
        (0, "equation 'worst >= down' does not hold"),
        (-1, f"{slack.name}: a value does not fit its {slack.width} bits"),
    ):
        cheat = changed(WHOLE.circuit, row, {R: 9, I: 12}, **lower, **rounded, **{slack.name: forged})
        with pytest.raises(VerificationError) as caught:
            check_row(WHOLE.circuit, cheat)
        assert message in str(caught.value)


@given(q=st.integers(-14, 14), both=st.integers(1, 15))
def test_both_sides_of_a_pair_raised_never_help(q: int, both: int) -> None:
    """The least requirement and the largest equity of a row that holds long and short at once."""
    both = min(both, 15 - abs(q))
    for book in (WHOLE, BITS):
        position = book.circuit.input_index["position", "P"]
        n, e, r, i = fill(book, {("position", "P"): q}).outputs[0].tolist()
        sides = {(position, 0): max(q, 0) + both, (position, 1): max(-q, 0) + both}
        raised = book.program.complete({side: sparse([0], [v]) for side, v in sides.items()}, 1)
        assert raised.outputs[0, N] == n
        assert raised.outputs[0, E] <= e
        assert raised.outputs[0, R] >= r
        assert raised.outputs[0, I] >= i


@pytest.mark.parametrize("limit", [0, INT128_SAFE], ids=["Python integers", "128 bits where native"])
@given(rows=st.lists(inputs, min_size=1, max_size=3))
def test_wider_integers_and_int64_agree(limit: int, rows: list[dict[tuple[str, str], int]]) -> None:
    slow, expected = wide_program(BITS), fill(BITS, *rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(term_sums, "INT128_SAFE", limit)
        found = slow.run(columns(*rows), len(rows))
    assert found.outputs.dtype == object
    assert expected.outputs.dtype == np.int64
    assert found.outputs.tolist() == expected.outputs.tolist()
    for a, b in zip(expected.columns, found.columns, strict=True):
        assert a.rows.tolist() == b.rows.tolist()
        assert a.values.tolist() == b.values.tolist()


def wide_program(book: CompiledBook) -> Program:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "INT64_SAFE", 0)
        patch.setattr(filling, "INT64_SAFE", 0)
        return Program(book.circuit, book.steps)


@pytest.mark.parametrize("bits", [1, 15, 31, 32, 40, 61, 62, 63, 64, 90])
@pytest.mark.parametrize("digits", [None, 1, 20])
def test_values_at_the_edge_of_int64(bits: int, digits: int | None) -> None:
    """Sides of up to 90 bits, prices that take the reach across 2^62: never a wrapped number."""
    for price in (1, 3, (1 << 62) // (1 << bits), (1 << 62) // (1 << bits) + 1):
        rules = Rules("edge", version=1, equity_quantum=1, margin_quantum=1)
        q = rules.signed("position", {"P": bits}, digits=digits)["P"]
        rules.net_value(q * max(price, 1))
        rules.equity(q * max(price, 1))
        try:
            rules.requirement(pos("loss", q * -max(price, 1)))
        except CircuitError:
            assert bits + max(price, 1).bit_length() > 128
            continue
        rules.initial_requirement(Expression())
        book = rules.compile()
        most = (1 << bits) - 1
        amounts = [most, -most, most - 1, 1 - most, 1, -1]
        found = book.program.run(columns(*({("position", "P"): v} for v in amounts)), len(amounts))
        assert [int(n) for n in found.outputs[:, N]] == [v * max(price, 1) for v in amounts]
        assert [int(r) for r in found.outputs[:, R]] == [max(0, -v * max(price, 1)) for v in amounts]
        for index in range(len(amounts)):
            check_row(book.circuit, found.row(index))
        first = [int(column.dense(len(amounts))[0]) for column in found.words().columns]
        assert sum(word << 16 * k for k, word in enumerate(first)) == sum(
            bit << k for k, bit in enumerate(bits_of(found, 0))
        )


@pytest.mark.parametrize("digits", [None, 1, 20])
def test_amounts_beyond_int64_that_are_worth_almost_nothing(digits: int | None) -> None:
    """Small coefficients, and so a reach below 2^62, say nothing of how large amounts are."""
    rules = Rules("dust", version=1, equity_quantum=1, margin_quantum=1)
    q = rules.amounts("held", {"D": 90}, digits=digits)["D"]
    rules.net_value(Expression())
    rules.equity(Expression())
    rules.requirement(pos("loss", q * Fraction(1, 1 << 80)))
    rules.initial_requirement(Expression())
    book = rules.compile()
    amounts = [(1 << 90) - 1, 1 << 85, 1]
    found = book.program.run(columns(*({("held", "D"): v} for v in amounts)), len(amounts))
    assert all(r >= v >> 80 for r, v in zip(found.outputs[:, R].tolist(), amounts, strict=True))
    for index in range(len(amounts)):
        check_row(book.circuit, found.row(index))


def test_many_accounts_equal_each_alone() -> None:
    """Dense and sparse ways of gathering rows: 3,000 accounts, most of them without a position."""
    rng = np.random.default_rng(7)
    rows = []
    for _ in range(3000):
        row = {("held", "USD"): int(rng.integers(1, 256))}
        if rng.random() < 0.05:
            row["position", "P"] = int(rng.integers(-15, 16))
        if rng.random() < 0.3:
            row["held", "C"] = int(rng.integers(1, 16))
        rows.append({key: value for key, value in row.items() if value})
    together = fill(BITS, *rows)
    for index in range(0, 3000, 97):
        alone = fill(BITS, rows[index]).row(0)
        assert alone.columns == together.row(index).columns
        assert alone.outputs == together.row(index).outputs
    dense = [column.dense(3000) for column in together.words().columns]
    for index in range(0, 3000, 97):
        bits = bits_of(together, index)
        assert [int(column[index]) for column in dense] == [
            sum(bit << k for k, bit in enumerate(bits[w : w + 16])) for w in range(0, len(bits), 16)
        ]


def test_zero_entries_cost_nothing() -> None:
    given = {("held", "USD"): SparseValues(np.array([0, 1]), np.array([0, 5]))}
    witness = WHOLE.program.run(given, 2)
    assert witness.row(0).columns == {}


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import small_market as sm
from circuit_cases import everything, small_book, two_positions
from zkmargin.circuits.compile import compile_circuit
from zkmargin.risk.table import build_risk_table
policy, market = sm.policy(sm.book(), sm.spot_book()), sm.market()
table = build_risk_table(policy, market)
for book in policy.books:
    print(compile_circuit(policy, market, table, book).circuit.digest.hex())
print(small_book(1).circuit.digest.hex())
print(two_positions(everything).circuit.digest.hex())
"""


def test_digests_do_not_depend_on_hash_seeds() -> None:
    def run(seed: str) -> str:
        here = str(Path(__file__).parent.parent)
        command = [sys.executable, "-c", SCRIPT, here]
        return subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout

    first, second = run("1"), run("4242")
    assert first == second
    assert len(first.split()) == 4


def test_python_integers_and_int64_agree_on_every_step() -> None:
    book = two_positions(everything)
    rng = np.random.default_rng(3)
    rows = [
        {("position", "P"): int(p), ("position", "Q"): int(q)} for p, q in rng.integers(-15, 16, (200, 2))
    ]
    expected, found = (
        program.run(columns(*rows), len(rows)) for program in (book.program, wide_program(book))
    )
    assert found.outputs.dtype == object
    assert expected.outputs.tolist() == found.outputs.tolist()
    for a, b in zip(expected.columns, found.columns, strict=True):
        assert (a.rows.tolist(), a.values.tolist()) == (b.rows.tolist(), b.values.tolist())
    for index in range(0, 200, 7):
        check_row(book.circuit, expected.row(index))
