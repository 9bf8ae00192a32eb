"""Verifier of the booleanity sumcheck (see booleanity_statement for the symbols).

    V: draws tau; absorbs C_g, S_g; draws omega; claim = omega S_g
    V: per variable, absorbs the values at 0, 2, 3; draws rho_j; claim = the cubic's value at rho_j
    V: returns the claim that c = eq(tau,rho) (b(rho)^2 - b(rho)) + omega g(rho)

# Soundness
Error (3L + L + 1) / (r - 1), once the returned claim is shown against commitments of the bits and of the mask that the
transcript held before tau, and before omega.
"""

from __future__ import annotations

from zkmargin.errors import VerificationError
from zkmargin.group.backend import Backend
from zkmargin.group.multilinear import eq_value
from zkmargin.proofs.booleanity_statement import (
    VALUES_PER_ROUND,
    BooleanityClaim,
    BooleanityProof,
    Cube,
    draw_tau,
    mask_challenge,
    next_claim,
    round_challenge,
)
from zkmargin.transcript import Transcript


def reduce(backend: Backend, transcript: Transcript, cube: Cube, proof: BooleanityProof) -> BooleanityClaim:
    """Follow the rounds and return the claim that they leave.

    Raise VerificationError: booleanity/shape, booleanity/scalar, booleanity/infinity.
    """
    check_shape(cube, proof)
    check_scalars(backend, proof)
    check_commitment(backend, proof)
    tau = draw_tau(transcript, cube)
    omega = mask_challenge(backend, transcript, proof.mask_commitment, proof.mask_sum)
    claim, rho = omega * proof.mask_sum % backend.order, []
    for values in proof.rounds:
        r = round_challenge(transcript, values)
        claim = next_claim(claim, values, r, backend.order)
        rho.append(r)
    return BooleanityClaim(omega, tuple(rho), claim, eq_value(tau, rho, backend.order))


def check_shape(cube: Cube, proof: BooleanityProof) -> None:
    """Refuse other counts than one C_g, and three values in each of exactly L rounds."""
    expected = (1, [VALUES_PER_ROUND] * cube.variables)
    actual = (len(proof.mask_commitment), [len(values) for values in proof.rounds])
    if actual != expected:
        raise VerificationError(
            "booleanity/shape",
            "the sumcheck has the wrong numbers of mask commitments and rounds",
            expected=f"{expected[0]} and {cube.variables}",
            actual=f"{actual[0]} and {len(proof.rounds)}",
        )


def check_scalars(backend: Backend, proof: BooleanityProof) -> None:
    """Refuse a scalar that is not below the order."""
    scalars = [proof.mask_sum, *(value for values in proof.rounds for value in values)]
    if any(not 0 <= scalar < backend.order for scalar in scalars):
        raise VerificationError("booleanity/scalar", "the sumcheck has a scalar that is not canonical")


def check_commitment(backend: Backend, proof: BooleanityProof) -> None:
    """Refuse infinity as C_g: a mask that is none."""
    if any(backend.is_identity(proof.mask_commitment)):
        raise VerificationError("booleanity/infinity", "the mask's commitment is the point at infinity")
