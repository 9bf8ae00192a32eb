"""The audit: everything that an attestation claims, checked from its files and a trusted key alone.

manifest, signature, trusted key        who says it
policy, market, risk table, circuits    what the rules are, recomputed
folder                                  nothing foreign inside
per book: leaves, root, totals          every leaf of the list is in the root; the published totals are theirs
previous                                the chain of snapshots
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zkmargin.attestation.header import BookHeader, Header
from zkmargin.attestation.manifest import (
    SignedManifest,
    leaves_role,
    liabilities_role,
    read_manifest,
    totals_role,
)
from zkmargin.attestation.open_interest import scaled_contracts, verify_open_interest
from zkmargin.attestation.public import PublicInputs, check_manifest, check_public_inputs
from zkmargin.attestation.report import Report
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.commitment import Leaves, book_context
from zkmargin.errors import VerificationError
from zkmargin.group.backend import Backend, Points
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import Policy
from zkmargin.proofs import liabilities_verifier, totals_verifier
from zkmargin.proofs.liabilities_statement import liabilities_from_bytes, shard_statements
from zkmargin.proofs.totals_statement import TotalsStatement, totals_proof_from_bytes
from zkmargin.tree import MerkleSumTree
from zkmargin.wording import counted

NOT_PROVEN = ("assets: reserves are no part of this attestation",)


@dataclass(frozen=True)
class AuditResult:
    """The report and, as far as they could be read, the header and public inputs that it is about."""

    report: Report
    header: Header | None = None
    inputs: PublicInputs | None = None


def audit_attestation(
    backend: Backend,
    folder: Path,
    trusted: Sequence[bytes],
    *,
    previous: Path | None = None,
    market: tuple[Policy, Market] | None = None,
) -> AuditResult:
    """Check everything that an attestation claims; every fault is in the report, nothing is raised for one.

    `trusted` are public keys, 32 bytes; `previous` is the attestation that this one must follow; `market` the
    auditor's own policy and market to compare with. Without a trusted key the outcome is at best UNMET.
    """
    report = Report("attestation")
    report.not_proven.extend(NOT_PROVEN)
    signed = check_manifest(report, folder, trusted)
    if signed is None:
        return AuditResult(report)
    report.check("folder", signed.check_folder, "holds the files of the manifest and nothing else")
    header = signed.manifest.header
    inputs = check_public_inputs(report, signed)
    if market is not None:
        report.check(
            "market", lambda: _compare_market(header, *market), "policy and market equal your own copy"
        )
    _check_chain(report, backend, header, previous, trusted)
    digest = header.digest(backend.order)
    for book in header.books:
        compiled = inputs.books.get(book.id) if inputs else None
        _check_book(report, backend, signed, book, compiled, digest)
    if inputs is not None and any(scaled_contracts(inputs.policy)):
        report.check(
            "open interest",
            lambda: verify_open_interest(inputs.policy, inputs.market, header),
            "not above what the policy states",
        )
    return AuditResult(report, header, inputs)


def _check_book(
    report: Report,
    backend: Backend,
    signed: SignedManifest,
    book: BookHeader,
    compiled: CompiledBook | None,
    digest: bytes,
) -> None:
    opened = report.check(
        f"tree of {book.id}",
        lambda: check_tree(backend, signed, book),
        f"{counted(book.leaves, 'leaf', 'leaves')}, padding included; root and sums computed again",
    )
    if opened is None or compiled is None:
        return
    leaves, tree = opened
    report.check(
        f"totals of {book.id}",
        lambda: check_totals(backend, signed, book, compiled, tree.root_sums, digest),
        f"{len(book.totals)} published totals are those of the root",
    )
    report.check(
        f"account rules of {book.id}",
        lambda: check_liabilities(backend, signed, book, compiled, leaves, tree, digest),
        "every account on this list has equity at least its requirement, or its deficit is in the published totals",
    )


def check_tree(backend: Backend, signed: SignedManifest, book: BookHeader) -> tuple[Leaves, MerkleSumTree]:
    """Compute the root from the leaf list and compare it with the header's; return list and tree."""
    header = signed.manifest.header
    leaves = Leaves.from_bytes(backend, signed.read(leaves_role(book.id)), book.leaves)
    tree = MerkleSumTree(backend, book_context(header.exchange, header.snapshot_id, book.id), leaves)
    if tree.root != book.root:
        raise VerificationError(
            "root",
            "the leaf list does not lead to the root of the header",
            expected=book.root.hash.hex(),
            actual=tree.root.hash.hex(),
        )
    return leaves, tree


