"""Prover of W = v^2 (see product_statement for the symbols).

P: sends V, W; nonces a1, a2, a3; sends D1 = a1 F + a2 H, D2 = a1 V + a3 H; draws c
P: sends z1 = a1 + c v, z2 = a2 + c s_v, z3 = a3 + c (s_w - v s_v)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from zkmargin.group.backend import Backend
from zkmargin.proofs.linear_prover import LinearWitness, NonceSource, witness_digest
from zkmargin.proofs.product_statement import (
    ProductProof,
    ProductStatement,
    absorb_responses,
    absorb_statement,
    product_challenge,
)
from zkmargin.transcript import Transcript


@dataclass(frozen=True)
class ProductWitness:
    """v, s_v, s_w. Secret: never printed."""

    value: int = field(repr=False)
    blinding_v: int = field(repr=False)
    blinding_w: int = field(repr=False)


def commit(backend: Backend, witness: ProductWitness) -> ProductStatement:
    """Return V = v F + s_v H and W = v^2 F + s_w H."""
    fh = backend.concat([backend.generators("F", 0, 1), backend.generators("H", 0, 1)])
    square = witness.value * witness.value % backend.order
    return ProductStatement(
        backend.msm([witness.value, witness.blinding_v], fh), backend.msm([square, witness.blinding_w], fh)
    )


def prove(
    backend: Backend,
    transcript: Transcript,
    statement: ProductStatement,
    witness: ProductWitness,
    nonces: NonceSource,
) -> ProductProof:
    """Prove a product and leave the transcript behind the responses."""
    order = backend.order
    absorb_statement(backend, transcript, statement)
    v, s_v, s_w = witness.value, witness.blinding_v, witness.blinding_w
    digest = witness_digest(LinearWitness([v], s_v, [s_w]), order)
    a1, a2, a3 = nonces.nonces(transcript.state, digest, 3)
    f, h = backend.generators("F", 0, 1), backend.generators("H", 0, 1)
    d1 = backend.msm([a1, a2], backend.concat([f, h]))
    d2 = backend.msm([a1, a3], backend.concat([statement.v, h]))
    c = product_challenge(backend, transcript, d1, d2)
    responses = ((a1 + c * v) % order, (a2 + c * s_v) % order, (a3 + c * (s_w - v * s_v)) % order)
    absorb_responses(transcript, responses)
    return ProductProof(d1, d2, responses)
