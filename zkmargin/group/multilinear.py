"""Multilinear extensions over the scalar field: the weights eq(point, x) of the corners x of a cube.

    eq(a, b) = prod_k (a_k b_k + (1 - a_k)(1 - b_k))

Corners are numbered with variable 0 as the lowest bit.
"""

from __future__ import annotations

from collections.abc import Sequence


def eq_value(left: Sequence[int], right: Sequence[int], order: int) -> int:
    """Return eq(left, right) mod order; equal lengths."""
    product = 1 % order
    for a, b in zip(left, right, strict=True):
        product = product * eq_factor(a, b, order) % order
    return product


def eq_factor(a: int, b: int, order: int) -> int:
    """Return a b + (1 - a)(1 - b) mod order."""
    return (1 - a - b + 2 * a * b) % order


def eq_table(point: Sequence[int], order: int, count: int | None = None) -> list[int]:
    """Return eq(point, x) for the first `count` corners x, all 2^len(point) by default.

    Corners from `count` on are not computed beyond the last doubling; ValueError if there are fewer than `count`.
    """
    corners = 1 << len(point)
    count = corners if count is None else count
    if not 0 <= count <= corners:
        raise ValueError(f"a cube of {len(point)} variables has no {count} corners")
    table = [1 % order]
    for r in point:
        high = [weight * r % order for weight in table[: max(0, count - len(table))]]
        table = (
            [(weight - share) % order for weight, share in zip(table, high, strict=False)]
            + [weight * (1 - r) % order for weight in table[len(high) :]]
            + high
        )
    return table[:count]
