"""Past moves of prices: the optional table `returns` of a market, for models that revalue history.

A scenario is a day or any other period; a move is relative (-0.1: 10 % lower). Scenarios keep the order of the file,
oldest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from zkmargin import limits
from zkmargin.canonical import Json, fraction_text
from zkmargin.errors import DecodeError
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.json_fields import Fields, fraction, strings
from zkmargin.inputs.problems import Fault
from zkmargin.inputs.texts import label_fault

Moves = Mapping[str, tuple[Fraction, ...]]


@dataclass(frozen=True)
class Returns:
    """Moves of every asset in every scenario: of its price, and of the implied volatility of options on it."""

    scenarios: tuple[str, ...]
    price: Moves
    volatility: Moves

    def to_json(self) -> Json:
        """Return the value for canonical JSON."""
        return {
            "scenarios": list(self.scenarios),
            "price": {asset: list(map(fraction_text, moves)) for asset, moves in self.price.items()},
            "volatility": {
                asset: list(map(fraction_text, moves)) for asset, moves in self.volatility.items()
            },
        }

    @staticmethod
    def from_json(value: Json, what: str) -> Returns:
        """Read what `to_json` wrote; raise DecodeError for any other shape."""
        with Fields(value, what) as fields:
            scenarios = fields.items("scenarios")
            names = tuple(strings(scenarios, len(scenarios), f"{what}.scenarios"))
            price = _moves(fields.mapping("price"), len(names), f"{what}.price")
            volatility = _moves(fields.mapping("volatility"), len(names), f"{what}.volatility")
        if sorted(price) != sorted(volatility):
            raise DecodeError("json", f"{what}: prices and volatilities of different assets")
        return Returns(names, price, volatility)

    def faults(self, assets: frozenset[str]) -> Iterator[Fault]:
        """Say what is wrong with the moves at a market with these assets: (name, value, message, hint)."""
        if not 1 <= len(self.scenarios) <= limits.MAX_SCENARIOS:
            yield "scenario", None, f"{len(self.scenarios)} scenarios", f"1 to {limits.MAX_SCENARIOS}"
        if len(set(self.scenarios)) != len(self.scenarios):
            yield "scenario", None, "a scenario stands twice", None
        for name in self.scenarios:
            if fault := label_fault(name):
                yield "scenario", name, fault, None
        for kind, table in (("price", self.price), ("volatility", self.volatility)):
            for asset, moves in table.items():
                if asset not in assets:
                    yield asset, None, "no such spot instrument", None
                for name, move in zip(self.scenarios, moves, strict=True):
                    if move <= -1:
                        yield (
                            kind,
                            decimal_text(move),
                            f"{name}: {asset} falls to 0 or below",
                            "-0.1 is -10 %",
                        )


def _moves(value: dict[str, Json], count: int, what: str) -> dict[str, tuple[Fraction, ...]]:
    return {
        asset: tuple(fraction(text, f"{what}.{asset}") for text in strings(moves, count, f"{what}.{asset}"))
        for asset, moves in value.items()
    }
