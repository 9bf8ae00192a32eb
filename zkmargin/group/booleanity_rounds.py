"""The three stretches of rounds in which the booleanity sum of sparse words is bound (see booleanity).

    bit rounds    on word values: their weights are added up once, one multiplication per touched word; round j then
                  works on all patterns of 2^(j+1) bits, the last one on the values that occur
    word rounds   for every group of words S = sum eq_i v_i and Q = sum eq_i v_i^2 follow from its two halves,
                      S' = (1 - r) S_x + r S_y,   Q' = (1 - r)^2 Q_x + r^2 Q_y + 2 r (1 - r) X,
                  so that a row works only where two of its groups meet: X = sum eq_i a_i b_i. That is once less
                  than its touched words, in all rounds together
    row rounds    dense, one value per row

Each phase yields the sum of eq (b^2 - b) over what is free, as a quadratic in the lowest free variable: the factor eq
of that variable and of those already bound is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from zkmargin.group.multilinear import eq_table
from zkmargin.sparse import SparseWords

BIT_VARIABLES = 4  # of a 16-bit word

Quadratic = tuple[int, int, int]  # value at 0, value at 1, leading coefficient


class Phase(Protocol):
    """A stretch of rounds: sums of b^2 - b, weighted with eq of the free variables above the lowest."""

    def quadratic(self) -> Quadratic: ...

    def bind(self, challenge: int) -> None: ...


class BitRounds:
    """Works on word values and their weights, whatever the number of words."""

    def __init__(
        self,
        tau: Sequence[int],
        word_weights: Sequence[int],
        row_weights: Sequence[int],
        words: SparseWords,
        order: int,
    ) -> None:
        self._tau, self._order = tau, order
        self._round = 0
        self._patterns = _by_pattern(_value_weights(words, word_weights, row_weights, order), order)
        self._bound: dict[int, int] = {0: 0, 1: 1}  # pattern of 2^round bits -> b with these bits bound

    @property
    def done(self) -> bool:
        return self._round == BIT_VARIABLES

    def quadratic(self) -> Quadratic:
        places = self._patterns[self._round]
        weights: dict[int, int] = {}
        for eq, place in zip(eq_table(self._tau[self._round + 1 :], self._order), places, strict=True):
            for pattern, weight in place.items():
                weights[pattern] = weights.get(pattern, 0) + eq * weight
        at_0 = at_1 = lead = 0
        for pattern, weight in weights.items():
            a, b = self._halves(pattern)
            weight %= self._order
            at_0 += weight * (a * a - a)
            at_1 += weight * (b * b - b)
            lead += weight * ((b - a) * (b - a) % self._order)
        return at_0 % self._order, at_1 % self._order, lead % self._order

    def bind(self, challenge: int) -> None:
        occurring = {pattern for place in self._patterns[self._round] for pattern in place} | {0}
        bound = {}
        for pattern in occurring:
            a, b = self._halves(pattern)
            bound[pattern] = (a + challenge * (b - a)) % self._order
        self._bound = bound
        self._round += 1

    def bound_values(self) -> dict[int, int]:
        """Return for each word value that occurs what it is bound to."""
        return self._bound

    def _halves(self, pattern: int) -> tuple[int, int]:
        bits = 1 << self._round
        return self._bound[pattern & (1 << bits) - 1], self._bound[pattern >> bits]


def _value_weights(
    words: SparseWords, word_weights: Sequence[int], row_weights: Sequence[int], order: int
) -> dict[int, int]:
    """Return the sum of eq_w eq_i over all places at which each word value stands."""
    out: dict[int, int] = {}
    for word_weight, column in zip(word_weights, words.columns, strict=False):
        for row, value in zip(column.rows.tolist(), column.values.tolist(), strict=True):
            out[value] = out.get(value, 0) + word_weight * row_weights[row]
    return {value: weight % order for value, weight in out.items()}


def _by_pattern(weights: dict[int, int], order: int) -> list[list[dict[int, int]]]:
    """Per bit round and position the weight of every pattern of 2, 4, 8, 16 bits that occurs: additions only."""
    levels = [[weights]]
    for bits in (8, 4, 2):
        places: list[dict[int, int]] = []
        for wide in levels[-1]:
            low: dict[int, int] = {}
            high: dict[int, int] = {}
            for pattern, weight in wide.items():
                a, b = pattern & (1 << bits) - 1, pattern >> bits
                low[a] = low.get(a, 0) + weight
                high[b] = high.get(b, 0) + weight
            places += [{p: w % order for p, w in half.items()} for half in (low, high)]
        levels.append(places)
    return levels[::-1]


class WordRounds:
    """The merge walk. An entry is one touched word of one row, later the group of words that begins with it."""

    def __init__(
        self,
        tau: Sequence[int],
        bound: dict[int, int],
        row_weights: Sequence[int],
        words: SparseWords,
        order: int,
    ) -> None:
        self._tau, self._order, self._row_weights = tau, order, row_weights
        self._round = 0
        self._count = words.rows
        groups = 1 << len(tau)
        self._sums, self._squares = [0] * groups, [0] * groups
        self._columns: list[int] = []
        self._rows: list[int] = []
        self._values: list[int] = []
        for row, entries in enumerate(_by_row(words)):
            for column, word in entries:
                value = bound[word]
                weighted = row_weights[row] * value % order
                self._sums[column] += weighted
                self._squares[column] += weighted * value
                self._columns.append(column)
                self._rows.append(row)
                self._values.append(value)
        self._since = [0] * len(self._values)  # round up to which the value is bound
        self._meets = _meetings(self._columns, self._rows, len(tau))
        self._factors: list[list[int]] = [
            [1 % order]
        ]  # per round: eq of the challenges since, by column bits

    @property
    def done(self) -> bool:
        return self._round == len(self._tau)

    def quadratic(self) -> Quadratic:
        order, products = self._order, self._cross_products()
        at_0 = at_1 = lead = 0
        for g, eq in enumerate(eq_table(self._tau[self._round + 1 :], order)):
            q_x, q_y = self._squares[2 * g], self._squares[2 * g + 1]
            at_0 += eq * (q_x - self._sums[2 * g])
            at_1 += eq * (q_y - self._sums[2 * g + 1])
            lead += eq * (q_x + q_y - 2 * products.get(g, 0))
        self._products = products
        return at_0 % order, at_1 % order, lead % order

    def bind(self, challenge: int) -> None:
        order, r = self._order, challenge
        low, products = (1 - r) % order, self._products
        sums, squares = self._sums, self._squares
        self._sums = [(low * x + r * y) % order for x, y in zip(sums[::2], sums[1::2], strict=True)]
        ll, rr, lr = low * low % order, r * r % order, 2 * low * r % order
        self._squares = [
            (ll * x + rr * y + lr * products.get(g, 0)) % order
            for g, (x, y) in enumerate(zip(squares[::2], squares[1::2], strict=True))
        ]
        for left, right in self._meets[self._round]:
            a, b = self._values[left], self._values[right]
            self._values[left] = (a + r * (b - a)) % order
            self._since[left] = self._round + 1
        self._factors = [[f * low % order for f in t] + [f * r % order for f in t] for t in self._factors]
        self._factors.append([1 % order])
        self._round += 1

    def rows(self) -> list[int]:
        """Return b of every row with all words bound."""
        out = [0] * self._count
        first = -1
        for entry, row in enumerate(self._rows):
            if row != first:
                out[row], first = self._lifted(entry), row
        return out

    def _cross_products(self) -> dict[int, int]:
        """X of every group in which some row has both halves; their values are brought up to this round."""
        products: dict[int, int] = {}
        for left, right in self._meets[self._round]:
            a, b = self._lifted(left), self._lifted(right)
            self._values[left], self._values[right] = a, b
            self._since[left] = self._since[right] = self._round
            g = self._columns[right] >> (self._round + 1)
            products[g] = products.get(g, 0) + self._row_weights[self._rows[right]] * (a * b % self._order)
        return products

    def _lifted(self, entry: int) -> int:
        """Return the value with the challenges since its last meeting: it was alone, the other half was 0."""
        since = self._since[entry]
        factors = self._factors[since]
        return self._values[entry] * factors[(self._columns[entry] >> since) % len(factors)] % self._order


def _by_row(words: SparseWords) -> list[list[tuple[int, int]]]:
    """Return (column, word) of every row by rising column."""
    rows: list[list[tuple[int, int]]] = [[] for _ in range(words.rows)]
    for index, column in enumerate(words.columns):
        for row, value in zip(column.rows.tolist(), column.values.tolist(), strict=True):
            rows[row].append((index, value))
    return rows


def _meetings(columns: Sequence[int], rows: Sequence[int], rounds: int) -> list[list[tuple[int, int]]]:
    """Return per round the pairs of entries, first of its group each, whose groups become one.

    Neighbours of a row meet in the round of the highest bit in which their columns differ. The left group then
    begins after the nearest earlier gap that closes later: a stack with falling rounds.
    """
    out: list[list[tuple[int, int]]] = [[] for _ in range(rounds)]
    stack: list[tuple[int, int]] = []
    for entry in range(len(columns)):
        if entry == 0 or rows[entry] != rows[entry - 1]:
            stack = [(rounds, entry)]
            continue
        gap = (columns[entry] ^ columns[entry - 1]).bit_length() - 1
        while stack[-1][0] < gap:
            stack.pop()
        out[gap].append((stack[-1][1], entry))
        stack.append((gap, entry))
    return out


class RowRounds:
    """Dense: one value per row."""

    def __init__(self, tau: Sequence[int], rows: list[int], order: int) -> None:
        self._tau, self._order = tau, order
        self._round = 0
        self.rows = rows

    @property
    def done(self) -> bool:
        return self._round == len(self._tau)

    def quadratic(self) -> Quadratic:
        at_0 = at_1 = lead = 0
        pairs = self._pairs()
        weights = eq_table(self._tau[self._round + 1 :], self._order, len(pairs))
        for eq, (a, b) in zip(weights, pairs, strict=True):
            at_0 += eq * (a * a - a)
            at_1 += eq * (b * b - b)
            lead += eq * (b - a) * (b - a)
        return at_0 % self._order, at_1 % self._order, lead % self._order

    def bind(self, challenge: int) -> None:
        self.rows = [(a + challenge * (b - a)) % self._order for a, b in self._pairs()]
        self._round += 1

    def _pairs(self) -> list[tuple[int, int]]:
        padded = self.rows if len(self.rows) % 2 == 0 else [*self.rows, 0]
        return list(zip(padded[::2], padded[1::2], strict=True))
