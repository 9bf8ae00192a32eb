"""A dishonest exchange: it lies in one place and is consistent in all others: digests, proofs, signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.attestation.exchange import BACKEND, Exchange, inputs, new_key
from zkmargin.attestation import book, build
from zkmargin.attestation.build import Snapshot, attest
from zkmargin.attestation.header import Header
from zkmargin.attestation.report import Outcome, Report
from zkmargin.circuits.fill import Program
from zkmargin.circuits.witness import Witness, check_row
from zkmargin.inputs.ledger import Ledger
from zkmargin.signing import SigningKey

Totals = dict[str, int]
Fill = Callable[[Program, Witness], Witness]
REFUSED = (Outcome.FAILED, Outcome.UNDECIDED)


@dataclass(frozen=True)
class Lies:
    """Where it lies: in the header as signed, in the totals as published and proven, in the rows as committed, ..."""

    header: Callable[[Header], Header] | None = None
    totals: Callable[[Totals], Totals] | None = None
    rows: Fill | None = None
    leaves: int | None = None
    nonces: bool = False
    sign: Callable[[SigningKey, bytes, bytes], bytes] | None = None


def cheat(
    patch: pytest.MonkeyPatch,
    folder: Path,
    lies: Lies,
    honest: tuple[Snapshot, Ledger] | None = None,
    key: SigningKey | None = None,
) -> Exchange:
    """Attest with these lies; the exchange's code is patched, the verifier's is not."""
    folder.mkdir(parents=True, exist_ok=True)
    snapshot, ledger = honest or inputs(folder)
    key = key or new_key()
    with patch.context() as lying:
        _tell(lying, lies)
        attested = attest(BACKEND, snapshot, ledger, key, folder / "attestation", folder / "private")
    return Exchange(folder, key, snapshot, ledger, attested)


def _tell(patch: pytest.MonkeyPatch, lies: Lies) -> None:
    if lies.header:
        patch.setattr(build, "Header", lambda **fields: lies.header(Header(**fields)))  # type: ignore[misc]
    if lies.totals:
        true = book._totals
        patch.setattr(book, "_totals", lambda *args: tuple(lies.totals(dict(true(*args))).items()))  # type: ignore[misc]
    if lies.rows:
        fill_with(patch, lies.rows)
    if lies.leaves:
        patch.setattr(book, "leaf_count", lambda *_: lies.leaves)
    if lies.nonces:
        commit = book.uid_message
        patch.setattr(
            book,
            "uid_message",
            lambda context, user, account, pot, nonce, salt: commit(context, user, account, pot, b"", salt),
        )
    if lies.sign:
        patch.setattr(SigningKey, "sign", lies.sign)


def fill_with(patch: pytest.MonkeyPatch, lie: Fill) -> None:
    """Let every witness be the lie's, which must satisfy every equation: no proof of liabilities refuses it."""
    honest = Program.run

    def run(self: Program, values: object, rows: int, *names: object) -> Witness:
        witness = lie(self, honest(self, values, rows, *names))  # type: ignore[arg-type]
        for row in range(rows):
            check_row(self.circuit, witness.row(row))
        return witness

    patch.setattr(Program, "run", run)


def first_book(header: Header, **changes: object) -> Header:
    return replace(header, books=(replace(header.books[0], **changes), *header.books[1:]))  # type: ignore[arg-type]


def failed(report: Report) -> list[str]:
    """The names of the checks that refuse."""
    return [check.name for check in report.checks if check.outcome in REFUSED]


@contextmanager
def removed(patch: pytest.MonkeyPatch, *removals: Callable[[pytest.MonkeyPatch], None]) -> Iterator[None]:
    """Verify without these checks."""
    with patch.context() as weaker:
        for removal in removals:
            removal(weaker)
        yield
