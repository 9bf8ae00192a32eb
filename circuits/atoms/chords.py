"""chords: convex power laws as knots and slopes for `piecewise` (market impact, size^1.5, quadratic add-ons).

    f(x) = coefficient (lot x)^exponent, exponent >= 1,    chords through 0, k_1, k_2 ...,    k_(i+1) = 2^(1/m) k_i

A chord of a convex function lies above it and meets it at the knots, so a charge is never below the law. With the
default m = 2 knots a doubling it is above by at most 1.2 % for an exponent of 1.5 and 3.1 % for 2, with m = 4 by
0.3 % and 0.8 %; below the first knot, and while knots are a few lots and rounded, by somewhat more. Values at
knots are fractions, rounded up at the 40th decimal where a root is not rational.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from zkmargin.circuits.parameters import exact, label
from zkmargin.errors import CircuitError, CurvatureError

DECIMALS = 40


def chords(
    name: str,
    exponent: object,
    most: int,
    *,
    coefficient: object = 1,
    lot: object = 1,
    first: int = 1,
    per_doubling: int = 2,
) -> tuple[list[int], list[Fraction]]:
    """Return knots in lots and slopes per lot up to `most` lots: `piecewise(name, amount, *chords(name, ...))`."""
    power, factor, size = exact(exponent), exact(coefficient), exact(lot)
    if power < 1:
        raise CurvatureError(
            "curvature", f"{name}: a power law is convex from exponent 1 on, not with {label(power)}"
        )
    for what, number in (("coefficient", factor), ("lot", size)):
        if number <= 0:
            raise CircuitError("chords", f"{name}: {what} must be positive", actual=label(number))
    if not 1 <= first <= most or per_doubling < 1:
        raise CircuitError("chords", f"{name}: knots need 1 <= first <= most and one or more a doubling")
    knots = [0, *_geometric(first, most, per_doubling)]
    values = [Fraction(factor) * _power_up(size * knot, power) for knot in knots]
    slopes = [(b - a) / (k - j) for (j, k), (a, b) in zip(pairwise(knots), pairwise(values), strict=True)]
    return knots[:-1], slopes


def _geometric(first: int, most: int, per_doubling: int) -> Iterator[int]:
    """Yield whole numbers from `first` to the first that is not below `most`, each 2^(1/m) times the one before."""
    step, knot = 0, first
    yield knot
    while knot < most:
        step += 1
        doubled = _root_up((2 * first) ** per_doubling << step, per_doubling)  # 2 first 2^(step / m)
        if doubled // 2 > knot:
            knot = doubled // 2
            yield knot


def _power_up(value: Fraction, exponent: Fraction) -> Fraction:
    """Return value^exponent, rounded up where it is not rational."""
    power: Fraction = Fraction(value) ** exponent.numerator
    if exponent.denominator == 1:
        return power
    unit = 10**DECIMALS
    whole = -(-power.numerator * unit**exponent.denominator // power.denominator)
    return Fraction(_root_up(whole, exponent.denominator), unit)


def _root_up(value: int, degree: int) -> int:
    """Return the least r >= 0 with r^degree >= value."""
    low, high = 0, 1 << -(-value.bit_length() // degree)
    while low < high:
        middle = (low + high) // 2
        if middle**degree < value:
            low = middle + 1
        else:
            high = middle
    return low
