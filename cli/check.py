"""`zkmargin check`: validate a ledger, attest nothing."""

from __future__ import annotations

from pathlib import Path

import click

from zkmargin.circuits.compile import compile_circuit
from zkmargin.cli.output import emit_json, json_option, say
from zkmargin.inputs import load_ledger
from zkmargin.inputs.ledger import CROSS, Ledger
from zkmargin.risk.store import RiskFiles, load_risk
from zkmargin.wording import counted


@click.command()
@click.argument("ledger", type=click.Path(path_type=Path))
@click.option("--risk", required=True, type=click.Path(path_type=Path), help="What `risk build` wrote.")
@json_option
def command(ledger: Path, risk: Path, as_json: bool) -> None:
    """Validate every row of LEDGER and its control totals; attest nothing."""
    files = load_risk(risk)
    loaded = load_ledger(ledger, files.policy, files.market)
    _require_within_limits(files, loaded)
    controlled = any((ledger / f"control.{suffix}").exists() for suffix in ("csv", "parquet"))
    books = {name: _counts(loaded, name) for name in loaded.pots}
    for name, counts in books.items():
        say(f"book {name}: " + ", ".join(counted(count, *_NOUNS[what]) for what, count in counts.items()))
    say("control totals agree" if controlled else "no control totals given (control.csv)")
    say("every row is in order")
    if as_json:
        emit_json({"books": books, "control_totals": controlled, "input_digest": loaded.digest})


_NOUNS = {
    "accounts": ("account",),
    "isolated_pots": ("isolated pot",),
    "positions": ("position",),
    "balances": ("balance",),
    "loans": ("loan",),
}


def _require_within_limits(files: RiskFiles, ledger: Ledger) -> None:
    """Fill the rows of every book with a limit per account, which names an account beyond it."""
    for name, book in files.policy.books.items():
        if book.account_limit is not None:
            compile_circuit(files.policy, files.market, files.table, name).fill(ledger.pots[name])


def _counts(ledger: Ledger, book: str) -> dict[str, int]:
    pots = ledger.pots[book]
    kinds = {"positions": ("position",), "balances": ("held",), "loans": ("owed",)}
    return {
        "accounts": len({account for account, _ in pots.labels}),
        "isolated_pots": sum(pot != CROSS for _, pot in pots.labels),
        **{what: sum(len(v) for k, v in pots.values.items() if k[0] in kind) for what, kind in kinds.items()},
    }
