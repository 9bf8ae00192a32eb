"""What the native backend refuses, with the error types and codes of the reference backend."""

from __future__ import annotations

import numpy as np
import pytest
from native_cases import NATIVE, REFERENCE, points, words

from zkmargin import _kernels
from zkmargin.errors import DecodeError
from zkmargin.group.codec import encode_point
from zkmargin.group.curve import Q, R
from zkmargin.group.row_sums import combine_bits
from zkmargin.sparse import SparseValues, SparseWords

G = encode_point((1, 2))


def pair(x, y):
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


UNCOMPRESSED = {
    "short": G[:-1],
    "long": G + b"\0",
    "x not below the modulus": pair(1 + Q, 2),
    "y not below the modulus": pair(1, 2 + Q),
    "largest bytes": b"\xff" * 64,
    "off the curve": pair(1, 3),
    "infinity": bytes(64),
    "infinity with a remainder": pair(0, 1),
    "infinity beyond the modulus": pair(Q, Q),
    "second point off the curve": G + pair(2, 2),
    "infinity, then a fault": bytes(64) + pair(1, 3),
}
COMPRESSED = {
    "short": bytes(31),
    "no flag": pair(1, 2)[:32],
    "all zero": bytes(32),
    "infinity": b"\x40" + bytes(31),
    "infinity with a remainder": b"\x40" + bytes(30) + b"\1",
    "x is the modulus": (Q | 0b10 << 254).to_bytes(32, "big"),
    "largest bytes": b"\xff" * 32,
    "no square": (4 | 0b10 << 254).to_bytes(32, "big"),
    "no square, other flag": (4 | 0b11 << 254).to_bytes(32, "big"),
}


def code(call):
    with pytest.raises(DecodeError) as caught:
        call()
    return caught.value.code, caught.value.message, str(caught.value)


@pytest.mark.parametrize("name", UNCOMPRESSED)
def test_decode(name):
    data = UNCOMPRESSED[name]
    assert code(lambda: NATIVE.decode(data)) == code(lambda: REFERENCE.decode(data))


@pytest.mark.parametrize("name", COMPRESSED)
def test_decompress(name):
    data = COMPRESSED[name]
    assert code(lambda: NATIVE.decompress(data)) == code(lambda: REFERENCE.decompress(data))


def test_infinity_where_it_is_allowed():
    assert NATIVE.is_identity(NATIVE.decode(bytes(64) + G, infinity=True)) == [True, False]
    assert NATIVE.is_identity(NATIVE.decompress(b"\x40" + bytes(31), infinity=True)) == [True]


def outputs(rows):
    return np.zeros((rows, 4), dtype=np.int64)


def column(rows, values, dtype=np.uint16):
    return SparseWords(3, (SparseValues(np.array(rows, dtype=np.int64), np.array(values, dtype=dtype)),))


