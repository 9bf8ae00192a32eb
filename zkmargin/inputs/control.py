"""Control totals: what the exchange's own books say, compared with what the ledger's rows add up to.

`control.csv` (name, total): for an asset the total held minus the total owed, for a contract the net
position, both over all books and in units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from zkmargin.inputs.decimals import BadNumberError, decimal, decimal_text
from zkmargin.inputs.ledger_columns import Entries
from zkmargin.inputs.ledger_rows import Amounts
from zkmargin.inputs.market import Market
from zkmargin.inputs.problems import Problems, suggestion
from zkmargin.inputs.tables import Schema, Table, read_optional

CONTROL = Schema(("name", "total"))
_SIGNS = {"held": 1, "owed": -1, "position": 1}


def check_control(folder: Path, totals: Callable[[], Mapping[str, Fraction]], problems: Problems) -> None:
    """Note every control total that the ledger does not have; the control file is optional."""
    table = read_optional(folder, "control", CONTROL, problems)
    if table is not None:
        _compare(table, totals(), problems)


def net_totals(
    entries: Iterable[Entries], amounts: Mapping[str, Amounts], market: Market
) -> dict[str, Fraction]:
    """Return the net total of every instrument in units, of what was read by columns and row by row."""
    sums = dict.fromkeys(market.instruments, 0)
    for part in entries:
        if sign := _SIGNS.get(part.kind, 0):
            for name, count in _by_name(part):
                sums[name] += sign * count
    for book in amounts.values():
        for (kind, name), found in book.values.items():
            sums[name] += _SIGNS.get(kind, 0) * sum(found.values())
    return {name: count * market.instruments[name].lot for name, count in sums.items()}


def _by_name(part: Entries) -> Iterator[tuple[str, int]]:
    """Yield exact sums: in halves of 31 bits, which do not wrap however many there are."""
    order = np.argsort(part.name, kind="stable")
    name, values = part.name[order], part.values[order]
    first = np.flatnonzero(np.diff(name, prepend=-1))
    if len(first):
        high = np.add.reduceat(values >> 31, first).tolist()
        low = np.add.reduceat(values & 0x7FFFFFFF, first).tolist()
        for which, upper, lower in zip(name[first].tolist(), high, low, strict=True):
            yield part.names[which], (upper << 31) + lower


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