def check_liabilities(
    backend: Backend,
    signed: SignedManifest,
    book: BookHeader,
    compiled: CompiledBook,
    leaves: Leaves,
    tree: MerkleSumTree,
    digest: bytes,
) -> None:
    """Verify the proof of liabilities of every shard: each leaf of the list satisfies the circuit."""
    statements = shard_statements(
        digest, book.id, compiled.circuit, book.shard_log2, tree.nodes(book.shard_log2), leaves.a, leaves.b
    )
    proofs = [
        liabilities_from_bytes(
            backend,
            signed.read(liabilities_role(book.id, statement.shard.index)),
            compiled.circuit,
            statement.shard.count,
        )
        for statement in statements
    ]
    liabilities_verifier.verify_all(backend, statements, proofs)


def check_totals(
    backend: Backend,
    signed: SignedManifest,
    book: BookHeader,
    compiled: CompiledBook,
    sums: tuple[Points, Points],
    digest: bytes,
) -> None:
    """Verify that the published totals are those committed in the root sums."""
    names = [name for name, _ in book.totals]
    if names != list(compiled.circuit.published):
        raise VerificationError(
            "totals-names", "the header's totals are not those that the circuit publishes"
        )
    statement = TotalsStatement(
        snapshot_digest=digest,
        book=book.id,
        circuit=compiled.circuit,
        accounts=book.leaves,
        totals=tuple(total for _, total in book.totals),
        sum_a=sums[0],
        sum_b=sums[1],
    )
    data = signed.read(totals_role(book.id))
    proof = totals_proof_from_bytes(backend, data, compiled.circuit, book.leaves)
    totals_verifier.verify(backend, statement, proof)


def _compare_market(header: Header, policy: Policy, market: Market) -> None:
    for what, expected, actual in (
        ("policy", policy.digest, header.policy),
        ("market", market.digest, header.market),
    ):
        if expected != actual:
            raise VerificationError(
                "market",
                f"the attestation's {what} is not yours",
                expected=expected.hex(),
                actual=actual.hex(),
            )


def _check_chain(
    report: Report, backend: Backend, header: Header, previous: Path | None, trusted: Sequence[bytes]
) -> None:
    if previous is not None:
        report.check(
            "previous",
            lambda: _check_previous(backend, header, previous, trusted),
            "follows the attestation given",
        )
    elif header.previous:
        report.passed("previous", f"names {header.previous.hex()}, not compared (--previous)")
    else:
        report.passed("previous", "the first of its chain")


def _check_previous(backend: Backend, header: Header, folder: Path, trusted: Sequence[bytes]) -> None:
    signed = read_manifest(folder)
    signed.check_signature()
    before = signed.manifest.header
    if trusted and signed.public_key not in trusted:
        raise VerificationError(
            "untrusted-key", "the previous attestation is signed by a key that you do not trust"
        )
    digest = before.digest(backend.order)
    if header.previous != digest:
        raise VerificationError(
            "previous",
            "the attestation does not follow the one given",
            expected=digest.hex(),
            actual=header.previous.hex() or "none",
        )
    if before.exchange != header.exchange or before.time >= header.time:
        raise VerificationError("previous", "the attestation given is not an earlier one of this exchange")
