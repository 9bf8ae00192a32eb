"""Prover of the liabilities of one shard (see liabilities_statement for the symbols).

    P: booleanity rounds: rho, claim c, v = b(rho)
    P: nonces s_v, s_w; sends V, W; product proof
    P: LP_0 of the mask with target T, blinding -eq omega^-1 (s_w - s_v)
    P: draws gamma; combines outputs, bits and blindings of all rows with eq(rho_i, i); split proof with target V

Work: a few multiplications per touched word and one multi-scalar multiplication over min(count, bits) points.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from zkmargin.group.backend import SCALAR_BYTES, Backend, Points
from zkmargin.group.row_sums import combine_bits, combine_outputs
from zkmargin.proofs import booleanity_prover, linear_prover, product_prover, split_prover
from zkmargin.proofs.booleanity_prover import BooleanityOpening
from zkmargin.proofs.booleanity_statement import BooleanityClaim
from zkmargin.proofs.liabilities_statement import (
    LiabilitiesProof,
    LiabilitiesStatement,
    mask_statement,
    open_liabilities,
    row_statement,
    row_weights,
)
from zkmargin.proofs.linear_prover import LinearWitness, NonceSource
from zkmargin.proofs.linear_statement import LinearProof
from zkmargin.proofs.product_prover import ProductWitness
from zkmargin.proofs.product_statement import ProductStatement
from zkmargin.proofs.split_prover import SplitWitness
from zkmargin.proofs.split_statement import OUTPUT_FAMILIES
from zkmargin.sparse import SparseValues, SparseWords, Values
from zkmargin.transcript import Transcript


@dataclass(frozen=True)
class LiabilitiesWitness:
    """Rows of a shard or a book in leaf order, padding included. Secret: never printed.

    `words` holds the bits, `outputs` has shape [rows, 4] (signed integers), one blinding of A and of B per row.
    """

    words: SparseWords = field(repr=False)
    outputs: Values = field(repr=False)
    blindings_a: Sequence[int] = field(repr=False)
    blindings_b: Sequence[int] = field(repr=False)

    def part(self, first: int, count: int) -> LiabilitiesWitness:
        """Return the rows of one shard; a book of one shard is not copied."""
        if (first, count) == (0, self.words.rows):
            return self
        columns = []
        for column in self.words.columns:
            start, end = np.searchsorted(column.rows, [first, first + count])
            columns.append(SparseValues(column.rows[start:end] - first, column.values[start:end]))
        rows = slice(first, first + count)
        return LiabilitiesWitness(
            SparseWords(count, tuple(columns)),
            self.outputs[rows],
            self.blindings_a[rows],
            self.blindings_b[rows],
        )

    def digest(self) -> bytes:
        """Hash everything, so that another witness never meets the same nonces: SHA-256."""
        digest = hashlib.sha256()
        for index, column in enumerate(self.words.columns):
            digest.update(index.to_bytes(8, "big") + len(column).to_bytes(8, "big"))
            digest.update(column.rows.astype("<i8").tobytes() + column.values.astype("<u2").tobytes())
        digest.update(_integer_bytes(self.outputs))
        for blindings in (self.blindings_a, self.blindings_b):
            digest.update(b"".join(blinding.to_bytes(SCALAR_BYTES, "big") for blinding in blindings))
        return digest.digest()


def _integer_bytes(values: Values) -> bytes:
    """Encode signed integers, whatever their dtype: in 8 bytes each if all fit, else in 32."""
    try:
        return b"\x08" + values.astype("<i8").tobytes()
    except OverflowError:
        return b"\x20" + b"".join(
            int(value).to_bytes(SCALAR_BYTES, "little", signed=True) for value in values.flat
        )


def prove(
    backend: Backend, statement: LiabilitiesStatement, witness: LiabilitiesWitness, nonces: NonceSource
) -> LiabilitiesProof:
    """Prove the liabilities of one shard.

    The witness is not checked against the statement: a wrong one gives a proof that does not verify. Raise ValueError
    for counts that do not fit.
    """
    check_counts(statement, witness)
    digest = witness.digest()
    transcript = open_liabilities(backend, statement)
    booleanity, claim, opening = booleanity_prover.prove(
        backend, transcript, statement.cube, witness.words, digest, nonces
    )
    blinding_v, blinding_w = nonces.nonces(transcript.state, digest, 2)
    value = ProductWitness(opening.value, blinding_v, blinding_w)
    evaluation = product_prover.commit(backend, value)
    product = product_prover.prove(backend, transcript, evaluation, value, nonces)
    mask = prove_mask(
        backend, transcript, booleanity.mask_commitment, claim, opening, evaluation, value, nonces
    )
    weights = row_weights(statement.cube, claim.rho, backend.order)
    row_witness = combine_rows(backend, statement, witness, weights, blinding_v)
    combined = combined_points(backend, statement, row_witness, weights)
    row = split_prover.prove(
        backend,
        transcript,
        row_statement(backend, transcript, statement, claim, combined, evaluation.v),
        row_witness,
        nonces,
    )
    return LiabilitiesProof(booleanity, evaluation, product, mask, row)


def check_counts(statement: LiabilitiesStatement, witness: LiabilitiesWitness) -> None:
    """Raise ValueError unless list and witness have one entry per leaf and the words are the circuit's."""
    counts = {
        statement.shard.count,
        len(statement.a),
        len(statement.b),
        witness.words.rows,
        len(witness.outputs),
        len(witness.blindings_a),
        len(witness.blindings_b),
    }
    if len(counts) != 1 or len(witness.words.columns) != statement.circuit.n_words:
        raise ValueError("points, words, outputs and blindings must have one entry per leaf of the shard")


def prove_mask(
    backend: Backend,
    transcript: Transcript,
    commitment: Points,
    claim: BooleanityClaim,
    opening: BooleanityOpening,
    evaluation: ProductStatement,
    value: ProductWitness,
    nonces: NonceSource,
) -> LinearProof:
    """Prove step 5."""
    order = backend.order
    blinding = -claim.eq * pow(claim.omega, -1, order) * (value.blinding_w - value.blinding_v) % order
    return linear_prover.prove(
        backend,
        transcript,
        mask_statement(backend, commitment, claim, evaluation),
        LinearWitness(opening.mask, opening.mask_blinding, [blinding]),
        nonces,
    )


def combine_rows(
    backend: Backend,
    statement: LiabilitiesStatement,
    witness: LiabilitiesWitness,
    weights: Sequence[int],
    target_blinding: int,
) -> SplitWitness:
    """Return the opening of A* and B*."""
    return SplitWitness(
        outputs=combine_outputs(witness.outputs, weights, backend.order),
        bits=combine_bits(backend, witness.words, statement.circuit.n_bits, weights),
        blinding_a=backend.inner(weights, witness.blindings_a),
        blinding_b=backend.inner(weights, witness.blindings_b),
        target_blinding=target_blinding,
    )


def combined_points(
    backend: Backend, statement: LiabilitiesStatement, row: SplitWitness, weights: Sequence[int]
) -> tuple[Points, Points]:
    """Return A* and B*, over the generators or over the list, whichever is shorter."""
    outputs = [backend.generators(family, 0, 1) for family in (*OUTPUT_FAMILIES, "H")]
    a = backend.msm([*row.outputs, row.blinding_a], backend.concat(outputs))
    if statement.shard.count <= statement.circuit.n_bits:
        return a, backend.msm(weights, statement.b)
    bits = [backend.generators("GB", 0, statement.circuit.n_bits), backend.generators("H", 0, 1)]
    return a, backend.msm([*row.bits, row.blinding_b], backend.concat(bits))
