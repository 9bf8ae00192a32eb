"""Verifier of W = v^2 (see product_statement for the symbols).

V: draws c;  checks  z1 F + z2 H = D1 + c V  and  z1 V + z3 H = D2 + c W

# Soundness
Error 1 / (r - 1), plus discrete logarithms for F against H. V and W must have been in the transcript before c.
"""

from __future__ import annotations

from zkmargin.errors import VerificationError
from zkmargin.group.backend import Backend, Points
from zkmargin.proofs.product_statement import (
    RESPONSES,
    ProductProof,
    ProductStatement,
    absorb_responses,
    absorb_statement,
    product_challenge,
)
from zkmargin.transcript import Transcript


def verify(
    backend: Backend, transcript: Transcript, statement: ProductStatement, proof: ProductProof
) -> None:
    """Check a product proof against the transcript so far.

    Return nothing or raise VerificationError: product/shape, product/scalar, product/infinity, product/V, product/W.
    """
    check_shape(statement, proof)
    check_scalars(backend, proof)
    check_points(backend, statement, proof)
    absorb_statement(backend, transcript, statement)
    c = product_challenge(backend, transcript, proof.d1, proof.d2)
    absorb_responses(transcript, proof.responses)
    check_opening(backend, statement, proof, c)
    check_square(backend, statement, proof, c)


def check_shape(statement: ProductStatement, proof: ProductProof) -> None:
    """Refuse other counts than one V, W, D1, D2 and three responses."""
    expected = (1, 1, 1, 1, RESPONSES)
    actual = tuple(map(len, (statement.v, statement.w, proof.d1, proof.d2, proof.responses)))
    if actual != expected:
        raise VerificationError(
            "product/shape",
            "a product proof has the wrong numbers of (V, W, D1, D2, z)",
            expected=expected,
            actual=actual,
        )


def check_scalars(backend: Backend, proof: ProductProof) -> None:
    """Refuse a response that is not below the order."""
    if any(not 0 <= z < backend.order for z in proof.responses):
        raise VerificationError("product/scalar", "a response is not a canonical scalar")


def check_points(backend: Backend, statement: ProductStatement, proof: ProductProof) -> None:
    """Refuse infinity in a message."""
    if any(backend.is_identity(backend.concat([statement.v, statement.w, proof.d1, proof.d2]))):
        raise VerificationError("product/infinity", "a message of the product proof is the point at infinity")


def check_opening(backend: Backend, statement: ProductStatement, proof: ProductProof, c: int) -> None:
    """Refuse unless z1 F + z2 H = D1 + c V."""
    z1, z2, _ = proof.responses
    bases = [backend.generators("F", 0, 1), backend.generators("H", 0, 1), proof.d1, statement.v]
    _check("product/V", "V is not shown to open", backend, [z1, z2], c, bases)


def check_square(backend: Backend, statement: ProductStatement, proof: ProductProof, c: int) -> None:
    """Refuse unless z1 V + z3 H = D2 + c W."""
    z1, _, z3 = proof.responses
    bases = [statement.v, backend.generators("H", 0, 1), proof.d2, statement.w]
    _check("product/W", "W is not shown to be the square of V", backend, [z1, z3], c, bases)


def _check(code: str, message: str, backend: Backend, z: list[int], c: int, bases: list[Points]) -> None:
    scalars = [*z, backend.order - 1, -c % backend.order]
    if not all(backend.is_identity(backend.msm(scalars, backend.concat(bases)))):
        raise VerificationError(code, message)
