"""A second prover of ranges, after the paper: generators are folded, every step is a method that a cheat overrides.

Left as it is, it sends the same bytes as the real prover; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence

from malicious.second_prover import Steps
from proof_cases import gen, target, weighted

from zkmargin.group.backend import Backend, Points
from zkmargin.proofs.linear_prover import NonceSource
from zkmargin.proofs.range_prover import RangeWitness
from zkmargin.proofs.range_statement import RangeProof, RangeStatement
from zkmargin.transcript import Label, Transcript


class RangeSteps(Steps):
    """State: digits and masks, y, z, x, w, l, r; `proof` collects what was sent."""

    def __init__(
        self,
        backend: Backend,
        transcript: Transcript,
        statement: RangeStatement,
        witness: RangeWitness,
        nonces: NonceSource | None = None,
    ) -> None:
        super().__init__(backend, transcript, nonces)
        self.statement, self.witness = statement, witness
        self.size, self.bits = statement.size, statement.bits
        self.left: list[Points] = []
        self.right: list[Points] = []

    # --- what a cheat may change

    def digits(self) -> list[int]:
        """a_L."""
        padded = [*self.witness.values, *[0] * (self.statement.padded_count - self.statement.count)]
        return [value >> i & 1 for value in padded for i in range(self.bits)]

    def complements(self) -> list[int]:
        """a_R."""
        return [digit - 1 for digit in self.a_left]

    def point_a(self, honest: Points) -> Points:
        return honest

    def point_s(self, honest: Points) -> Points:
        return honest

    def after_z(self) -> None:
        """y and z are known."""

    def point_t1(self, honest: Points) -> Points:
        return honest

    def point_t2(self, honest: Points) -> Points:
        return honest

    def opened(self, value: int, blinding: int, mu: int) -> tuple[int, int, int]:
        """t, tau_x, mu as they are sent."""
        return value, blinding, mu

    def late_round(self, e: int) -> None:
        """After the challenge of a round; `left` and `right` end with what was absorbed."""

    def last(self, l: int, r: int) -> tuple[int, int]:
        return l, r

    def finished(self, proof: RangeProof) -> RangeProof:
        """All is sent."""
        return proof

    # --- the steps

    def prove(self) -> RangeProof:
        self.transcript.absorb_integers(Label.RANGE_DIMS, [self.bits, self.statement.count])
        self.send(Label.RANGE_V, self.statement.commitments)
        self.commit_vectors()
        self.after_z()
        self.commit_polynomial()
        self.x = self.transcript.challenge(Label.RANGE_X)
        self.open()
        self.w = self.transcript.challenge(Label.RANGE_W)
        last = self.fold()
        none = self.backend.identity(0)
        left, right = self.backend.concat([none, *self.left]), self.backend.concat([none, *self.right])
        proof = RangeProof(self.a, self.s, self.t1, self.t2, *self.openings, left, right, last)
        return self.finished(proof)

    def commit_vectors(self) -> None:
        self.alpha, self.rho, *masks = self.draw(2 + 2 * self.size)
        self.s_left, self.s_right = masks[: self.size], masks[self.size :]
        self.a_left = self.digits()
        self.a_right = self.complements()
        self.a = self.send(Label.RANGE_A, self.point_a(self.vector(self.a_left, self.a_right, self.alpha)))
        self.s = self.send(Label.RANGE_S, self.point_s(self.vector(self.s_left, self.s_right, self.rho)))
        self.y = self.transcript.challenge(Label.RANGE_Y)
        self.z = self.transcript.challenge(Label.RANGE_Z)

    def vector(self, left: Sequence[int], right: Sequence[int], blinding: int) -> Points:
        """<left, BG> + <right, BH> + blinding H."""
        points = [gen(self.backend, family, self.size) for family in ("BG", "BH")]
        terms = [(left, points[0]), (right, points[1]), ([blinding], gen(self.backend, "H"))]
        return weighted(self.backend, *terms)

    def z_weight(self, place: int) -> int:
        return pow(self.z, 2 + place // self.bits, self.order) << place % self.bits

    def polynomials(self) -> tuple[list[int], list[int], list[int], list[int]]:
        """l_0, l_1, r_0, r_1."""
        y = [pow(self.y, i, self.order) for i in range(self.size)]
        r_constant = [
            (y[i] * (a + self.z) + self.z_weight(i)) % self.order for i, a in enumerate(self.a_right)
        ]
        r_linear = [y[i] * s % self.order for i, s in enumerate(self.s_right)]
        return [(a - self.z) % self.order for a in self.a_left], self.s_left, r_constant, r_linear

    def commit_polynomial(self) -> None:
        l0, l1, r0, r1 = self.polynomials()
        inner = self.backend.inner
        self.t_coefficients = (inner(l0, r1) + inner(l1, r0)) % self.order, inner(l1, r1)
        self.taus = self.draw(2)
        t1, t2 = (target(self.backend, *pair) for pair in zip(self.t_coefficients, self.taus, strict=True))
        self.t1 = self.send(Label.RANGE_T1, self.point_t1(t1))
        self.t2 = self.send(Label.RANGE_T2, self.point_t2(t2))

    def open(self) -> None:
        l0, l1, r0, r1 = self.polynomials()
        self.l = self.backend.combine(l0, self.x, l1)
        self.r = self.backend.combine(r0, self.x, r1)
        late = sum(pow(self.z, 2 + j, self.order) * g for j, g in enumerate(self.witness.blindings))
        blinding = (self.taus[1] * self.x**2 + self.taus[0] * self.x + late) % self.order
        mu = (self.alpha + self.rho * self.x) % self.order
        self.openings = self.opened(self.backend.inner(self.l, self.r), blinding, mu)
        self.transcript.absorb_scalars(Label.RANGE_T, self.openings)

    def fitted_value(self) -> int:
        """The t that the commitments ask for, whatever the vectors are: z^2 v + delta + t_1 x + t_2 x^2."""
        z, order, m = self.z, self.order, self.statement.padded_count
        of_values = sum(pow(z, 2 + j, order) * v for j, v in enumerate(self.witness.values))
        of_z = sum(pow(z, 3 + j, order) for j in range(m)) * ((1 << self.bits) - 1)
        delta = (z - z * z) * sum(pow(self.y, i, order) for i in range(self.size)) - of_z
        t1, t2 = self.t_coefficients
        return (of_values + delta + t1 * self.x + t2 * self.x**2) % order

    def fold(self) -> tuple[int, int]:
        backend, order = self.backend, self.order
        inverse_y = pow(self.y, -1, order)
        g = gen(backend, "BG", self.size)
        h = backend.scale(gen(backend, "BH", self.size), backend.powers(inverse_y, self.size))
        l, r = self.l, self.r
        while len(l) > 1:
            n = len(l) // 2
            self.left.append(self.send(Label.RANGE_L, self.cross(l[:n], g[n:], r[n:], h[:n])))
            self.right.append(self.send(Label.RANGE_R, self.cross(l[n:], g[:n], r[:n], h[n:])))
            e = self.transcript.challenge(Label.RANGE_E)
            inverse = pow(e, -1, order)
            self.late_round(e)
            l, r = backend.combine(l[:n], e, l[n:]), backend.combine(r[:n], inverse, r[n:])
            g = backend.add(g[:n], backend.scale(g[n:], [inverse] * n))
            h = backend.add(h[:n], backend.scale(h[n:], [e] * n))
        last = self.last(l[0], r[0])
        self.transcript.absorb_scalars(Label.RANGE_AB, last)
        return last

    def cross(self, l: Sequence[int], g: Points, r: Sequence[int], h: Points) -> Points:
        """<l, g> + <r, h> + <l, r> U."""
        value = self.w * self.backend.inner(l, r)
        return weighted(self.backend, (l, g), (r, h), ([value], gen(self.backend, "F")))
