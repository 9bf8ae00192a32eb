"""The second prover's proof of liabilities: dense, any field element as a "bit", every step a method to override.

Left as it is, it sends the same bytes as the real prover. See second_prover for the steps of its parts.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from dense_sumcheck import DenseBooleanity
from liability_cases import Shelf
from malicious.second_prover import LinearSteps, SplitSteps, Steps
from proof_cases import Deaf, gen, target, weighted

from zkmargin.group.backend import Backend, Points
from zkmargin.group.multilinear import eq_value
from zkmargin.proofs.booleanity_statement import BooleanityClaim, BooleanityProof, mask_form, next_claim
from zkmargin.proofs.liabilities_statement import (
    LiabilitiesProof,
    LiabilitiesStatement,
    mask_statement,
    row_form,
    row_weights,
)
from zkmargin.proofs.linear_prover import LinearWitness, NonceSource
from zkmargin.proofs.product_statement import ProductProof, ProductStatement
from zkmargin.proofs.split_prover import SplitWitness
from zkmargin.proofs.split_statement import SplitProof, SplitStatement
from zkmargin.transcript import Label, Protocol, Transcript

Values = tuple[int, int, int]


class Rigged(Deaf):
    """A transcript that does not hear some labels and draws what was fixed beforehand for others."""

    def __init__(
        self,
        protocol: Protocol,
        order: int,
        deaf: Sequence[Label] = (),
        fixed: Mapping[Label, int] | None = None,
    ) -> None:
        super().__init__(protocol, order, deaf)
        self.fixed = dict(fixed or {})

    def challenge(self, label: Label) -> int:
        return self.fixed[label] if label in self.fixed else super().challenge(label)


def foretell(transcript: Transcript, label: Label) -> int:
    """What would be drawn now."""
    return copy.copy(transcript).challenge(label)


class LiabilitiesSteps(Steps):
    """Steps 1-6 for one shard. State: sums, mask, omega, rho, claim, v, w and their blindings."""

    mask_part: type[LinearSteps] = LinearSteps
    split: type[SplitSteps] = SplitSteps

    def __init__(
        self,
        backend: Backend,
        shelf: Shelf,
        transcript: Transcript | None = None,
        nonces: NonceSource | None = None,
    ) -> None:
        super().__init__(backend, transcript or Deaf(Protocol.BOOK, backend.order), nonces)
        self.shelf, self.statement = shelf, shelf.statement
        self.cube = self.statement.cube

    def prove(self) -> LiabilitiesProof:
        self.open()
        self.mask()
        self.rounds()
        self.evaluate()
        product = self.product()
        mask = self.prove_mask()
        row = self.prove_rows()
        booleanity = BooleanityProof(self.mask_point, self.mask_sum, tuple(self.messages))
        return LiabilitiesProof(booleanity, self.evaluation, product, mask, row)

    # --- what a cheat may change

    def bound_statement(self) -> LiabilitiesStatement:
        """The statement that goes into the transcript."""
        return self.statement

    def row_statement(self) -> LiabilitiesStatement:
        """The statement whose equations are proven."""
        return self.statement

    def mask_nonces(self, count: int) -> list[int]:
        return self.draw(count)

    def sent_mask(self, honest: Points) -> Points:
        return honest

    def sent_sum(self, honest: int) -> int:
        return honest

    def sent_round(self, j: int, honest: Values) -> Values:
        return honest

    def values(self) -> tuple[int, int]:
        """v and w."""
        v = self.sums.value()
        return v, v * v % self.order

    def product_nonces(self) -> list[int]:
        return self.draw(3)

    def late_mask(self) -> None:
        """Before step 5."""

    # --- the steps

    def open(self) -> None:
        bound = self.bound_statement()
        self.transcript.absorb(Label.SNAP_DIGEST, bound.snapshot_digest)
        self.transcript.absorb_text(Label.PROOF_BOOK, bound.book)
        self.transcript.absorb(Label.PROOF_SHARD, bound.shard.to_bytes())
        self.tau = [self.transcript.challenge(Label.BOOL_TAU) for _ in range(self.cube.variables)]

    def mask(self) -> None:
        *self.m, self.mask_blinding = self.mask_nonces(3 * self.cube.variables + 2)
        self.mask_point = self.send(Label.MASK_COMMIT, self.sent_mask(self.commit_mask()))
        corners = 1 << self.cube.variables
        total = self.m[0] * corners + sum(self.m[1:]) * (corners // 2)
        self.sums = DenseBooleanity(self.shelf.bits, self.tau, self.order)
        self.mask_sum = self.sent_sum(total % self.order)
        self.transcript.absorb_scalars(Label.MASK_SUM, [self.mask_sum])
        self.omega = self.transcript.challenge(Label.MASK_OMEGA)

    def rounds(self) -> None:
        self.rho: list[int] = []
        self.messages: list[Values] = []
        self.running = self.omega * self.mask_sum % self.order
        for j in range(self.cube.variables):
            values = self.sent_round(j, self.honest_round(j))
            self.transcript.absorb_scalars(Label.ROUND_POLY, values)
            r = self.transcript.challenge(Label.ROUND_RHO)
            self.sums.bind(r)
            self.rho.append(r)
            self.messages.append(values)
            self.running = next_claim(self.running, values, r, self.order)
        self.claim = BooleanityClaim(
            self.omega, tuple(self.rho), self.running, eq_value(self.tau, self.rho, self.order)
        )

    def honest_round(self, j: int) -> Values:
        free = self.cube.variables - 1 - j
        later = sum(self.m[1 + 3 * (j + 1) :]) * (1 << free) * pow(2, -1, self.order)
        at_0, at_2, at_3 = (
            (value + self.omega * (self.mask_at([*self.rho, x]) * (1 << free) + later)) % self.order
            for value, x in zip(self.sums.round(), (0, 2, 3), strict=True)
        )
        return at_0, at_2, at_3

    def evaluate(self) -> None:
        self.v, self.w = self.values()
        self.blinding_v, self.blinding_w = self.draw(2)
        self.evaluation = ProductStatement(
            target(self.backend, self.v, self.blinding_v), target(self.backend, self.w, self.blinding_w)
        )
        self.send(Label.EVAL_V, self.evaluation.v)
        self.send(Label.EVAL_W, self.evaluation.w)

    def product(self) -> ProductProof:
        a1, a2, a3 = self.product_nonces()
        d1 = self.send(Label.PROD_D1, target(self.backend, a1, a2))
        d2 = self.send(
            Label.PROD_D2,
            weighted(self.backend, ([a1], self.evaluation.v), ([a3], gen(self.backend, "H"))),
        )
        c = self.transcript.challenge(Label.PROD_C)
        z = (a1 + c * self.v, a2 + c * self.blinding_v, a3 + c * (self.blinding_w - self.v * self.blinding_v))
        return self.finish_product(d1, d2, z)

    def finish_product(self, d1: Points, d2: Points, z: Sequence[int]) -> ProductProof:
        responses = tuple(value % self.order for value in z)
        self.transcript.absorb_scalars(Label.PROD_Z, responses)
        return ProductProof(d1, d2, responses)

    def prove_mask(self):  # type: ignore[no-untyped-def]
        self.late_mask()
        statement = mask_statement(self.backend, self.mask_point, self.claim, self.evaluation)
        blinding = -self.claim.eq * pow(self.omega, -1, self.order) * (self.blinding_w - self.blinding_v)
        witness = LinearWitness(self.m, self.mask_blinding, [blinding % self.order])
        return self.mask_part(self.backend, self.transcript, statement, witness, self.nonces).prove()

    def prove_rows(self) -> SplitProof:
        weights = row_weights(self.cube, self.rho, self.order)
        statement = self.row_statement()
        gamma = self.transcript.challenge(Label.ROW_GAMMA)
        split = SplitStatement(
            self.backend.msm(weights, statement.a),
            self.backend.msm(weights, statement.b),
            self.evaluation.v,
            row_form(statement, self.rho, gamma, self.backend),
            statement.rounds,
        )
        return self.split(
            self.backend, self.transcript, split, self.row_witness(weights), self.nonces
        ).prove()

    def row_witness(self, weights: Sequence[int]) -> SplitWitness:
        shelf, order = self.shelf, self.order
        return SplitWitness(
            outputs=combined(weights, shelf.outputs, order),
            bits=combined(weights, shelf.bits, order),
            blinding_a=self.backend.inner(weights, shelf.blindings_a),
            blinding_b=self.backend.inner(weights, shelf.blindings_b),
            target_blinding=self.blinding_v,
        )

    # --- helpers

    def commit_mask(self) -> Points:
        return weighted(
            self.backend,
            (self.m, gen(self.backend, "GM", len(self.m))),
            ([self.mask_blinding], gen(self.backend, "H")),
        )

    def mask_at(self, point: Sequence[int]) -> int:
        """g at a point, variables beyond it at 0."""
        return self.backend.inner(mask_form(point, self.order), self.m[: 3 * len(point) + 1])

    def kappa(self) -> int:
        """What w - v must be for the final claim to hold."""
        rest = self.running - self.omega * self.mask_at(self.rho)
        return rest * pow(self.claim.eq, -1, self.order) % self.order


def combined(weights: Sequence[int], rows: Sequence[Sequence[int]], order: int) -> list[int]:
    return [
        sum(w * x for w, x in zip(weights, column, strict=True)) % order for column in zip(*rows, strict=True)
    ]
