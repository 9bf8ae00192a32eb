"""`zkmargin audit`: check everything that an attestation claims."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from zkmargin.attestation.audit import AuditResult, audit_attestation
from zkmargin.attestation.report import Report
from zkmargin.attestation.totals import ASSET_COLUMNS, asset_figures, total_rows
from zkmargin.cli.output import emit_json, emit_table, json_option, say
from zkmargin.cli.verdict import show_report
from zkmargin.group import Backend, default_backend
from zkmargin.inputs import load_market
from zkmargin.signing import load_public_key

trust_option = click.option(
    "--trust",
    "trusted",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Public key that you trust; may be given several times.",
)


@click.command()
@click.argument("attestation", type=click.Path(path_type=Path))
@trust_option
@click.option(
    "--previous", type=click.Path(path_type=Path), help="The attestation that this one must follow."
)
@click.option("--market", type=click.Path(path_type=Path), help="Your own policy, instruments and prices.")
@json_option
def command(
    attestation: Path, trusted: tuple[Path, ...], previous: Path | None, market: Path | None, as_json: bool
) -> int:
    """Check ATTESTATION: who signed it, risk table, circuits, trees, totals, account rules.

    Ends with 0 only if everything is proven that an attestation can hold; 1 if something is false, 3 if something
    cannot be read, 4 if nothing is false but not all is proven or no key is trusted.
    """
    keys = [load_public_key(path) for path in trusted]
    result = audit_attestation(
        default_backend(),
        attestation,
        keys,
        previous=previous,
        market=load_market(market) if market else None,
    )
    show_report(result.report)
    _show_totals(result, as_json=as_json)
    if as_json:
        emit_json(_json(result))
    return result.report.outcome.value


def audit_too(report: Report, backend: Backend, attestation: Path, keys: Sequence[bytes]) -> Report:
    """Audit the attestation that a report is about and show it; its outcome is one more check of that report."""
    audited = audit_attestation(backend, attestation, keys).report
    show_report(audited)
    report.check("audit", audited.raise_unless_verified, "the attestation is verified, see above")
    return audited


def _show_totals(result: AuditResult, *, as_json: bool) -> None:
    if result.header is None or result.inputs is None or as_json:
        return
    say(f"published totals of {result.header.exchange} at {result.header.time}:")
    columns = ("book", "total", "quantity", f"value in {result.inputs.policy.quote}")
    emit_table(columns, total_rows(result.header, result.inputs), columns[2:])
    say(f"by asset over all books: quantities, then values in {result.inputs.policy.quote}")
    names = [name.replace("_", " ") for name in ASSET_COLUMNS]
    figures = asset_figures(result.header, result.inputs)
    emit_table(("asset", *names), [[asset, *of.values()] for asset, of in figures.items()], names)


def _json(result: AuditResult) -> dict[str, Any]:
    value = result.report.to_json()
    if result.header is not None:
        value["exchange"] = result.header.exchange
        value["snapshot"] = result.header.snapshot_id
        value["digest"] = result.header.digest(default_backend().order).hex()
        value["totals"] = {
            book.id: {name: str(total) for name, total in book.totals} for book in result.header.books
        }
        if result.inputs is not None:
            value["assets"] = asset_figures(result.header, result.inputs)
    return value
