"""maximum(f_1, ..., f_n), with or without zero among the pieces.

    v + f_0 >= f_i   for every other piece i,    v >= 0        maximum = f_0 + v
    v       >= f_i   for every piece i,          v >= 0        maximum with zero = v

One column v and one slack per inequality. v may be too large in a cheating row, which overstates a requirement;
it is never too small. *Exact witness*: v is the least integer that leaves no slack negative, max(0, f_i - f_0)
rounded up to its unit; slacks follow from their equations.

A piece that is the smaller of two (`either`), or all but some (`value_at_risk`), has an inequality and a bit for each
alternative: f_i - f_0 <= v + C_i w_i, with a budget for the bits. *Exact witness*: v is the least that does with the
budget; waived is what v does not reach.

An allowance lowers a piece by a constant: f_i - f_0 <= v + c_i on, one free bit `on` for all pieces of a maximum.
Without it the constants do not count, which only costs. *Exact witness*: v is the least that does with the bit set, and
the bit is set iff v needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from zkmargin.circuits.atoms.atom import Atom
from zkmargin.circuits.circuit import Allowance, Waivers
from zkmargin.circuits.draft import WORST_CASES, Form, Row, add_forms
from zkmargin.circuits.expression import Alternatives, Expression
from zkmargin.circuits.lowering import Lowering
from zkmargin.circuits.steps import MaximumStep, WaiverStep
from zkmargin.errors import CircuitError

Rows = Mapping[str, tuple[Row, int]]  # v x finer + row >= 0, by the piece's label


def maximum(
    name: str,
    pieces: Mapping[str, object],
    *,
    floor_zero: bool = False,
    allowances: Mapping[str, Fraction] | None = None,
    hint: str = "",
) -> Expression:
    """Return the largest of labelled convex expressions or alternatives, of zero too if `floor_zero`.

    `allowances`: constants > 0 in quote currency by which pieces are lowered, not the first without `floor_zero`.
    """
    choices = {label: piece for label, piece in pieces.items() if isinstance(piece, Alternatives)}
    parts = {label: Expression.of(piece) for label, piece in pieces.items() if label not in choices}
    if not parts and not floor_zero:
        kind = "a maximum of alternatives alone, without zero" if choices else "a maximum of nothing"
        raise CircuitError("maximum", f"{name}: {kind}")
    for label, piece in parts.items():
        piece.demand("convex", f"{name}, piece {label}")
    for label, choice in choices.items():
        for branch, piece in choice.pieces.items():
            piece.demand("convex", f"{name}, piece {label}, {branch}")
    return Maximum(name, parts, choices, floor_zero, allowances or {}, hint).expression()


class Maximum(Atom):
    """See the module."""

    def __init__(
        self,
        name: str,
        pieces: Mapping[str, Expression],
        choices: Mapping[str, Alternatives],
        floor_zero: bool,
        allowances: Mapping[str, Fraction],
        hint: str,
    ) -> None:
        super().__init__(name, hint)
        self.pieces = pieces
        self.choices = choices
        self.floor_zero = floor_zero
        self.allowances = allowances

    def realise(self, to: Lowering, unit: Fraction) -> Form:
        """Lower the pieces, then one column for the value and one inequality per piece."""
        forms = {label: to.lower(piece, unit) for label, piece in self.pieces.items()}
        base = Form() if self.floor_zero else forms.pop(next(iter(forms)))
        rows = {label: self._above(to, base, form, label) for label, form in forms.items()}
        choices = {
            label: {
                f"{label}, {branch}": self._above(to, base, to.lower(piece, unit), f"{label}, {branch}")
                for branch, piece in choice.pieces.items()
            }
            for label, choice in self.choices.items()
        }
        every = rows | {label: row for group in choices.values() for label, row in group.items()}
        if all(to.least(row) >= 0 for row, _ in every.values()):  # no piece can exceed the base
            for label, (row, _) in every.items():
                to.inequality(f"{self.name} >= {label}", row, (WORST_CASES,))
            return base
        high = max([*_needs(to, rows), *(self._need(to, *choice) for choice in choices.items()), 0])
        value = to.add(f"max:{self.name}", to.within_limit(high, unit), (WORST_CASES,))
        constants = {
            label: self._constant(label, unit / finer)
            for label, (_, finer) in rows.items()
            if label in self.allowances
        }
        self._bound(to, unit, value, rows, choices, constants)
        return add_forms([base, Form(columns={value: Fraction(1)})])

    def _above(self, to: Lowering, base: Form, piece: Form, label: str) -> tuple[Row, int]:
        return to.rounded(add_forms([base, -piece]), f"{self.name}, piece {label}")

    def _need(self, to: Lowering, label: str, rows: Rows) -> int:
        """Return the most that alternatives can ask for, their budget used."""
        return sorted(_needs(to, rows), reverse=True)[self.choices[label].waived]

    def _constant(self, label: str, unit: Fraction) -> int:
        """Return an allowance in units of its inequality: whole, because a rounded one would be another rule."""
        amount = self.allowances[label] / unit
        if amount <= 0 or amount.denominator != 1:
            raise CircuitError(
                "allowance",
                f"{self.name}, piece {label}: a constant must be a positive whole number of {float(unit):.6g}",
                actual=self.allowances[label],
            )
        return int(amount)

    def _bound(
        self,
        to: Lowering,
        unit: Fraction,
        value: int,
        rows: Rows,
        choices: Mapping[str, Rows],
        constants: Mapping[str, int],
    ) -> None:
        kept, scales, slacks, allowed = [], [], [], []
        on = to.add(f"allow:{self.name}", 1, (WORST_CASES,)) if constants else None
        for label, (row, finer) in rows.items():
            high = None
            if len(rows) == 1 and not choices and not constants:
                # v is rounded up for this row alone: what is over is less than one unit
                high = max(to.canonical_range(row)[1], finer - 1)
            free = {on: constants[label]} if on is not None and label in constants else {}
            bound = row.plus({value: finer, **free})
            money = None if free else unit / finer  # an allowance may leave more than any account needs
            slack = to.inequality(f"{self.name} >= {label}", bound, (WORST_CASES,), high, money)
            if slack is not None:
                kept.append(row)
                scales.append(finer)
                slacks.append(slack)
                allowed.append(constants.get(label, 0))
        if on is not None:
            to.allowances.append(Allowance(self.name, on, value))
        waivers = []
        for label, group in choices.items():
            step, held = self._waivable(to, value, label, group, len(kept))
            kept += [row for row, _ in group.values()]
            scales += [finer for _, finer in group.values()]
            slacks += held
            allowed += [0] * len(group)
            waivers.append(step)
        parts = tuple(kept), tuple(scales), tuple(slacks), tuple(waivers)
        to.steps.append(MaximumStep(self.name, value, *parts, on, tuple(allowed) if constants else ()))

    def _waivable(
        self, to: Lowering, value: int, label: str, rows: Rows, first: int
    ) -> tuple[WaiverStep, list[int]]:
        """Add the inequalities of one choice, a bit each, and the budget of the bits."""
        name, budget = f"{self.name}, {label}", self.choices[label].waived
        used = to.add(f"waived:{name}", 1, (WORST_CASES,))
        bits = tuple(to.add(f"waive:{self.name} >= {piece}", 1, (WORST_CASES,)) for piece in rows)
        short = tuple(max(-to.least(row), 1) for row, _ in rows.values())
        slacks = [
            to.slack_equation(f"{self.name} >= {piece}", row.plus({value: finer, bit: most}), (WORST_CASES,))
            for (piece, (row, finer)), bit, most in zip(rows.items(), bits, short, strict=True)
        ]
        count = Row({used: budget, **dict.fromkeys(bits, -1)})
        left = to.slack_equation(f"{name}: at most {budget} waived", count, (WORST_CASES,))
        to.waivers.append(Waivers(name, bits, used, left, budget))
        return WaiverStep(tuple(range(first, first + len(rows))), bits, short, used, left, budget), slacks


def _needs(to: Lowering, rows: Rows) -> list[int]:
    """Return the most that each row can ask for."""
    return [-(to.canonical_range(row)[0] // finer) for row, finer in rows.values()]
