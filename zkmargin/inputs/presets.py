"""Scenario sets as data, by the name that a policy uses.

A set is a tuple of (price, volatility, weight): price moves in multiples of an asset's price range,
volatility moves in multiples of the volatility range.
"""

from __future__ import annotations

from fractions import Fraction

from zkmargin.inputs.policy import Scenario

_THIRDS = tuple(sign * Fraction(third, 3) for third in (1, 2, 3) for sign in (1, -1))
_UP_AND_DOWN = (Fraction(1), Fraction(-1))
_WHOLE = Fraction(1)
_VOLATILITY = {Fraction(1): " up", Fraction(-1): " down"}

# Standard Portfolio Analysis of Risk: 14 moves inside the scan range and two extreme ones, of which 35 %
# counts.
SPAN_16 = (
    *((price, volatility, _WHOLE) for price in (Fraction(0), *_THIRDS) for volatility in _UP_AND_DOWN),
    *((price, Fraction(0), Fraction(35, 100)) for price in (Fraction(2), Fraction(-2))),
)

PRESETS: dict[str, tuple[Scenario, ...]] = {}


def scenario(price: Fraction, volatility: Fraction, weight: Fraction) -> Scenario:
    """Name a scenario after its moves: "+1/3 up", "0 down", "-2 x 7/20"."""
    name = f"{'+' if price > 0 else ''}{price}"
    if volatility:
        name += _VOLATILITY.get(volatility, f" volatility {volatility}")
    if weight != 1:
        name += f" x {weight}"
    return Scenario(name, price, volatility, weight)


PRESETS["span-16"] = tuple(scenario(*moves) for moves in SPAN_16)
