"""A simulator of the proof of liabilities: no rows, no openings, only challenges that it may fix beforehand."""

from __future__ import annotations

import random

from malicious.simulator import random_choices, simulate_linear, simulate_split, unknown_point
from proof_cases import Programmed, gen, target, weighted

from zkmargin.group.backend import Backend
from zkmargin.group.multilinear import eq_value
from zkmargin.proofs.booleanity_statement import BooleanityClaim, BooleanityProof, next_claim
from zkmargin.proofs.liabilities_statement import (
    LiabilitiesProof,
    LiabilitiesStatement,
    mask_statement,
    row_statement,
)
from zkmargin.proofs.liabilities_verifier import combine_list
from zkmargin.proofs.product_statement import ProductProof, ProductStatement


def simulate_liabilities(
    backend: Backend, statement: LiabilitiesStatement, rng: random.Random
) -> tuple[LiabilitiesProof, list[int]]:
    """Return a proof and the challenges, in order, under which it is accepted."""
    cube, order = statement.cube, backend.order

    def draw() -> int:
        return rng.randrange(1, order)

    tau, rho = [draw() for _ in range(cube.variables)], [draw() for _ in range(cube.variables)]
    omega, c, gamma = draw(), draw(), draw()
    mask_commitment, mask_sum = unknown_point(backend, rng), draw()
    rounds = tuple((draw(), draw(), draw()) for _ in rho)
    value = omega * mask_sum % order
    for values, r in zip(rounds, rho, strict=True):
        value = next_claim(value, values, r, order)
    claim = BooleanityClaim(omega, tuple(rho), value, eq_value(tau, rho, order))
    evaluation = ProductStatement(target(backend, 0, draw()), target(backend, 0, draw()))
    product = simulate_product(backend, evaluation, c, [draw(), draw(), draw()])
    mask_claim = mask_statement(backend, mask_commitment, claim, evaluation)
    for_mask = [draw(), draw()]
    mask = simulate_linear(backend, mask_claim, random_choices(backend, mask_claim, rng), for_mask)
    split = row_statement(
        backend,
        Programmed(order, [gamma]),
        statement,
        claim,
        combine_list(backend, statement, claim),
        evaluation.v,
    )
    row, for_rows = simulate_split(backend, split, rng, draw)
    proof = LiabilitiesProof(
        BooleanityProof(mask_commitment, mask_sum, rounds), evaluation, product, mask, row
    )
    return proof, [*tau, omega, *rho, c, *for_mask, gamma, *for_rows]


def simulate_product(backend: Backend, statement: ProductStatement, c: int, z: list[int]) -> ProductProof:
    """Solve both equations for D1 and D2."""
    d1 = weighted(backend, (z[:1], gen(backend, "F")), (z[1:2], gen(backend, "H")), ([-c], statement.v))
    d2 = weighted(backend, (z[:1], statement.v), (z[2:], gen(backend, "H")), ([-c], statement.w))
    return ProductProof(d1, d2, tuple(z))
