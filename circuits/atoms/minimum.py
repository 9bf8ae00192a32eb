"""minimum(f_1, ..., f_n) of concave expressions: minus the maximum of their negatives, so it is concave.

*Exact witness*: that of the maximum.
"""

from __future__ import annotations

from collections.abc import Mapping

from zkmargin.circuits.atoms.maximum import maximum
from zkmargin.circuits.expression import Expression


def minimum(name: str, pieces: Mapping[str, object], *, hint: str = "") -> Expression:
    """Return the smallest of labelled concave expressions."""
    for label, piece in pieces.items():
        Expression.of(piece).demand("concave", f"{name}, piece {label}")
    negatives = {label: -Expression.of(piece) for label, piece in pieces.items()}
    return -maximum(name, negatives, hint=hint)
