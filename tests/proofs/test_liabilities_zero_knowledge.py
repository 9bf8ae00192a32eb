"""Zero knowledge of the proof of liabilities, counted over Z_p where nothing is hidden by a hard problem.

For fixed challenges the prover's messages are those of the simulator, as distributions: exhaustively for the product
proof, by rank for the mask's map and for whole books (nonces to free messages is affine and a bijection; what is not
free follows from the verifier's equations). On BN254 the simulator's proof is accepted though nobody knows a row.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from counting import rank
from liability_cases import BN, Shelf, commit_shelf, shelf_circuit, shelf_statement
from malicious.book_simulator import simulate_liabilities, simulate_product
from malicious.simulator import unknown_point
from proof_cases import GivenNonces, Programmed, target
from toy_groups import Zp

from zkmargin.circuits.circuit import Circuit, Column, Deficits, Equation
from zkmargin.errors import VerificationError
from zkmargin.group.backend import Points
from zkmargin.group.reference import ReferenceBackend
from zkmargin.proofs import (
    liabilities_prover,
    liabilities_statement,
    liabilities_verifier,
    product_prover,
    product_verifier,
)
from zkmargin.proofs.booleanity_prover import Mask
from zkmargin.proofs.linear_statement import LinearProof
from zkmargin.proofs.product_prover import ProductWitness
from zkmargin.proofs.product_statement import ProductProof, ProductStatement

ZpBackend = ReferenceBackend[int]


def zp(p: int) -> ZpBackend:
    return ReferenceBackend(Zp(p))


def residues(backend: ZpBackend, points: Points) -> tuple[int, ...]:
    data = backend.compress(points)
    return tuple(int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32))


# --- the product proof, exhaustively


def product_view(backend: ZpBackend, proof: ProductProof) -> tuple[int, ...]:
    return (*residues(backend, proof.d1), *residues(backend, proof.d2), *proof.responses)


def real_products(
    backend: ZpBackend, statement: ProductStatement, witness: ProductWitness, c: int
) -> Counter[tuple[int, ...]]:
    p = backend.order
    return Counter(
        product_view(
            backend,
            product_prover.prove(backend, Programmed(p, [c]), statement, witness, GivenNonces(nonces)),
        )
        for nonces in itertools.product(range(p), repeat=3)
    )


def simulated_products(backend: ZpBackend, statement: ProductStatement, c: int) -> Counter[tuple[int, ...]]:
    return Counter(
        product_view(backend, simulate_product(backend, statement, c, list(z)))
        for z in itertools.product(range(backend.order), repeat=3)
    )


def openings(backend: ZpBackend, statement: ProductStatement) -> list[ProductWitness]:
    """Every (v, s_v, s_w) that V and W open to with w = v^2: in Z_p there is one for each v."""
    p = backend.order
    return [
        witness
        for witness in (ProductWitness(*values) for values in itertools.product(range(p), repeat=3))
        if backend.equal(product_prover.commit(backend, witness).v, statement.v)
        and backend.equal(product_prover.commit(backend, witness).w, statement.w)
    ]


@pytest.mark.parametrize("p", [5, 7, pytest.param(11, marks=pytest.mark.slow)])
def test_products_are_distributed_as_simulated_whatever_the_witness(p: int) -> None:
    backend = zp(p)
    statement = product_prover.commit(backend, ProductWitness(2, 3, 1))
    witnesses = openings(backend, statement)
    assert len({witness.value for witness in witnesses}) == len(witnesses) == p
    for c in range(1, p):
        expected = simulated_products(backend, statement, c)
        for witness in witnesses if p == 5 else witnesses[:2]:
            assert real_products(backend, statement, witness, c) == expected


# --- the mask


def masked_messages(p: int, coefficients: Sequence[int], rho: Sequence[int], omega: int) -> list[int]:
    """What the mask adds to S_g and to the rounds: its whole effect on what is sent in the clear."""
    mask = Mask(coefficients, p)
    out = [mask.total()]
    for r in rho:
        out += [omega * value % p for value in mask.round()]
        mask.bind(r)
    return out


@pytest.mark.parametrize("p", [5, 7, 11])
@pytest.mark.parametrize("variables", [1, 2, 5, 9])
def test_the_masks_map_is_a_bijection(p: int, variables: int) -> None:
    rng, size = random.Random(p), 3 * variables + 1
    for _ in range(40 // variables):
        rho, omega = [rng.randrange(p) for _ in range(variables)], rng.randrange(1, p)
        units = [[int(i == j) for i in range(size)] for j in range(size)]
        matrix = np.array([masked_messages(p, unit, rho, omega) for unit in units], dtype=np.int64).T
        assert matrix.shape == (size, size)
        assert rank(matrix, p) == size


def test_the_masks_map_counted() -> None:
    for rho, omega in itertools.product(range(5), range(1, 5)):
        images = {tuple(masked_messages(5, m, [rho], omega)) for m in itertools.product(range(5), repeat=4)}
        assert len(images) == 5**4


def test_no_coefficient_is_spare() -> None:
    """Without the cubes, or without m_0, the map is no bijection: some messages would say something."""
    size = 3 * 3 + 1
    units = np.array([[int(i == j) for i in range(size)] for j in range(size)])
    matrix = np.array([masked_messages(7, unit, [2, 3, 4], 5) for unit in units.tolist()], dtype=np.int64).T
    for spared in (0, 3, 6, 9):
        assert rank(np.delete(matrix, spared, axis=1), 7) == size - 1


# --- whole books, by rank


def small_circuit(n_bits: int) -> Circuit:
    """One column; E is three times it."""
    return Circuit(
        version=1,
        name="small",
        columns=(Column("x", n_bits),),
        equations=(Equation("N", ((0, -1), (4, 1))), Equation("E", ((1, -1), (4, 3)))),
        inputs=(),
        deficits=Deficits(0, 0, 0, 0),
        published={},
    )


def small_book(backend: ZpBackend, n_bits: int, rows: Sequence[int]) -> Shelf:
    bits = [[x >> b & 1 for b in range(n_bits)] for x in rows]
    return commit_shelf(backend, small_circuit(n_bits), [[x, 3 * x, 0, 0] for x in rows], bits)


def free_messages(
    backend: ZpBackend, book: Shelf, challenges: Sequence[int], nonces: Iterable[int], monkeypatch: pytest.MonkeyPatch
) -> np.ndarray:  # fmt: skip
    """All messages but D1, D2 and the D of each linear proof, which the equations give."""
    programmed = Programmed(backend.order, challenges)
    monkeypatch.setattr(liabilities_statement, "Transcript", lambda *_: programmed)
    proof = liabilities_prover.prove(backend, book.statement, book.witness, GivenNonces(nonces))

    def linear(part: LinearProof) -> list[int]:
        return [
            *residues(backend, part.left), *residues(backend, part.right), *part.responses, part.blinding_response,
        ]  # fmt: skip

    free = [
        *residues(backend, proof.booleanity.mask_commitment),
        proof.booleanity.mask_sum,
        *(value for values in proof.booleanity.rounds for value in values),
        *residues(backend, proof.evaluation.v),
        *residues(backend, proof.evaluation.w),
        *proof.product.responses,
        *linear(proof.mask),
        *residues(backend, proof.row.target_a),
        *linear(proof.row.a),
        *linear(proof.row.b),
    ]
    return np.array(free, dtype=np.int64)


@pytest.mark.parametrize(
    ("p", "n_bits", "rows"),
    [(5, 1, (1,)), (5, 2, (3, 0)), (7, 3, (5, 2, 7)), (11, 18, (200_000, 1)), (11, 40, (0, 9, 2**39 + 1))],
)
def test_nonces_and_messages_of_a_book_are_in_bijection(
    p: int, n_bits: int, rows: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, rng = zp(p), random.Random(p)
    book = small_book(backend, n_bits, rows)
    cube, k = book.statement.cube, book.statement.rounds
    mask = 3 * cube.variables + 2
    size = mask + 2 + 3 + mask + 1 + 5 + 2 * k + -(-n_bits >> k) + 1
    for _ in range(2):
        count = 2 * cube.variables + 1 + 1 + 2 + 1 + 2 + 2 + k
        challenges = [rng.randrange(1, p) for _ in range(count)]

        def run(nonces: Sequence[int], drawn: Sequence[int] = challenges) -> np.ndarray:
            return free_messages(backend, book, drawn, nonces, monkeypatch)

        origin = run([0] * size)
        columns = [(run([int(i == j) for i in range(size)]) - origin) % p for j in range(size)]
        matrix = np.array(columns).T
        assert matrix.shape == (size, size)
        assert rank(matrix, p) == size
        for _ in range(3):
            nonces = [rng.randrange(p) for _ in range(size)]
            assert ((matrix @ np.array(nonces) + origin - run(nonces)) % p == 0).all()


# --- without a witness, on BN254


@pytest.mark.parametrize("count", [1, 5])
def test_simulated_books_are_accepted(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(count)
    points = [unknown_point(BN, rng) for _ in range(2 * count)]
    statement = shelf_statement(BN, shelf_circuit(), BN.concat(points[:count]), BN.concat(points[count:]))
    proof, challenges = simulate_liabilities(BN, statement, rng)
    with pytest.raises(VerificationError):  # a real transcript grants no wishes
        liabilities_verifier.verify(BN, statement, proof)
    heard = Programmed(BN.order, challenges)
    monkeypatch.setattr(liabilities_statement, "Transcript", lambda *_: heard)
    liabilities_verifier.verify(BN, statement, proof)
    assert heard.challenges_left == []


def test_a_simulated_product_needs_its_challenge() -> None:
    statement = ProductStatement(target(BN, 3, 4), target(BN, 10, 5))
    proof = simulate_product(BN, statement, 7, [1, 2, 3])
    product_verifier.verify(BN, Programmed(BN.order, [7]), statement, proof)
    with pytest.raises(VerificationError):
        product_verifier.verify(BN, Programmed(BN.order, [8]), statement, proof)
