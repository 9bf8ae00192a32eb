"""The native backend gives the bytes of the reference backend: every operation, with special cases in every batch."""

from __future__ import annotations

import multiprocessing
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from native_cases import EDGES, NATIVE, REFERENCE, STORE, both, points, scalars, words

from zkmargin.group import generators
from zkmargin.group.curve import R
from zkmargin.group.native import MAX_TABLES, WORTH_TABLES, NativeBackend, derive
from zkmargin.group.row_sums import combine_bits
from zkmargin.sparse import SparseValues, SparseWords

SIZES = [0, 1, 2, 3, 17, 130]


def some(count, seed):
    return lambda backend: points(backend, count, seed)


def test_generators_by_hash_to_curve():
    assert derive("GB", [0, 1, 258, 2**18 - 1]) == generators.derive("GB", [0, 1, 258, 2**18 - 1])
    assert derive("H", []) == []


@pytest.mark.parametrize(
    "family, start, count", [("H", 0, 1), ("GB", 0, 5), ("GB", 3, 4), ("GB", 2, 0), ("GI", 0, 1)]
)
def test_generators(family, start, count):
    native, reference = both("generators", family, start, count)
    assert native == reference
    assert native == both("generators", family, start, count)[0]  # from what was kept


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("operation", ["add", "negate", "total", "concat", "gather", "pair_sums"])
def test_sequences(operation, size):
    left, right = some(size, 1), some(size, 2)
    arguments = {
        "add": [left, right],
        "concat": [lambda b: [points(b, size, 1), points(b, 0, 1), points(b, 3, 4)]],
        "gather": [left, [i * i % size for i in range(2 * size)]],
        "pair_sums": [some(2 * size, 3)],
    }
    native, reference = both(operation, *arguments.get(operation, [left]))
    assert native == reference


def test_more_points_than_a_batch():
    size = 2500
    assert len(set(both("add", some(size, 5), some(size, 6)))) == 1
    assert len(set(both("total", some(size, 7)))) == 1
    assert len(set(both("pair_sums", some(2 * size, 8)))) == 1


@pytest.mark.parametrize("size", SIZES)
def test_sums_with_scalars(size):
    weights = scalars(size, size)
    assert len(set(both("scale", some(size, 1), weights))) == 1
    assert len(set(both("msm", weights, some(size, 1)))) == 1


@pytest.mark.parametrize("edge", EDGES)
def test_msm_of_one_edge_throughout(edge):
    assert len(set(both("msm", [edge] * 9, some(9, 4)))) == 1
    assert len(set(both("scale", some(9, 4), [edge] * 9))) == 1


def test_msm_of_distinct_points():
    weights = scalars(40, 3)
    assert len(set(both("msm", weights, lambda b: b.generators("GB", 0, 40)))) == 1


@pytest.mark.parametrize("uses", [1, WORTH_TABLES + 2])
def test_sums_of_generators_with_and_without_tables(uses):
    native = NativeBackend(STORE)
    for seed in range(uses):
        weights = {
            "BG": scalars(70, seed), "BH": scalars(3 * seed, seed), "F": scalars(1, seed), "H": [],
            "GN": [EDGES[seed % 13]],
        }  # fmt: skip
        if seed in (0, uses - 1):
            expected = REFERENCE.encode(REFERENCE.combine_generators(weights))
            assert native.encode(native.combine_generators(weights)) == expected
        else:
            native.combine_generators(weights)
    assert native.is_identity(native.combine_generators({})) == [True]


def test_more_generators_than_tables():
    native = NativeBackend(STORE)
    weights = {"BG": scalars(MAX_TABLES + 9, 5), "BH": scalars(2, 6)}
    expected = REFERENCE.encode(REFERENCE.combine_generators(weights))
    for _ in range(WORTH_TABLES + 2):
        assert native.encode(native.combine_generators(weights)) == expected
    assert native.encode(native.combine_generators({"BG": weights["BG"], "BH": weights["BH"]})) == expected


