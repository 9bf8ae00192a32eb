"""Prover of a margin claim (see claim_statement for the symbols).

P: binds snapshot, leaves, forms, context; nonces s_j:  V_j = v_j F + s_j H;  sends all V
P: LP_0 of every leaf with (N, E, R, I), a and the s_j of its forms;  the range proof of all v_j
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from zkmargin.errors import UsageError
from zkmargin.group.backend import Backend, Points
from zkmargin.proofs import linear_prover, range_prover
from zkmargin.proofs.claim_statement import (
    ClaimProof,
    ClaimStatement,
    absorb_values,
    check_statement,
    link_statement,
    open_statement,
)
from zkmargin.proofs.linear_prover import LinearWitness, NonceSource
from zkmargin.proofs.linear_statement import LinearProof
from zkmargin.proofs.range_prover import RangeWitness
from zkmargin.proofs.range_statement import RangeStatement
from zkmargin.transcript import Transcript


@dataclass(frozen=True)
class LeafOpening:
    """N, E, R, I of a leaf and the blinding of its A. Secret: never printed."""

    outputs: Sequence[int] = field(repr=False)
    blinding: int = field(repr=False)


def prove(
    backend: Backend, statement: ClaimStatement, openings: Sequence[LeafOpening], nonces: NonceSource
) -> ClaimProof:
    """Prove a claim; one opening a leaf.

    Raise UsageError if a form does not hold or needs more bits, VerificationError for a statement that may not be
    claimed. Openings are not checked against the leaves: a wrong one gives a proof that does not verify.
    """
    check_statement(statement)
    if len(openings) != len(statement.leaves):
        raise ValueError("one opening per leaf")
    transcript = open_statement(backend, statement)
    values = [form.value(openings[form.leaf].outputs) for form in statement.forms]
    _check_values(statement, values)
    opened = [number for opening in openings for number in (*opening.outputs, opening.blinding)]
    digest = linear_prover.witness_digest(LinearWitness(opened, 0, values), backend.order)
    blindings = nonces.nonces(transcript.state, digest, len(values))
    witness = RangeWitness(values, blindings)
    commitments = range_prover.commit(backend, witness)
    absorb_values(backend, transcript, commitments)
    links = tuple(
        _link(backend, transcript, statement, leaf, opening, (commitments, blindings), nonces)
        for leaf, opening in enumerate(openings)
    )
    ranges = RangeStatement(commitments, statement.bits)
    return ClaimProof(commitments, links, range_prover.prove(backend, transcript, ranges, witness, nonces))


def _check_values(statement: ClaimStatement, values: Sequence[int]) -> None:
    """Refuse what is false or does not fit. The values are secret: neither is said of which size."""
    for number, value in enumerate(values, 1):
        if value < 0:
            raise UsageError("claim-false", f"form {number} does not hold for this account")
        if value >> statement.bits:
            raise UsageError(
                "claim-bits",
                f"the value of form {number} has more than {statement.bits} bits",
                hint="--bits 128",
            )


def _link(
    backend: Backend,
    transcript: Transcript,
    statement: ClaimStatement,
    leaf: int,
    opening: LeafOpening,
    values: tuple[Points, Sequence[int]],
    nonces: NonceSource,
) -> LinearProof:
    commitments, blindings = values
    own = [blindings[j] for j in statement.forms_of(leaf)]
    link = link_statement(backend, statement, leaf, commitments)
    witness = LinearWitness(opening.outputs, opening.blinding, own)
    return linear_prover.prove(backend, transcript, link, witness, nonces)
