"""Prover of a form over A and B together (see split_statement for the symbols).

P: nonce s_A; sends Y_A = <x,u_A> F + s_A H
P: LP_0 for A with (x, a, s_A);  LP_k for B with (y, b, s - s_A)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from zkmargin.group.backend import Backend
from zkmargin.proofs import linear_prover
from zkmargin.proofs.linear_prover import LinearWitness, NonceSource
from zkmargin.proofs.split_statement import SplitProof, SplitStatement, absorb_target
from zkmargin.transcript import Transcript


@dataclass(frozen=True)
class SplitWitness:
    """Outputs (4 signed integers), bits (n integers), blindings of A, B and Y. Secret: never printed."""

    outputs: Sequence[int] = field(repr=False)
    bits: Sequence[int] = field(repr=False)
    blinding_a: int = field(repr=False)
    blinding_b: int = field(repr=False)
    target_blinding: int = field(repr=False)


def prove(
    backend: Backend,
    transcript: Transcript,
    statement: SplitStatement,
    witness: SplitWitness,
    nonces: NonceSource,
) -> SplitProof:
    """Prove a split statement and leave the transcript behind the last response. ValueError for wrong lengths."""
    order = backend.order
    outputs = [value % order for value in witness.outputs]
    digest = linear_prover.witness_digest(
        LinearWitness(
            [*outputs, *witness.bits], witness.blinding_a, [witness.blinding_b, witness.target_blinding]
        ),
        order,
    )
    (blinding,) = nonces.nonces(transcript.state, digest, 1)
    fh = backend.concat([backend.generators("F", 0, 1), backend.generators("H", 0, 1)])
    target_a = backend.msm([backend.inner(outputs, statement.form.a), blinding], fh)
    absorb_target(backend, transcript, target_a)
    witness_a = LinearWitness(outputs, witness.blinding_a, [blinding])
    witness_b = LinearWitness(witness.bits, witness.blinding_b, [witness.target_blinding - blinding])
    return SplitProof(
        target_a=target_a,
        a=linear_prover.prove(backend, transcript, statement.part_a(backend, target_a), witness_a, nonces),
        b=linear_prover.prove(backend, transcript, statement.part_b(backend, target_a), witness_b, nonces),
    )
