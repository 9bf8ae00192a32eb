"""Public numbers of a rule: exact, and named where an error should say which one is wrong."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from numbers import Rational
from typing import Any, Self

from zkmargin.errors import CircuitError


def exact(value: object) -> Fraction:
    """Return a public number as a fraction (a `Named` keeps its name); refuse floats, which are never money."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, Rational | Decimal | str):
        return Fraction(value)
    raise CircuitError(
        "parameter",
        f"{value!r} is a {type(value).__name__}: public numbers are decimal strings, integers or fractions",
    )


def whole(name: str, amount: Fraction, unit: Fraction) -> int:
    """Return a constant of a rule in units of its inequality: a rounded one would be another rule, so it is refused."""
    count = amount / unit
    if count <= 0 or count.denominator != 1:
        raise CircuitError(
            "constant",
            f"{name}: a constant must be a positive whole number of {float(unit):.6g}",
            actual=amount,
        )
    return int(count)


class Named(Fraction):
    """A parameter that keeps its name through arithmetic: (discount.short[28MAR] - discount.long[28MAR])."""

    name: str

    def __new__(cls, value: object, name: str) -> Self:
        self = super().__new__(cls, exact(value))
        self.name = name
        return self

    def __add__(self, other: object) -> Any:
        return _combine("+", operator.add, self, other)

    def __radd__(self, other: object) -> Any:
        return _combine("+", operator.add, other, self)

    def __sub__(self, other: object) -> Any:
        return _combine("-", operator.sub, self, other)

    def __rsub__(self, other: object) -> Any:
        return _combine("-", operator.sub, other, self)

    def __mul__(self, other: object) -> Any:
        return _scaled(self, other, lambda: _combine("*", operator.mul, self, other))

    def __rmul__(self, other: object) -> Any:
        return _scaled(self, other, lambda: _combine("*", operator.mul, other, self))

    def __truediv__(self, other: object) -> Any:
        return _combine("/", operator.truediv, self, other)

    def __rtruediv__(self, other: object) -> Any:
        return _combine("/", operator.truediv, other, self)

    def __neg__(self) -> Named:
        name = self.name.removeprefix("-") if self.name.startswith("-") else f"-{self.name}"
        return Named(Fraction.__neg__(self), name)


def label(value: Fraction) -> str:
    """Return "name = value", or the value alone where it has no name."""
    number = f"{float(value):.6g}"
    return f"{value.name} = {number}" if isinstance(value, Named) else number


def _combine(symbol: str, apply: Callable[[Any, Any], Any], left: object, right: object) -> Any:
    if not (isinstance(left, Rational) and isinstance(right, Rational)):
        return NotImplemented
    result = apply(Fraction(left), Fraction(right))
    return Named(result, f"({_text(left)} {symbol} {_text(right)})")


def _scaled(named: Named, factor: object, otherwise: Callable[[], Any]) -> Any:
    """Multiply by 1 and -1 without a longer name."""
    if isinstance(factor, Rational) and factor in (1, -1):
        return named if factor == 1 else -named
    return otherwise()


def _text(value: Rational) -> str:
    return value.name if isinstance(value, Named) else str(value)
