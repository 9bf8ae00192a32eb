"""Vectors over the scalar field as lists of Python integers."""

from __future__ import annotations

from collections.abc import Sequence


def check_canonical(values: Sequence[int], order: int) -> None:
    """Raise ValueError unless every value is in [0, order)."""
    if values and (min(values) < 0 or max(values) >= order):
        raise ValueError("scalar out of range: reduce it modulo the group order first")


def check_lengths(left: Sequence[object], right: Sequence[object]) -> None:
    """Raise ValueError unless both have the same length."""
    if len(left) != len(right):
        raise ValueError(f"lengths differ: {len(left)} and {len(right)}")


def inner(left: Sequence[int], right: Sequence[int], order: int) -> int:
    """Return sum left[i] * right[i] mod order."""
    check_lengths(left, right)
    return sum(a * b for a, b in zip(left, right, strict=True)) % order


def combine(left: Sequence[int], factor: int, right: Sequence[int], order: int) -> list[int]:
    """Return left[i] + factor * right[i] mod order."""
    check_lengths(left, right)
    return [(a + factor * b) % order for a, b in zip(left, right, strict=True)]


def powers(base: int, count: int, order: int) -> list[int]:
    """Return base^0, ..., base^(count - 1) mod order."""
    out: list[int] = []
    power = 1 % order
    for _ in range(count):
        out.append(power)
        power = power * base % order
    return out
