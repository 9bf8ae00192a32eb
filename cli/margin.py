"""`zkmargin margin`: equity, requirements, ratio, level and binding scenario of every pot. Secret output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.cli.figures import COLUMNS, MONEY_COLUMNS, SUM, pot_json, pot_row, sum_json, sum_row
from zkmargin.cli.output import emit_json, emit_table, json_option, say
from zkmargin.errors import UsageError
from zkmargin.inputs import load_ledger
from zkmargin.inputs.decimals import decimal_text
from zkmargin.margin.accounts import BookMargin, calculate_all, needs_circuit
from zkmargin.margin.formulas import by_formula
from zkmargin.margin.portfolios import FormulaMargin
from zkmargin.risk.store import RiskFiles, load_risk
from zkmargin.wording import counted

FORMULA = "by formula"  # the exchange's own rule in floats, beside the requirement that is proven

Formulas = Mapping[str, FormulaMargin | None]


@click.command()
@click.argument("ledger", type=click.Path(path_type=Path))
@click.option("--risk", required=True, type=click.Path(path_type=Path), help="What `risk build` wrote.")
@click.option("--account", help="Only this account: its pots and their sum.")
@json_option
def command(ledger: Path, risk: Path, account: str | None, as_json: bool) -> None:
    """Compute the margin of every pot of LEDGER exactly; list and count the unhealthy ones."""
    files = load_risk(risk)
    loaded = load_ledger(ledger, files.policy, files.market)
    margins = calculate_all(files.policy, files.table, loaded.pots, _compiled(files))
    formulas = {name: by_formula(files.policy, files.market, pots) for name, pots in loaded.pots.items()}
    rows = {name: _rows(margin, account) for name, margin in margins.items()}
    if account is not None and not any(rows.values()):
        raise UsageError("unknown-account", f"no account {account!r} in {ledger}")
    quantum = files.policy.equity_quantum
    if as_json:
        emit_json({"quote": files.policy.quote, "books": _json(margins, formulas, rows, account, quantum)})
    else:
        table = _table(margins, formulas, rows, account, quantum)
        columns = ("book", "account", "pot", *_beside(list(COLUMNS), FORMULA))
        emit_table(columns, table, (FORMULA, *MONEY_COLUMNS))
    _report_unhealthy(margins, rows, files.policy.quote, quantum)


def _compiled(files: RiskFiles) -> dict[str, CompiledBook]:
    """Compile the circuits of books whose margin they compute."""
    return {
        name: compile_circuit(files.policy, files.market, files.table, name)
        for name, book in files.policy.books.items()
        if needs_circuit(book)
    }


def _rows(margin: BookMargin, account: str | None) -> Sequence[int]:
    return range(len(margin)) if account is None else margin.rows_of(account)


def _table(
    margins: Mapping[str, BookMargin],
    formulas: Formulas,
    rows: Mapping[str, Sequence[int]],
    account: str | None,
    quantum: Fraction,
) -> list[list[str]]:
    lines = []
    for name, margin in margins.items():
        for row in rows[name]:
            figures = _beside(pot_row(margin, row, quantum), _formula_text(formulas[name], row))
            lines.append([name, *margin.labels[row], *figures])
        if account is not None and len(rows[name]) > 1:
            lines.append([name, account, SUM, *_beside(sum_row(margin.total(rows[name]), quantum), "")])
    return lines


def _beside(figures: list[str], formula: str) -> list[str]:
    """Put the exchange's formula beside the maintenance requirement that is proven."""
    at = COLUMNS.index("maintenance") + 1
    return [*figures[:at], formula, *figures[at:]]


def _formula_text(formula: FormulaMargin | None, row: int) -> str:
    return "" if formula is None else f"{formula.requirement[row]:,.2f}"


def _formula_json(formula: FormulaMargin | None, row: int) -> dict[str, str]:
    if formula is None:
        return {}
    return {
        "initial_requirement": f"{formula.initial[row]:.6f}",
        "maintenance_requirement": f"{formula.requirement[row]:.6f}",
    }


def _json(
    margins: Mapping[str, BookMargin],
    formulas: Formulas,
    rows: Mapping[str, Sequence[int]],
    account: str | None,
    quantum: Fraction,
) -> dict[str, Any]:
    books = {}
    for name, margin in margins.items():
        pots = [
            {
                "account": margin.labels[row][0],
                "formula": _formula_json(formulas[name], row),
                **pot_json(margin, row, quantum),
            }
            for row in rows[name]
        ]
        books[name] = {"pots": pots, "unhealthy": sum(not pot["healthy"] for pot in pots)}
        if account is not None and pots:
            books[name]["sum"] = sum_json(margin.total(rows[name]), quantum)
    return books


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
        say(f"{count} of {counted(total, 'pot')} unhealthy, of {counted(len(short_accounts), 'account')}")
    else:
        say("the one pot is healthy" if total == 1 else f"all {counted(total, 'pot')} healthy")