def test_tables_that_several_threads_build_at_once():
    """A table twice in the list would weigh the next generator with the scalar of another: for good, and silently."""
    native, weights = NativeBackend(STORE), {"BG": scalars(64, 5)}
    native.generators("BG", 0, 64)
    for _ in range(WORTH_TABLES):
        native.combine_generators({"BG": [1]})
    with ThreadPoolExecutor(4) as threads:
        sums = list(threads.map(lambda _: native.encode(native.combine_generators(weights)), range(8)))
    assert set(sums) == {REFERENCE.encode(REFERENCE.combine_generators(weights))}


def test_scalars_as_arrays():
    weights = scalars(20, 9)
    table = np.frombuffer(b"".join(w.to_bytes(32, "big") for w in weights), np.uint8).reshape(-1, 32)
    some_points = points(NATIVE, 20, 1)
    assert NATIVE.equal(NATIVE.msm(table, some_points), NATIVE.msm(weights, some_points))
    assert NATIVE.equal(NATIVE.scale(some_points, table), NATIVE.scale(some_points, weights))
    rows = words(20, 2, 0.5, 1)
    assert NATIVE.equal(NATIVE.commit_bits(rows, 32, table), NATIVE.commit_bits(rows, 32, weights))


def test_encodings():
    native, reference = points(NATIVE, 40, 1), points(REFERENCE, 40, 1)
    assert NATIVE.encode(native) == REFERENCE.encode(reference)
    assert NATIVE.compress(native) == REFERENCE.compress(reference)
    assert NATIVE.equal(NATIVE.decode(NATIVE.encode(native), infinity=True), native)
    assert NATIVE.equal(NATIVE.decompress(NATIVE.compress(native), infinity=True), native)
    assert NATIVE.is_identity(native) == REFERENCE.is_identity(reference)
    assert any(NATIVE.is_identity(native))


def test_equal():
    some_points = points(NATIVE, 9, 1)
    assert NATIVE.equal(some_points, NATIVE.concat([some_points[:4], some_points[4:]]))
    assert not NATIVE.equal(some_points, some_points[:8])
    assert not NATIVE.equal(some_points, NATIVE.negate(some_points))


@pytest.mark.parametrize(
    "part", [slice(0, 0), slice(2, 5), slice(-3, None), slice(4, 2), slice(99, 100), slice(None)]
)
def test_slices(part):
    native, reference = (b.encode(points(b, 9, 1)[2:][part]) for b in (NATIVE, REFERENCE))
    assert native == reference


# --- rows

BOOKS = {
    "no rows": (0, 2, 1.0),
    "no columns": (3, 0, 1.0),
    "one row": (1, 3, 1.0),
    "one row, nothing set": (1, 3, 0.0),
    "few rows, dense": (7, 3, 0.9),
    "more rows than a batch": (1500, 1, 1.0),
    "sparse columns": (300, 6, 0.03),
    "columns of many widths": (80, 4, 0.5),
}


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("mask", [0xFFFF, 0x8001, 0x03E0])
def test_commit_bits(name, mask):
    rows, columns, density = BOOKS[name]
    book = words(rows, columns, density, 1, mask)
    assert len(set(both("commit_bits", book, 16 * columns, scalars(rows, 2)))) == 1


def test_commit_bits_of_part_of_a_word():
    book = words(50, 2, 0.8, 3, 0x000F)
    assert len(set(both("commit_bits", book, 20, scalars(50, 4)))) == 1


def test_commit_bits_of_equal_rows():
    one = SparseValues(np.arange(1200, dtype=np.int64), np.full(1200, 0xBEEF, dtype=np.uint16))
    assert len(set(both("commit_bits", SparseWords(1200, (one, one)), 32, [5] * 1200))) == 1


