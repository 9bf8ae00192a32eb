"""From expressions to columns and equations, as late as possible: an atom gets columns where it is first used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from zkmargin.circuits.circuit import Allowance, Alone, Floor, Hypotenuse, OneHot, Tail, Waivers
from zkmargin.circuits.draft import Columns, Form, Place, Row, add_forms
from zkmargin.circuits.expression import Expression
from zkmargin.circuits.steps import Step
from zkmargin.circuits.variables import Parts

if TYPE_CHECKING:
    from zkmargin.circuits.atoms.atom import Atom
    from zkmargin.circuits.atoms.tiers import Tiers


@dataclass(frozen=True)
class DraftEquation:
    """Row plus outputs = 0, or = slack."""

    name: str
    row: Row
    outputs: Mapping[int, int]
    slack: int | None


@dataclass(frozen=True)
class DraftOmission:
    """A row left out; see `circuit.OmittedRow`."""

    name: str
    row: Row
    implied_by: str | None


@dataclass(frozen=True, eq=False)
class DraftRounding:
    """What rounding up added to a function: `share` of its value where the columns `full` hold so much.

    At most one rounding of the same `of` counts: tiers exclude each other, and so do the sides of a pair.
    """

    of: object
    full: Mapping[int, int]
    share: Fraction


class Lowering(Columns):
    """Collects columns, equations, structural facts and witness steps."""

    def __init__(self, money_limit: Fraction | None = None) -> None:
        super().__init__(money_limit)
        self.equations: list[DraftEquation] = []
        self.omitted_rows: list[DraftOmission] = []
        self.omitted_tiers: list[tuple[str, Parts, int]] = []
        self.tiers: list[OneHot] = []
        self.allowances: list[Allowance] = []
        self.floors: list[Floor] = []
        self.columns_of_tiers: dict[Tiers, OneHot | None] = {}
        self.waivers: list[Waivers] = []  # like the steps, over columns without a place yet
        self.tails: list[Tail] = []
        self.hypotenuses: list[Hypotenuse] = []
        self.alone: list[Alone] = []
        self.steps: list[Step] = []
        self.roundings: list[DraftRounding] = []
        self._realised: dict[Atom, tuple[Fraction, Form, list[DraftRounding]]] = {}
        self._kept: dict[object, str] = {}

    def lower(self, expression: Expression, unit: Fraction) -> Form:
        """Return the expression as a linear form in `unit`; atoms that it uses first get their columns now.

        Convex atoms are positively homogeneous: their columns take the unit in which their first user's
        coefficient is 1, so a factor costs no bits.
        """
        per_unit = 1 / unit
        forms = [Form({side: a * per_unit for side, a in expression.sides.items()})]
        for atom, factor in expression.atoms.items():
            if atom not in self._realised:
                own, before = unit / abs(Fraction(factor)), len(self.roundings)
                form = atom.realise(self, own)
                self._realised[atom] = own, form, self.noted_since(before)
            else:
                self.roundings += self._realised[atom][2]  # of whoever uses it again
            own, form, _ = self._realised[atom]
            forms.append(form.scaled(Fraction(factor) * own / unit))
        return add_forms(forms)

    def value_of(self, expression: Expression) -> int | None:
        """Return the column that an expression, one atom that is in use, has as its value; None without one."""
        (atom,) = expression.atoms
        _, form, _ = self._realised[atom]
        return next(iter(form.columns), None)

    def note_rounding(self, of: object, full: Mapping[int, int], value: Fraction, exact: Fraction) -> None:
        """Note that a function has `value` instead of `exact` where the columns `full` hold so much."""
        if value != exact:
            self.roundings.append(DraftRounding(of, full, (value - exact) / value))

    def noted_since(self, before: int) -> list[DraftRounding]:
        """Return the roundings after the first `before`, each once."""
        return list(dict.fromkeys(self.roundings[before:]))

    def equation(self, name: str, row: Row, outputs: Mapping[int, int] | None = None) -> None:
        """Add an equation without a slack."""
        self.equations.append(DraftEquation(name, row, outputs or {}, None))

    def inequality(
        self, name: str, row: Row, place: Place, high: int | None = None, unit: Fraction | None = None
    ) -> int | None:
        """Add row = slack and return the slack; None if the row was left out because it cannot fail.

        It cannot if no coefficient is negative, or if it stands there already, coefficient by coefficient.
        """
        if self.least(row) >= 0:
            self.omitted_rows.append(DraftOmission(name, row, None))
            return None
        shape = row.shape
        if shape in self._kept:
            self.omitted_rows.append(DraftOmission(name, row, self._kept[shape]))
            return None
        self._kept[shape] = name
        return self.slack_equation(name, row, place, high, unit)

    def slack_equation(
        self, name: str, row: Row, place: Place, high: int | None = None, unit: Fraction | None = None
    ) -> int:
        """Add row = slack, whatever the row is, and return the slack; `high` where more is known of it.

        A slack of money, counted in `unit`, is no wider than the book's money limit needs.
        """
        most = self.canonical_range(row)[1] if high is None else high
        most = most if unit is None else self.within_limit(most, unit)
        slack = self.add(f"slack:{name}", max(most, 0), place)
        self.equations.append(DraftEquation(name, row, {}, slack))
        return slack
