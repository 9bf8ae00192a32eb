"""`zkmargin margin`: equity, requirements, ratio, level and binding scenario of every pot. Secret output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
from zkmargin.cli.output import emit_json, emit_table, json_option, say

from zkmargin.errors import UsageError
from zkmargin.inputs import load_ledger
from zkmargin.inputs.decimals import decimal_text
from zkmargin.margin.accounts import BookMargin, PotMargin, calculate_all
from zkmargin.margin.levels import level_of, ratio_text
from zkmargin.risk.store import load_risk

COLUMNS = ("book", "account", "pot", "equity", "initial", "maintenance", "ratio", "level", "binding scenario")
NUMERIC = ("equity", "initial", "maintenance", "ratio")
SUM = "(sum)"


@click.command()
@click.argument("ledger", type=click.Path(path_type=Path))
@click.option("--risk", required=True, type=click.Path(path_type=Path), help="What `risk build` wrote.")
@click.option("--account", help="Only this account: its pots and their sum.")
@json_option
def command(ledger: Path, risk: Path, account: str | None, as_json: bool) -> None:
    """Compute the margin of every pot of LEDGER exactly; list and count the unhealthy ones."""
    files = load_risk(risk)
    loaded = load_ledger(ledger, files.policy, files.market)
    margins = calculate_all(files.policy, files.table, loaded.pots)
    rows = {name: _rows(margin, account) for name, margin in margins.items()}
    if account is not None and not any(rows.values()):
        raise UsageError("unknown-account", f"no account {account!r} in {ledger}")
    quantum = files.policy.equity_quantum
    if as_json:
        emit_json({"quote": files.policy.quote, "books": _json(margins, rows, account, quantum)})
    else:
        emit_table(COLUMNS, list(_table(margins, rows, account, quantum)), NUMERIC)
    _report_unhealthy(margins, rows, files.policy.quote, quantum)


def _rows(margin: BookMargin, account: str | None) -> Sequence[int]:
    return range(len(margin)) if account is None else margin.rows_of(account)


def _table(
    margins: Mapping[str, BookMargin],
    rows: Mapping[str, Sequence[int]],
    account: str | None,
    quantum: Fraction,
) -> list[list[str]]:
    lines = []
    for name, margin in margins.items():
        for row in rows[name]:
            pot = margin.pot(row)
            binding = "; ".join(f"{unit.name} {unit.binding}" for unit in pot.units if unit.binding)
            lines.append([name, *margin.labels[row], *_figures(pot, quantum), margin.level(row), binding])
        if account is not None and len(rows[name]) > 1:
            total = margin.total(rows[name])
            lines.append([name, account, SUM, *_figures(total, quantum)[:-1], "", "", ""])
    return lines


def money_text(value: Fraction) -> str:
    """Write money for people: to the cent, halves to even, with thousands separators."""
    cents = round(value * 100)
    sign, size = "-" if cents < 0 else "", abs(cents)
    return f"{sign}{size // 100:,}.{size % 100:02}"


def _figures(pot: PotMargin, quantum: Fraction) -> list[str]:
    money = [money_text(value * quantum) for value in (pot.equity, pot.initial, pot.requirement)]
    return [*money, ratio_text(pot.equity, pot.requirement)]


def _json(
    margins: Mapping[str, BookMargin],
    rows: Mapping[str, Sequence[int]],
    account: str | None,
    quantum: Fraction,
) -> dict[str, Any]:
    books = {}
    for name, margin in margins.items():
        pots = [_pot_json(margin, row, quantum) for row in rows[name]]
        books[name] = {"pots": pots, "unhealthy": sum(not pot["healthy"] for pot in pots)}
        if account is not None and pots:
            books[name]["sum"] = _figures_json(margin.total(rows[name]), quantum)
    return books


def _pot_json(margin: BookMargin, row: int, quantum: Fraction) -> dict[str, Any]:
    pot = margin.pot(row)
    account, label = margin.labels[row]
    units = [
        {"name": unit.name, "requirement": unit.requirement * quantum, "binding": unit.binding or ""}
        for unit in pot.units
    ]
    level = level_of(pot.equity, pot.requirement, margin.book.levels)
    shown = {"account": account, "pot": label, "level": level, "risk_units": units}
    return shown | {"ratio": ratio_text(pot.equity, pot.requirement)} | _figures_json(pot, quantum)


def _figures_json(pot: PotMargin, quantum: Fraction) -> dict[str, Any]:
    names = ("net", "equity", "initial", "requirement", "shortfall", "bad_debt")
    return {name: getattr(pot, name) * quantum for name in names} | {"healthy": pot.healthy}


def _report_unhealthy(
    margins: Mapping[str, BookMargin], rows: Mapping[str, Sequence[int]], quote: str, quantum: Fraction
) -> None:
    short_accounts = set()
    count = total = 0
    for name, margin in margins.items():
        total += len(rows[name])
        for row in rows[name]:
            if margin.healthy[row]:
                continue
            count += 1
            account, pot = margin.labels[row]
            short_accounts.add(account)
            short = decimal_text(int(margin.shortfall[row]) * quantum)
            text = f"unhealthy: {name} {account} {pot}, {margin.level(row)}, short of {short} {quote}"
            say(text, style="yellow")
    if count:
        say(f"{count} of {total} pots unhealthy, of {len(short_accounts)} accounts")
    else:
        say(f"all {total} pots healthy")
