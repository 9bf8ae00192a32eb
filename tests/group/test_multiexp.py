import random
import sys
from concurrent.futures import ThreadPoolExecutor

import curve_oracle as oracle
import pytest

from zkmargin.group import curve, multiexp
from zkmargin.group.curve import R
from zkmargin.group.generators import derive

POINTS = derive("GB", range(40))
EDGES = [
    0,
    1,
    2,
    3,
    15,
    16,
    17,
    127,
    128,
    129,
    255,
    256,
    257,
    (1 << 128) - 1,
    R // 2,
    R // 2 + 1,
    R - 2,
    R - 1,
]


def randoms(count, seed=1, below=R):
    rng = random.Random(seed)
    return [rng.randrange(below) for _ in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, multiexp.STRAUS_UP_TO, multiexp.STRAUS_UP_TO + 1, 40])
def test_random_sums_against_py_ecc(count):
    scalars = randoms(count)
    assert multiexp.msm(scalars, POINTS[:count]) == oracle.msm(scalars, POINTS[:count])


@pytest.mark.parametrize("scalar", EDGES)
def test_edge_scalars_alone_and_in_bulk(scalar):
    product = oracle.multiply(POINTS[0], scalar)
    assert multiexp.msm([scalar], [POINTS[0]]) == product
    assert multiexp.scale_each([POINTS[0], None], [scalar, scalar]) == [product, None]
    assert multiexp.FixedBase(POINTS[0]).scale([scalar]) == [product]
    padded = [scalar] + [0] * 30 + [5] * 20
    points = [POINTS[0]] * 31 + POINTS[:20]
    assert multiexp.msm(padded, points) == oracle.msm(padded, points)


def test_buckets_meet_equal_opposite_and_infinite_points():
    points = [POINTS[0]] * 20 + [curve.negate(POINTS[0])] * 20 + [None] * 5 + POINTS[1:10]
    scalars = [3] * 40 + randoms(5) + [3] * 9
    assert multiexp.msm(scalars, points) == oracle.msm(scalars, points)
    assert multiexp.msm([7] * 40, points[:40]) is None


@pytest.mark.parametrize("below", [2, 1 << 8, 1 << 64])
def test_small_and_negative_scalars(below):
    small = randoms(40, below=below)
    mixed = [s if i % 2 else -s % R for i, s in enumerate(small)]
    assert multiexp.msm(mixed, POINTS) == oracle.msm(mixed, POINTS)


def test_small_scalars_cost_a_fraction_of_large_ones(monkeypatch):
    def additions(scalars):
        count = 0

        def counted(left, right):
            nonlocal count
            count += len(left)
            return original(left, right)

        original = curve.add_each
        with monkeypatch.context() as patch:
            patch.setattr(curve, "add_each", counted)
            patch.setattr(multiexp, "add_each", counted)
            multiexp.msm(scalars, POINTS * 5)
        return count

    bits = randoms(200, below=2)
    assert additions(bits) < 250
    assert additions([-s % R for s in bits]) < 250
    assert additions(randoms(200)) > 5_000


def test_fixed_base_table_grows_and_agrees():
    table = multiexp.FixedBase(POINTS[0])
    scalars = [*EDGES, *randoms(4)]
    expected = [oracle.multiply(POINTS[0], scalar) for scalar in scalars]
    assert [table.scale([scalar])[0] for scalar in scalars] == expected
    assert table.scale(scalars) == expected
    assert table.scale([]) == []


def test_a_table_that_several_threads_grow_at_once():
    table, scalars = multiexp.FixedBase(POINTS[0]), [R // 2, R - 1, 1 << 200, 5]
    expected = [oracle.multiply(POINTS[0], scalar) for scalar in scalars]
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda _: table.scale(scalars), range(8)))
    finally:
        sys.setswitchinterval(switch)
    assert found == [expected] * 8


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError):
        multiexp.msm([1], [])
    with pytest.raises(ValueError):
        multiexp.scale_each([], [1])
