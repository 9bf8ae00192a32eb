"""Names for what equations and forms speak of: outputs 0..3, then the columns in circuit order."""

from __future__ import annotations

OUTPUTS = ("N", "E", "R", "I")
N, E, R, I = range(4)

InputKey = tuple[str, str]
"""What the ledger calls an input, for instance ("position", "BTC-PERP"); see `zkmargin.inputs.ledger`."""

Terms = tuple[tuple[int, int], ...]
"""A linear form: (variable, coefficient) by rising variable, no coefficient 0."""

Parts = tuple[tuple[int, int], ...]
"""An amount in lots: sum of lots x column over (column, lots)."""


NamedColumn = tuple[int, str]
"""A column and the inequality that forces it, by name; "" where it needs none."""


def variable(column: int) -> int:
    """Return the id by which equations and forms name a column."""
    return len(OUTPUTS) + column
