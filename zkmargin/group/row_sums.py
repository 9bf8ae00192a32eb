"""Linear combinations of rows: what a random point of the account variables makes of outputs and bits."""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul

import numpy as np

from zkmargin.group.backend import Backend
from zkmargin.sparse import SparseWords, Values

WORD_BITS = 16


def combine_bits(backend: Backend, words: SparseWords, n_bits: int, weights: Sequence[int]) -> list[int]:
    """Return for each of `n_bits` bits the sum of weights[i] over the rows i in which it is set, mod order.

    Touched words only, additions only. The backend's own `combine_bits` is used where it brings one. ValueError for a
    bit set beyond `n_bits` or another number of weights than rows.
    """
    if len(weights) != words.rows:
        raise ValueError("one weight per row")
    own = getattr(backend, "combine_bits", None)
    if own is not None:
        out: list[int] = own(words, n_bits, weights)
        return out
    every = np.empty(len(weights), dtype=object)
    every[:] = weights
    sums = []
    for column in words.columns:
        chosen = every[column.rows]
        values = column.values.astype(np.int64)
        sums += [int(chosen[values >> bit & 1 == 1].sum()) % backend.order for bit in range(WORD_BITS)]
    if any(sums[n_bits:]):
        raise ValueError(f"a bit beyond the {n_bits} of the circuit is set")
    return sums[:n_bits] + [0] * (n_bits - len(sums))


def combine_outputs(values: Values, weights: Sequence[int], order: int) -> list[int]:
    """Return the combination of each output column mod order; `values` has shape [rows, 4], signed integers.

    ValueError for another number of weights than rows.
    """
    if len(weights) != len(values):
        raise ValueError("one weight per row")
    return [sum(map(mul, weights, column.tolist())) % order for column in values.T]
