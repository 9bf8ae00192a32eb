"""Verifier of the liabilities of one shard (see liabilities_statement for the symbols).

    V: follows the booleanity rounds: rho, claim c
    V: checks the product proof of V and W
    V: checks LP_0 of the mask: c = eq (v^2 - v) + omega g(rho)
    V: draws gamma; A* = sum eq(rho_i, i) A_i, B* likewise; checks the split proof of u with target V

# Soundness
Error (3L + L + log M + n_eq + 3k + 8) / r per shard, plus discrete logarithms, times the hash queries. The caller must
have recomputed root and sums from the very list that is given here and compared them with the header, whose digest
opens the transcript; compiled the circuit from policy and risk table and checked its rules (without them an equation
holds modulo r only); and asked for exactly the shards of the book.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from zkmargin.errors import VerificationError
from zkmargin.group.backend import Backend, Points
from zkmargin.limits import MAX_ACCOUNTS
from zkmargin.proofs import booleanity_verifier, linear_verifier, product_verifier, split_verifier
from zkmargin.proofs.booleanity_statement import BooleanityClaim
from zkmargin.proofs.liabilities_statement import (
    LiabilitiesProof,
    LiabilitiesStatement,
    mask_statement,
    open_liabilities,
    row_statement,
    row_weights,
)
from zkmargin.transcript import Transcript


def verify_all(
    backend: Backend, statements: Sequence[LiabilitiesStatement], proofs: Sequence[LiabilitiesProof]
) -> None:
    """Check one proof for each shard of a book: raise `liabilities/shards` for another number, or as `verify`."""
    if len(statements) != len(proofs) or not statements:
        raise VerificationError(
            "liabilities/shards",
            "wrong number of shard proofs",
            expected=len(statements) or "at least 1",
            actual=len(proofs),
        )
    for statement, proof in zip(statements, proofs, strict=True):
        verify(backend, statement, proof)


def verify(backend: Backend, statement: LiabilitiesStatement, proof: LiabilitiesProof) -> None:
    """Check the proof of one shard.

    Return nothing or raise VerificationError: liabilities/count, liabilities/infinity, booleanity/... (shape, scalar,
    infinity), product/... (those, V, W), mask/... (those, equation), row/A/... and row/B/... (those, equation).
    """
    check_list(backend, statement)
    transcript = open_liabilities(backend, statement)
    claim = booleanity_verifier.reduce(backend, transcript, statement.cube, proof.booleanity)
    product_verifier.verify(backend, transcript, proof.evaluation, proof.product)
    check_mask(backend, transcript, claim, proof)
    check_rows(backend, transcript, statement, claim, proof)


def check_list(backend: Backend, statement: LiabilitiesStatement) -> None:
    """Refuse an empty list, a list of another length than the shard's count, and infinity as a commitment."""
    expected, actual = statement.shard.count, (len(statement.a), len(statement.b))
    if not 1 <= expected <= MAX_ACCOUNTS or actual != (expected, expected):
        raise VerificationError(
            "liabilities/count", "wrong number of leaves in a shard", expected=expected, actual=actual
        )
    if any(backend.is_identity(statement.a)) or any(backend.is_identity(statement.b)):
        raise VerificationError("liabilities/infinity", "a leaf's commitment is the point at infinity")


def check_mask(
    backend: Backend, transcript: Transcript, claim: BooleanityClaim, proof: LiabilitiesProof
) -> None:
    """Check step 5: the claim that the rounds left, against the mask and v."""
    statement = mask_statement(backend, proof.booleanity.mask_commitment, claim, proof.evaluation)
    with _renamed("linear/", "mask/"):
        linear_verifier.verify(backend, transcript, statement, proof.mask)


def check_rows(
    backend: Backend,
    transcript: Transcript,
    statement: LiabilitiesStatement,
    claim: BooleanityClaim,
    proof: LiabilitiesProof,
) -> None:
    """Check step 6: the bits have the value v at rho, and every equation holds."""
    combined = combine_list(backend, statement, claim)
    split = row_statement(backend, transcript, statement, claim, combined, proof.evaluation.v)
    with _renamed("split/", "row/"):
        split_verifier.verify(backend, transcript, split, proof.row)


def combine_list(
    backend: Backend, statement: LiabilitiesStatement, claim: BooleanityClaim
) -> tuple[Points, Points]:
    """Return A* and B*: one multi-scalar multiplication each over the list."""
    weights = row_weights(statement.cube, claim.rho, backend.order)
    return backend.msm(weights, statement.a), backend.msm(weights, statement.b)


@contextmanager
def _renamed(old: str, new: str) -> Iterator[None]:
    """Let an error of a sub-proof say which of them it is."""
    try:
        yield
    except VerificationError as error:
        code = new + error.code.removeprefix(old)
        raise VerificationError(
            code, error.message, expected=error.expected, actual=error.actual, hint=error.hint
        ) from error
