"""value_at_risk(losses, ignored): the loss that at most `ignored` scenarios exceed, at least zero; by true bits.

    v + C_s w_s >= loss_s  for every scenario,    sum_s w_s + slack = ignored x used,    v >= 0

An order statistic is not convex: a bit a scenario waives its inequality, and the number of waivers has a budget. In
every satisfying row all but `ignored` losses are at most v. *Exact witness*: v is the (ignored + 1)-th largest loss,
waived is what exceeds it; see `maximum`.
"""

from __future__ import annotations

from collections.abc import Mapping

from zkmargin.circuits.atoms.maximum import maximum
from zkmargin.circuits.expression import Alternatives, Expression
from zkmargin.errors import CircuitError


def value_at_risk(name: str, losses: Mapping[str, object], ignored: int, *, hint: str = "") -> Expression:
    """Return the (ignored + 1)-th largest of labelled convex losses, or zero if that is larger.

    For a confidence of 99 % over 250 scenarios, `ignored` is 2: floor(0.01 x 250).
    """
    if not 0 <= ignored < len(losses):
        raise CircuitError(
            "value-at-risk",
            f"{name}: of the scenarios some must count",
            expected=f"0 <= ignored < {len(losses)}",
            actual=ignored,
        )
    pieces = {label: Expression.of(loss) for label, loss in losses.items()}
    counted = {"scenarios": Alternatives(pieces, ignored)} if ignored else pieces
    return maximum(name, counted, floor_zero=True, hint=hint)
