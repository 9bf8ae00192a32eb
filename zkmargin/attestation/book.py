"""One book on its way into an attestation: filled, placed among padding, committed and summed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from zkmargin.attestation.header import BookHeader, shard_log2
from zkmargin.attestation.private import Opening
from zkmargin.circuits.circuit import Circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.commitment import Leaves, uid_commitment
from zkmargin.group.backend import Backend
from zkmargin.inputs.ledger import Pots
from zkmargin.inputs.policy import BookPolicy
from zkmargin.proofs.split_prover import SplitWitness
from zkmargin.proofs.totals_prover import bit_sums, root_witness
from zkmargin.proofs.totals_statement import TotalsStatement
from zkmargin.secrets import EpochKey, book_secrets_context, leaf_name, padding_name
from zkmargin.sparse import Rows, SparseValues, SparseWords, Values
from zkmargin.tree import MerkleSumTree

T = TypeVar("T")


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
    """A book whose leaves are fixed. `outputs`, `words` and blindings `a`, `b` are in the order of the leaves."""

    compiled: CompiledBook
    pots: Pots
    secrets: BookSecrets
    outputs: Values
    words: SparseWords
    a: Sequence[int]
    b: Sequence[int]
    leaves: Leaves
    tree: MerkleSumTree
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

    def root_witness(self, order: int) -> SplitWitness:
        """Return the opening of the root sums."""
        return root_witness(self.outputs, self.words, self.compiled.circuit.n_bits, self.a, self.b, order)

    def openings(self) -> list[Opening]:
        """Return one opening a pot, in the order of account and pot."""
        amounts = self._amounts
        return [
            Opening(
                account,
                pot,
                user,
                tuple(amounts[row]),
                int(place),
                self.secrets.a[row],
                self.secrets.b[row],
                salt,
            )
            for row, ((account, pot), user, place, salt) in enumerate(
                zip(self.pots.labels, self.pots.users, self.secrets.places, self.secrets.salts, strict=False)
            )
        ]

    @cached_property
    def _amounts(self) -> list[list[tuple[tuple[str, str], int]]]:
        amounts: list[list[tuple[tuple[str, str], int]]] = [[] for _ in range(len(self.pots))]
        for key in sorted(self.pots.values):
            column = self.pots.values[key]
            for row, value in zip(column.rows.tolist(), column.values.tolist(), strict=True):
                amounts[row].append((key, value))
        return amounts


def commit_book(
    backend: Backend, compiled: CompiledBook, pots: Pots, secrets: BookSecrets, context: bytes
) -> CommittedBook:
    """Fill the canonical witness of every pot, put it in its place and commit to it; padding is the zero row."""
    witness = compiled.fill(pots)
    count = len(secrets.places)
    outputs = _placed(witness.outputs, secrets.places, count)
    words = _placed_words(witness.words(), secrets.places, count)
    a, b = _in_order(secrets.a, secrets.places), _in_order(secrets.b, secrets.places)
    leaves = Leaves(
        _identities(pots, secrets, context),
        backend.commit_outputs(outputs, a),
        backend.commit_bits(words, compiled.circuit.n_bits, b),
    )
    tree = MerkleSumTree(backend, context, leaves)
    return CommittedBook(
        compiled, pots, secrets, outputs, words, a, b, leaves, tree, _totals(compiled.circuit, outputs, words)
    )


def _totals(circuit: Circuit, outputs: Values, words: SparseWords) -> tuple[tuple[str, int], ...]:
    """Sum every published form over all rows, from what is committed: outputs and bits."""
    sums = [sum(int(value) for value in column) for column in outputs.T]
    bits = bit_sums(words, circuit.n_bits)
    for offset, column in zip(circuit.offsets, circuit.columns, strict=True):
        sums.append(sum(count << bit for bit, count in enumerate(bits[offset : offset + column.width])))
    return tuple(
        (name, sum(coefficient * sums[var] for var, coefficient in form))
        for name, form in circuit.published.items()
    )


def _identities(pots: Pots, secrets: BookSecrets, context: bytes) -> tuple[bytes, ...]:
    """Return the identity commitments in the order of the leaves; that of a padding leaf is random."""
    real = [
        uid_commitment(context, user.id, account, pot, user.nonce, salt)
        for (account, pot), user, salt in zip(pots.labels, pots.users, secrets.salts, strict=False)
    ]
    return tuple(_in_order([*real, *secrets.salts[len(real) :]], secrets.places))


def _in_order(items: Sequence[T], places: Rows) -> list[T]:
    """Put item i at place places[i]."""
    return [items[source] for source in np.argsort(places, kind="stable").tolist()]


def _placed(outputs: Values, places: Rows, count: int) -> Values:
    out = np.zeros((count, outputs.shape[1]), dtype=outputs.dtype)
    out[places[: len(outputs)]] = outputs
    return out


def _placed_words(words: SparseWords, places: Rows, count: int) -> SparseWords:
    columns = []
    for column in words.columns:
        rows = places[column.rows]
        order = np.argsort(rows, kind="stable")
        columns.append(SparseValues(rows[order], column.values[order]))
    return SparseWords(count, tuple(columns))
