"""Net value and margin equity, in equity quanta: N is exact in lot values, E is N less haircuts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from zkmargin.inputs.models import MODELS
from zkmargin.inputs.policy import BookPolicy, Tiers
from zkmargin.margin.revaluation import most
from zkmargin.risk.tiers import haircut_schedule
from zkmargin.sparse import INT64_SAFE, SparseValues

Values = Mapping[tuple[str, str], SparseValues]
Schedule = Sequence[tuple[int, int]]  # (first lot of a tier, haircut per lot in equity quanta)

_SIGNS = {"held": 1, "owed": -1, "position": 1, "cost": -1}  # pledges are part of what is held


@dataclass(frozen=True)
class Amount:
    """One column that enters N (a single tier without end) or the haircuts, with its price schedule."""

    column: SparseValues
    schedule: Schedule

    @property
    def reach(self) -> int:
        """A bound on the size of every value and intermediate result."""
        return most(self.column) * max(1, *(abs(price) for _, price in self.schedule))

    def add_to(self, sums: npt.NDArray[Any]) -> None:
        """Add lots times price, tier by tier, to the rows of `sums`."""
        lots = self.column.values.astype(sums.dtype)
        if len(self.schedule) == 1:
            sums[self.column.rows] += lots * self.schedule[0][1]
            return
        for t, (start, price) in enumerate(self.schedule):
            end = self.schedule[t + 1][0] if t + 1 < len(self.schedule) else None
            part = np.maximum((lots if end is None else np.minimum(lots, end)) - start, 0)
            sums[self.column.rows] += part * price


def net_amounts(values: Values, lot_value: Mapping[str, int]) -> list[Amount]:
    """Return what net value is made of: balances, positions and costs at their lot values."""
    return [
        Amount(column, ((0, _SIGNS[kind] * lot_value[name]),))
        for (kind, name), column in values.items()
        if kind in _SIGNS
    ]


def haircut_amounts(
    book: BookPolicy, values: Values, lot_value: Mapping[str, int], equity_quantum: Fraction
) -> list[Amount]:
    """Return what separates equity from net value.

    scenarios: held assets by their tiers, or in full without a rule. collateral: what is pledged by the tiers
    of its pool, or in full without tiers, and in full what is not pledged.
    """
    out = []
    for key, column in values.items():
        value = lot_value[key[1]]
        for sign, tiers in _cuts(book, *key):
            schedule = haircut_schedule(tiers, value, equity_quantum) if tiers else [(0, value)]
            out.append(Amount(column, [(start, sign * price) for start, price in schedule]))
    return out


def sum_amounts(amounts: Sequence[Amount], pots: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return the sums by pot."""
    sums = np.zeros(pots, dtype=dtype)
    for amount in amounts:
        amount.add_to(sums)
    return sums


def money_dtype(reach: int) -> np.dtype[Any]:
    """Return int64 where nothing can reach 2^62, else Python integers."""
    return np.dtype(np.int64 if reach < INT64_SAFE else object)


def _cuts(book: BookPolicy, kind: str, asset: str) -> Iterator[tuple[int, Tiers | None]]:
    """(sign, tiers or None for the whole value) of every cut that an input of this kind takes."""
    if kind == "held":
        rule = book.collateral.get(asset)
        if MODELS[book.model].pools:
            yield 1, None
        elif not isinstance(rule, str):
            yield 1, rule
    elif kind.startswith("pledged:"):
        yield -1, None  # it was cut in full as a part of what is held
        yield 1, book.pools.get(kind.removeprefix("pledged:"), {}).get(asset)
