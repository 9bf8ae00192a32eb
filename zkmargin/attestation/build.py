"""Build an attestation: from a ledger and a risk table to a signed directory.

    place       keyed permutation, padding among them   fill        canonical witness of every leaf
    commit      A_i, B_i, blinded, and the identity     tree        Merkle-sum tree, root, sums, totals
    header      all books; its digest starts proofs     prove       totals are the roots', rows lawful
    report      who is healthy, from the same rows      write       private folder first, attestation last

First all books are committed, then the header is closed, then anything is proven.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from zkmargin.attestation.book import BookSecrets, CommittedBook, commit_book
from zkmargin.attestation.header import Header
from zkmargin.attestation.manifest import (
    MARKET,
    POLICY,
    RISK,
    leaves_role,
    liabilities_role,
    totals_role,
    write_attestation,
)
from zkmargin.attestation.open_interest import require_open_interest
from zkmargin.attestation.operator import operator_report
from zkmargin.attestation.private import PrivateFolder, make_private_folder
from zkmargin.canonical import Json, encode
from zkmargin.circuits.compile import compile_books
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.commitment import book_context
from zkmargin.errors import VerificationError
from zkmargin.files import check_apart, check_new, check_parent, locked
from zkmargin.group.backend import Backend
from zkmargin.inputs.ledger import Ledger
from zkmargin.inputs.market import Market, time_text
from zkmargin.inputs.policy import Policy
from zkmargin.proofs import liabilities_prover, totals_prover
from zkmargin.risk.entries import RiskTable
from zkmargin.secrets import EpochKey, NonceSource
from zkmargin.signing import SigningKey

Progress = Callable[[str, int, int], None]
"""Told the phase, the steps done and the steps in all."""


@dataclass(frozen=True)
class Snapshot:
    """Everything public that an attestation is made from.

    `previous` is a snapshot digest or empty; `circuits` are the digests that the compiled circuits must have, by book,
    if somebody looked at them before.
    """

    policy: Policy
    market: Market
    table: RiskTable
    previous: bytes = b""
    circuits: Mapping[str, bytes] | None = None

    @property
    def id(self) -> str:
        """Name of the snapshot: its time."""
        return time_text(self.market.time)

    def input_digest(self, ledger: Ledger, compiled: Mapping[str, CompiledBook]) -> bytes:
        """Digest of everything that goes in, ledger and circuits included: 32 bytes.

        Blindings depend on it, so another compiler, and with it another row, never meets the blinding of an old one.
        """
        circuits = [book.circuit.digest for book in compiled.values()]
        parts = (
            ledger.digest,
            self.policy.digest,
            self.market.digest,
            self.table.digest,
            self.previous,
            *circuits,
        )
        return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()

    def compile(self) -> dict[str, CompiledBook]:
        """Compile the circuit of every book, in the order of the books' ids."""
        compiled = compile_books(self.policy, self.market, self.table)
        for name, book in compiled.items():
            expected = book.circuit.digest if self.circuits is None else self.circuits.get(name)
            if expected != book.circuit.digest:
                raise VerificationError("circuit", f"the risk files name another circuit for book {name!r}")
        return compiled


@dataclass(frozen=True, repr=False)
class Attested:
    """What was published, and the operator's report, which is not."""

    header: Header
    digest: bytes
    report: Json


