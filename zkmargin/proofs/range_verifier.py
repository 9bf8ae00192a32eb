"""Verifier of aggregated ranges (see range_statement for the symbols).

    V: checks   t F + tau_x H = delta F + sum_j z^(2+j) V_j + x T1 + x^2 T2
    V: s = weights of the generators, from the e^-1; s^-1 those from the e;  checks
         <a s, BG> + <b s^-1 y^-i, BH> + w (a b - t) F + mu H
           = A + x S - z <1, BG> + <z + y^-i z^(2+j) 2^i, BH> + sum (e_k^-1 L_k + e_k R_k)

Both are merged with all other equations of the proof; see `equations`.

# Soundness
Witness-extended emulation as in the paper's theorem 3: error at most (N + m + 4 + 4 log2 N) / (r - 1), plus discrete
logarithms among BG, BH, F, H. n and m are the caller's; nothing of the proof chooses them.
"""

from __future__ import annotations

from dataclasses import dataclass

from zkmargin.errors import VerificationError
from zkmargin.group.backend import Backend
from zkmargin.proofs.equations import Equation, check_equations
from zkmargin.proofs.linear_statement import block_weights
from zkmargin.proofs.range_statement import (
    RangeForms,
    RangeProof,
    RangeStatement,
    absorb_last,
    base_challenge,
    bit_challenges,
    check_statement,
    open_statement,
    point_challenge,
    range_forms,
    round_challenge,
)
from zkmargin.transcript import Transcript


@dataclass(frozen=True)
class RangeChallenges:
    """Everything that the verifier draws."""

    y: int
    z: int
    x: int
    w: int
    folds: tuple[int, ...]


def verify(backend: Backend, transcript: Transcript, statement: RangeStatement, proof: RangeProof) -> None:
    """Check a range proof against the transcript so far.

    Return nothing or raise VerificationError: range/shape, range/scalar, range/infinity, range/poly, range/product.
    """
    check_form(backend, statement, proof)
    challenges = replay(backend, transcript, statement, proof)
    check_equations(backend, [transcript.state], equations(backend, statement, proof, challenges))


def check_form(backend: Backend, statement: RangeStatement, proof: RangeProof) -> None:
    """Refuse whatever can be refused without the transcript: range/shape, range/scalar, range/infinity."""
    check_statement(statement)
    check_shape(statement, proof)
    check_scalars(backend, proof)
    check_points(backend, statement, proof)


def check_shape(statement: RangeStatement, proof: RangeProof) -> None:
    """Refuse other counts than those of n and m."""
    expected = (1, 1, 1, 1, statement.rounds, statement.rounds, 2)
    actual = (*map(len, proof.messages), len(proof.last))
    if actual != expected:
        raise VerificationError(
            "range/shape",
            "a range proof has the wrong numbers of (A, S, T1, T2, L, R, ab)",
            expected=expected,
            actual=actual,
        )


def check_scalars(backend: Backend, proof: RangeProof) -> None:
    """Refuse a scalar that is not below the order: it would be a second form of the same proof."""
    if any(not 0 <= scalar < backend.order for scalar in (*proof.openings, *proof.last)):
        raise VerificationError("range/scalar", "a scalar of a range proof is not canonical")


def check_points(backend: Backend, statement: RangeStatement, proof: RangeProof) -> None:
    """Refuse infinity in a message; only the verifier itself pads with it."""
    if any(backend.is_identity(backend.concat([statement.commitments, *proof.messages]))):
        raise VerificationError("range/infinity", "a message of a range proof is the point at infinity")


def replay(
    backend: Backend, transcript: Transcript, statement: RangeStatement, proof: RangeProof
) -> RangeChallenges:
    """Absorb every message and draw every challenge, in the order of the protocol."""
    open_statement(backend, transcript, statement)
    y, z = bit_challenges(backend, transcript, proof.a, proof.s)
    x = point_challenge(backend, transcript, proof.t1, proof.t2)
    w = base_challenge(transcript, proof.openings)
    folds = tuple(
        round_challenge(backend, transcript, proof.left[i : i + 1], proof.right[i : i + 1])
        for i in range(statement.rounds)
    )
    absorb_last(transcript, proof.last)
    return RangeChallenges(y, z, x, w, folds)


def equations(
    backend: Backend, statement: RangeStatement, proof: RangeProof, challenges: RangeChallenges
) -> list[Equation]:
    """Return both equations: the polynomial's (range/poly), the inner product's (range/product)."""
    forms = range_forms(backend, statement, challenges.y, challenges.z)
    return [
        polynomial_equation(backend, statement, proof, challenges, forms),
        product_equation(backend, statement, proof, challenges, forms),
    ]


def polynomial_equation(
    backend: Backend,
    statement: RangeStatement,
    proof: RangeProof,
    challenges: RangeChallenges,
    forms: RangeForms,
) -> Equation:
    """Return (t - delta) F + tau_x H - sum_j z^(2+j) V_j - x T1 - x^2 T2 = 0."""
    order, x = backend.order, challenges.x
    return Equation(
        code="range/poly",
        message="the values of a range proof are not those of the commitments",
        generators={"F": [(proof.value - forms.delta) % order], "H": [proof.value_blinding]},
        scalars=[-scalar % order for scalar in (*forms.target_weights, x, x * x)],
        points=backend.concat([statement.commitments, proof.t1, proof.t2]),
    )


def product_equation(
    backend: Backend,
    statement: RangeStatement,
    proof: RangeProof,
    challenges: RangeChallenges,
    forms: RangeForms,
) -> Equation:
    """Return the inner product's equation, left side minus right side; see the module."""
    order, z = backend.order, challenges.z
    a, b = proof.last
    inverses = [pow(e, -1, order) for e in challenges.folds]
    y_inverses = backend.powers(pow(challenges.y, -1, order), statement.size)
    of_h = zip(block_weights(challenges.folds, order), y_inverses, forms.z_weights, strict=True)
    scalars = (order - 1, -challenges.x, *(-e for e in (*inverses, *challenges.folds)))
    return Equation(
        code="range/product",
        message="the inner product of a range proof does not hold",
        generators={
            "BG": [(a * s + z) % order for s in block_weights(inverses, order)],
            "BH": [(y * (b * s - weight) - z) % order for s, y, weight in of_h],
            "F": [challenges.w * (a * b - proof.value) % order],
            "H": [proof.blinding],
        },
        scalars=[scalar % order for scalar in scalars],
        points=backend.concat([proof.a, proof.s, proof.left, proof.right]),
    )