def test_commit_bits_with_words_of_another_type():
    wide = SparseValues(np.array([0, 2], dtype=np.int64), np.array([3, 65535], dtype=np.int64))
    assert len(set(both("commit_bits", SparseWords(3, (wide,)), 16, [1, 2, 3]))) == 1


def test_what_few_bits_left_out_is_there_for_many():
    """Generators of bits that are set nowhere are not derived; a later call must not miss them."""
    fresh = NativeBackend()
    for mask in (0x0101, 0xFFFF):
        book = words(4, 2, 1.0, 1, mask)
        assert fresh.encode(fresh.commit_bits(book, 32, [0] * 4)) == NATIVE.encode(
            NATIVE.commit_bits(book, 32, [0] * 4)
        )


@pytest.mark.parametrize("name", BOOKS)
def test_combine_bits(name):
    rows, columns, density = BOOKS[name]
    book = words(rows, columns, density, 5)
    weights = scalars(rows, 6)
    assert NATIVE.combine_bits(book, 16 * columns, weights) == combine_bits(
        REFERENCE, book, 16 * columns, weights
    )


def test_combine_bits_of_part_of_a_word():
    book = words(30, 1, 0.9, 7, 0x000F)
    for bits in (4, 5, 16, 17, 40):
        assert NATIVE.combine_bits(book, bits, [R - 1] * 30) == combine_bits(
            REFERENCE, book, bits, [R - 1] * 30
        )


OUTPUTS = {
    "no rows": [],
    "one row": [[1, -1, 0, 12345]],
    "nothing but blindings": [[0, 0, 0, 0]] * 3,
    "edges of int64": [[-(2**63), 2**63 - 1, 2**62, -(2**62)]],
    "many": [[i * i, -i, 7**i % 2**60, i << 30] for i in range(100)],
}


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("dtype", [np.int64, object])
def test_commit_outputs(name, dtype):
    values = np.array(OUTPUTS[name], dtype=dtype).reshape(-1, 4)
    assert len(set(both("commit_outputs", values, scalars(len(values), 1)))) == 1


def test_commit_outputs_beyond_int64():
    values = np.array([[2**100, -(2**100), R - 1, 1 - R], [1, 2, 3, 2**64]], dtype=object)
    assert len(set(both("commit_outputs", values, [0, R - 1]))) == 1


def test_commit_outputs_of_equal_and_opposite_products():
    """Rows that pass through infinity: blindings and values that cancel cannot be told apart from others."""
    values = np.array([[0, 0, 0, 0], [1, 0, 0, 0]], dtype=np.int64)
    assert len(set(both("commit_outputs", values, [0, 0]))) == 1


def test_tables_grow_with_use():
    fresh = NativeBackend()
    for rows, size in ((1, 1), (200, 2**40), (3, 2**20), (40, 2**62)):
        values = np.full((rows, 4), -size, dtype=np.int64)
        assert fresh.encode(fresh.commit_outputs(values, [R - 3] * rows)) == NATIVE.encode(
            NATIVE.commit_outputs(values, [R - 3] * rows)
        )


def test_vectors():
    left, right = scalars(30, 1), scalars(30, 2)
    assert NATIVE.inner(left, right) == REFERENCE.inner(left, right)
    assert NATIVE.combine(left, right[0], right) == REFERENCE.combine(left, right[0], right)
    assert NATIVE.powers(left[1], 20) == REFERENCE.powers(left[1], 20)


def test_a_forked_child_has_threads_of_its_own():
    """A child inherits the parent's pool without its threads: work handed to that would wait for ever."""
    some_points = points(NATIVE, 2500, 1)
    expected = NATIVE.encode(NATIVE.total(some_points))

    def work():
        sys.exit(0 if NATIVE.encode(NATIVE.total(some_points)) == expected else 1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # later Pythons warn of forks beside threads
        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
    child.join(20)
    if child.is_alive():
        child.kill()
    assert child.exitcode == 0
    assert NATIVE.encode(NATIVE.total(some_points)) == expected
