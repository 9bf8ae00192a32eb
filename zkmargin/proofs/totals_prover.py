"""Prover of the published totals of one book (see totals_statement for the symbols).

P: sums outputs, bits and blindings over all rows: an opening of A and B
P: draws delta;  split proof of u = sum_h delta^h f_h over A and B, target Y = sum_h delta^h t_h F, blinding 0
"""

from __future__ import annotations

from collections.abc import Sequence

from zkmargin.group.backend import Backend
from zkmargin.proofs import split_prover
from zkmargin.proofs.linear_prover import NonceSource
from zkmargin.proofs.split_prover import SplitWitness
from zkmargin.proofs.split_statement import SplitProof
from zkmargin.proofs.totals_statement import TotalsStatement, open_totals
from zkmargin.sparse import SparseWords, Values, exact_sum


def root_witness(
    outputs: Values,
    words: SparseWords,
    n_bits: int,
    blindings_a: Sequence[int],
    blindings_b: Sequence[int],
    order: int,
) -> SplitWitness:
    """Sum all rows of a book, padding included: the opening of its root sums.

    `outputs` has shape [rows, 4], signed integers; `words` holds the bits; one blinding of A and of B per
    row. Raise ValueError for counts that do not fit.
    """
    if not words.rows == len(outputs) == len(blindings_a) == len(blindings_b):
        raise ValueError("outputs, bits and blindings must have the same number of rows")
    return SplitWitness(
        outputs=[exact_sum(column) for column in outputs.T],
        bits=bit_sums(words, n_bits),
        blinding_a=sum(blindings_a) % order,
        blinding_b=sum(blindings_b) % order,
        target_blinding=0,
    )


def bit_sums(words: SparseWords, n_bits: int) -> list[int]:
    """Return for each bit position the number of rows in which it is set; touched words only."""
    sums = words.bit_counts()
    if any(sums[n_bits:]):
        raise ValueError(f"a bit beyond the {n_bits} of the circuit is set")
    return sums[:n_bits] + [0] * (n_bits - len(sums))


def prove(
    backend: Backend, statement: TotalsStatement, witness: SplitWitness, nonces: NonceSource
) -> SplitProof:
    """Prove the totals of one book; a wrong witness gives a proof that does not verify. ValueError for lengths."""
    transcript, split = open_totals(backend, statement)
    return split_prover.prove(backend, transcript, split, witness, nonces)
