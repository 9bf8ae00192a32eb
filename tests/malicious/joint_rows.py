"""Step 6 without the split: one linear proof for A* + B*. It exists to show what the split is for."""

from __future__ import annotations

from zkmargin.errors import VerificationError
from zkmargin.group.backend import Backend, Points
from zkmargin.proofs import linear_verifier
from zkmargin.proofs.booleanity_statement import BooleanityClaim
from zkmargin.proofs.liabilities_statement import (
    LiabilitiesProof,
    LiabilitiesStatement,
    row_form,
    row_weights,
)
from zkmargin.proofs.linear_statement import LinearStatement
from zkmargin.proofs.split_statement import OUTPUT_FAMILIES
from zkmargin.transcript import Label, Transcript


def joint_statement(
    backend: Backend,
    transcript: Transcript,
    statement: LiabilitiesStatement,
    claim: BooleanityClaim,
    v: Points,
) -> LinearStatement:
    gamma = transcript.challenge(Label.ROW_GAMMA)
    form = row_form(statement, claim.rho, gamma, backend)
    weights = row_weights(statement.cube, claim.rho, backend.order)
    generators = [backend.generators(family, 0, 1) for family in OUTPUT_FAMILIES]
    generators.append(backend.generators("GB", 0, statement.circuit.n_bits))
    both = backend.msm(weights, backend.add(statement.a, statement.b))
    return LinearStatement(both, v, ((*form.a, *form.b),), backend.concat(generators), statement.rounds)


def check_joint_rows(
    backend: Backend,
    transcript: Transcript,
    statement: LiabilitiesStatement,
    claim: BooleanityClaim,
    proof: LiabilitiesProof,
) -> None:
    joint = joint_statement(backend, transcript, statement, claim, proof.evaluation.v)
    try:
        linear_verifier.verify(backend, transcript, joint, proof.row.a)
    except VerificationError as error:
        raise VerificationError("row/joint", error.message) from error
