"""`zkmargin risk`: the public numbers of a snapshot, built from a market and shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import click

from zkmargin.circuits.compile import compile_books
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.explanation import explain
from zkmargin.circuits.overstatement import overstatement
from zkmargin.cli.output import emit, emit_json, emit_table, json_option, say
from zkmargin.cli.parameters import utc_time
from zkmargin.errors import PolicyError
from zkmargin.files import check_new
from zkmargin.inputs import load_market
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.market import time_text
from zkmargin.inputs.market_rules import check_age
from zkmargin.inputs.policy import Policy
from zkmargin.risk.store import RiskFiles, check_circuits, load_risk, save_risk
from zkmargin.risk.table import build_risk_table
from zkmargin.wording import counted

LONG_LIST = 4  # items; longer ones get a line each

_FRACTION = re.compile(r"-?[0-9]+/[0-9]+", re.ASCII)


@click.group()
def command() -> None:
    """Build and show risk tables: marks, scenario P&L, haircuts, circuits. All of it is public."""


@command.command("build")
@click.argument("market", type=click.Path(path_type=Path))
@click.option("-o", "output", required=True, type=click.Path(path_type=Path), help="Directory to create.")
@click.option("--at", type=utc_time, help="Time against which the prices' age is held, instead of now.")
@json_option
def build(market: Path, output: Path, at: datetime | None, as_json: bool) -> None:
    """Compute the risk table and the circuits of MARKET (policy.toml, instruments and prices)."""
    check_new(output)
    policy, prices = load_market(market)
    check_age(policy, prices, at or datetime.now(UTC))
    table = build_risk_table(policy, prices)
    compiled = compile_books(policy, prices, table)
    for name, item in compiled.items():
        _check_overstatement(policy, name, item)
    circuits = {name: item.circuit.digest for name, item in compiled.items()}
    files = RiskFiles(policy, prices, table, circuits)
    save_risk(files, output)
    _summarise(files, compiled)
    if as_json:
        emit_json(_json(files, compiled))


@command.command("show")
@click.argument("risk", type=click.Path(path_type=Path))
@click.option("--circuit", "circuit", is_flag=True, help="Explain every rule of the circuits in words.")
@json_option
def show(risk: Path, circuit: bool, as_json: bool) -> None:
    """Show RISK: every parameter with the defaults that were used, digests, circuits, rounding."""
    files = load_risk(risk)
    compiled = compile_books(files.policy, files.market, files.table)
    check_circuits(files, {name: item.circuit.digest for name, item in compiled.items()})
    _summarise(files, compiled)
    explained = {name: explain(item.circuit) for name, item in compiled.items()} if circuit else {}
    if as_json:
        emit_json(_json(files, compiled) | ({"explanation": explained} if circuit else {}))
        return
    if not circuit:
        emit_table(("parameter", "value"), list(_parameters(files.policy.to_json())))
    for text in explained.values():
        emit(text)


def _check_overstatement(policy: Policy, name: str, compiled: CompiledBook) -> None:
    worst = overstatement(compiled)
    if worst > policy.max_overstatement:
        raise PolicyError(
            "overstatement",
            f"rounding can overstate the requirement of an account of book {name} by {_ceiling(worst)}"
            f" {policy.quote}, more than max_overstatement",
            expected=f"at most {decimal_text(policy.max_overstatement)}",
            actual=_ceiling(worst),
            hint="lower units.margin_quantum (brackets: equity_quantum), or raise attestation.max_overstatement",
        )


def _ceiling(value: Fraction) -> str:
    """Write a bound with six decimals, rounded up."""
    return decimal_text(Fraction(ceil(value * 10**6), 10**6))


def _summarise(files: RiskFiles, compiled: Mapping[str, CompiledBook]) -> None:
    policy, table = files.policy, files.table
    say(f"prices of {time_text(files.market.time)}, {counted(len(files.market.instruments), 'instrument')}")
    say(f"policy {policy.digest.hex()}")
    say(f"market {files.market.digest.hex()}")
    say(f"risk table {table.digest.hex()}")
    for name, item in compiled.items():
        circuit, risk = item.circuit, table.books[name]
        say(
            f"book {name}: {counted(len(risk.units), 'risk unit')}, {counted(len(risk.scenarios), 'scenario')},"
            f" {counted(len(circuit.columns), 'column')}, {counted(len(circuit.equations), 'equation')},"
            f" {counted(circuit.n_bits, 'bit')} in {counted(circuit.n_words, 'word')}"
        )
        say(f"  circuit {circuit.digest.hex()}")
        worst = _ceiling(overstatement(item))
        say(f"  rounding overstates the requirement of an account by at most {worst} {policy.quote}")
    if files.tolerance.entries:
        money = decimal_text(files.tolerance.money)
        entries = counted(files.tolerance.entries, "option entry", "option entries")
        say(
            f"{entries} other than this machine's by one unit,"
            f" worth {money} {policy.quote} for a lot of each",
            style="yellow",
        )


def _parameters(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Flatten the policy's JSON into (dotted name, text) rows."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _parameters(item, f"{path}.{name}" if path else name)
        if not value:
            yield path, "none"
    elif isinstance(value, list) and len(value) > LONG_LIST:
        yield from ((f"{path} {number}", _item(item)) for number, item in enumerate(value, 1))
    elif isinstance(value, list):
        yield path, ", ".join(_item(item) for item in value) or "none"
    else:
        yield path, _item(value) or "none"


def _item(value: Any) -> str:
    """Write a list in brackets and an exact number in decimals where it has them."""
    if isinstance(value, list):
        return f"[{' '.join(map(_item, value))}]"
    return decimal_text(Fraction(value)) if _FRACTION.fullmatch(str(value)) else str(value)


def _json(files: RiskFiles, compiled: Mapping[str, CompiledBook]) -> dict[str, Any]:
    return {
        "time": time_text(files.market.time),
        "policy": files.policy.to_json(),
        "digests": {
            "policy": files.policy.digest,
            "market": files.market.digest,
            "risk_table": files.table.digest,
        },
        "tolerance": {"entries": files.tolerance.entries, "money": files.tolerance.money},
        "books": {name: _book_json(files, name, item) for name, item in compiled.items()},
    }


def _book_json(files: RiskFiles, name: str, compiled: CompiledBook) -> dict[str, Any]:
    risk, circuit = files.table.books[name], compiled.circuit
    return {
        "scenarios": risk.scenarios,
        "risk_units": [unit.name for unit in risk.units],
        "overstatement": _ceiling(overstatement(compiled)),
        "circuit": {
            "version": circuit.version,
            "digest": circuit.digest,
            "columns": len(circuit.columns),
            "equations": len(circuit.equations),
            "bits": circuit.n_bits,
            "words": circuit.n_words,
        },
    }
