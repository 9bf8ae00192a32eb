"""`zkmargin verify-claim`: a third party's check of a claim."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from zkmargin import limits
from zkmargin.attestation.report import Outcome
from zkmargin.claim_verifier import ClaimResult, Expectation, verify_claim
from zkmargin.cli.audit import audit_too, trust_option
from zkmargin.cli.output import emit_json, json_option, say
from zkmargin.cli.parameters import age, leaf_place, utc_time
from zkmargin.cli.verdict import show_report
from zkmargin.files import read_bounded
from zkmargin.group import default_backend
from zkmargin.signing import load_public_key


@click.command()
@click.argument("claim", type=click.Path(path_type=Path))
@click.option(
    "--attestation", required=True, type=click.Path(path_type=Path), help="The published attestation."
)
@trust_option
@click.option("--context", required=True, help="The text that you gave to whoever claims, to the letter.")
@click.option(
    "--require", "required", required=True, help="What must be claimed, of every leaf that is shown."
)
@click.option(
    "--leaf",
    "places",
    multiple=True,
    type=leaf_place,
    help="BOOK or BOOK/INDEX that the claim must be about; leaf after leaf.",
)
@click.option("--max-age", type=age, help='Refuse an older snapshot; such as "90s", "5m", "2h" or "1d".')
@click.option(
    "--at",
    type=utc_time,
    help="Time against which the age is held, instead of now; a later snapshot is refused.",
)
@click.option("--audit", "with_audit", is_flag=True, help="Audit the attestation as well.")
@json_option
def command(
    claim: Path,
    attestation: Path,
    trusted: tuple[Path, ...],
    context: str,
    required: str,
    places: tuple[tuple[str, int | None], ...],
    max_age: timedelta | None,
    at: datetime | None,
    with_audit: bool,
    as_json: bool,
) -> int:
    """Check that CLAIM proves what you require, to you, of an account in the attestation.

    Reads the manifest and the public inputs. Ends with 0 if everything holds, 1 if something is false, 3 if something
    cannot be read, 4 if you trust no key or the snapshot is older than you accept.
    """
    now = at if max_age is None else at or datetime.now(UTC)
    expected = Expectation(required, context, places, max_age, now)
    backend, keys = default_backend(), [load_public_key(path) for path in trusted]
    data = read_bounded(claim, limits.MAX_CLAIM_BYTES, "the claim")
    result = verify_claim(backend, data, attestation, keys, expected, audited=with_audit)
    audited = audit_too(result.report, backend, attestation, keys) if with_audit else None
    show_report(result.report)
    _say_forms(result)
    if as_json:
        emit_json(_json(result) | ({"audit": audited.to_json()} if audited else {}))
    return result.report.outcome.value


def _say_forms(result: ClaimResult) -> None:
    if result.report.outcome is Outcome.PASSED and result.header is not None:
        for leaf, text in result.forms:
            say(f"proven of {leaf.book}/{leaf.index} at {result.header.time}: {text}")


def _json(result: ClaimResult) -> dict[str, Any]:
    value = result.report.to_json()
    if result.header is not None:
        value["exchange"] = result.header.exchange
        value["snapshot"] = result.header.snapshot_id
        value["digest"] = result.header.digest(default_backend().order)
    if result.forms:
        value["forms"] = [
            {"book": leaf.book, "index": leaf.index, "form": text} for leaf, text in result.forms
        ]
    return value
