"""Expressions with curvature: what a margin rule is written in (after CVXPY's disciplined convex programming).

    expression = sum a x side of an input  +  sum c x convex function of such expressions

Sides are amounts in lots (the long side of a position, what is held of an asset), `a` their value per lot in quote
currency, all exact. A concave function is minus a convex one, so the curvature of an expression is the sign
pattern of its `c`. There are no constants: the empty account is zero in every rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NoReturn

from zkmargin.circuits.parameters import exact, label
from zkmargin.errors import CircuitError, CurvatureError

if TYPE_CHECKING:
    from zkmargin.circuits.atoms.atom import Atom

SideKey = tuple[int, int]  # (input, side)


class Expression:
    """An affine part over sides of inputs plus a combination of convex atoms."""

    __slots__ = ("atoms", "sides")

    def __init__(
        self, sides: dict[SideKey, Fraction] | None = None, atoms: dict[Atom, Fraction] | None = None
    ) -> None:
        self.sides = sides or {}
        self.atoms = atoms or {}

    @staticmethod
    def of(value: object) -> Expression:
        """Return an expression as it is, and nothing else but zero: a constant has no place in a circuit."""
        if isinstance(value, Expression):
            return value
        if isinstance(value, Alternatives):
            value.refuse()
        if exact(value) == 0:
            return Expression()
        raise CircuitError(
            "constant",
            f"the constant {value} has no place in a rule: the empty account is the zero row",
            hint="let it multiply something that the account holds, for instance a tier of piecewise",
        )

    def __add__(self, other: object) -> Expression:
        return total((self, Expression.of(other)))

    __radd__ = __add__

    def __neg__(self) -> Expression:
        return Expression(
            {side: -a for side, a in self.sides.items()}, {atom: -c for atom, c in self.atoms.items()}
        )

    def __sub__(self, other: object) -> Expression:
        return total((self, -Expression.of(other)))

    def __rsub__(self, other: object) -> Expression:
        return total((Expression.of(other), -self))

    def __mul__(self, factor: object) -> Expression:
        if isinstance(factor, Expression):
            raise CircuitError(
                "product", "product of two secret expressions: only public coefficients multiply"
            )
        number = exact(factor)
        if not number:
            return Expression()
        plain = number if type(number) is Fraction else Fraction(number)  # only convex terms need names
        return Expression(
            {side: plain if a == 1 else a * plain for side, a in self.sides.items()},
            {atom: c * number for atom, c in self.atoms.items()},
        )

    __rmul__ = __mul__

    def __truediv__(self, divisor: object) -> Expression:
        return self * (1 / exact(divisor))

    def __ge__(self, other: object) -> Inequality:
        return Inequality(self - Expression.of(other))

    def __le__(self, other: object) -> Inequality:
        return Inequality(Expression.of(other) - self)

    def demand(self, wanted: Literal["convex", "concave"], where: str) -> None:
        """Raise CurvatureError unless affine or `wanted`, naming the term in the way and its coefficient."""
        wrong = [(atom, c) for atom, c in self.atoms.items() if (c < 0 if wanted == "convex" else c > 0)]
        if wrong:
            atom, c = wrong[0]
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            raise CurvatureError(
                "curvature",
                f"{where}: must be {wanted}, but the convex term '{atom.name}' enters with coefficient "
                f"{label(c)}{more}",
                hint=atom.hint or None,
            )

    def demand_affine(self, where: str, hint: str | None = None) -> None:
        """Raise CurvatureError if there is any convex term."""
        if self.atoms:
            name = next(iter(self.atoms)).name
            message = f"{where}: must be affine, but contains the convex term '{name}'"
            raise CurvatureError("curvature", message, hint=hint)


class Signed(Expression):
    """A signed input, long minus short, in lots. Raising both sides can only raise what is required."""

    __slots__ = ("long", "short")

    def __init__(self, long: Expression, short: Expression) -> None:
        net = long - short
        super().__init__(net.sides, net.atoms)
        self.long = long
        self.short = short

    @property
    def gross(self) -> Expression:
        """Long plus short."""
        return self.long + self.short


class SplitPosition(Signed):
    """A signed position kept in two parts: the first `most_small` lots, and what is beyond them."""

    __slots__ = ("big", "most_small", "small")

    def __init__(self, small: Signed, big: Signed, most_small: int) -> None:
        super().__init__(small.long + big.long, small.short + big.short)
        self.small = small
        self.big = big
        self.most_small = most_small


@dataclass(frozen=True)
class Alternatives:
    """Convex expressions of which the `waived` largest do not count: a piece of a maximum, and nothing else.

    It is not convex. A circuit carries it by true bits, and only where it bounds a value from below.
    """

    pieces: Mapping[str, Expression]
    waived: int

    def refuse(self, _: object = None) -> NoReturn:
        """Raise CurvatureError: whoever calculates with it takes it for convex."""
        raise CurvatureError(
            "curvature",
            f"{' or '.join(self.pieces)}: alternatives are not convex, they may only be a piece of a maximum",
            hint="give the maximum a name and calculate with that",
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = refuse

    def __neg__(self) -> NoReturn:
        self.refuse()


@dataclass(frozen=True)
class Inequality:
    """An expression that must not be negative; for `require`."""

    expression: Expression


def weighted(terms: Iterable[tuple[Expression, Fraction]]) -> Expression:
    """Sum affine expressions times public numbers: what `total` of products is, sooner."""
    sides: dict[SideKey, Fraction] = {}
    for term, factor in terms:
        term.demand_affine("a weighted sum")
        for side, a in term.sides.items():
            part = factor if a == 1 else a * factor
            sides[side] = sides[side] + part if side in sides else part
    return Expression({side: a for side, a in sides.items() if a})


def total(terms: Iterable[object]) -> Expression:
    """Sum expressions."""
    sides: dict[SideKey, Fraction] = {}
    atoms: dict[Atom, Fraction] = {}
    for term in map(Expression.of, terms):
        for side, a in term.sides.items():
            sides[side] = sides[side] + a if side in sides else a
        for atom, c in term.atoms.items():
            atoms[atom] = atoms[atom] + c if atom in atoms else c
    return Expression({k: a for k, a in sides.items() if a}, {k: c for k, c in atoms.items() if c})
