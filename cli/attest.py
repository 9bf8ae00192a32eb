"""`zkmargin attest`: from a ledger to a signed attestation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from zkmargin.attestation.build import Attested, Snapshot, attest, check_places
from zkmargin.attestation.effort import warn_if_slow
from zkmargin.attestation.manifest import read_manifest
from zkmargin.cli.output import console, emit_json, json_option, say
from zkmargin.cli.parameters import utc_time
from zkmargin.cli.verdict import money
from zkmargin.errors import UsageError
from zkmargin.group import default_backend
from zkmargin.inputs import load_ledger
from zkmargin.inputs.market import time_text
from zkmargin.inputs.market_rules import check_age
from zkmargin.risk.store import RiskFiles, load_risk
from zkmargin.signing import SigningKey, load_signing_key
from zkmargin.wording import counted


@click.command()
@click.argument("ledger", type=click.Path(path_type=Path))
@click.option("--risk", required=True, type=click.Path(path_type=Path), help="What `risk build` wrote.")
@click.option(
    "--key", "key_file", required=True, type=click.Path(path_type=Path), help="Signing key (keygen)."
)
@click.option("--previous", type=click.Path(path_type=Path), help="The attestation before this one.")
@click.option("-o", "output", required=True, type=click.Path(path_type=Path), help="Attestation to create.")
@click.option(
    "--private", required=True, type=click.Path(path_type=Path), help="Folder for everything secret."
)
@click.option("--at", type=utc_time, help="Time against which the prices' age is held, instead of now.")
@json_option
def command(
    ledger: Path,
    risk: Path,
    key_file: Path,
    previous: Path | None,
    output: Path,
    private: Path,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Commit to every account of LEDGER, sum up, prove totals and account rules, sign.

    The attestation is public in full. Everything secret, bundles' source and the operator's report included, goes to
    the private folder (mode 0700); give every snapshot a new one.
    """
    check_places(output, private)
    files, key = load_risk(risk), load_signing_key(key_file)
    check_age(files.policy, files.market, at or datetime.now(UTC))
    snapshot = Snapshot(
        files.policy, files.market, files.table, _previous_digest(previous, key, files), files.circuits
    )
    loaded = load_ledger(ledger, files.policy, files.market)
    backend = default_backend()
    warn_if_slow(backend, snapshot, loaded, say)
    with _Phases() as progress:
        attested = attest(backend, snapshot, loaded, key, output, private, progress)
    _show(attested, files, output, private)
    if as_json:
        emit_json(_json(attested))


def _previous_digest(previous: Path | None, key: SigningKey, files: RiskFiles) -> bytes:
    """Return the digest of the snapshot before, if there is one: signed by the same key, older, of this exchange."""
    if previous is None:
        return b""
    signed = read_manifest(previous)
    signed.check_signature()
    header = signed.manifest.header
    if signed.public_key != key.public or header.exchange != files.policy.exchange:
        raise UsageError("previous", f"{previous} is no attestation of this exchange and key")
    if header.time >= time_text(files.market.time):
        raise UsageError("previous", f"{previous} is not older than these prices", actual=header.time)
    return header.digest(default_backend().order)


class _Phases:
    """Shows the phase on a terminal, and nothing elsewhere."""

    def __enter__(self) -> Callable[[str, int, int], None]:
        shown = console()
        self._status = shown.status("starting") if shown.is_terminal else None
        if self._status is not None:
            self._status.start()
        return self._update

    def _update(self, phase: str, done: int, total: int) -> None:
        if self._status is not None:
            self._status.update(f"{phase} ({done + 1} of {total})" if done < total else phase)

    def __exit__(self, *failure: object) -> None:
        if self._status is not None:
            self._status.stop()


def _show(attested: Attested, files: RiskFiles, output: Path, private: Path) -> None:
    quantum, quote = files.policy.equity_quantum, files.policy.quote
    for book in attested.header.books:
        totals = dict(book.totals)
        unhealthy = len(attested.report["books"][book.id]["unhealthy"])
        say(
            f"book {book.id}: {counted(book.leaves, 'leaf', 'leaves')}, "
            f"owed {money(totals['owed'], quantum)} {quote}, "
            f"shortfall {money(totals['shortfall'], quantum)}, bad debt {money(totals['bad_debt'], quantum)}; "
            f"{counted(unhealthy, 'unhealthy pot')}, named in {private / 'report.json'}"
        )
    say(f"snapshot {attested.header.snapshot_id}, digest {attested.digest.hex()}")
    say(f"attestation: {output} (publish it); private: {private} (guard it)")


def _json(attested: Attested) -> dict[str, Any]:
    return {
        "snapshot": attested.header.snapshot_id,
        "digest": attested.digest.hex(),
        "books": {
            book.id: {"leaves": book.leaves, "totals": {name: str(total) for name, total in book.totals}}
            for book in attested.header.books
        },
    }
