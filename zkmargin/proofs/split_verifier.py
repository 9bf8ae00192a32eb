"""Verifier of a form over A and B together (see split_statement for the symbols).

V: refuses Y_A = infinity;  LP_0 for A with target Y_A over GA;  LP_k for B with target Y - Y_A over GB

# Soundness
The caller must know Y to lie in span(F,H), and A, B to be the commitments that the statement is about.
"""

from __future__ import annotations

from zkmargin.errors import VerificationError
from zkmargin.group.backend import Backend, Points
from zkmargin.proofs import linear_verifier
from zkmargin.proofs.linear_statement import LinearProof, LinearStatement
from zkmargin.proofs.split_statement import SplitProof, SplitStatement, absorb_target
from zkmargin.transcript import Transcript


def verify(backend: Backend, transcript: Transcript, statement: SplitStatement, proof: SplitProof) -> None:
    """Check a split proof against the transcript so far.

    Return nothing or raise VerificationError: split/shape, split/infinity, or split/A/... and split/B/...
    with the codes of linear_verifier.
    """
    check_target(backend, proof.target_a)
    absorb_target(backend, transcript, proof.target_a)
    _verify_part("A", backend, transcript, statement.part_a(backend, proof.target_a), proof.a)
    _verify_part("B", backend, transcript, statement.part_b(backend, proof.target_a), proof.b)


def check_target(backend: Backend, target_a: Points) -> None:
    """Refuse a Y_A that is not one point, or infinity."""
    if len(target_a) != 1:
        raise VerificationError("split/shape", "Y_A is one point", expected=1, actual=len(target_a))
    if any(backend.is_identity(target_a)):
        raise VerificationError("split/infinity", "Y_A is the point at infinity")


def _verify_part(
    part: str, backend: Backend, transcript: Transcript, statement: LinearStatement, proof: LinearProof
) -> None:
    try:
        linear_verifier.verify(backend, transcript, statement, proof)
    except VerificationError as error:
        code = f"split/{part}/{error.code.removeprefix('linear/')}"
        raise VerificationError(
            code, f"{error.message} (part {part} of a split)", expected=error.expected, actual=error.actual
        ) from error
