"""The native module against py_ecc; against the reference backend: tests/group/test_native.py."""

from __future__ import annotations

import random
from types import ModuleType

import py_ecc.optimized_bn128 as curve
import pytest

ORDER = curve.curve_order
INFINITY = bytes(64)


@pytest.fixture(scope="module")
def kernels() -> ModuleType:
    return pytest.importorskip(
        "zkmargin._kernels", reason="the native module is not built", exc_type=ImportError
    )


def scalars(*values: int) -> bytes:
    return b"".join(value.to_bytes(32, "big") for value in values)


def encode(point: object) -> bytes:
    if curve.is_inf(point):
        return INFINITY
    return b"".join(int(c).to_bytes(32, "big") for c in curve.normalize(point))


G = encode(curve.G1)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 33, 100])
def test_msm_equals_py_ecc(kernels: ModuleType, count: int) -> None:
    source = random.Random(count)
    factors = [source.choice([0, 1, ORDER - 1, source.randrange(ORDER)]) for _ in range(count)]
    bases = [curve.multiply(curve.G1, source.randrange(1, 1 << 16)) for _ in range(count)]
    expected = curve.Z1
    for factor, base in zip(factors, bases, strict=True):
        expected = curve.add(expected, curve.multiply(base, factor))
    points = kernels.decode(b"".join(map(encode, bases)), False)
    assert kernels.encode(kernels.msm(scalars(*factors), points)) == encode(expected)


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
    points = kernels.decode(b"".join(bases), True)
    assert kernels.encode(kernels.msm(scalars(*factors), points)) == expected


def test_info(kernels: ModuleType) -> None:
    facts = kernels.info()
    assert facts["curve"] == "bn254"
    assert facts["arithmetic"] in {"portable", "asm"}
    assert facts["threads"] >= 1