def attest(
    backend: Backend,
    snapshot: Snapshot,
    ledger: Ledger,
    key: SigningKey,
    target: Path,
    private: Path,
    progress: Progress = lambda phase, done, total: None,
) -> Attested:
    """Write the attestation `target` and the private folder `private`; both complete, or no attestation at all.

    The same inputs and the same private folder give the same bytes again. Raise UsageError if `target` exists,
    `private` belongs to other inputs, or one lies in the other.
    """
    check_places(target, private)
    folder = make_private_folder(private)
    with locked(private):
        compiled = snapshot.compile()
        inputs = snapshot.input_digest(ledger, compiled)
        epoch = folder.prepare(inputs)
        committed = _commit_books(backend, snapshot, ledger, compiled, epoch, inputs, progress)
        header = _header(snapshot, committed)
        require_open_interest(snapshot.policy, snapshot.market, header)
        digest = header.digest(backend.order)
        files = _public_files(backend, snapshot, committed)
        nonces = epoch.nonce().source(backend.order)
        for step, (name, work) in enumerate(committed.items()):
            progress(f"prove totals of {name}", step, len(committed))
            files[totals_role(name)] = _prove_totals(backend, work, digest, nonces)
            progress(f"prove liabilities of {name}", step, len(committed))
            files |= _prove_liabilities(backend, work, digest, nonces)
        progress("write", 0, 1)
        figures = {name: work.figures(snapshot.policy.books[name]) for name, work in committed.items()}
        report = operator_report(snapshot.policy, digest, ledger, figures)
        _write_private(backend, folder, committed, digest, key.public, report)
        write_attestation(target, header, files, key)
        progress("write", 1, 1)
    return Attested(header, digest, report)


def check_places(target: Path, private: Path) -> None:
    """Raise UsageError unless an attestation can be made at `target`, with its secrets apart from it in `private`."""
    check_apart(target, private)
    check_new(target)
    check_parent(private)


def _commit_books(
    backend: Backend,
    snapshot: Snapshot,
    ledger: Ledger,
    compiled: Mapping[str, CompiledBook],
    epoch: EpochKey,
    inputs: bytes,
    progress: Progress,
) -> dict[str, CommittedBook]:
    committed = {}
    for step, (name, pots) in enumerate(ledger.pots.items()):
        progress(f"commit {name}", step, len(compiled))
        secrets = BookSecrets.derive(
            epoch,
            inputs,
            snapshot.policy.digest,
            snapshot.table.digest,
            snapshot.policy.books[name],
            pots,
            backend.order,
        )
        context = book_context(snapshot.policy.exchange, snapshot.id, name)
        committed[name] = commit_book(backend, compiled[name], pots, secrets, context)
    return committed


def _header(snapshot: Snapshot, committed: Mapping[str, CommittedBook]) -> Header:
    return Header(
        exchange=snapshot.policy.exchange,
        snapshot_id=snapshot.id,
        time=time_text(snapshot.market.time),
        policy=snapshot.policy.digest,
        market=snapshot.market.digest,
        previous=snapshot.previous,
        books=tuple(work.header(snapshot.table.digest) for work in committed.values()),
    )


def _public_files(
    backend: Backend, snapshot: Snapshot, committed: Mapping[str, CommittedBook]
) -> dict[str, bytes]:
    files = {
        POLICY: encode(snapshot.policy.to_json()),
        MARKET: encode(snapshot.market.to_json()),
        RISK: encode(snapshot.table.to_json()),
    }
    return files | {leaves_role(name): work.leaves.to_bytes(backend) for name, work in committed.items()}


def _prove_totals(backend: Backend, work: CommittedBook, digest: bytes, nonces: NonceSource) -> bytes:
    proof = totals_prover.prove(backend, work.totals_statement(digest), work.sums, nonces)
    return proof.to_bytes(backend)


def _prove_liabilities(
    backend: Backend, work: CommittedBook, digest: bytes, nonces: NonceSource
) -> dict[str, bytes]:
    return {
        liabilities_role(work.pots.book, statement.shard.index): liabilities_prover.prove(
            backend, statement, witness, nonces
        ).to_bytes(backend)
        for statement, witness in work.shards(digest)
    }


def _write_private(
    backend: Backend,
    folder: PrivateFolder,
    committed: Mapping[str, CommittedBook],
    digest: bytes,
    public_key: bytes,
    report: Json,
) -> None:
    for name, work in committed.items():
        folder.write_openings(name, work.openings())
        folder.write_tree(backend, name, work.tree)
    folder.write_json("report.json", report)
    folder.write_snapshot(digest, public_key, {name: len(work.leaves) for name, work in committed.items()})
