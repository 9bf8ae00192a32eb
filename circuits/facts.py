"""What the compile rules hold a circuit against: public facts that do not come from the circuit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zkmargin.circuits.variables import InputKey
from zkmargin.inputs.market import Market
from zkmargin.risk.table import RiskTable

HOLDS, OWES = 1, -1
SIGNS = {
    "held": HOLDS,
    "unpledged": HOLDS,
    "owed": OWES,
    "position": HOLDS,
    "small": HOLDS,  # the first lots of a position
    "alone": HOLDS,  # a position that nets with nothing
    "cost": OWES,
}


@dataclass(frozen=True)
class CircuitFacts:
    """`lot_value`: equity quanta per lot of every asset and contract; `settlement`: asset of every contract."""

    lot_value: Mapping[str, int]
    settlement: Mapping[str, str]

    def value(self, key: InputKey) -> int:
        """Return what one lot of an input's first side adds to the net value, in equity quanta."""
        kind, label = key
        sign = HOLDS if kind.startswith("pledged:") else SIGNS.get(kind, 0)
        return sign * self.lot_value.get(label, 0)


def market_facts(market: Market, table: RiskTable) -> CircuitFacts:
    """Return the facts of a snapshot; the same for all books."""
    return CircuitFacts(table.lot_value, {item.name: item.settlement for item in market.contracts})
