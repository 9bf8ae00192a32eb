"""`zkmargin verify`: a customer's check of the own bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zkmargin import limits
from zkmargin.bundle_verifier import BundleResult, Identity, verify_bundle
from zkmargin.cli.audit import audit_too, trust_option
from zkmargin.cli.figures import COLUMNS, MONEY_COLUMNS, SUM, pot_json, pot_row, sum_json, sum_row
from zkmargin.cli.output import emit_json, emit_table, json_option, say
from zkmargin.cli.verdict import show_report
from zkmargin.errors import UsageError
from zkmargin.files import read_bounded
from zkmargin.group import default_backend
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.texts import label_fault, normal_user
from zkmargin.inputs.texts import nonce as parse_nonce
from zkmargin.margin.accounts import PotMargin, sum_pots
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
    identity = Identity(_user(user), _nonce(nonce_file))
    backend, keys = default_backend(), [load_public_key(path) for path in trusted]
    data = read_bounded(bundle, limits.MAX_JSON_BYTES, "the bundle")
    known = read_records(backend, data, attestation, records) if records else None
    result = verify_bundle(backend, data, attestation, keys, identity, known, audited=with_audit)
    audited = audit_too(result.report, backend, attestation, keys) if with_audit else None
    show_report(result.report)
    if as_json:
        emit_json(_json(result) | ({"audit": audited.to_json()} if audited else {}))
    else:
        _show_margin(result, compared=records is not None)
    return result.report.outcome.value


def _user(text: str | None) -> str | None:
    """Return the identity in its one form; an empty one, of a variable that was not set, is not "none given"."""
    if text is None:
        return None
    user = normal_user(text)
    if fault := label_fault(user):
        raise UsageError(
            "id", f"--id is no name: {fault}", hint="your e-mail address or name, as the exchange has it"
        )
    return user


def _nonce(path: Path | None) -> bytes | None:
    if path is None:
        return None
    value = parse_nonce(read_bounded(path, 256, "the nonce").decode("ascii", "replace").strip())
    if not value:
        raise UsageError("nonce", f"{path} holds no nonce", expected="16 bytes in hex")
    return value


def _show_margin(result: BundleResult, *, compared: bool) -> None:
    """Print the account as the exchange's screen shows it, and the rows themselves unless they were compared.

    Only what is counted is shown: figures of a leaf that did not verify would be the exchange's word.
    """
    if result.bundle is None or result.inputs is None:
        say("nothing of the account is shown: bundle or attestation could not be read")
        return
    policy, market = result.inputs.policy, result.inputs.market
    _say_unverified(result)
    if not result.verified:
        return
    say(f"account {result.bundle.account} of {result.bundle.user.id}, in {policy.quote}:")
    rows = [
        [f"{leaf.book}/{leaf.pot}", *pot_row(margin, 0, policy.equity_quantum)]
        for leaf, margin in result.verified
    ]
    if len(rows) > 1 and (total := _total(result)):
        rows.append([SUM, *sum_row(total, policy.equity_quantum)])
    emit_table(("pot", *COLUMNS), rows, MONEY_COLUMNS)
    if compared:
        return
    amounts = [
        (f"{leaf.book}/{leaf.pot}", kind, name, decimal_text(lots * market.instruments[name].lot))
        for leaf, _ in result.verified
        for (kind, name), lots in leaf.inputs
        if name in market.instruments
    ]
    emit_table(("pot", "what", "of", "amount"), amounts, ("amount",))


def _say_unverified(result: BundleResult) -> None:
    shown = [leaf for leaf, _ in result.verified]
    for leaf in result.bundle.leaves if result.bundle else ():
        if not any(leaf is other for other in shown):
            say(f"{leaf.book}/{leaf.pot} is not shown: its leaf did not verify, see above")


def _total(result: BundleResult) -> PotMargin | None:
    """Return the sum of the account's pots, None unless every one of them verified."""
    if result.bundle is None or not 0 < len(result.bundle.leaves) == len(result.verified):
        return None
    return sum_pots([margin.pot(0) for _, margin in result.verified])


def _json(result: BundleResult) -> dict[str, Any]:
    value = result.report.to_json()
    if result.header is not None:
        value["exchange"] = result.header.exchange
        value["snapshot"] = result.header.snapshot_id
        value["digest"] = result.header.digest(default_backend().order)
    if result.bundle is not None and result.inputs is not None:
        quantum = result.inputs.policy.equity_quantum
        value["quote"] = result.inputs.policy.quote
        value["account"] = result.bundle.account
        value["pots"] = [
            {"book": leaf.book, **pot_json(margin, 0, quantum)} for leaf, margin in result.verified
        ]
        if total := _total(result):
            value["sum"] = sum_json(total, quantum)
    return value
