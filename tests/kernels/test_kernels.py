"""The native module against py_ecc and hashlib, and everything that it refuses."""

from __future__ import annotations

import hashlib
import random
from types import ModuleType

import numpy as np
import numpy.typing as npt
import py_ecc.optimized_bn128 as curve
import pytest

Bytes = npt.NDArray[np.uint8]

ORDER, MODULUS = curve.curve_order, curve.field_modulus
INFINITY = bytes(64)


@pytest.fixture(scope="module")
def kernels() -> ModuleType:
    return pytest.importorskip(
        "zkmargin._kernels", reason="the native module is not built", exc_type=ImportError
    )


def table(rows: list[bytes], width: int) -> Bytes:
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), width)


def scalars(*values: int) -> Bytes:
    return table([value.to_bytes(32, "big") for value in values], 32)


def encode(point: object) -> bytes:
    if curve.is_inf(point):
        return INFINITY
    return b"".join(int(c).to_bytes(32, "big") for c in curve.normalize(point))


def points(*rows: bytes) -> Bytes:
    return table(list(rows), 64)


G = encode(curve.G1)


def shifted(point: bytes, x: int = 0, y: int = 0) -> bytes:
    parts = (int.from_bytes(point[:32], "big") + x, int.from_bytes(point[32:], "big") + y)
    return b"".join(part.to_bytes(32, "big") for part in parts)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 33, 100])
def test_msm_equals_py_ecc(kernels: ModuleType, count: int) -> None:
    source = random.Random(count)
    factors = [source.choice([0, 1, ORDER - 1, source.randrange(ORDER)]) for _ in range(count)]
    bases = [curve.multiply(curve.G1, source.randrange(1, 1 << 16)) for _ in range(count)]
    expected = curve.Z1
    for factor, base in zip(factors, bases, strict=True):
        expected = curve.add(expected, curve.multiply(base, factor))
    assert kernels.msm(scalars(*factors), points(*map(encode, bases))) == encode(expected)


EDGES = {
    "infinity as a term": ([5, 7], [G, INFINITY], encode(curve.multiply(curve.G1, 5))),
    "terms that cancel": ([1, ORDER - 1], [G, G], INFINITY),
    "equal terms": ([2, 2], [G, G], encode(curve.multiply(curve.G1, 4))),
    "only zeros": ([0, 0], [G, G], INFINITY),
    "only infinity": ([9], [INFINITY], INFINITY),
}


@pytest.mark.parametrize("name", EDGES)
def test_msm_at_the_edges(kernels: ModuleType, name: str) -> None:
    factors, bases, expected = EDGES[name]
    assert kernels.msm(scalars(*factors), points(*bases)) == expected


REFUSED = {
    "scalar equal to the order": (scalars(0, ORDER), points(G, G), "scalar 1 is not below the order"),
    "largest scalar": (scalars((1 << 256) - 1), points(G), "scalar 0 is not below the order"),
    "point off the curve": (scalars(1), points(shifted(G, y=1)), "point 0 is not the encoding"),
    "x beyond the modulus": (scalars(1), points(shifted(G, x=MODULUS)), "point 0 is not the encoding"),
    "y beyond the modulus": (scalars(1), points(shifted(G, y=MODULUS)), "point 0 is not the encoding"),
    "infinity with a remainder": (scalars(1), points(bytes(63) + b"\1"), "point 0 is not the encoding"),
    "infinity beyond the modulus": (scalars(1), points(shifted(INFINITY, x=MODULUS)), "point 0 is not"),
    "bad point under a zero": (scalars(1, 0), points(G, shifted(G, y=1)), "point 1 is not the encoding"),
    "more scalars than points": (scalars(1, 2), points(G), "2 scalars for 1 points"),
    "fewer scalars than points": (scalars(1), points(G, G), "1 scalars for 2 points"),
    "short scalars": (np.zeros((1, 31), np.uint8), points(G), r"scalars: expected shape \[n, 32\]"),
    "long points": (scalars(1), np.zeros((1, 65), np.uint8), r"points: expected shape \[n, 64\]"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_msm_refuses(kernels: ModuleType, name: str) -> None:
    factors, bases, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        kernels.msm(factors, bases)


@pytest.mark.parametrize("wrong", [np.zeros((1, 32), np.int8), np.zeros(32, np.uint8), bytes(32), None])
def test_msm_refuses_other_types(kernels: ModuleType, wrong: object) -> None:
    with pytest.raises(TypeError):
        kernels.msm(wrong, points(G))


def test_msm_reads_strided_arrays(kernels: ModuleType) -> None:
    wide = np.repeat(scalars(2, 3), 2, axis=1)[:, ::2]
    assert not wide.flags.c_contiguous
    assert kernels.msm(wide, points(G, G)) == encode(curve.multiply(curve.G1, 5))


@pytest.mark.parametrize("shape", [(0, 8), (1, 0), (3, 1), (5, 64), (7, 160)])
def test_sha256_many_equals_hashlib(kernels: ModuleType, shape: tuple[int, int]) -> None:
    messages = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    digests = kernels.sha256_many(messages)
    assert digests.shape == (shape[0], 32)
    assert [row.tobytes() for row in digests] == [hashlib.sha256(row.tobytes()).digest() for row in messages]


def test_sha256_many_reads_strided_arrays(kernels: ModuleType) -> None:
    messages = np.arange(64, dtype=np.uint8).reshape(8, 8).T
    digests = kernels.sha256_many(messages)
    assert [row.tobytes() for row in digests] == [hashlib.sha256(row.tobytes()).digest() for row in messages]


def test_info(kernels: ModuleType) -> None:
    facts = kernels.info()
    assert facts["curve"] == "bn254"
    assert facts["arithmetic"] in {"portable", "asm"}
    assert facts["threads"] >= 1
