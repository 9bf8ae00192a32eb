"""The booleanity sumcheck written down as it is defined: all 2^L corners, any field element as a "bit"."""

from __future__ import annotations

from collections.abc import Sequence

from zkmargin.group.multilinear import eq_table


class DenseBooleanity:
    """Drop-in for the sparse sums: rows of field elements, absent corners 0."""

    def __init__(self, rows: Sequence[Sequence[int]], tau: Sequence[int], order: int) -> None:
        self.order = order
        stride = 1 << (4 + (-(-len(rows[0]) // 16) - 1).bit_length())
        self.table = [0] * (1 << len(tau))
        for i, row in enumerate(rows):
            self.table[i * stride : i * stride + len(row)] = row
        self.eq = eq_table(tau, order)

    def excess(self) -> int:
        """The sum itself: 0 for bits, and seldom otherwise."""
        return sum(e * (b * b - b) for e, b in zip(self.eq, self.table, strict=True)) % self.order

    def round(self) -> tuple[int, int, int]:
        at_0, at_2, at_3 = (
            sum(
                (e0 + x * (e1 - e0)) * ((b0 + x * (b1 - b0)) ** 2 - (b0 + x * (b1 - b0)))
                for (e0, e1), (b0, b1) in zip(pairs(self.eq), pairs(self.table), strict=True)
            )
            % self.order
            for x in (0, 2, 3)
        )
        return at_0, at_2, at_3

    def bind(self, challenge: int) -> None:
        self.table, self.eq = (
            [(low + challenge * (high - low)) % self.order for low, high in pairs(values)]
            for values in (self.table, self.eq)
        )

    def value(self) -> int:
        (value,) = self.table
        return value


def pairs(values: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(values[::2], values[1::2], strict=True))
