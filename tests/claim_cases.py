"""What the tests of ranges and claims share: openings under the test's control, with and without an attestation."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from proof_cases import SeededNonces

from zkmargin.group import default_backend
from zkmargin.group.backend import Backend
from zkmargin.proofs import range_prover
from zkmargin.proofs.claim_prover import LeafOpening
from zkmargin.proofs.claim_statement import ClaimStatement, Form, Leaf
from zkmargin.proofs.range_prover import RangeWitness
from zkmargin.proofs.range_statement import RangeStatement


def often(many: int, few: int) -> int:
    """How often to repeat: on Python integers a verification takes twenty times as long."""
    return many if default_backend().name.startswith("native") else few


@dataclass(frozen=True)
class RangeCase:
    statement: RangeStatement
    witness: RangeWitness


def range_case(backend: Backend, values: Sequence[int], bits: int, seed: int = 1) -> RangeCase:
    """Commitments to these values, in the range or not."""
    rng = random.Random(f"{seed}/{bits}/{values}")
    witness = RangeWitness(list(values), [rng.randrange(backend.order) for _ in values])
    return RangeCase(RangeStatement(range_prover.commit(backend, witness), bits), witness)


@dataclass(frozen=True)
class ClaimCase:
    statement: ClaimStatement
    openings: list[LeafOpening]

    def nonces(self, order: int, seed: int = 1) -> SeededNonces:
        return SeededNonces(order, seed)


def form(
    leaf: int = 0, net: int = 0, equity: int = 0, requirement: int = 0, initial: int = 0, least: int = 0
) -> Form:
    return Form(leaf, net, equity, requirement, initial, least)


def claim_case(
    backend: Backend,
    outputs: Sequence[Sequence[int]],
    forms: Sequence[Form],
    bits: int = 64,
    context: str = "lender",
    seed: int = 1,
) -> ClaimCase:
    """Leaves that hold these N, E, R, I, in no tree."""
    rng = random.Random(f"{seed}/{outputs}")
    openings = [LeafOpening(list(row), rng.randrange(1, backend.order)) for row in outputs]
    leaves = tuple(_leaf(backend, number, opening, rng) for number, opening in enumerate(openings))
    return ClaimCase(ClaimStatement(bytes(32), leaves, tuple(sorted(forms)), context, bits), openings)


def _leaf(backend: Backend, number: int, opening: LeafOpening, rng: random.Random) -> Leaf:
    families = zip(("GN", "GE", "GR", "GI"), opening.outputs, strict=True)
    weights = {family: [value % backend.order] for family, value in families}
    a = backend.combine_generators(weights | {"H": [opening.blinding]})
    b = backend.combine_generators({"GB": [0, 1], "H": [rng.randrange(1, backend.order)]})
    return Leaf("book", number, rng.randbytes(32), a, b)
