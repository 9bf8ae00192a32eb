"""The figures of a pot as `margin` and `verify` show them: one table and one JSON form, to be held side by side."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from zkmargin.cli.verdict import money
from zkmargin.margin.accounts import BookMargin, PotMargin
from zkmargin.margin.levels import ratio_text

MONEY_COLUMNS = ("net value", "equity", "initial", "maintenance", "ratio")
COLUMNS = (*MONEY_COLUMNS, "level", "binding scenario")
SUM, APART = "(sum)", "pots do not help each other"

_NAMES = {
    "net_value": "net",
    "equity": "equity",
    "initial_requirement": "initial",
    "maintenance_requirement": "requirement",
    "shortfall": "shortfall",
    "bad_debt": "bad_debt",
}


def pot_row(margin: BookMargin, row: int, quantum: Fraction) -> list[str]:
    """Return a pot's figures as text, in the order of COLUMNS."""
    pot = margin.pot(row)
    binding = "; ".join(f"{unit.name} {unit.binding}" for unit in pot.units if unit.binding)
    return [*_money(pot, quantum), ratio_text(pot.equity, pot.requirement), margin.level(row), binding]


def sum_row(total: PotMargin, quantum: Fraction) -> list[str]:
    """Return a sum of pots as text: it has no ratio and no level, because no pot covers another."""
    return [*_money(total, quantum), "", "", APART]


def pot_json(margin: BookMargin, row: int, quantum: Fraction) -> dict[str, Any]:
    """Return a pot's figures in quote currency; exact numbers become decimal strings."""
    pot = margin.pot(row)
    units = [
        {
            "name": unit.name,
            "maintenance_requirement": unit.requirement * quantum,
            "binding_scenario": unit.binding or "",
        }
        for unit in pot.units
    ]
    ratio = ratio_text(pot.equity, pot.requirement)
    shown = {"pot": margin.labels[row][1], "ratio": ratio, "level": margin.level(row), "risk_units": units}
    return shown | sum_json(pot, quantum)


def sum_json(total: PotMargin, quantum: Fraction) -> dict[str, Any]:
    """Return a sum of pots; it is healthy if every one of them is."""
    figures: dict[str, Any] = {name: getattr(total, of) * quantum for name, of in _NAMES.items()}
    return figures | {"healthy": total.healthy}


def _money(pot: PotMargin, quantum: Fraction) -> list[str]:
    return [money(value, quantum) for value in (pot.net, pot.equity, pot.initial, pot.requirement)]
