"""Sparse columns and the words that they are cut into."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zkmargin.sparse import INT64_SAFE, Field, integers, sparse, words


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


@given(
    widths=st.lists(st.integers(1, 100), min_size=1, max_size=8),
    rows=st.integers(1, 40),
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
    found = words(rows, count, fields)
    assert len(found.columns) == count
    for row in range(rows):
        dense = [int(column.dense(rows)[row]) for column in found.columns]
        assert sum(word << 16 * k for k, word in enumerate(dense)) == expected[row]
    assert all((column.values != 0).all() for column in found.columns)
    assert all((np.diff(column.rows) > 0).all() for column in found.columns)
