import random

import curve_oracle as oracle
import pytest
from py_ecc import bn128

from zkmargin.group import curve
from zkmargin.group.generators import derive

P, S, T = derive("GB", [0, 1, 2])
MINUS_P = curve.negate(P)
TWICE_P = oracle.add(P, P)
PAIRS = [
    (P, S),
    (P, P),
    (P, MINUS_P),
    (P, None),
    (None, S),
    (None, None),
    (TWICE_P, P),
    (TWICE_P, MINUS_P),
    (S, T),
]


def test_constants_are_those_of_py_ecc():
    assert bn128.field_modulus == curve.Q
    assert bn128.curve_order == curve.R
    assert bn128.b == bn128.FQ(curve.B)


@pytest.mark.parametrize("left, right", PAIRS)
def test_single_additions_against_py_ecc(left, right):
    assert curve.add_each([left], [right]) == [oracle.add(left, right)]


def test_one_batch_holds_every_special_case():
    left, right = [pair[0] for pair in PAIRS], [pair[1] for pair in PAIRS]
    assert curve.add_each(left, right) == [oracle.add(a, b) for a, b in PAIRS]


def test_a_batch_of_equal_points_only():
    assert curve.add_each([P] * 5, [P] * 5) == [TWICE_P] * 5
    assert curve.add_each([P] * 5, [MINUS_P] * 5) == [None] * 5


def test_random_batch_against_py_ecc():
    points = derive("GB", range(40))
    assert curve.add_each(points[:20], points[20:]) == [
        oracle.add(a, b) for a, b in zip(points[:20], points[20:], strict=True)
    ]


def test_empty_batches():
    assert curve.add_each([], []) == []
    assert curve.double_each([]) == []
    assert curve.sum_lists([]) == []
    assert curve.to_affine([]) == []


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError):
        curve.add_each([P], [])


def test_doubling_with_infinity_in_the_batch():
    assert curve.double_each([P, None, S]) == [TWICE_P, None, oracle.add(S, S)]


@pytest.mark.parametrize("sizes", [[0, 1, 2, 3, 7, 8, 0], [1], [33], [0]])
def test_sums_of_lists_of_any_length(sizes):
    rng = random.Random(1)
    pool = [*derive("GB", range(6)), None, P, MINUS_P]
    lists = [[rng.choice(pool) for _ in range(size)] for size in sizes]
    assert curve.sum_lists(lists) == [oracle.msm([1] * len(points), points) for points in lists]


def test_lists_are_not_changed_by_summing():
    points = [P, S, T]
    curve.sum_lists([points])
    assert points == [P, S, T]


def test_jacobian_sums_against_py_ecc():
    assert curve.to_affine([curve.add_affine((*P, 1), P)]) == [TWICE_P]
    assert curve.to_affine([curve.add_affine((*P, 1), MINUS_P)]) == [None]
    total = curve.INFINITY
    assert curve.to_affine([total, curve.double(total)]) == [None, None]
    expected = None
    for point in (P, P, MINUS_P, MINUS_P, S, T):
        total, expected = curve.add_affine(total, point), oracle.add(expected, point)
        assert curve.to_affine([total]) == [expected]
        total, expected = curve.double(total), oracle.add(expected, expected)
        assert curve.to_affine([total]) == [expected]


def test_inverses_skip_zero():
    assert curve.invert_each([2, 0, 3, 0]) == [pow(2, -1, curve.Q), 0, pow(3, -1, curve.Q), 0]


def test_curve_equation():
    assert curve.on_curve(P)
    assert not curve.on_curve((P[0], (P[1] + 1) % curve.Q))
    assert not curve.on_curve((0, 0))
