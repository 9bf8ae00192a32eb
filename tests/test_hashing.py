"""Hashing in bulk equals hashlib and hmac, with the native module and without it."""

from __future__ import annotations

import hashlib
import hmac

import numpy as np
import pytest

from zkmargin import hashing
from zkmargin.group.curve import R

KEY = bytes(range(32))
MESSAGES = [
    b"",
    b"a",
    bytes(55),
    bytes(56),
    bytes(63),
    bytes(64),
    bytes(65),
    b"x" * 1000,
    *[bytes([i]) for i in range(70)],
]


@pytest.fixture(params=["native", "hashlib"])
def bulk(request, monkeypatch):
    if request.param == "hashlib":
        monkeypatch.setattr(hashing, "_kernels", None)
    elif hashing._kernels is None:
        pytest.skip("the native module is not built")
    return hashing


def test_digests(bulk):
    assert bulk.digests(MESSAGES) == [hashlib.sha256(m).digest() for m in MESSAGES]
    assert bulk.digests([]) == []


@pytest.mark.parametrize("shape", [(0, 8), (1, 0), (3, 1), (5, 64), (7, 160), (200, 321)])
@pytest.mark.parametrize("prefix", [b"", b"\x01", bytes(64)])
def test_row_digests(bulk, shape, prefix):
    rows = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    out = bulk.row_digests(prefix, rows)
    assert out.shape == (shape[0], 32)
    assert out.dtype == np.uint8
    assert [row.tobytes() for row in out] == [hashlib.sha256(prefix + row.tobytes()).digest() for row in rows]


def test_row_digests_of_strided_arrays(bulk):
    rows = np.arange(64, dtype=np.uint8).reshape(8, 8).T
    assert bulk.row_digests(b"p", rows)[1].tobytes() == hashlib.sha256(b"p" + rows[1].tobytes()).digest()


@pytest.mark.parametrize("key", [KEY, b"", bytes(64), bytes(65)])
def test_macs(bulk, key):
    assert bulk.macs(key, b"ctx", MESSAGES) == [hmac.digest(key, b"ctx" + m, "sha256") for m in MESSAGES]
    assert bulk.macs(key, b"", []) == []


@pytest.mark.parametrize("order", [R, 7, (1 << 127) - 1])
def test_mac_scalars(bulk, order):
    expected = [
        int.from_bytes(b"".join(hmac.digest(KEY, b"ctx" + m + bytes([i]), "sha256") for i in (0, 1)), "big")
        % order
        for m in MESSAGES
    ]
    assert bulk.mac_scalars(KEY, b"ctx", MESSAGES, order) == expected
    assert bulk.mac_scalars(KEY, b"ctx", [], order) == []
