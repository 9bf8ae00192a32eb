"""Sparse columns and the words that they are cut into."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkmargin import sparse as module
from zkmargin.sparse import (
    EMPTY,
    INT64_SAFE,
    Field,
    SparseValues,
    SparseWords,
    exact_sum,
    halves,
    integers,
    joined,
    sparse,
    words,
)

needs_native = pytest.mark.skipif(module._kernels is None, reason="the native module is not built")


def test_rows_are_sorted_and_zeros_dropped() -> None:
    column = sparse([5, 1, 3], [7, 0, -2])
    assert column.rows.tolist() == [3, 5]
    assert column.values.tolist() == [-2, 7]
    assert column.total() == 5
    assert column.dense(7).tolist() == [0, 0, 0, -2, 0, 7, 0]


def test_integers_beyond_62_bits_stay_exact() -> None:
    assert integers([INT64_SAFE - 1, 1 - INT64_SAFE]).dtype == np.int64
    assert integers([INT64_SAFE]).dtype == object
    assert sparse([0, 1], [INT64_SAFE, INT64_SAFE]).total() == 2 * INT64_SAFE


@given(values=st.lists(st.integers(-(1 << 127), (1 << 127) - 1), max_size=5), wide=st.booleans())
def test_halves_are_128_bits(values: list[int], wide: bool) -> None:
    held = integers(values if wide else [value >> 66 for value in values])
    found = halves(held)
    assert (found.dtype, found.shape) == (np.int64, (len(values), 2))
    assert joined(found).tolist() == held.tolist()
    assert found.astype("<i8").tobytes() == b"".join(
        int(value).to_bytes(16, "little", signed=True) for value in held
    )


@given(values=st.lists(st.integers(-(1 << 70), 1 << 70), max_size=5), narrow=st.booleans())
def test_sums_are_exact(values: list[int], narrow: bool) -> None:
    held = integers([value >> 10 for value in values] if narrow else values)
    assert exact_sum(held) == sum(held.tolist())


@pytest.mark.parametrize("value", [(1 << 63) - 1, -(1 << 63)])
def test_sums_beyond_int64_do_not_wrap(value: int) -> None:
    assert exact_sum(np.full(1000, value, dtype=np.int64)) == 1000 * value


@pytest.mark.parametrize("native", [True, False], ids=["native", "NumPy"])
def test_bit_counts_are_those_of_the_rows(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not native:
        monkeypatch.setattr(module, "_kernels", None)
    random = np.random.default_rng(4)
    columns = [
        SparseValues(np.arange(size), random.integers(0, 1 << 16, size).astype(np.uint16))
        for size in (0, 1, 3, 5000)
    ]
    expected = [
        sum(word >> bit & 1 for word in column.values.tolist()) for column in columns for bit in range(16)
    ]
    assert SparseWords(5000, tuple(columns)).bit_counts() == expected
    assert SparseWords(0, ()).bit_counts() == []


@pytest.mark.parametrize("value", [1 << 127, -(1 << 127) - 1])
def test_more_than_128_bits_have_no_halves(value: int) -> None:
    with pytest.raises(OverflowError):
        halves(integers([value]))


def both_words(rows: int, n_words: int, fields: list[Field]) -> SparseWords:
    """Cut fields natively, where that was built, and by NumPy, and compare."""
    found = words(rows, n_words, fields)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_kernels", None)
        expected = words(rows, n_words, fields)
    assert found.rows == expected.rows
    for one, other in zip(found.columns, expected.columns, strict=True):
        assert (one.rows.dtype, one.values.dtype) == (np.int64, np.uint16)
        assert (one.rows.tolist(), one.values.tolist()) == (other.rows.tolist(), other.values.tolist())
    return found


@given(
    widths=st.lists(st.integers(1, 128), min_size=1, max_size=8),
    rows=st.sampled_from([1, 7, 40, 900]),
    data=st.data(),
)
def test_words_are_the_bits_of_the_fields(widths: list[int], rows: int, data: st.DataObject) -> None:
    offset, fields, expected = 0, [], [0] * rows
    for width in widths:
        held = data.draw(
            st.dictionaries(st.integers(0, rows - 1), st.integers(1, (1 << width) - 1), max_size=6)
        )
        fields.append(Field(offset, width, sparse(list(held), list(held.values()))))
        for row, value in held.items():
            expected[row] |= value << offset
        offset += width
    count = -(-offset // 16)
    found = both_words(rows, count, fields)
    assert len(found.columns) == count
    for row in range(rows):
        dense = [int(column.dense(rows)[row]) for column in found.columns]
        assert sum(word << 16 * k for k, word in enumerate(dense)) == expected[row]
    assert all((column.values != 0).all() for column in found.columns)
    assert all((np.diff(column.rows) > 0).all() for column in found.columns)


def test_words_of_many_rows() -> None:
    """Bits side by side, most rows or few of them, and a field over several words."""
    random = np.random.default_rng(5)
    fields, offset = [], 3
    for width, share in [*[(1, 0.4)] * 20, *[(2, 0.001)] * 9, (40, 0.5), (61, 0.01), (7, 1.0)]:
        at = np.flatnonzero(random.random(5000) < share)
        fields.append(Field(offset, width, SparseValues(at, random.integers(0, 1 << width, len(at)))))
        offset += width
    found = both_words(5000, -(-offset // 16) + 1, fields)
    total = sum(int(np.bitwise_count(column.values).sum()) for column in (field.values for field in fields))
    assert sum(int(np.bitwise_count(column.values).sum()) for column in found.columns) == total


def test_no_fields_give_empty_words() -> None:
    for fields in ([], [Field(0, 5, EMPTY)]):
        for rows in (0, 3):
            assert both_words(rows, 2, fields).touched == 0


ONE, TWO = np.array([0], dtype=np.int64), np.array([0, 1], dtype=np.int64)
BAD = {
    "a row beyond": (1, 1, [(0, 1, ONE + 1, ONE)]),
    "a row below 0": (1, 1, [(0, 1, ONE - 1, ONE)]),
    "rows that fall": (2, 1, [(0, 1, TWO[::-1].copy(), TWO)]),
    "three halves": (2, 1, [(0, 1, TWO, np.arange(3))]),
    "no bits": (1, 1, [(0, 0, ONE, ONE)]),
    "128 bits": (1, 9, [(0, 128, ONE, TWO)]),
    "bits beyond the words": (1, 1, [(10, 7, ONE, ONE)]),
    "an offset that overflows": (1, 1, [((1 << 64) - 1, 7, ONE, ONE)]),
    "too many words": (1, (1 << 16) + 1, []),
    "a negative offset": (1, 1, [(-1, 7, ONE, ONE)]),
    "strided values": (2, 1, [(0, 3, TWO, np.arange(4)[::2])]),
    "values of another type": (1, 1, [(0, 3, ONE, ONE.astype(np.uint16))]),
}


@needs_native
@pytest.mark.parametrize("name", BAD)
def test_the_kernel_refuses(name: str) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        module._kernels.cut_words(*BAD[name])
