"""Control totals: what the exchange's own books say, compared with what the ledger's rows add up to.

`control.csv` (name, total): for an asset the total held minus the total owed, for a contract the net
position, both over all books and in units.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from zkmargin.inputs.decimals import BadNumberError, decimal, decimal_text
from zkmargin.inputs.ledger_rows import Amounts
from zkmargin.inputs.market import Market
from zkmargin.inputs.problems import Problems, suggestion
from zkmargin.inputs.tables import Schema, Table, read_table

CONTROL = Schema(("name", "total"))
_SIGNS = {"held": 1, "owed": -1, "position": 1}


def check_control(folder: Path, amounts: Mapping[str, Amounts], market: Market, problems: Problems) -> None:
    """Note every control total that the ledger does not have; the control file is optional."""
    if any((folder / f"control.{suffix}").exists() for suffix in ("csv", "parquet")):
        table = read_table(folder, "control", CONTROL, problems)
        if table is not None:
            _compare(table, totals(amounts, market), problems)


def totals(amounts: Mapping[str, Amounts], market: Market) -> dict[str, Fraction]:
    """Return the net total of every instrument in units."""
    sums = dict.fromkeys(market.instruments, 0)
    for book in amounts.values():
        for (kind, name), entries in book.values.items():
            sums[name] += _SIGNS.get(kind, 0) * sum(entries.values())
    return {name: count * market.instruments[name].lot for name, count in sums.items()}


def _compare(table: Table, found: Mapping[str, Fraction], problems: Problems) -> None:
    seen: set[str] = set()
    for number, (name, text) in table.rows(*CONTROL.names):
        if name in seen:
            problems.add(table.file, number, "name", name, "the total stands twice")
        seen.add(name)
        if name not in found:
            problems.add(table.file, number, "name", name, "unknown instrument", suggestion(name, found))
            continue
        try:
            wanted = decimal(text)
        except BadNumberError as error:
            problems.add(table.file, number, "total", text, error.message, error.hint)
            continue
        if wanted != found[name]:
            message = f"control total differs: the rows add up to {decimal_text(found[name])}"
            problems.add(table.file, number, "total", text, message)
