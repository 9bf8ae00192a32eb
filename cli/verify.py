"""`zkmargin verify`: a customer's check of the own bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from zkmargin.cli.audit import trust_option
from zkmargin.cli.output import emit_json, emit_table, json_option, say
from zkmargin.cli.verdict import money, show_report

from zkmargin import limits
from zkmargin.attestation.audit import audit_attestation
from zkmargin.attestation.report import worst
from zkmargin.bundle_verifier import BundleResult, Identity, verify_bundle
from zkmargin.errors import UsageError
from zkmargin.files import read_bounded
from zkmargin.group import default_backend
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.texts import nonce as parse_nonce
from zkmargin.inputs.texts import normal_user
from zkmargin.records import read_records
from zkmargin.signing import load_public_key


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--attestation", required=True, type=click.Path(path_type=Path), help="The published attestation."
)
@trust_option
@click.option("--id", "user", help="Who you are to the exchange: your e-mail address or name.")
@click.option(
    "--nonce", "nonce_file", type=click.Path(path_type=Path), help="File with your own nonce, in hex."
)
@click.option(
    "--records",
    type=click.Path(path_type=Path),
    help="Folder with your balances and positions to compare with.",
)
@click.option("--audit", "with_audit", is_flag=True, help="Audit the attestation as well.")
@json_option
def command(
    bundle: Path,
    attestation: Path,
    trusted: tuple[Path, ...],
    user: str | None,
    nonce_file: Path | None,
    records: Path | None,
    with_audit: bool,
    as_json: bool,
) -> int:
    """Check that BUNDLE is counted in the attestation, with your real numbers.

    Reads the manifest and the public inputs. Ends with 0 if everything holds, 1 if something is false, 3 if something
    cannot be read, 4 if you trust no key or gave no identity of your own.
    """
    backend, keys = default_backend(), [load_public_key(path) for path in trusted]
    data = read_bounded(bundle, limits.MAX_JSON_BYTES, "the bundle")
    identity = Identity(normal_user(user) if user is not None else None, _nonce(nonce_file))
    known = read_records(backend, data, attestation, records) if records else None
    result = verify_bundle(backend, data, attestation, keys, identity, known)
    show_report(result.report)
    outcomes = [result.report.outcome]
    audited = None
    if with_audit:
        audited = audit_attestation(backend, attestation, keys).report
        show_report(audited)
        outcomes.append(audited.outcome)
    if as_json:
        emit_json(_json(result) | ({"audit": audited.to_json()} if audited else {}))
    else:
        _show_margin(result, compared=records is not None)
    return worst(outcomes).value


def _nonce(path: Path | None) -> bytes | None:
    if path is None:
        return None
    value = parse_nonce(read_bounded(path, 256, "the nonce").decode("ascii", "replace").strip())
    if not value:
        raise UsageError("nonce", f"{path} holds no nonce", expected="16 bytes in hex")
    return value


def _show_margin(result: BundleResult, *, compared: bool) -> None:
    """Print the account as the exchange's screen shows it, and the rows themselves unless they were compared."""
    if result.bundle is None or result.inputs is None:
        return
    policy, market = result.inputs.policy, result.inputs.market
    quantum = policy.equity_quantum
    say(f"account {result.bundle.account} of {result.bundle.user.id}, in {policy.quote}:")
    rows, sums = [], [0, 0, 0, 0]
    for margin in result.margins:
        pot = margin.pot(0)
        figures = [pot.net, pot.equity, pot.requirement, pot.initial]
        sums = [a + b for a, b in zip(sums, figures, strict=True)]
        binding = ", ".join(f"{unit.name}: {unit.binding}" for unit in pot.units if unit.binding) or "-"
        name = f"{margin.book.id}/{margin.labels[0][1]}"
        rows.append((name, *(money(value, quantum) for value in figures), margin.level(0), binding))
    rows.append(("sum", *(money(value, quantum) for value in sums), "", ""))
    columns = ("pot", "net value", "equity", "maintenance", "initial", "level", "binding scenario")
    emit_table(columns, rows, columns[1:5])
    if compared:
        return
    amounts = [
        (f"{leaf.book}/{leaf.pot}", kind, name, decimal_text(lots * market.instruments[name].lot))
        for leaf in result.bundle.leaves
        for (kind, name), lots in leaf.inputs
        if name in market.instruments
    ]
    emit_table(("pot", "what", "of", "amount"), amounts, ("amount",))


def _json(result: BundleResult) -> dict[str, Any]:
    value = result.report.to_json()
    if result.bundle is not None and result.inputs is not None:
        quantum = result.inputs.policy.equity_quantum
        value["account"] = result.bundle.account
        value["pots"] = [
            {
                "book": margin.book.id,
                "pot": margin.labels[0][1],
                "net_value": decimal_text(margin.pot(0).net * quantum),
                "equity": decimal_text(margin.pot(0).equity * quantum),
                "maintenance": decimal_text(margin.pot(0).requirement * quantum),
                "initial": decimal_text(margin.pot(0).initial * quantum),
                "level": margin.level(0),
                "binding": {unit.name: unit.binding or "" for unit in margin.pot(0).units},
            }
            for margin in result.margins
        ]
    return value
