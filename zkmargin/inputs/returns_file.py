"""Read the optional table `returns` of a MARKET folder (CSV or Parquet): one row for each scenario and asset."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from zkmargin.inputs.market_row import Row
from zkmargin.inputs.problems import Problems
from zkmargin.inputs.returns import Returns
from zkmargin.inputs.tables import Schema, Table, read_optional

RETURNS = Schema(("scenario", "asset", "price"), ("volatility",))

Found = dict[tuple[str, str], tuple[Fraction, Fraction]]


def load_returns(folder: Path, problems: Problems) -> Returns | None:
    """Read all moves, noting problems; None without the table."""
    table = read_optional(folder, "returns", RETURNS, problems)
    if table is None:
        return None
    found = _rows(table, problems)
    scenarios = tuple(dict.fromkeys(scenario for scenario, _ in found))
    assets = sorted({asset for _, asset in found})
    for scenario in scenarios:
        for asset in assets:
            if (scenario, asset) not in found:
                problems.add(table.file, None, "asset", asset, f"no move in scenario {scenario}", "add a row")
    return Returns(scenarios, *(_column(found, scenarios, assets, kind) for kind in (0, 1)))


def _rows(table: Table, problems: Problems) -> Found:
    found: Found = {}
    for number, (scenario, asset, price, volatility) in table.rows(*RETURNS.names):
        row = Row(table.file, number, problems)
        if (scenario, asset) in found:
            row.fault("asset", asset, "the asset stands twice in the scenario")
        found[scenario, asset] = row.decimal("price", price), row.decimal("volatility", volatility or "0")
    return found


def _column(
    found: Found, scenarios: tuple[str, ...], assets: list[str], kind: int
) -> Mapping[str, tuple[Fraction, ...]]:
    nothing = Fraction(0), Fraction(0)  # where a problem was noted
    return {asset: tuple(found.get((name, asset), nothing)[kind] for name in scenarios) for asset in assets}
