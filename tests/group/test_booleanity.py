"""The sparse sums are the dense ones, round by round, whatever the shape of the book."""

import random

import numpy as np
import pytest
from dense_sumcheck import DenseBooleanity
from hypothesis import given
from hypothesis import strategies as st

from zkmargin.group.bn254 import Bn254
from zkmargin.group.booleanity import SparseBooleanity, booleanity_sums
from zkmargin.group.multilinear import eq_table, eq_value
from zkmargin.group.reference import ReferenceBackend
from zkmargin.group.row_sums import combine_bits, combine_outputs
from zkmargin.sparse import SparseValues, SparseWords

BN = ReferenceBackend(Bn254())
ORDERS = (5, 7, 11, 101, BN.order)
SPECIAL_WORDS = (1, 2, 0x8000, 0xFFFF, 0x00FF, 0x0101)


def words_from(cells: dict[tuple[int, int], int], rows: int, columns: int) -> SparseWords:
    """Words by (row, column); zeros are not touched."""
    out = []
    for column in range(columns):
        at = sorted(row for row, c in cells if c == column and cells[row, c])
        values = np.array([cells[row, column] for row in at], dtype=np.uint16)
        out.append(SparseValues(np.array(at, dtype=np.int64), values))
    return SparseWords(rows, tuple(out))


def bits_of(words: SparseWords) -> list[list[int]]:
    rows = [[0] * (16 * len(words.columns)) for _ in range(words.rows)]
    for place, column in enumerate(words.columns):
        for row, value in zip(column.rows.tolist(), column.values.tolist(), strict=True):
            rows[row][16 * place : 16 * place + 16] = [value >> bit & 1 for bit in range(16)]
    return rows


@st.composite
def books(draw: st.DrawFn) -> SparseWords:
    rows, columns = draw(st.integers(1, 9)), draw(st.integers(1, 13))
    place = st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1))
    word = st.one_of(st.sampled_from(SPECIAL_WORDS), st.integers(0, 0xFFFF))
    return words_from(draw(st.dictionaries(place, word, max_size=rows * columns)), rows, columns)


@given(books(), st.sampled_from(ORDERS), st.integers(0, 2**32))
def test_sparse_rounds_equal_dense_rounds(words: SparseWords, order: int, seed: int) -> None:
    rng = random.Random(seed)
    variables = 4 + (len(words.columns) - 1).bit_length() + (words.rows - 1).bit_length()
    tau = [rng.randrange(order) for _ in range(variables)]  # 0 and 1 among them in small fields
    sparse, dense = SparseBooleanity(words, tau, order), DenseBooleanity(bits_of(words), tau, order)
    for _ in range(variables):
        challenge = rng.randrange(order)
        assert sparse.round() == dense.round()
        sparse.bind(challenge)
        dense.bind(challenge)
    assert sparse.value() == dense.value()


def test_a_wrong_number_of_variables_is_refused() -> None:
    words = words_from({(0, 0): 1}, 2, 2)
    for count in (5, 7):
        with pytest.raises(ValueError, match="tau"):
            SparseBooleanity(words, [1] * count, 7)


def test_there_is_no_value_before_the_last_variable_is_bound() -> None:
    sums = SparseBooleanity(words_from({(0, 0): 1}, 1, 1), [2] * 4, 7)
    for _ in range(4):
        with pytest.raises(ValueError, match="bound"):
            sums.value()
        sums.round()
        sums.bind(3)
    assert sums.value() == pow(1 - 3, 4, 7)  # bit 0 alone: each variable at 0


def test_a_backend_may_bring_its_own() -> None:
    class Own:
        def booleanity_sums(self, words: SparseWords, tau: list[int]) -> str:
            return "own"

        def combine_bits(self, words: SparseWords, n_bits: int, weights: list[int]) -> str:
            return "own"

    words = words_from({}, 1, 1)
    assert booleanity_sums(Own(), words, [1] * 4) == "own"  # type: ignore[arg-type,comparison-overlap]
    assert combine_bits(Own(), words, 16, [1]) == "own"  # type: ignore[arg-type,comparison-overlap]
    assert isinstance(booleanity_sums(BN, words, [1] * 4), SparseBooleanity)


@given(st.lists(st.integers(0, 10), max_size=6), st.data())
def test_eq_table_is_the_product_for_every_corner(point: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 1 << len(point)))
    corners = [[corner >> k & 1 for k in range(len(point))] for corner in range(count)]
    assert eq_table(point, 11, count) == [eq_value(point, corner, 11) for corner in corners]


def test_a_cube_has_no_more_corners() -> None:
    with pytest.raises(ValueError, match="corners"):
        eq_table([1, 2], 7, 5)


@given(books(), st.integers(0, 2**32))
def test_combined_bits_are_those_of_the_weighted_rows(words: SparseWords, seed: int) -> None:
    weights = [random.Random(seed + i).randrange(BN.order) for i in range(words.rows)]
    rows, n_bits = bits_of(words), 16 * len(words.columns)
    expected = [
        sum(w * row[t] for w, row in zip(weights, rows, strict=True)) % BN.order for t in range(n_bits)
    ]
    assert combine_bits(BN, words, n_bits, weights) == expected


def test_combination_refuses_what_does_not_fit() -> None:
    words = words_from({(1, 0): 0x8000}, 2, 1)
    assert combine_bits(BN, words, 16, [3, 5])[15] == 5
    with pytest.raises(ValueError, match="beyond"):
        combine_bits(BN, words, 15, [3, 5])
    with pytest.raises(ValueError, match="weight"):
        combine_bits(BN, words, 16, [3])


EDGES = (0, 1, -1, (1 << 63) - 1, -(1 << 63), 1 << 62, -(1 << 62))


@pytest.mark.parametrize("order", [5, BN.order])
def test_combined_outputs_are_exact_at_the_edges(order: int) -> None:
    rng = random.Random(order)
    values = [[rng.choice(EDGES) for _ in range(4)] for _ in range(40)]
    weights = [rng.choice([0, 1, order - 1, rng.randrange(order)]) for _ in range(40)]
    columns = zip(*values, strict=True)
    expected = [sum(w * x for w, x in zip(weights, column, strict=True)) % order for column in columns]
    assert combine_outputs(np.array(values, dtype=np.int64), weights, order) == expected
    assert combine_outputs(np.array(values, dtype=object), weights, order) == expected


def test_outputs_beyond_64_bits_are_combined_too() -> None:
    values = np.array([[1 << 99, -(1 << 99), 0, 1]], dtype=object)
    assert combine_outputs(values, [3], BN.order) == [3 << 99, BN.order - (3 << 99), 0, 3]
    with pytest.raises(ValueError, match="weight"):
        combine_outputs(values, [3, 4], BN.order)
