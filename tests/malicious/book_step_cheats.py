"""Steps of the protocol that are bent to hide a row that owes -31, or errors that cancel."""

from __future__ import annotations

from dataclasses import replace

from liability_cases import (
    EQUATIONS,
    honest_rows,
)
from malicious.book_cheats import (
    HALF,
    Attempt,
    Cheat,
    Weakness,
    book_of,
    house,
    run,
    step_cheat,
    without,
)
from malicious.second_book_prover import LiabilitiesSteps, Values, foretell
from proof_cases import gen, target, weighted

from zkmargin.group.backend import Backend
from zkmargin.proofs.booleanity_statement import next_claim
from zkmargin.proofs.product_statement import ProductProof
from zkmargin.transcript import Label


class LateSum(LiabilitiesSteps):
    """S_g makes up for the excess of b^2 - b, from an omega that was seen before."""

    def sent_sum(self, honest: int) -> int:
        omega = foretell(self.transcript, Label.MASK_OMEGA)
        return (honest + self.sums.excess() * pow(omega, -1, self.order)) % self.order


class LateMask(LiabilitiesSteps):
    """The mask's constant term is chosen when only the final claim is left to be met."""

    def late_mask(self) -> None:
        wrong = (self.w - self.v - self.kappa()) * self.claim.eq
        self.m[0] = (self.m[0] - wrong * pow(self.omega, -1, self.order)) % self.order
        self.mask_point = self.commit_mask()


class BentRound(LiabilitiesSteps):
    """The last polynomial goes through the true value at a rho that was seen before."""

    def sent_round(self, j: int, honest: Values) -> Values:
        if j < self.cube.variables - 1:
            return honest
        rho, order = foretell(self.transcript, Label.ROUND_RHO), self.order
        truth = next_claim(honest_claim(self, honest), honest, rho, order)
        at_0, at_2, _ = honest
        miss = (truth - next_claim(self.running, (at_0, at_2, 0), rho, order)) % order
        slope = next_claim(0, (0, 0, 1), rho, order)
        return at_0, at_2, miss * pow(slope, -1, order) % order


def honest_claim(prover: LiabilitiesSteps, honest: Values) -> int:
    """The sum of the last round's true polynomial at 0 and 1, which the running claim is not."""
    high, eq = prover.sums.table[1], prover.sums.eq[1]
    at_1 = eq * (high * high - high) + prover.omega * prover.mask_at([*prover.rho, 1])
    return (honest[0] + at_1) % prover.order


class FittedW(LiabilitiesSteps):
    """W commits to what the final claim wants, not to v^2."""

    def values(self) -> tuple[int, int]:
        v = self.sums.value()
        return v, (v + self.kappa()) % self.order


class OtherRoot(LiabilitiesSteps):
    """V commits to a root of v^2 - v = what the final claim wants, not to b(rho)."""

    def values(self) -> tuple[int, int]:
        root = square_root((1 + 4 * self.kappa()) % self.order, self.order)
        if root is None:
            raise NoRootError
        v = (1 + root) * pow(2, -1, self.order) % self.order
        return v, v * v % self.order


class NoRootError(Exception):
    """Try another seed."""


class LateD1(FittedW):
    """D1 is chosen after c, so that a v with W != v^2 passes."""

    def product(self) -> ProductProof:
        d2, d3, z2 = self.draw(3)
        self.send(Label.PROD_D1, gen(self.backend, "F"))
        sent = self.send(Label.PROD_D2, target(self.backend, d2, d3))
        c = self.transcript.challenge(Label.PROD_C)
        z1 = (d2 + c * self.w) * pow(self.v, -1, self.order)
        z3 = d3 + c * self.blinding_w - z1 * self.blinding_v
        d1 = self.backend.add(target(self.backend, z1, z2), weighted(self.backend, ([-c], self.evaluation.v)))
        return self.finish_product(d1, sent, (z1, z2, z3))


class LateD2(FittedW):
    """D2 is chosen after c."""

    def product(self) -> ProductProof:
        a1, a2, z3 = self.draw(3)
        d1 = self.send(Label.PROD_D1, target(self.backend, a1, a2))
        self.send(Label.PROD_D2, gen(self.backend, "F"))
        c = self.transcript.challenge(Label.PROD_C)
        z1, z2 = (a1 + c * self.v) % self.order, a2 + c * self.blinding_v
        d2 = weighted(
            self.backend,
            ([z1], self.evaluation.v),
            ([z3], gen(self.backend, "H")),
            ([-c], self.evaluation.w),
        )
        return self.finish_product(d1, d2, (z1, z2, z3))


