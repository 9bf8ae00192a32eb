"""Verifier of margin claims (see claim_statement for the symbols).

    V: binds snapshot, leaves, forms, context; follows LP_0 of every leaf and the range proof
    V: checks all equations of all claims, each times a weight drawn behind the last message of the last claim, at once

# Soundness
Errors of LP_0 (m + 1) / (r - 1) a leaf and of the range proof, plus 1 / (r - 1) for the merge. The caller takes digest
and context from its own knowledge, and checks that every leaf is in the snapshot and that its book allows the forms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zkmargin.errors import VerificationError
from zkmargin.group.backend import Backend
from zkmargin.proofs import linear_verifier, range_verifier
from zkmargin.proofs.claim_statement import (
    ClaimProof,
    ClaimStatement,
    absorb_values,
    check_statement,
    link_statement,
    open_statement,
)
from zkmargin.proofs.equations import Equation, check_equations
from zkmargin.proofs.linear_statement import LinearProof, LinearStatement
from zkmargin.proofs.range_statement import RangeStatement
from zkmargin.proofs.split_statement import OUTPUT_FAMILIES
from zkmargin.transcript import Transcript


def verify(backend: Backend, statement: ClaimStatement, proof: ClaimProof) -> None:
    """Check a claim.

    Return nothing or raise VerificationError: claim/bits, claim/leaves, claim/forms, claim/shape, claim/link and the
    codes of linear_verifier and range_verifier.
    """
    verify_all(backend, [statement], [proof])


def verify_all(backend: Backend, statements: Sequence[ClaimStatement], proofs: Sequence[ClaimProof]) -> None:
    """Check many claims with one multi-scalar multiplication; see `verify`. ValueError for none or unequal lengths."""
    if not 0 < len(statements) == len(proofs):
        raise ValueError("one or more claims, one proof each")
    followed = [follow(backend, *claim) for claim in zip(statements, proofs, strict=True)]
    states = [transcript.state for transcript, _ in followed]
    check_equations(backend, states, [equation for _, own in followed for equation in own])


def follow(
    backend: Backend, statement: ClaimStatement, proof: ClaimProof
) -> tuple[Transcript, list[Equation]]:
    """Replay a claim: return the transcript behind its last message and the equations that are left to check."""
    check_statement(statement)
    check_shape(statement, proof)
    transcript = open_statement(backend, statement)
    absorb_values(backend, transcript, proof.values)
    equations = list(_links(backend, transcript, statement, proof))
    ranges = RangeStatement(proof.values, statement.bits)
    range_verifier.check_form(backend, ranges, proof.ranges)
    challenges = range_verifier.replay(backend, transcript, ranges, proof.ranges)
    equations += range_verifier.equations(backend, ranges, proof.ranges, challenges)
    return transcript, equations


def check_shape(statement: ClaimStatement, proof: ClaimProof) -> None:
    """Refuse another number of values than forms, or of linear proofs than leaves."""
    expected = (len(statement.forms), len(statement.leaves))
    actual = (len(proof.values), len(proof.links))
    if actual != expected:
        raise VerificationError(
            "claim/shape", "a claim has the wrong numbers of (V, LP_0)", expected=expected, actual=actual
        )


def _links(
    backend: Backend, transcript: Transcript, statement: ClaimStatement, proof: ClaimProof
) -> Iterator[Equation]:
    for leaf, link in enumerate(proof.links):
        yield link_equation(backend, transcript, link_statement(backend, statement, leaf, proof.values), link)


def link_equation(
    backend: Backend, transcript: Transcript, statement: LinearStatement, proof: LinearProof
) -> Equation:
    """Follow LP_0 of one leaf and return its equation."""
    linear_verifier.check_form(backend, statement, proof)
    challenges = linear_verifier.replay(backend, transcript, statement, proof)
    weights = linear_verifier.equation_weights(backend, statement, proof, challenges)
    outputs = {family: [weight] for family, weight in zip(OUTPUT_FAMILIES, weights.generators, strict=True)}
    return Equation(
        code="claim/link",
        message="the values of a claim are not those of the leaf",
        generators=outputs | {"F": [weights.value], "H": [weights.blinding]},
        scalars=weights.scalars,
        points=weights.points,
    )
