"""Both backends over one store of generators, and inputs with every special case in them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from zkmargin.group.bn254 import Bn254
from zkmargin.group.curve import R
from zkmargin.group.generators import GeneratorStore
from zkmargin.group.reference import ReferenceBackend
from zkmargin.sparse import SparseValues, SparseWords

pytest.importorskip(
    "zkmargin._kernels", reason="the native module is not built, so it was not compared", exc_type=ImportError
)

from zkmargin.group.native import NativeBackend

STORE = GeneratorStore()
NATIVE = NativeBackend(STORE)
REFERENCE = ReferenceBackend(Bn254(STORE))
EDGES = (
    0,
    1,
    2,
    R - 1,
    R - 2,
    (R - 1) // 2,
    (R + 1) // 2,
    31,
    32,
    33,
    1 << 64,
    (1 << 64) - 1,
    R - (1 << 128),
)


def scalars(count, seed):
    """Random scalars, a third of them edges."""
    rng = random.Random(seed)
    return [rng.choice(EDGES) if rng.random() < 1 / 3 else rng.randrange(R) for _ in range(count)]


def points(backend, count, seed):
    """A few points often: equal ones, opposite ones and infinity stand in one batch."""
    rng = random.Random(seed)
    few = backend.generators("GB", 0, 4)
    base = backend.concat([few, backend.negate(few), backend.identity(2)])
    return backend.gather(base, [rng.randrange(10) for _ in range(count)])


def words(rows, columns, density, seed, mask=0xFFFF):
    """Sparse words; `mask` are the bits that may be set."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(columns):
        at = np.flatnonzero(rng.random(rows) < density).astype(np.int64)
        values = rng.integers(0, 1 << 16, len(at)) & mask
        out.append(SparseValues(at[values != 0], values[values != 0].astype(np.uint16)))
    return SparseWords(rows, tuple(out))


def both(operation, *makers):
    """The result of one operation on both backends, encoded; a maker builds an argument for a backend."""
    results = []
    for backend in (NATIVE, REFERENCE):
        arguments = [make(backend) if callable(make) else make for make in makers]
        results.append(backend.encode(getattr(backend, operation)(*arguments)))
    return results
