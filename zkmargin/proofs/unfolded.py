"""Generators of the linear proof's prover, folded as late as pays.

After t rounds the folded generators are G' = sum_p s_p G_p over the 2^t blocks G_p of the original ones
(block_weights). A halving needs <x_low, G'_high> and <x_high, G'_low>. Each class here gives these two sums
as scalars and points, which the caller adds up together with its own terms in one multi-scalar
multiplication:

    WeightedBlocks   s_p x_j over the original generators: one full-size scalar a generator and round, nothing folded
    BlockProducts    for small x: all <x_p, G_q> of different blocks are computed first, with the small numbers
                     themselves; a round then only combines a few of these points
    fold_blocks      the folded generators after t rounds, all blocks at once: the doublings are shared

Memory: BlockProducts keeps 4^t points, fold_blocks 2^(WINDOW - 2) multiples of FOLD_AT_ONCE generators.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from zkmargin.group.backend import Backend, Points

WINDOW = 5  # bits of a signed window in fold_blocks
FOLD_AT_ONCE = 1 << 15  # generators whose multiples fold_blocks holds at a time

Sum = tuple[list[int], Points]  # scalars and points: sum scalar_i * point_i


class Generators(Protocol):
    """The generators of a stretch of rounds."""

    @property
    def weights(self) -> list[int]:
        """Weights s_p of the blocks after the rounds so far."""
        ...

    def halves(self, x: Sequence[int]) -> tuple[Sum, Sum]:
        """Return <x_low, G'_high> and <x_high, G'_low>; x is the current vector, an even number of scalars."""
        ...

    def fold(self, challenge: int, inverse: int) -> None:
        """Go on to x_low + e x_high and G'_low + e^-1 G'_high."""
        ...


class WeightedBlocks:
    """Generators that are never folded: each round doubles the number of block weights instead."""

    def __init__(self, backend: Backend, points: Points) -> None:
        self._backend = backend
        self._points = points
        self.weights = [1]

    def halves(self, x: Sequence[int]) -> tuple[Sum, Sum]:
        """See Generators."""
        half = len(x) // 2
        return self._half(x[:half], half), self._half(x[half:], 0)

    def fold(self, challenge: int, inverse: int) -> None:
        """See Generators; x is the caller's to fold."""
        self.weights = _split_weights(self.weights, inverse, self._backend.order)

    def _half(self, x: Sequence[int], start: int) -> Sum:
        size = len(x)
        blocks = [self._points[2 * size * p + start :][:size] for p in range(len(self.weights))]
        return outer(self.weights, x, self._backend.order), self._backend.concat(blocks)


class BlockProducts:
    """The first `rounds` rounds for small x: every halving from products of blocks of x with blocks of G."""

    def __init__(self, backend: Backend, points: Points, x: Sequence[int], rounds: int) -> None:
        self._backend = backend
        self._count = 1 << rounds
        self._table = _products(backend, points, x, self._count)
        self._x_weights = [1]
        self.weights = [1]

    def halves(self, x: Sequence[int]) -> tuple[Sum, Sum]:
        """See Generators; the current x is not needed."""
        return self._half(0, 1), self._half(1, 0)

    def fold(self, challenge: int, inverse: int) -> None:
        """See Generators."""
        self._x_weights = _split_weights(self._x_weights, challenge, self._backend.order)
        self.weights = _split_weights(self.weights, inverse, self._backend.order)

    def _half(self, x_side: int, g_side: int) -> Sum:
        """Sum over the earlier halvings' choices for x (p) and G (q), and the common choices of the later ones."""
        later = self._count // (2 * len(self.weights))
        scalars = [w for w in outer(self._x_weights, self.weights, self._backend.order) for _ in range(later)]
        places = [
            ((2 * p + x_side) * later + rest) * self._count + (2 * q + g_side) * later + rest
            for p in range(len(self._x_weights))
            for q in range(len(self.weights))
            for rest in range(later)
        ]
        return scalars, self._backend.gather(self._table, places)


def outer(weights: Sequence[int], x: Sequence[int], order: int) -> list[int]:
    """Return weight * value for each weight and each value, in this order."""
    return [weight * value % order for weight in weights for value in x]


def fold_blocks(backend: Backend, points: Points, weights: Sequence[int]) -> Points:
    """Return sum_p weights[p] * block_p of the equal blocks that `points` consists of.

    All positions of a block share its scalar, so signed windows (wNAF) turn into additions of whole arrays.
    """
    size = len(points) // len(weights)
    step = max(1, FOLD_AT_ONCE // len(weights))
    digits = [_signed_windows(weight) for weight in weights]
    parts = []
    for start in range(0, size, step):
        starts = range(start, len(points), size)
        blocks = [points[at : min(at + step, at - start + size)] for at in starts]
        parts.append(_fold(backend, blocks, digits))
    return backend.concat(parts)


def _fold(backend: Backend, blocks: Sequence[Points], digits: Sequence[Sequence[int]]) -> Points:
    """Return the sum of blocks, each times the scalar of its digits, most significant digit first."""
    multiples = [_odd_multiples(backend, block) for block in blocks]
    total = backend.identity(len(blocks[0]))
    for position in range(max(map(len, digits)) - 1, -1, -1):
        total = backend.add(total, total)
        for block, windows in enumerate(digits):
            digit = windows[position] if position < len(windows) else 0
            if digit:
                term = multiples[block][abs(digit) // 2]
                total = backend.add(total, term if digit > 0 else backend.negate(term))
    return total


def _products(backend: Backend, points: Points, x: Sequence[int], count: int) -> Points:
    """<x_p, G_q> at place p * count + q; no halving needs those with p = q."""
    size = len(x) // count
    x_blocks = [x[p * size : (p + 1) * size] for p in range(count)]
    g_blocks = [points[p * size : (p + 1) * size] for p in range(count)]
    return backend.concat(
        [
            backend.identity(1) if p == q else backend.msm(x_blocks[p], g_blocks[q])
            for p in range(count)
            for q in range(count)
        ]
    )


def _split_weights(weights: Sequence[int], high: int, order: int) -> list[int]:
    """Split every block in two: the low half keeps the weight, the high half gets it times `high`."""
    return [item for weight in weights for item in (weight, weight * high % order)]


def _odd_multiples(backend: Backend, points: Points) -> list[Points]:
    """P, 3P, 5P, ... below 2^(WINDOW - 1)."""
    double, out = backend.add(points, points), [points]
    for _ in range((1 << (WINDOW - 2)) - 1):
        out.append(backend.add(out[-1], double))
    return out


def _signed_windows(scalar: int) -> list[int]:
    """Digits d_i, zero or odd and below 2^(WINDOW - 1) in size, with scalar = sum d_i 2^i."""
    digits = []
    while scalar:
        digit = 0
        if scalar & 1:
            digit = scalar & ((1 << WINDOW) - 1)
            digit -= digit >> (WINDOW - 1) << WINDOW
            scalar -= digit
        digits.append(digit)
        scalar >>= 1
    return digits
