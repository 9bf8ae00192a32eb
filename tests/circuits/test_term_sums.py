"""Sums over sparse columns against plain Python: native lanes of 64 and 128 bits, NumPy, Python integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkmargin.circuits import term_sums as module
from zkmargin.circuits.term_sums import INT128_SAFE, Term, term_sums
from zkmargin.sparse import EMPTY, INT64_SAFE, SparseValues, sparse

BITS, UNEVEN = (1,) * 24, (3, 3, 2, 40)
WIDTHS = [(1,), (20,), (61,), (126,), BITS, (1,) * 61, (1,) * 125, UNEVEN, (20, 5, 1), (4, 5, 4, 30)]
Terms = Sequence[tuple[Term, SparseValues]]
needs_native = pytest.mark.skipif(module._kernels is None, reason="the native module is not built")


def term(widths: tuple[int, ...], matrix: Sequence[Sequence[int]], held: dict[int, int]) -> Any:
    table = np.empty((len(widths), len(matrix[0])), dtype=object)
    table[:] = matrix
    return Term(widths, table), sparse(list(held), list(held.values()))


def reach_of(count: int, terms: Terms) -> int:
    """What a block says: the most that a column can hold, and the most that sums can then be."""
    sums, widest = [0] * count, 0
    for item, _ in terms:
        widest = max(widest, (1 << sum(item.widths)) - 1)
        for width, row in zip(item.widths, item.matrix.tolist(), strict=True):
            sums = [most + abs(int(a)) * ((1 << width) - 1) for most, a in zip(sums, row, strict=True)]
    return max([widest, *sums])


def plain_sums(count: int, terms: Terms) -> dict[int, list[int]]:
    out: dict[int, list[int]] = {}
    for item, column in terms:
        for row, amount in zip(column.rows.tolist(), column.values.tolist(), strict=True):
            sums = out.setdefault(row, [0] * count)
            for width, coefficients in zip(item.widths, item.matrix.tolist(), strict=True):
                digit = amount if len(item.widths) == 1 else amount % (1 << width)
                amount >>= width
                sums[:] = [s + digit * int(a) for s, a in zip(sums, coefficients, strict=True)]
    return dict(sorted(out.items()))


def check(rows: int, count: int, terms: Terms, reach: int) -> None:
    """Compare both implementations, in the dtype that a block chooses."""
    dtype = np.dtype(np.int64 if reach < INT64_SAFE else object)
    chosen = [(Term(item.widths, item.matrix.astype(dtype)), column) for item, column in terms]
    expected = plain_sums(count, terms)
    for kernels in {module._kernels, None}:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "_kernels", kernels)
            at, sums = term_sums(rows, count, chosen, dtype, reach)
        assert (at.dtype, sums.dtype, sums.shape) == (np.int64, dtype, (len(expected), count))
        assert at.tolist() == list(expected)
        assert sums.tolist() == list(expected.values())
        assert {type(value) for value in sums.ravel().tolist()} <= {int}


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, int, Terms]:
    rows = draw(st.sampled_from([1, 2, 70, 2048, 2049, 20_000]))
    count, size = draw(st.integers(1, 5)), 1 << draw(st.sampled_from([1, 8, 40, 62, 63, 90]))
    terms = []
    for _ in range(draw(st.integers(0, 4))):
        widths = draw(st.sampled_from(WIDTHS))
        row = st.lists(st.integers(-size, size), min_size=count, max_size=count)
        matrix = draw(st.lists(row, min_size=len(widths), max_size=len(widths)))
        amounts = st.integers(1, (1 << sum(widths)) - 1)
        terms.append(
            term(widths, matrix, draw(st.dictionaries(st.integers(0, rows - 1), amounts, max_size=80)))
        )
    return rows, count, terms


@given(case=cases())
def test_random_terms(case: tuple[int, int, Terms]) -> None:
    rows, count, terms = case
    check(rows, count, terms, reach_of(count, terms))


@pytest.mark.parametrize("edge", [INT64_SAFE, INT128_SAFE], ids=["2^62", "2^126"])
@pytest.mark.parametrize("step", [-1, 0, 1])
@pytest.mark.parametrize("sign", [1, -1])
def test_reach_at_the_edge_of_a_lane(edge: int, step: int, sign: int) -> None:
    """Sums as large as the reach says, all from one amount and from two that add up."""
    reach = edge + step
    for parts in ((reach,), (reach // 2, reach - reach // 2)):
        terms = [term((1,), [[sign * part, 0]], {0: 1, 5: 1}) for part in parts]
        assert reach_of(2, terms) == reach
        check(6, 2, terms, reach)


@pytest.mark.parametrize("width", [62, 63, 64, 126, 127, 128])
def test_amounts_as_wide_as_a_lane(width: int) -> None:
    most = (1 << width) - 1
    for widths in ((width,), (1,) * width, (width - 1, 1)):
        terms = [term(widths, [[1]] * len(widths), {0: most, 1: 1, 2: most - 1})]
        check(3, 1, terms, reach_of(1, terms))


EMPTY_TERM = (Term((2,), np.array([[3]], dtype=object)), EMPTY)


@pytest.mark.parametrize("reach", [0, INT64_SAFE, INT128_SAFE])
@pytest.mark.parametrize("terms", [[], [EMPTY_TERM]], ids=["no terms", "a term that nobody has"])
def test_nothing_is_touched(reach: int, terms: Terms) -> None:
    for rows in (0, 1, 5000):
        check(rows, 1, terms, reach)
        check(rows, 0, [], reach)


def test_many_rows_in_many_blocks() -> None:
    random = np.random.default_rng(3)
    terms = []
    for widths in (BITS, (30,), UNEVEN):
        at = np.flatnonzero(random.random(50_000) < 0.3)
        column = SparseValues(at, random.integers(1, 1 << min(sum(widths), 40), len(at)))
        terms.append((Term(widths, random.integers(-9, 9, (len(widths), 17)).astype(object)), column))
    check(50_000, 17, terms, 1 << 60)


def test_columns_that_are_parts_of_others() -> None:
    """Strided arrays are taken as well."""
    at, values = np.arange(20, dtype=np.int64)[::2], np.arange(1, 21, dtype=np.int64)[::2]
    matrix = np.arange(6, dtype=np.int64).reshape(2, 3).T[:, ::-1]
    check(20, 2, [(Term((1, 1, 3), matrix), SparseValues(at, values))], 1000)


ONE, TWO = np.array([0], dtype=np.int64), np.array([0, 1], dtype=np.int64)
BAD = {
    "more rows than a book": ((1 << 32) + 1, 1, 64, []),
    "lanes": (2, 1, 32, [(ONE, ONE, (1,), ONE)]),
    "a row beyond": (2, 1, 64, [(ONE + 2, ONE, (1,), ONE)]),
    "a row below 0": (2, 1, 64, [(ONE - 1, ONE, (1,), ONE)]),
    "rows that fall": (2, 1, 64, [(TWO[::-1].copy(), TWO, (1,), ONE)]),
    "a row twice": (2, 1, 64, [(TWO * 0, TWO, (1,), ONE)]),
    "fewer amounts": (2, 1, 64, [(TWO, ONE, (1,), ONE)]),
    "amounts of one half": (2, 1, 128, [(TWO, TWO, (1,), TWO)]),
    "no digits": (2, 1, 64, [(ONE, ONE, (), ONE[:0])]),
    "too few coefficients": (2, 2, 64, [(ONE, ONE, (1,), ONE)]),
    "coefficients of one half": (2, 1, 128, [(ONE, TWO, (1,), ONE)]),
    "digits of 64 bits": (2, 1, 64, [(ONE, ONE, (32, 32), TWO)]),
    "digits of 128 bits": (2, 1, 128, [(ONE, TWO, (64, 64), np.arange(4))]),
    "widths that overflow": (2, 1, 64, [(ONE, ONE, ((1 << 32) - 1,) * 2, TWO)]),
    "no sums": (2, 0, 64, [(ONE, ONE, (1, 1), ONE[:0])]),
    "a count that overflows": (2, 1 << 63, 64, [(ONE, ONE, (1, 1), TWO)]),
    "strided amounts": (2, 1, 64, [(TWO, np.arange(4)[::2], (1,), ONE)]),
    "a negative width": (2, 1, 64, [(ONE, ONE, (-1,), ONE)]),
    "amounts of another type": (2, 1, 64, [(ONE, ONE.astype(np.int32), (1,), ONE)]),
}


@needs_native
@pytest.mark.parametrize("name", BAD)
def test_the_kernel_refuses(name: str) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        module._kernels.term_sums(*BAD[name])
