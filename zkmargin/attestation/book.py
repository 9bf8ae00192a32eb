"""One book on its way into an attestation: filled, placed among padding, committed and summed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zkmargin.attestation.header import BookHeader, shard_log2
from zkmargin.attestation.openings import Openings
from zkmargin.circuits.circuit import Circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.commitment import Leaves, uid_message
from zkmargin.group.backend import Backend
from zkmargin.hashing import digests
from zkmargin.inputs.ledger import Pots, Users
from zkmargin.inputs.policy import BookPolicy
from zkmargin.margin.book import BookFigures
from zkmargin.proofs.liabilities_prover import LiabilitiesWitness
from zkmargin.proofs.liabilities_statement import LiabilitiesStatement, shard_statements
from zkmargin.proofs.split_prover import SplitWitness
from zkmargin.proofs.totals_prover import root_witness
from zkmargin.proofs.totals_statement import TotalsStatement
from zkmargin.secrets import EpochKey, book_secrets_context, leaf_name, padding_name
from zkmargin.sparse import Rows, SparseValues, SparseWords, Values
from zkmargin.tree import MerkleSumTree


def leaf_count(policy: BookPolicy, pots: int) -> int:
    """Return M: the next multiple of `pad_to`, at least `minimum_accounts`, padding included."""
    most = max(pots, policy.minimum_accounts, 1)
    return -(-most // policy.pad_to) * policy.pad_to


@dataclass(frozen=True, repr=False)
class BookSecrets:
    """Blindings, salts and places of all M leaves of a book, pots first, then padding: entry i is leaf places[i]."""

    a: Sequence[int]
    b: Sequence[int]
    salts: Sequence[bytes]
    places: Rows

    @staticmethod
    def derive(
        epoch: EpochKey, inputs: bytes, policy: bytes, risk: bytes, book: BookPolicy, pots: Pots, order: int
    ) -> BookSecrets:
        """Derive everything from the epoch key and the digests of inputs, policy and risk table."""
        context = book_secrets_context(inputs, policy, risk, book.id)
        count = leaf_count(book, len(pots))
        names = [leaf_name(account, pot) for account, pot in pots.labels]
        names += [padding_name(number) for number in range(count - len(names))]
        return BookSecrets(
            a=epoch.blinding_a().blindings(context, names, order),
            b=epoch.blinding_b().blindings(context, names, order),
            salts=epoch.salt().salts(context, names),
            places=epoch.position().permutation(context, count),
        )


@dataclass(frozen=True, repr=False)
class CommittedBook:
    """A book whose leaves are fixed.

    `outputs`, `words` and blindings `a`, `b` are in the order of the leaves; `sums` opens the root sums.
    """

    compiled: CompiledBook
    pots: Pots
    secrets: BookSecrets
    outputs: Values
    words: SparseWords
    a: Sequence[int]
    b: Sequence[int]
    leaves: Leaves
    tree: MerkleSumTree
    sums: SplitWitness
    totals: tuple[tuple[str, int], ...]

    def header(self, risk: bytes) -> BookHeader:
        """Return what the header says of this book."""
        return BookHeader(
            id=self.pots.book,
            circuit=self.compiled.circuit.digest,
            risk=risk,
            leaves=len(self.leaves),
            shard_log2=shard_log2(len(self.leaves)),
            root=self.tree.root,
            totals=self.totals,
        )

    def totals_statement(self, digest: bytes) -> TotalsStatement:
        """Return the statement that the published totals are those of the root."""
        sum_a, sum_b = self.tree.root_sums
        return TotalsStatement(
            snapshot_digest=digest,
            book=self.pots.book,
            circuit=self.compiled.circuit,
            accounts=len(self.leaves),
            totals=tuple(total for _, total in self.totals),
            sum_a=sum_a,
            sum_b=sum_b,
        )

    def shards(self, digest: bytes) -> list[tuple[LiabilitiesStatement, LiabilitiesWitness]]:
        """Return statement and witness of the proof of liabilities, shard by shard."""
        circuit, log2 = self.compiled.circuit, shard_log2(len(self.leaves))
        statements = shard_statements(
            digest, self.pots.book, circuit, log2, self.tree.nodes(log2), self.leaves.a, self.leaves.b
        )
        witness = LiabilitiesWitness(self.words, self.outputs, self.a, self.b)
        return [(item, witness.part(item.shard.first, item.shard.count)) for item in statements]

    def figures(self, policy: BookPolicy) -> BookFigures:
        """Return N, E, R, I of every pot as committed, in the order of the ledger."""
        net, equity, requirement, initial = self.outputs[self.secrets.places[: len(self.pots)]].T
        return BookFigures(policy, self.pots.labels, net, equity, requirement, initial)

    def openings(self) -> Openings:
        """Return what opens the leaf of every pot."""
        secrets = self.secrets
        return Openings.of(self.pots, secrets.places, secrets.a, secrets.b, secrets.salts)


def commit_book(
    backend: Backend, compiled: CompiledBook, pots: Pots, secrets: BookSecrets, context: bytes
) -> CommittedBook:
    """Fill the canonical witness of every pot in its place and commit to it; padding is the zero row."""
    order = np.argsort(secrets.places).tolist()
    a, b = [secrets.a[source] for source in order], [secrets.b[source] for source in order]
    circuit = compiled.circuit
    placed = {key: _placed(column, secrets.places) for key, column in pots.values.items()}
    witness = compiled.program.run(placed, len(order), lambda row: pots.name_of(order[row]))
    words = witness.words()
    identities = _identities(pots, secrets, context)
    leaves = Leaves(
        tuple(identities[source] for source in order),
        backend.commit_outputs(witness.outputs, a),
        backend.commit_bits(words, circuit.n_bits, b),
    )
    return CommittedBook(
        compiled=compiled,
        pots=pots,
        secrets=secrets,
        outputs=witness.outputs,
        words=words,
        a=a,
        b=b,
        leaves=leaves,
        tree=MerkleSumTree(backend, context, leaves),
        sums=(sums := root_witness(witness.outputs, words, circuit.n_bits, a, b, backend.order)),
        totals=_totals(circuit, sums),
    )


def _totals(circuit: Circuit, sums: SplitWitness) -> tuple[tuple[str, int], ...]:
    """Sum every published form over all rows, from what is committed: outputs and bits."""
    values = list(sums.outputs)
    for offset, column in zip(circuit.offsets, circuit.columns, strict=True):
        values.append(
            sum(count << bit for bit, count in enumerate(sums.bits[offset : offset + column.width]))
        )
    return tuple(
        (name, sum(coefficient * values[var] for var, coefficient in form))
        for name, form in circuit.published.items()
    )


def _identities(pots: Pots, secrets: BookSecrets, context: bytes) -> list[bytes]:
    """Return the identity commitments of the pots, then those of the padding, which are random."""
    users = Users.of(pots.users)
    messages = [
        uid_message(context, user, account, pot, nonce, salt)
        for (account, pot), user, nonce, salt in zip(
            pots.labels, users.ids, users.nonces, secrets.salts, strict=False
        )
    ]
    return [*digests(messages), *secrets.salts[len(messages) :]]


def _placed(column: SparseValues, places: Rows) -> SparseValues:
    """Move row i of a column to row places[i]."""
    rows = places[column.rows]
    order = np.argsort(rows)
    return SparseValues(rows[order], column.values[order])