REFUSED = {
    "odd pairs": lambda b: b.pair_sums(points(b, 3, 1)),
    "add of unequal lengths": lambda b: b.add(points(b, 3, 1), points(b, 2, 1)),
    "fewer scalars": lambda b: b.msm([1], points(b, 2, 1)),
    "more scalars": lambda b: b.msm([1, 2], points(b, 1, 1)),
    "fewer factors": lambda b: b.scale(points(b, 2, 1), [1]),
    "scalar is the order": lambda b: b.msm([0, R], points(b, 2, 1)),
    "scalar of 256 bits": lambda b: b.msm([2**256 - 1], points(b, 1, 1)),
    "scalar of 257 bits": lambda b: b.msm([2**256], points(b, 1, 1)),
    "negative scalar": lambda b: b.msm([-1], points(b, 1, 1)),
    "factor is the order": lambda b: b.scale(points(b, 1, 1), [R]),
    "index too large": lambda b: b.gather(points(b, 2, 1), [0, 2]),
    "index negative": lambda b: b.gather(points(b, 2, 1), [-1]),
    "unknown family": lambda b: b.generators("G", 0, 1),
    "beyond the family": lambda b: b.generators("H", 0, 2),
    "before the family": lambda b: b.generators("GB", -1, 2),
    "fewer blindings for bits": lambda b: b.commit_bits(words(3, 1, 1.0, 1), 16, [1, 2]),
    "blinding is the order": lambda b: b.commit_bits(words(1, 1, 1.0, 1), 16, [R]),
    "bit beyond the circuit": lambda b: b.commit_bits(column([0], [1 << 5]), 5, [0] * 3),
    "word beyond the circuit": lambda b: b.commit_bits(words(3, 2, 1.0, 1), 16, [0] * 3),
    "fewer blindings for outputs": lambda b: b.commit_outputs(outputs(2), [1]),
    "blinding of outputs is the order": lambda b: b.commit_outputs(outputs(1), [R]),
    "three outputs": lambda b: b.commit_outputs(np.zeros((1, 3), dtype=np.int64), [1]),
    "flat outputs": lambda b: b.commit_outputs(np.zeros(4, dtype=np.int64), [1]),
    "fewer weights": lambda b: combine_bits(b, words(3, 1, 1.0, 1), 16, [1, 2]),
    "combined bit beyond the circuit": lambda b: combine_bits(b, column([0], [1 << 5]), 5, [1] * 3),
    "combined word beyond the circuit": lambda b: combine_bits(b, words(3, 2, 1.0, 1), 16, [1] * 3),
    "unequal vectors": lambda b: b.inner([1], [1, 2]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_values_that_both_refuse(name):
    for backend in (NATIVE, REFERENCE):
        with pytest.raises(ValueError):
            REFUSED[name](backend)


NATIVE_ONLY = {
    "rows out of order": lambda: NATIVE.commit_bits(column([1, 0], [1, 1]), 16, [0] * 3),
    "a row twice": lambda: NATIVE.commit_bits(column([1, 1], [1, 1]), 16, [0] * 3),
    "row too large": lambda: NATIVE.commit_bits(column([3], [1]), 16, [0] * 3),
    "row negative": lambda: NATIVE.commit_bits(column([-1, 2], [1, 1]), 16, [0] * 3),
    "rows without words": lambda: NATIVE.commit_bits(column([0, 1], [1]), 16, [0] * 3),
    "word of 17 bits": lambda: NATIVE.commit_bits(column([0], [1 << 16], np.int64), 32, [0] * 3),
    "word negative": lambda: NATIVE.commit_bits(column([0], [-1], np.int64), 32, [0] * 3),
    "scalars of another shape": lambda: NATIVE.msm(np.zeros((1, 31), np.uint8), NATIVE.identity(1)),
    "scalars of another type": lambda: NATIVE.msm(np.zeros((1, 32), np.int8), NATIVE.identity(1)),
    "order as an array": lambda: NATIVE.msm(np.full((1, 32), 255, np.uint8), NATIVE.identity(1)),
    "table of two bases": lambda: _kernels.FixedBase(NATIVE.identity(2), 4, 253),
    "table of wide windows": lambda: _kernels.FixedBase(NATIVE.identity(1), 17, 253),
    "table of long scalars": lambda: _kernels.FixedBase(NATIVE.identity(1), 4, 255),
    "scalar beyond its table": lambda: _kernels.add_products(
        NATIVE.identity(1), [_kernels.FixedBase(NATIVE.identity(1), 4, 8)], [np.array([256])]
    ),
    "fewer scalars than rows": lambda: _kernels.add_products(
        NATIVE.identity(2), [_kernels.FixedBase(NATIVE.identity(1), 4, 8)], [np.array([1])]
    ),
    "a base without scalars": lambda: _kernels.add_products(
        NATIVE.identity(1), [_kernels.FixedBase(NATIVE.identity(1), 4, 8)], []
    ),
    "a tag of another suite": lambda: _kernels.hash_to_curve([b"m"], "BN254G1_XMD:SHA-256_SSWU_RO_"),
    "a long tag": lambda: _kernels.hash_to_curve([b"m"], "t" * 240 + "BN254G1_XMD:SHA-256_SVDW_RO_"),
}


@pytest.mark.parametrize("name", NATIVE_ONLY)
def test_values_that_only_kernels_can_meet(name):
    with pytest.raises(ValueError):
        NATIVE_ONLY[name]()


def test_points_are_opaque():
    some = points(NATIVE, 4, 1)
    for key in (0, slice(None, None, 2), slice(None, None, -1), "a"):
        with pytest.raises(TypeError):
            some[key]
    with pytest.raises(TypeError):
        some == some  # noqa: B015, PLR0124
    with pytest.raises(TypeError):
        hash(some)
    with pytest.raises(TypeError):
        list(some)
    with pytest.raises(TypeError):
        _kernels.Points()


def test_points_of_another_backend():
    foreign = points(REFERENCE, 2, 1)
    for call in (NATIVE.encode, NATIVE.total, lambda p: NATIVE.msm([1, 2], p), lambda p: NATIVE.concat([p])):
        with pytest.raises(TypeError, match="another backend"):
            call(foreign)


@pytest.mark.parametrize("weights", [{"F": [R]}, {"F": [-1]}, {"F": [1, 1]}, {"BG": [0] * 2049}, {"??": [1]}])
def test_sums_of_generators(weights):
    for backend in (NATIVE, REFERENCE):
        for _ in range(20):
            with pytest.raises(ValueError):
                backend.combine_generators(weights)


def test_products_of_tables():
    table = _kernels.FixedBase(NATIVE.generators("F", 0, 1), 4, 8)
    for scalars in (bytes(31), bytes(64), R.to_bytes(32, "big"), (1 << 9).to_bytes(32, "big")):
        with pytest.raises(ValueError):
            _kernels.sum_products([table], scalars)
