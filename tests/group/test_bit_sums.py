import random

import numpy as np
import pytest

from zkmargin.group import bit_sums, curve
from zkmargin.group.generators import derive
from zkmargin.sparse import EMPTY, SparseWords, sparse

POINTS = derive("GB", range(48))
N_BITS = 43  # the last word is half empty


def words(rows, columns):
    made = [sparse(list(column), list(column.values())) for column in columns]
    return SparseWords(rows, tuple(type(c)(c.rows, c.values.astype(np.uint16)) for c in made))


def expected(table):
    rows = [[] for _ in range(table.rows)]
    for w, column in enumerate(table.columns):
        for row, value in zip(column.rows.tolist(), column.values.tolist(), strict=True):
            rows[row] += [POINTS[16 * w + k] for k in range(16) if value >> k & 1]
    return curve.sum_lists(rows)


def served(asked):
    def generators(indices):
        assert all(index < N_BITS for index in indices)
        asked.extend(indices)
        return [POINTS[index] for index in indices]

    return generators


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_digits_of_every_width_give_one_sum(bits, monkeypatch):
    monkeypatch.setattr(bit_sums, "DIGIT_BITS_FROM", ((0, bits),))
    rng = random.Random(bits)
    columns = [{row: rng.randrange(1, 1 << 16) for row in range(9) if row % (w + 1) == 0} for w in range(2)]
    columns.append({0: (1 << 11) - 1, 3: 1, 4: 1 << 10})
    table = words(9, columns)
    assert bit_sums.sum_bits(table, N_BITS, served([])) == expected(table)


def test_columns_of_different_use_mix(monkeypatch):
    monkeypatch.setattr(bit_sums, "DIGIT_BITS_FROM", ((20, 8), (5, 4), (0, 1)))
    rng = random.Random(9)
    columns = [{row: rng.randrange(1, 1 << 11) for row in range(count)} for count in (25, 6, 2)]
    table = words(25, columns)
    assert bit_sums.sum_bits(table, N_BITS, served([])) == expected(table)


def test_only_needed_generators_are_asked_for():
    asked = []
    table = words(2, [{1: 0b101}, {}, {0: 1 << 10}])
    assert bit_sums.sum_bits(table, N_BITS, served(asked)) == expected(table)
    assert asked == [0, 2, 42]


def test_empty_rows_and_columns():
    assert bit_sums.sum_bits(SparseWords(2, (EMPTY, EMPTY)), N_BITS, served([])) == [None, None]
    assert bit_sums.sum_bits(SparseWords(0, ()), 0, served([])) == []


def test_subset_sums():
    a, b, c = POINTS[:3]
    tables = bit_sums.subset_sums([[a, b, c], [], [b]])
    sums = [[], [a], [b], [a, b], [c], [a, c], [b, c], [a, b, c]]
    assert tables == [curve.sum_lists(sums), [None], [None, b]]
    assert bit_sums.subset_sums([]) == []
