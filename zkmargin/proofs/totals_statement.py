"""The published totals of one book are those of its root: statement (docs/protocol.md, section 4, step 7).

    f_h    published forms, in the circuit's order      t_h    published totals, signed integers, in the header
    A, B   root sums, in the header                     M      leaves of the book
    delta  joins the totals: u = sum_h delta^h f_h, Y = sum_h delta^h t_h F, h = 0, 1, ...

Own transcript: snap/digest proof/book ?totals/delta, then the split proof of u over A and B with target Y.

# Soundness
The sums of all rows open to vectors with <x,u> = Y, so every total is right modulo the group order. That it
is right as an integer needs |t_h| < order / 2, t_h within M times the reach of f_h, and rule 4 of the
circuit, under which no true total wraps. That the rows are bits that satisfy the circuit is shown by the
proof of liabilities, not here. The snapshot digest must be the state of a header transcript that holds
totals, roots and M of this very book.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkmargin.circuits.circuit import Circuit
from zkmargin.errors import DecodeError
from zkmargin.group.backend import Backend, Points
from zkmargin.limits import MAX_ACCOUNTS
from zkmargin.proofs import forms
from zkmargin.proofs.linear_statement import fold_rounds
from zkmargin.proofs.split_statement import SplitProof, SplitStatement
from zkmargin.transcript import Label, Protocol, Transcript


@dataclass(frozen=True)
class TotalsStatement:
    """One book: digest of the header (32 bytes), id, circuit, M, totals as published, root sums (one point each)."""

    snapshot_digest: bytes
    book: str
    circuit: Circuit
    accounts: int
    totals: Sequence[int]
    sum_a: Points
    sum_b: Points

    @property
    def rounds(self) -> int:
        """Return k of the proof over the bits, from n and M alone."""
        return fold_rounds(self.circuit.n_bits, self.accounts)


def totals_proof_from_bytes(backend: Backend, data: bytes, circuit: Circuit, accounts: int) -> SplitProof:
    """Decode the totals' proof of a book with this circuit and M; DecodeError for any but its one encoding."""
    if not 1 <= accounts <= MAX_ACCOUNTS:
        raise DecodeError(
            "totals/accounts", "wrong number of leaves", expected=f"1..{MAX_ACCOUNTS}", actual=accounts
        )
    return SplitProof.from_bytes(backend, data, circuit.n_bits, fold_rounds(circuit.n_bits, accounts))


def open_totals(backend: Backend, statement: TotalsStatement) -> tuple[Transcript, SplitStatement]:
    """Start the transcript, draw delta, join forms and totals."""
    transcript = Transcript(Protocol.TOTALS, backend.order)
    transcript.absorb(Label.SNAP_DIGEST, statement.snapshot_digest)
    transcript.absorb_text(Label.PROOF_BOOK, statement.book)
    delta = transcript.challenge(Label.TOTALS_DELTA)
    weights = backend.powers(delta, len(statement.totals))
    published = statement.circuit.published.values()
    joined = forms.combine(zip(weights, published, strict=True), backend.order)
    total = backend.inner(weights, [value % backend.order for value in statement.totals])
    return transcript, SplitStatement(
        a=statement.sum_a,
        b=statement.sum_b,
        target=backend.msm([total], backend.generators("F", 0, 1)),
        form=forms.spread(joined, statement.circuit, backend.order),
        rounds=statement.rounds,
    )
