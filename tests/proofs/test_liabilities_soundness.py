"""Soundness of the product proof and of tiny books over small fields and the free module, counted or sampled.

In F_p^n nothing binds by assumption: commitments have one opening each. Cheating provers here follow the honest steps
on rows that are no bits or break an equation; the best strategies against linear proofs are counted with those.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import numpy as np
import pytest
from dense_sumcheck import DenseBooleanity
from liability_cases import commit_shelf
from malicious.second_book_prover import LiabilitiesSteps
from proof_cases import Deaf, SeededNonces, weighted
from toy_groups import FreeModule, names

from zkmargin.circuits.circuit import Circuit, Column, Deficits, Equation
from zkmargin.errors import VerificationError
from zkmargin.group.backend import COMPRESSED_BYTES
from zkmargin.group.multilinear import eq_value
from zkmargin.group.reference import ReferenceBackend
from zkmargin.proofs import (
    booleanity_verifier,
    liabilities_verifier,
    linear_verifier,
    product_verifier,
    split_verifier,
)
from zkmargin.proofs.booleanity_statement import next_claim
from zkmargin.proofs.product_statement import ProductProof, ProductStatement
from zkmargin.transcript import Protocol

Free = ReferenceBackend[tuple[int, ...]]


def no_check(*_: object) -> None:
    """In so small a field infinity is an honest message now and then."""


@pytest.fixture
def infinity_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (booleanity_verifier, "check_commitment"),
        (product_verifier, "check_points"),
        (linear_verifier, "check_points"),
        (split_verifier, "check_target"),
        (liabilities_verifier, "check_list"),
    ):
        monkeypatch.setattr(module, name, no_check)


# --- the product proof: coordinates on F and on one generator that does not belong there; H is free for every answer


def answered(p: int, c: int, v: np.ndarray, w: np.ndarray, d1: np.ndarray, d2: np.ndarray) -> np.ndarray:  # fmt: skip
    """Whether some response is accepted; the last axis holds the coordinates (F, foreign)."""
    z1 = d1[..., 0] + c * v[..., 0]
    opening = (d1[..., 1] + c * v[..., 1]) % p == 0
    square = ((z1[..., None] * v - d2 - c * w) % p == 0).all(axis=-1)
    return opening & square


def point(backend: Free, coordinates: Sequence[int], h: int):  # type: ignore[no-untyped-def]
    f, foreign = (int(value) for value in coordinates)
    return weighted(
        backend,
        ([f], backend.generators("F", 0, 1)),
        ([foreign], backend.generators("GN", 0, 1)),
        ([h], backend.generators("H", 0, 1)),
    )


@pytest.mark.usefixtures("infinity_allowed")
def test_the_conditions_are_the_verifiers() -> None:
    backend, rng = ReferenceBackend(FreeModule(5, names(H=1, F=1, GN=1))), random.Random(1)
    seen = set()
    for _ in range(300):
        parts = [[rng.randrange(5), rng.choice([0, 0, 0, 1])] for _ in range(4)]
        v, w, d1, d2 = (point(backend, part, rng.randrange(5)) for part in parts)
        c = rng.randrange(1, 5)
        verdict = bool(answered(5, c, *(np.array(part) for part in parts)))
        accepted = False
        for z in itertools.product(range(5), repeat=3):
            try:
                product_verifier.check_opening(backend, ProductStatement(v, w), ProductProof(d1, d2, z), c)
                product_verifier.check_square(backend, ProductStatement(v, w), ProductProof(d1, d2, z), c)
            except VerificationError:
                continue
            accepted = True
            break
        assert accepted == verdict
        seen.add(verdict)
    assert seen == {True, False}


@pytest.mark.parametrize("p", [5, 7, pytest.param(11, marks=pytest.mark.slow)])
def test_a_false_product_is_answered_for_one_challenge_at_most(p: int) -> None:
    """Every statement and every first message; scaling the foreign axis is a symmetry, so v has 0 or 1 of it."""
    vectors = np.array(list(itertools.product(range(p), repeat=2)))
    w, d1, d2 = vectors[:, None, None], vectors[None, :, None], vectors[None, None, :]
    for v in vectors[vectors[:, 1] <= 1]:
        counts = sum(answered(p, c, v, w, d1, d2).astype(int) for c in range(1, p))
        best = np.asarray(counts).max(axis=(1, 2))
        true = (vectors[:, 0] == v[0] * v[0] % p) & (vectors[:, 1] == 0) & (v[1] == 0)
        assert (best[true] == p - 1).all()
        assert (best[~true] <= 1).all()


# --- the sumcheck


def final_claim_holds(p: int, rows: list[list[int]], rng: random.Random) -> bool:
    """One run of the honest rounds over rows that are no bits; the mask changes nothing here and is left out."""
    variables = 4 + (len(rows) - 1).bit_length()
    tau = [rng.randrange(1, p) for _ in range(variables)]
    sums, claim, rho = DenseBooleanity(rows, tau, p), 0, []
    for _ in range(variables):
        values, r = sums.round(), rng.randrange(1, p)
        sums.bind(r)
        rho.append(r)
        claim = next_claim(claim, values, r, p)
    b = sums.value()
    return claim == eq_value(tau, rho, p) * (b * b - b) % p


@pytest.mark.parametrize("digit", [2, -1, 51])
def test_rows_that_are_no_bits_seldom_meet_the_final_claim(digit: int) -> None:
    p, runs, rng = 101, 600, random.Random(digit)
    rows = [[1, 0, digit % p, 1], [0, 1, 1, 0]]
    lucky = sum(final_claim_holds(p, rows, rng) for _ in range(runs))
    assert lucky <= runs * (3 * 5 + 5) / (p - 1)
    assert all(final_claim_holds(p, [[1, 0, 0, 1], [0, 1, 1, 0]], rng) for _ in range(20))


# --- tiny books over the free module


def tiny(rules: int = 2) -> Circuit:
    """Two columns of one bit; N = x + 2 y, E = x."""
    equations = (Equation("N", ((0, -1), (4, 1), (5, 2))), Equation("E", ((1, -1), (4, 1))))
    return Circuit(
        version=1,
        name="tiny",
        columns=(Column("x", 1), Column("y", 1)),
        equations=equations[:rules],
        inputs=(),
        deficits=Deficits(0, 0, 0, 0),
        published={},
    )


class WideFreeModule(FreeModule):
    """F_p^n for primes below 256: eight bits a coordinate, at most 32 of them."""

    def __init__(self, p: int, generator_names: Sequence[tuple[str, int]]) -> None:
        super().__init__(13, generator_names)
        if self.size > COMPRESSED_BYTES or p >= 256:
            raise ValueError("an element must fit into 32 bytes")
        self.order = p

    def compress(self, point: tuple[int, ...]) -> bytes:
        return bytes(point).ljust(COMPRESSED_BYTES, b"\0")

    def decompress(self, data: bytes) -> tuple[int, ...]:
        return tuple(data[: self.size])


P = 251
BACKEND = ReferenceBackend(WideFreeModule(P, names(H=1, F=1, GN=1, GE=1, GR=1, GI=1, GB=2, GM=16)))
RUNS = 150
VARIABLES = 5


def accepted(outputs: list[list[int]], bits: list[list[int]], seed: int) -> bool:
    """One run over a book of two rows; every seed means other blindings, so another tau."""
    book = commit_shelf(BACKEND, tiny(), outputs, bits, seed=seed)
    proof = LiabilitiesSteps(BACKEND, book, Deaf(Protocol.BOOK, P), SeededNonces(P, seed)).prove()
    try:
        liabilities_verifier.verify(BACKEND, book.statement, proof)
    except VerificationError:
        return False
    return True


@pytest.mark.usefixtures("infinity_allowed")
def test_honest_tiny_books_are_always_accepted() -> None:
    for row in itertools.product((0, 1), repeat=4):
        bits = [list(row[:2]), list(row[2:])]
        assert accepted([[x + 2 * y, x, 0, 0] for x, y in bits], bits, sum(row))


@pytest.mark.usefixtures("infinity_allowed")
@pytest.mark.parametrize("outputs", [[4, 1, 0, 0], [3, 0, 0, 0], [2, 2, 0, 0]])
def test_a_violated_equation_passes_as_seldom_as_bounded(outputs: list[int]) -> None:
    lucky = sum(accepted([[0, 0, 0, 0], outputs], [[0, 0], [1, 1]], seed) for seed in range(RUNS))
    # two values of gamma, one of eq(rho_i, 1), xi and c of two linear proofs
    assert lucky <= RUNS * (2 + 1 + 4) / (P - 1)


@pytest.mark.usefixtures("infinity_allowed")
@pytest.mark.parametrize("digit", [2, P - 1, 7, (P + 1) // 2])
def test_a_bit_that_is_none_passes_as_seldom_as_bounded(digit: int) -> None:
    rows, bits = [[digit, digit, 0, 0], [0, 0, 0, 0]], [[digit, 0], [0, 0]]
    lucky = sum(accepted(rows, bits, seed) for seed in range(RUNS))
    assert lucky <= RUNS * (3 * VARIABLES + VARIABLES + 1 + 2 + 1) / (P - 1)
