"""The booleanity sum of `group.booleanity` by the native kernels: the same rounds, the same field elements."""

from __future__ import annotations

from collections.abc import Sequence

from zkmargin import _kernels as kernels
from zkmargin.group.backend import SCALAR_BYTES
from zkmargin.group.booleanity import Cubic
from zkmargin.group.multilinear import eq_factor


class NativeBooleanity:
    """`BooleanitySums`; the kernel leaves out the factors eq of the lowest free and of the bound variables."""

    def __init__(self, rounds: kernels.Booleanity, tau: Sequence[int], order: int) -> None:
        self._rounds = rounds
        self._tau, self._order = list(tau), order
        self._bound = 0
        self._eq = 1  # eq of the bound variables

    def round(self) -> Cubic:
        """See BooleanitySums."""
        data = self._rounds.quadratic()
        at_0, at_1, lead = (
            int.from_bytes(data[at : at + SCALAR_BYTES], "big") for at in range(0, len(data), SCALAR_BYTES)
        )
        t, order = self._tau[self._bound], self._order
        linear = at_1 - at_0 - lead
        at_0, at_2, at_3 = (
            self._eq * eq_factor(t, x, order) * (at_0 + linear * x + lead * x * x) % order for x in (0, 2, 3)
        )
        return at_0, at_2, at_3

    def bind(self, challenge: int) -> None:
        """See BooleanitySums; ValueError before `round`, or for a challenge that is not below the order."""
        if not 0 <= challenge < self._order:
            raise ValueError("challenge out of range")
        self._rounds.bind(challenge.to_bytes(SCALAR_BYTES, "big"))
        self._eq = self._eq * eq_factor(self._tau[self._bound], challenge, self._order) % self._order
        self._bound += 1

    def value(self) -> int:
        """See BooleanitySums."""
        return int.from_bytes(self._rounds.value(), "big")
