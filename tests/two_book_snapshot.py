"""A published snapshot of two small books, without files: what the two verifiers are held against each other on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from liability_cases import BN, Row, Shelf, account, honest_rows, shelf, shelf_circuit, words_of
from proof_cases import SeededNonces

from zkmargin import canonical
from zkmargin.attestation.header import BookHeader, Header, header_json
from zkmargin.attestation.manifest import FORMAT, Manifest
from zkmargin.circuits.circuit import Circuit
from zkmargin.commitment import Leaves, book_context
from zkmargin.errors import VerificationError
from zkmargin.independent_verifier import PlainCircuit
from zkmargin.proofs import liabilities_prover, liabilities_verifier, totals_prover, totals_verifier
from zkmargin.proofs.liabilities_statement import liabilities_from_bytes, shard_statements
from zkmargin.proofs.totals_statement import TotalsStatement, totals_proof_from_bytes
from zkmargin.tree import MerkleSumTree

EXCHANGE, SNAPSHOT = "Example", "2026-01-30T08:00:00Z"
CIRCUITS: dict[str, Circuit] = {
    "portfolio": shelf_circuit(),
    "spot": replace(shelf_circuit(without=("up",)), name="spot"),
}


def plain(circuit: Circuit) -> PlainCircuit:
    """The circuit as the independent verifier takes it."""
    return PlainCircuit(
        circuit.digest,
        [column.width for column in circuit.columns],
        [equation.terms for equation in circuit.equations],
        list(circuit.published.items()),
    )


PLAIN = {name: plain(circuit) for name, circuit in CIRCUITS.items()}


@dataclass(frozen=True)
class Published:
    """Decoded header, leaf lists, totals' proofs, shards' proofs."""

    header: Any
    leaves: Mapping[str, bytes]
    totals: Mapping[str, bytes]
    liabilities: Mapping[str, Sequence[bytes]]

    def parts(self) -> tuple[Any, ...]:
        return self.header, PLAIN, self.leaves, self.totals, self.liabilities


def books() -> dict[str, tuple[list[Row], int]]:
    """Rows and the logarithm of the shard size: three shards, and one."""
    return {"portfolio": ([*honest_rows(), *honest_rows(), account()], 2), "spot": (honest_rows()[2:], 2)}


def publish() -> Published:
    """Commit both books, close the header, prove."""
    committed: dict[str, tuple[Shelf, Leaves, MerkleSumTree, list[int], int]] = {}
    for name, (rows, log2) in books().items():
        book = shelf(BN, rows, CIRCUITS[name])
        uids = tuple(hashlib.sha256(f"{name}{i}".encode()).digest() for i in range(len(rows)))
        leaves = Leaves(uids, book.statement.a, book.statement.b)
        tree = MerkleSumTree(BN, book_context(EXCHANGE, SNAPSHOT, name), leaves)
        columns = [column.name for column in CIRCUITS[name].columns]
        totals = [
            sum(factor * row[columns[variable - 4]] for row in rows for variable, factor in form)
            for form in CIRCUITS[name].published.values()
        ]
        committed[name] = book, leaves, tree, totals, log2
    header = Header(
        EXCHANGE, SNAPSHOT, SNAPSHOT, b"p" * 32, b"m" * 32, b"",
        tuple(
            BookHeader(
                name, CIRCUITS[name].digest, b"r" * 32, len(leaves), log2, tree.root,
                tuple(zip(CIRCUITS[name].published, totals, strict=True)),
            )
            for name, (_, leaves, tree, totals, log2) in committed.items()
        ),
    )  # fmt: skip
    digest = header.digest(BN.order)
    totals_proofs, liabilities = {}, {}
    for name, (book, leaves, tree, totals, log2) in committed.items():
        circuit, witness = CIRCUITS[name], book.witness
        statement = TotalsStatement(digest, name, circuit, len(leaves), totals, *tree.root_sums)
        root = totals_prover.root_witness(
            witness.outputs,
            words_of(book.bits),
            circuit.n_bits,
            book.blindings_a,
            book.blindings_b,
            BN.order,
        )
        totals_proofs[name] = totals_prover.prove(BN, statement, root, SeededNonces(BN.order)).to_bytes(BN)
        shards = shard_statements(digest, name, circuit, log2, tree.nodes(log2), leaves.a, leaves.b)
        liabilities[name] = [
            liabilities_prover.prove(
                BN, s, witness.part(s.shard.first, s.shard.count), SeededNonces(BN.order, s.shard.index)
            ).to_bytes(BN)
            for s in shards
        ]
    decoded = json.loads(canonical.encode(header_json(header)))
    lists = {name: leaves.to_bytes(BN) for name, (_, leaves, _, _, _) in committed.items()}
    return Published(decoded, lists, totals_proofs, liabilities)


def main_verifier(published: Published) -> bytes:
    """What the audit checks from the header on; raises VerificationError."""
    data = canonical.encode({"format": FORMAT, "header": published.header, "files": {}})
    header = Manifest.from_bytes(data).header
    digest = header.digest(BN.order)
    for book in header.books:
        check(book.id in CIRCUITS and CIRCUITS[book.id].digest == book.circuit)
        circuit = CIRCUITS[book.id]
        leaves = Leaves.from_bytes(BN, published.leaves[book.id], book.leaves)
        tree = MerkleSumTree(BN, book_context(header.exchange, header.snapshot_id, book.id), leaves)
        check(tree.root == book.root)
        check([name for name, _ in book.totals] == list(circuit.published))
        totals = [total for _, total in book.totals]
        statement = TotalsStatement(digest, book.id, circuit, book.leaves, totals, *tree.root_sums)
        proof = totals_proof_from_bytes(BN, published.totals[book.id], circuit, book.leaves)
        totals_verifier.verify(BN, statement, proof)
        s = book.shard_log2
        shards = shard_statements(digest, book.id, circuit, s, tree.nodes(s), leaves.a, leaves.b)
        check(len(published.liabilities[book.id]) == len(shards))
        proofs = [
            liabilities_from_bytes(BN, data, circuit, shard.shard.count)
            for shard, data in zip(shards, published.liabilities[book.id], strict=True)
        ]
        liabilities_verifier.verify_all(BN, shards, proofs)
    return digest


def check(true: bool) -> None:
    if not true:
        raise VerificationError("audit", "refused")
