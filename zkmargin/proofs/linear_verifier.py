"""Verifier of LP_k (see linear_statement for the symbols).

    V: s = weights of the 2^k blocks of G, from the e^-1;  w = s x z, the weight of every original generator
    V: checks   <w,G> + <w,u> U + z' H = D + c (C + sum xi^j Y_j + sum (e_i^-1 L_i + e_i R_i))

# Soundness
Error (m + 3k + 1) / (r - 1) per proof, plus discrete logarithms. `verify` takes every target on trust to
lie in span(F,H), generators to be independent, and k to come from code; see linear_statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkmargin.errors import VerificationError
from zkmargin.group.backend import Backend, Points
from zkmargin.proofs.linear_statement import (
    JoinedForm,
    LinearProof,
    LinearStatement,
    absorb_responses,
    block_weights,
    check_statement,
    mask_challenge,
    open_statement,
    round_challenge,
)
from zkmargin.transcript import Transcript


@dataclass(frozen=True)
class LinearChallenges:
    """Everything that the verifier draws: the joined form (with xi), e of each round, c."""

    joined: JoinedForm
    folds: tuple[int, ...]
    schnorr: int


@dataclass(frozen=True)
class LinearWeights:
    """The verifier's equation: weights of the statement's generators, of F and H, and of other points."""

    generators: list[int]
    value: int
    blinding: int
    scalars: list[int]
    points: Points


def verify(backend: Backend, transcript: Transcript, statement: LinearStatement, proof: LinearProof) -> None:
    """Check a linear proof against the transcript so far.

    Return nothing or raise VerificationError: linear/shape, linear/scalar, linear/infinity,
    linear/equation.
    """
    check_form(backend, statement, proof)
    challenges = replay(backend, transcript, statement, proof)
    check_equation(backend, statement, proof, challenges)


def check_form(backend: Backend, statement: LinearStatement, proof: LinearProof) -> None:
    """Refuse whatever can be refused without the transcript: linear/shape, linear/scalar, linear/infinity."""
    check_statement(backend, statement)
    check_shape(statement, proof)
    check_scalars(backend, proof)
    check_points(backend, proof)


def check_shape(statement: LinearStatement, proof: LinearProof) -> None:
    """Refuse a proof with other counts than the statement's k and h."""
    expected = (statement.rounds, statement.rounds, 1, statement.responses)
    actual = (len(proof.left), len(proof.right), len(proof.mask), len(proof.responses))
    if actual != expected:
        raise VerificationError(
            "linear/shape",
            "a linear proof has the wrong numbers of (L, R, D, z)",
            expected=expected,
            actual=actual,
        )


def check_scalars(backend: Backend, proof: LinearProof) -> None:
    """Refuse a response that is not below the order: it would be a second form of the same proof."""
    if any(not 0 <= z < backend.order for z in (*proof.responses, proof.blinding_response)):
        raise VerificationError("linear/scalar", "a response is not a canonical scalar")


def check_points(backend: Backend, proof: LinearProof) -> None:
    """Refuse infinity in a message: no honest prover sends it, and as D it would lay the witness open."""
    if any(backend.is_identity(backend.concat([proof.left, proof.right, proof.mask]))):
        raise VerificationError("linear/infinity", "a message of a linear proof is the point at infinity")


def replay(
    backend: Backend, transcript: Transcript, statement: LinearStatement, proof: LinearProof
) -> LinearChallenges:
    """Absorb every message and draw every challenge, in the order of the protocol."""
    joined = open_statement(backend, transcript, statement)
    folds = tuple(
        round_challenge(backend, transcript, proof.left[i : i + 1], proof.right[i : i + 1])
        for i in range(statement.rounds)
    )
    schnorr = mask_challenge(backend, transcript, proof.mask)
    absorb_responses(transcript, proof.responses, proof.blinding_response)
    return LinearChallenges(joined, folds, schnorr)


def check_equation(
    backend: Backend, statement: LinearStatement, proof: LinearProof, challenges: LinearChallenges
) -> None:
    """Refuse a proof whose one equation does not hold."""
    if not all(backend.is_identity(residual(backend, statement, proof, challenges))):
        raise VerificationError("linear/equation", "the equation of a linear proof does not hold")


def residual(
    backend: Backend, statement: LinearStatement, proof: LinearProof, challenges: LinearChallenges
) -> Points:
    """Return left side minus right side of the verifier's equation: one multi-scalar multiplication."""
    weights = equation_weights(backend, statement, proof, challenges)
    generators = [statement.generators, backend.generators("F", 0, 1), backend.generators("H", 0, 1)]
    return backend.msm(
        [*weights.generators, weights.value, weights.blinding, *weights.scalars],
        backend.concat([*generators, weights.points]),
    )


def equation_weights(
    backend: Backend, statement: LinearStatement, proof: LinearProof, challenges: LinearChallenges
) -> LinearWeights:
    """Return the verifier's equation, left side minus right side, as scalars and points that must sum to infinity."""
    order, joined, c = backend.order, challenges.joined, challenges.schnorr
    inverses = [pow(e, -1, order) for e in challenges.folds]
    weights = _generator_weights(statement, proof.responses, block_weights(inverses, order), order)
    negated = (1, *joined.target_weights, *inverses, *challenges.folds)
    return LinearWeights(
        generators=weights,
        value=joined.xi * backend.inner(weights, joined.form) % order,
        blinding=proof.blinding_response,
        scalars=[order - 1, *(-c * s % order for s in negated)],
        points=backend.concat([proof.mask, statement.commitment, statement.targets, proof.left, proof.right]),
    )


def _generator_weights(
    statement: LinearStatement, responses: Sequence[int], blocks: Sequence[int], order: int
) -> list[int]:
    """Return w_i of the n original generators; those of the padding, which is infinity, are dropped."""
    weights = [block * z % order for block in blocks for z in responses]
    return weights[: statement.size]
