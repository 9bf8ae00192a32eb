"""Read the optional table `depth` of a MARKET folder (CSV or Parquet)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from zkmargin.inputs.depth import Depth
from zkmargin.inputs.market_row import Row
from zkmargin.inputs.problems import Problems
from zkmargin.inputs.tables import Schema, read_optional

DEPTH = Schema(("instrument", "side", "price", "size"))
SIDES = ("bid", "ask")


def load_depth(folder: Path, problems: Problems) -> Mapping[str, Depth]:
    """Read every order book, noting problems; empty without the table."""
    table = read_optional(folder, "depth", DEPTH, problems)
    if table is None:
        return {}
    levels: dict[tuple[str, str], list[tuple[Fraction, Fraction]]] = defaultdict(list)
    for number, (name, side, price, size) in table.rows(*DEPTH.names):
        row = Row(table.file, number, problems)
        key = name, row.choice("side", side, SIDES)
        levels[key].append((row.decimal("price", price), row.decimal("size", size)))
    names = sorted({name for name, _ in levels})
    return {name: Depth(*(tuple(levels[name, side]) for side in SIDES)) for name in names}
