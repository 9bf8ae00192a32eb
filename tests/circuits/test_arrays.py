"""Integers in arrays are exact whatever their size: int64 and Python integers agree at the edge and beyond it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from circuit_cases import small_book
from hypothesis import given
from hypothesis import strategies as st

from zkmargin.circuits.arrays import dot, floored, plus_multiple, products, remainders, term_arrays
from zkmargin.circuits.circuit import Column, variable
from zkmargin.circuits.incidence import Incidence
from zkmargin.circuits.parts import Capacities, PartTable
from zkmargin.sparse import INT64_SAFE, integers

SIZES = st.sampled_from([0, 1, 7, (1 << 31) - 1, 1 << 31, (1 << 61) - 1, 1 << 61, INT64_SAFE - 1, INT64_SAFE])
WIDER = st.sampled_from([1 << 63, (1 << 64) + 1, 1 << 100, 1 << 300])
INTEGERS = st.builds(lambda size, sign: sign * size, SIZES | WIDER, st.sampled_from([1, -1]))
PAIRS = st.lists(st.tuples(INTEGERS, INTEGERS), max_size=6)


@given(PAIRS)
def test_products_and_their_sum(pairs: list[tuple[int, int]]) -> None:
    a, b = integers([x for x, _ in pairs]), integers([y for _, y in pairs])
    assert products(a, b).tolist() == [x * y for x, y in pairs]
    assert dot(a, b) == sum(x * y for x, y in pairs)


@given(PAIRS, INTEGERS)
def test_a_multiple_added(pairs: list[tuple[int, int]], factor: int) -> None:
    x, y = integers([x for x, _ in pairs]), integers([y for _, y in pairs])
    assert plus_multiple(x, factor, y).tolist() == [p + factor * q for p, q in pairs]


@given(st.lists(st.tuples(INTEGERS, SIZES, st.integers(1, 3)), max_size=4), INTEGERS)
def test_prices_are_rounded_down(prices: list[tuple[int, int, int]], first: int) -> None:
    exact = [Fraction(numerator, denominator + 1) for numerator, denominator, _ in prices]
    counts = [count for *_, count in prices]
    lots = [abs(first) + n for n in range(sum(counts))]
    repeated = [price for price, count in zip(exact, counts, strict=True) for _ in range(count)]
    expected = [w * price.numerator // price.denominator for w, price in zip(lots, repeated, strict=True)]
    sizes = integers(lots), np.array(counts, dtype=np.int64)
    assert floored(*sizes, exact).tolist() == expected
    rest = [w * price.numerator % price.denominator for w, price in zip(lots, repeated, strict=True)]
    assert remainders(*sizes, exact).tolist() == rest


@given(st.dictionaries(st.integers(0, 20), INTEGERS.filter(bool)))
def test_terms_as_arrays(found: dict[int, int]) -> None:
    terms = tuple(sorted(found.items()))
    form = term_arrays(terms)
    assert tuple(zip(form.variables.tolist(), form.coefficients.tolist(), strict=True)) == terms
    assert form.dense(21).tolist() == [found.get(var, 0) for var in range(21)]
    assert form.at(np.arange(20, -1, -1)).tolist() == [found.get(var, 0) for var in range(20, -1, -1)]


@given(st.lists(st.tuples(st.sampled_from([1, 40, 61, 62, 63, 128]), INTEGERS.filter(bool)), max_size=5))
def test_reach_of_columns_of_any_width(columns: list[tuple[int, int]]) -> None:
    capacities = Capacities([Column(f"x{j}", width) for j, (width, _) in enumerate(columns)])
    form = term_arrays(tuple((variable(j), a) for j, (_, a) in enumerate(columns)))
    assert capacities.reach(form) == sum(abs(a) * ((1 << width) - 1) for width, a in columns)


def test_small_integers_are_stored_as_int64_and_others_are_not() -> None:
    assert integers([INT64_SAFE - 1, 1 - INT64_SAFE]).dtype == np.int64
    assert integers([INT64_SAFE]).dtype == object
    assert integers([-INT64_SAFE]).dtype == object
    assert integers([1 << 64]).tolist() == [1 << 64]
    assert term_arrays(((0, INT64_SAFE),)).coefficients.dtype == object


def test_incidence_is_the_transpose_of_the_equations() -> None:
    circuit = small_book(digits=1).circuit
    incidence = Incidence([item.arrays for item in circuit.equations], variable(len(circuit.columns)))
    for var in range(variable(len(circuit.columns))):
        expected = [
            (e, dict(item.terms)[var]) for e, item in enumerate(circuit.equations) if var in dict(item.terms)
        ]
        assert incidence[var] == tuple(expected)
    assert Incidence([], 3)[2] == ()


def test_a_side_without_columns_cannot_be_written_out() -> None:
    columns = [Column("x", 3)]
    assert PartTable(lambda _: ((0, 1),), columns)[(0, 0),].capacities.tolist() == [7]
    with pytest.raises(ValueError, match="without columns"):
        PartTable(lambda _: (), columns)[(0, 0),]
