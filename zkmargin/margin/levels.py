"""Margin ratio and level: how an account stands against its requirement, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

NORMAL = "normal"  # no declared level is reached

Levels = Sequence[tuple[str, Fraction]]  # (name, ratio below which it holds), ratios falling


def ratio(equity: int, requirement: int) -> Fraction | None:
    """Return E / R, or None for R = 0: infinite, of the sign of E."""
    return Fraction(equity, requirement) if requirement else None


def ratio_text(equity: int, requirement: int) -> str:
    """Return the ratio with four decimals, rounded down, as tables show it."""
    exact = ratio(equity, requirement)
    if exact is None:
        return "infinite" if equity >= 0 else "-infinite"
    scaled = exact * 10_000 // 1
    sign = "-" if scaled < 0 else ""
    return f"{sign}{abs(scaled) // 10_000}.{abs(scaled) % 10_000:04}"


def level_of(equity: int, requirement: int, levels: Levels) -> str:
    """Return the lowest level whose ratio the account is below, `NORMAL` if there is none.

    An account with E < R is unhealthy and has at least the first level whose ratio is not above 1, the lowest if there
    is none; levels below are stages of the same trouble, for instance the close-out.
    """
    index = level_indices(np.array([equity], dtype=object), np.array([requirement], dtype=object), levels)[0]
    return level_name(int(index), levels)


def level_name(index: int, levels: Levels) -> str:
    """Return the name of what `level_indices` found."""
    return NORMAL if index < 0 else levels[index][0]


def level_indices(
    equity: npt.NDArray[Any], requirement: npt.NDArray[Any], levels: Levels
) -> npt.NDArray[np.int16]:
    """Return the position in `levels` for every account, -1 for none.

    Compared as E x denominator < R x numerator in Python integers where int64 could wrap.
    """
    out = np.full(len(equity), -1, dtype=np.int16)
    if not levels or not len(equity):
        return out
    scale = max(max(bound.numerator, bound.denominator) for _, bound in levels)
    most = max(int(np.abs(equity).max()), int(requirement.max()))
    if most * scale >= 1 << 62:
        equity, requirement = equity.astype(object), requirement.astype(object)
    for index, (_, bound) in enumerate(levels):
        out[(equity * bound.denominator < requirement * bound.numerator).astype(bool)] = index
    unhealthy = next((i for i, (_, bound) in enumerate(levels) if bound <= 1), len(levels) - 1)
    short = (equity < requirement).astype(bool)
    out[short] = np.maximum(out[short], unhealthy)
    return out
