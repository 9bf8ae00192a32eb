"""The sum over the cube of eq(tau, x) (b(x)^2 - b(x)), bound variable by variable, for bits in sparse words.

b(x) is bit x_b of word x_w of row x_i; x = (x_b, x_w, x_i), low to high. Absent words and rows are 0. Nothing here
costs rows x words:

    bit rounds on word values, word rounds by a merge walk, row rounds dense: see booleanity_rounds

`BooleanitySums` is what a prover needs; a backend may bring its own (`booleanity_sums`). Memory of this one: a few
Python integers per touched word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from zkmargin.group.backend import Backend
from zkmargin.group.booleanity_rounds import BIT_VARIABLES, BitRounds, Phase, RowRounds, WordRounds
from zkmargin.group.multilinear import eq_factor, eq_table
from zkmargin.sparse import SparseWords

Cubic = tuple[int, int, int]  # values at 0, 2, 3


class BooleanitySums(Protocol):
    """The sum with its lowest variables bound. Starts with all variables free."""

    def round(self) -> Cubic:
        """Return the values at 0, 2, 3 of the sum as a polynomial in the lowest free variable."""
        ...

    def bind(self, challenge: int) -> None:
        """Bind the lowest free variable; `round` must have been called since the last time."""
        ...

    def value(self) -> int:
        """Return b at the bound point, once all variables are bound."""
        ...


def booleanity_sums(backend: Backend, words: SparseWords, tau: Sequence[int]) -> BooleanitySums:
    """Return the backend's own implementation if it brings one, else the one of this module.

    `tau` has BIT_VARIABLES, then ceil(log2 words), then ceil(log2 rows) scalars.
    """
    own = getattr(backend, "booleanity_sums", None)
    if own is not None:
        sums: BooleanitySums = own(words, tau)
        return sums
    return SparseBooleanity(words, tau, backend.order)


class SparseBooleanity:
    """`BooleanitySums` on Python integers modulo a prime `order` >= 5."""

    def __init__(self, words: SparseWords, tau: Sequence[int], order: int) -> None:
        word_variables = (len(words.columns) - 1).bit_length()
        row_variables = (words.rows - 1).bit_length()
        if len(tau) != BIT_VARIABLES + word_variables + row_variables:
            raise ValueError("tau has one scalar per variable of bits, words and rows")
        self._order = order
        self._tau = list(tau)
        self._bound = 0
        self._eq = 1 % order  # eq of the bound variables
        split = BIT_VARIABLES + word_variables
        self._word_tau, self._row_tau = self._tau[BIT_VARIABLES:split], self._tau[split:]
        self._row_weights = eq_table(self._row_tau, order, words.rows)
        self._words = words
        self._phase: Phase = BitRounds(
            self._tau[:BIT_VARIABLES], eq_table(self._word_tau, order), self._row_weights, words, order
        )
        self._advance()

    def round(self) -> Cubic:
        """See BooleanitySums."""
        at_0, at_1, lead = self._phase.quadratic()
        t, order = self._tau[self._bound], self._order
        linear = at_1 - at_0 - lead
        at_0, at_2, at_3 = (
            self._eq * eq_factor(t, x, order) * (at_0 + linear * x + lead * x * x) % order for x in (0, 2, 3)
        )
        return at_0, at_2, at_3

    def bind(self, challenge: int) -> None:
        """See BooleanitySums."""
        self._phase.bind(challenge)
        self._eq = self._eq * eq_factor(self._tau[self._bound], challenge, self._order) % self._order
        self._bound += 1
        self._advance()

    def value(self) -> int:
        """See BooleanitySums."""
        if not isinstance(self._phase, RowRounds) or not self._phase.done:
            raise ValueError("b has a value once all variables are bound")
        return self._phase.rows[0]

    def _advance(self) -> None:
        """Go on to the next phase when one is through; a phase may have no variable at all."""
        if isinstance(self._phase, BitRounds) and self._phase.done:
            self._phase = WordRounds(
                self._word_tau, self._phase.bound_values(), self._row_weights, self._words, self._order
            )
        if isinstance(self._phase, WordRounds) and self._phase.done:
            self._phase = RowRounds(self._row_tau, self._phase.rows(), self._order)
