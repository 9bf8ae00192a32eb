"""Where a variable stands: the columns of the matrix whose rows are the equations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zkmargin.circuits.arrays import TermArrays
from zkmargin.circuits.variables import Terms


class Incidence:
    """For every variable the (equation, coefficient) in which it stands, equations rising."""

    def __init__(self, rows: Sequence[TermArrays], variables: int) -> None:
        found = np.concatenate([row.variables for row in rows] or [np.zeros(0, dtype=np.int64)])
        order = np.argsort(found, kind="stable")
        self._starts = np.searchsorted(found[order], np.arange(variables + 1))
        self._equations = np.repeat(np.arange(len(rows)), [len(row.variables) for row in rows])[order]
        self._coefficients = np.concatenate([row.coefficients for row in rows] or [found])[order]

    def __getitem__(self, variable: int) -> Terms:
        """Return the (equation, coefficient) of a variable."""
        place = slice(self._starts[variable], self._starts[variable + 1])
        return tuple(zip(self._equations[place].tolist(), self._coefficients[place].tolist(), strict=True))