def square_root(n: int, p: int) -> int | None:
    """Cipolla's method."""
    if pow(n, (p - 1) // 2, p) != 1:
        return None
    a = next(a for a in range(p) if pow((a * a - n) % p, (p - 1) // 2, p) == p - 1)
    w = (a * a - n) % p
    result, base, exponent = (1, 0), (a, 1), (p + 1) // 2
    while exponent:
        if exponent & 1:
            result = product2(result, base, w, p)
        base, exponent = product2(base, base, w, p), exponent >> 1
    return result[0]


def product2(x: tuple[int, int], y: tuple[int, int], w: int, p: int) -> tuple[int, int]:
    return (x[0] * y[0] + x[1] * y[1] * w) % p, (x[0] * y[1] + x[1] * y[0]) % p


def other_root(backend: Backend, weak: Weakness) -> Attempt:
    book = house(backend, weak)
    for seed in range(1, 40):
        try:
            return book.statement, run(backend, book, weak, OtherRoot, seed)
        except NoRootError:
            continue
    raise AssertionError("no root in forty runs")


def cancelling_bits(backend: Backend, weak: Weakness) -> Attempt:
    """b^2 - b is 2 at one place and -1/4 at eight: without weights that is nothing."""
    digits: dict[tuple[int, str, int], int] = {(0, "shortfall", bit): HALF for bit in range(8)}
    book = book_of(
        honest_rows(),
        backend,
        replace(weak, equations=tuple(EQUATIONS)),
        replaced={**digits, (0, "owed", 0): 2},
    )
    return book.statement, run(backend, book, weak)


def cancelling_accounts(backend: Backend, weak: Weakness) -> Attempt:
    """E is 100 too high in one account and 100 too low in another."""
    rows = honest_rows()
    for row, by in ((1, 100), (2, -100)):
        rows[row]["E"] += by
    rows = [dict(row) for row in rows]
    for row in (1, 2):
        gap = rows[row]["E"] - rows[row]["R"]
        rows[row] |= {"surplus": max(gap, 0), "shortfall": max(-gap, 0)}
    book = book_of(rows, backend, weak)
    return book.statement, run(backend, book, weak)


def cancelling_equations(backend: Backend, weak: Weakness) -> Attempt:
    """`up` is 5 too high and `down` 5 too low in one row: with equal weights nothing is wrong."""
    row = honest_rows()
    row[0] |= {"down_slack": row[0]["down_slack"] + 5, "up_slack": row[0]["up_slack"] - 5}
    book = book_of(row, backend, weak)
    return book.statement, run(backend, book, weak)


STEP_CHEATS = [
    step_cheat("S_g after omega", "mask/equation", LateSum, Weakness(deaf=(Label.MASK_SUM,))),
    step_cheat(
        "the mask chosen after the rounds", "product/V", LateMask, Weakness(deaf=(Label.MASK_COMMIT,))
    ),
    step_cheat(
        "a polynomial bent through the truth at a known rho",
        "mask/equation",
        BentRound,
        Weakness(deaf=(Label.ROUND_POLY,)),
    ),
    step_cheat("W fitted to the final claim", "product/W", FittedW, without("product/W")),
    Cheat("V another root of the final claim", "row/B/equation", other_root, without("row/B/equation")),
    step_cheat("W fitted, D1 after c", "product/V", LateD1, Weakness(deaf=(Label.PROD_D1,))),
    step_cheat("W fitted, D2 after c", "product/V", LateD2, Weakness(deaf=(Label.PROD_D2,))),
    Cheat(
        "non-bits that cancel where no tau weighs them",
        "mask/equation",
        cancelling_bits,
        Weakness(fixed={Label.BOOL_TAU: HALF}, equations=tuple(EQUATIONS)),
    ),
    Cheat(
        "two accounts that cancel where no rho weighs them",
        "row/B/equation",
        cancelling_accounts,
        Weakness(fixed={Label.ROUND_RHO: HALF}),
    ),
    Cheat(
        "two equations that cancel where no gamma weighs them",
        "row/B/equation",
        cancelling_equations,
        Weakness(fixed={Label.ROW_GAMMA: 1}),
    ),
]
