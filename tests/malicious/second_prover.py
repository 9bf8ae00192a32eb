"""A second prover, written to cheat with: dense and plain, every step a method that a cheat overrides.

    Steps            what every proof here has: backend, transcript, nonces, points sent under a label
    LinearSteps      LP_k: generators folded in every round
    SplitSteps       Y_A and two linear proofs
    TotalsSteps      step 7 of one book

A cheat subclasses the part that it changes and hangs it in (`SplitSteps.part_a`, `part_b`, `TotalsSteps.split`).
Left as it is, it sends the same bytes as the real prover; a test holds the two against each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from proof_cases import Book, Deaf, SeededNonces, gen, target, weighted

from zkmargin.group.backend import Backend, Points
from zkmargin.proofs.forms import combine, spread
from zkmargin.proofs.linear_prover import LinearWitness, NonceSource
from zkmargin.proofs.linear_statement import LinearProof, LinearStatement
from zkmargin.proofs.split_prover import SplitWitness
from zkmargin.proofs.split_statement import SplitProof, SplitStatement
from zkmargin.proofs.totals_statement import TotalsStatement
from zkmargin.transcript import Label, Protocol, Transcript


class Steps:
    """Backend, transcript and nonces of one proof."""

    def __init__(self, backend: Backend, transcript: Transcript, nonces: NonceSource | None = None) -> None:
        self.backend, self.transcript, self.order = backend, transcript, backend.order
        self.nonces = nonces or SeededNonces(backend.order)

    def draw(self, count: int) -> list[int]:
        return self.nonces.nonces(self.transcript.state, bytes(32), count)

    def send(self, label: Label, points: Points) -> Points:
        self.transcript.absorb_points(label, self.backend, points)
        return points


class LinearSteps(Steps):
    """LP_k step by step. State: x, u, G (folding), beta, and after `open` xi."""

    def __init__(
        self,
        backend: Backend,
        transcript: Transcript,
        statement: LinearStatement,
        witness: LinearWitness,
        nonces: NonceSource | None = None,
    ) -> None:
        super().__init__(backend, transcript, nonces)
        self.statement, self.witness = statement, witness
        self.left: list[Points] = []
        self.right: list[Points] = []

    def prove(self) -> LinearProof:
        self.open()
        for _ in range(self.rounds()):
            self.round()
        return self.finish()

    # --- what a cheat may change

    def rounds(self) -> int:
        return self.statement.rounds

    def bound_statement(self) -> LinearStatement:
        """The statement that goes into the transcript."""
        return self.statement

    def mask_nonces(self, count: int) -> list[int]:
        return self.draw(count)

    def left_point(self, honest: Points) -> Points:
        return honest

    def right_point(self, honest: Points) -> Points:
        return honest

    def mask_point(self, honest: Points) -> Points:
        return honest

    def late(self, e: int) -> None:
        """After the challenge of a round; `left` and `right` end with what was absorbed."""

    def answer(self, c: int, d: Sequence[int], d_blinding: int) -> tuple[list[int], int]:
        return self.backend.combine(d, c, self.x), (d_blinding + c * self.beta) % self.order

    # --- the steps

    def open(self) -> None:
        bound = self.bound_statement()
        counts = (len(bound.forms), len(bound.generators), bound.rounds)
        shape = b"".join(count.to_bytes(8, "big") for count in counts)
        scalars = b"".join(value.to_bytes(32, "big") for form in bound.forms for value in form)
        self.transcript.absorb(Label.LP_FORM, hashlib.sha256(shape + scalars).digest())
        self.send(Label.LP_COMMITMENT, bound.commitment)
        self.send(Label.LP_Y, bound.targets)
        self.xi = self.transcript.challenge(Label.LP_XI)
        n, forms = self.statement.size, self.statement.forms
        padding = -n % (1 << self.rounds())
        weights = [pow(self.xi, j, self.order) for j in range(len(forms))]
        self.u = [
            sum(w * u[i] for w, u in zip(weights, forms, strict=True)) % self.order for i in range(n)
        ] + [0] * padding
        self.x = [value % self.order for value in self.witness.vector] + [0] * padding
        self.points = self.backend.concat([self.statement.generators, self.backend.identity(padding)])
        late = sum(w * y for w, y in zip(weights, self.witness.target_blindings, strict=True))
        self.beta = (self.witness.blinding + self.xi * late) % self.order

    def round(self) -> None:
        half = len(self.x) // 2
        left_nonce, right_nonce = self.draw(2)
        x, u, points = self.x, self.u, self.points
        left = self.commit(x[:half], points[half:], u[half:], left_nonce)
        right = self.commit(x[half:], points[:half], u[:half], right_nonce)
        self.left.append(self.send(Label.LP_L, self.left_point(left)))
        self.right.append(self.send(Label.LP_R, self.right_point(right)))
        e = self.transcript.challenge(Label.LP_E)
        inverse = pow(e, -1, self.order)
        self.x = self.backend.combine(x[:half], e, x[half:])
        self.u = self.backend.combine(u[:half], inverse, u[half:])
        folded = self.backend.scale(points[half:], [inverse] * half)
        self.points = self.backend.add(points[:half], folded)
        self.beta = (self.beta + inverse * left_nonce + e * right_nonce) % self.order
        self.late(e)

    def finish(self) -> LinearProof:
        *d, d_blinding = self.mask_nonces(len(self.x) + 1)
        mask = self.mask_point(self.commit(d, self.points, self.u, d_blinding))
        self.send(Label.LP_D, mask)
        c = self.transcript.challenge(Label.LP_C)
        responses, blinding = self.answer(c, d, d_blinding)
        self.transcript.absorb_scalars(Label.LP_Z, [*responses, blinding])
        none = self.backend.identity(0)
        return LinearProof(
            self.backend.concat([none, *self.left]),
            self.backend.concat([none, *self.right]),
            mask,
            tuple(responses),
            blinding,
        )

    def commit(self, x: Sequence[int], points: Points, u: Sequence[int], blinding: int) -> Points:
        """<x, points> + <x, u> U + blinding H."""
        value = self.xi * self.backend.inner(x, u)
        return self.backend.add(weighted(self.backend, (x, points)), target(self.backend, value, blinding))


class SplitSteps(Steps):
    """Y_A, then a linear proof over GA and one over GB."""

    part_a: type[LinearSteps] = LinearSteps
    part_b: type[LinearSteps] = LinearSteps

    def __init__(
        self,
        backend: Backend,
        transcript: Transcript,
        statement: SplitStatement,
        witness: SplitWitness,
        nonces: NonceSource | None = None,
    ) -> None:
        super().__init__(backend, transcript, nonces)
        self.statement, self.witness = statement, witness

    def target_blinding(self) -> int:
        return self.draw(1)[0]

    def target_a(self, blinding: int) -> Points:
        """Y_A."""
        outputs = [value % self.order for value in self.witness.outputs]
        return target(self.backend, self.backend.inner(outputs, self.statement.form.a), blinding)

    def prove(self) -> SplitProof:
        w, blinding = self.witness, self.target_blinding()
        target_a = self.send(Label.SPLIT_YA, self.target_a(blinding))
        witness_a = LinearWitness(w.outputs, w.blinding_a, [blinding])
        witness_b = LinearWitness(w.bits, w.blinding_b, [(w.target_blinding - blinding) % self.order])
        statement_a = self.statement.part_a(self.backend, target_a)
        statement_b = self.statement.part_b(self.backend, target_a)
        a = self.part_a(self.backend, self.transcript, statement_a, witness_a, self.nonces).prove()
        b = self.part_b(self.backend, self.transcript, statement_b, witness_b, self.nonces).prove()
        return SplitProof(target_a, a, b)


class TotalsSteps(Steps):
    """Step 7: own transcript, delta, then the split."""

    split: type[SplitSteps] = SplitSteps

    def __init__(
        self, backend: Backend, book: Book, deaf: Sequence[Label] = (), nonces: NonceSource | None = None
    ) -> None:
        super().__init__(backend, Deaf(Protocol.TOTALS, backend.order, deaf), nonces)
        self.statement, self.witness = book.statement, book.witness

    def bound_statement(self) -> TotalsStatement:
        """The statement that goes into the transcript."""
        return self.statement

    def prove(self) -> SplitProof:
        bound = self.bound_statement()
        self.transcript.absorb(Label.SNAP_DIGEST, bound.snapshot_digest)
        self.transcript.absorb_text(Label.PROOF_BOOK, bound.book)
        delta = self.transcript.challenge(Label.TOTALS_DELTA)
        weights = [pow(delta, h, self.order) for h in range(len(self.statement.totals))]
        joined = combine(zip(weights, self.statement.circuit.published.values(), strict=True), self.order)
        value = sum(w * t for w, t in zip(weights, self.statement.totals, strict=True))
        statement = SplitStatement(
            self.statement.sum_a,
            self.statement.sum_b,
            weighted(self.backend, ([value], gen(self.backend, "F"))),
            spread(joined, self.statement.circuit, self.order),
            self.statement.rounds,
        )
        return self.split(self.backend, self.transcript, statement, self.witness, self.nonces).prove()
