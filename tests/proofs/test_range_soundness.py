"""Soundness of range proofs, counted over the free module F_p^n: no assumption, every prover.

One bit (n = m = 1, no fold): V = v F + g BG + h BH is false unless v is 0 or 1 and g = h = 0. The best prover reaches

    max A, S: mean z: max T1, T2: mean x: max t: mean w: some a, b are accepted

Components on H never matter (tau_x, mu absorb them). A small kernel says in numbers what is accepted, and is held
against the verifier's own equations on random transcripts.
"""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import numpy as np
import pytest
from counting import point_of, vectors
from toy_groups import FreeModule, names

from zkmargin.group.reference import ReferenceBackend
from zkmargin.proofs import range_verifier
from zkmargin.proofs.equations import residual
from zkmargin.proofs.range_statement import RangeProof, RangeStatement
from zkmargin.proofs.range_verifier import RangeChallenges


def module(p: int) -> ReferenceBackend[tuple[int, ...]]:
    return ReferenceBackend(FreeModule(p, names(H=1, F=1, BG=1, BH=1)))


def accepts(p: int, v, a, s, t1, t2, z: int, x: int, w: int) -> bool:  # type: ignore[no-untyped-def]
    """Whether some t, tau_x, mu and last scalars are accepted; points as components on (F, BG, BH)."""
    poly = [(z * z * v[k] + x * t1[k] + x * x * t2[k]) % p for k in range(3)]
    t = (z - z * z - z**3 + poly[0]) % p
    last_a, last_b = (a[1] + x * s[1] - z) % p, (a[2] + x * s[2] + z + z * z) % p
    return not (poly[1] or poly[2]) and (w * (last_a * last_b - t) - a[0] - x * s[0]) % p == 0


@pytest.mark.parametrize("p", [5, 7])
def test_the_kernel_is_the_verifiers(p: int) -> None:
    backend, rng = module(p), random.Random(p)
    verdicts = []
    for _ in range(60):
        parts = [[rng.randrange(p) for _ in range(3)] for _ in range(5)]
        if rng.random() < 0.7:  # or nothing would ever hold
            for part in (parts[0], parts[3], parts[4]):
                part[1:] = [0, 0]
        v, a, s, t1, t2 = (point_of(backend, [0, *part]) for part in parts)
        y, z, x, w = (rng.randrange(1, p) for _ in range(4))
        none = backend.identity(0)
        found = any(
            accepted_by_code(backend, v, RangeProof(a, s, t1, t2, t, 0, 0, none, none, last), (y, z, x, w))
            for t in range(p)
            for last in itertools.product(range(p), repeat=2)
        )
        assert found == accepts(p, *parts, z, x, w)
        verdicts.append(found)
    assert any(verdicts) and not all(verdicts)


def accepted_by_code(backend, v, proof: RangeProof, challenges) -> bool:  # type: ignore[no-untyped-def]
    drawn = RangeChallenges(*challenges, ())
    equations = range_verifier.equations(backend, RangeStatement(v, 1), proof, drawn)
    return all(all(backend.is_identity(residual(backend, equation))) for equation in equations)


def best(p: int, v: int, a: np.ndarray, s: np.ndarray) -> Fraction:
    """The best score over all given A, S (rows: components on F, BG, BH), V = v F, exhaustive over T1, T2, z, x, w."""
    lines = vectors(p, 2)  # T1, T2 on F
    xs = np.arange(1, p)
    u = (lines[:, :1] * xs + lines[:, 1:] * xs * xs) % p
    totals = np.zeros(len(a), dtype=np.int64)
    for z in range(1, p):
        last_a = (a[:, 1:2] + s[:, 1:2] * xs - z) % p
        last_b = (a[:, 2:3] + s[:, 2:3] * xs + z + z * z) % p
        wanted = (last_a * last_b - (z - z * z - z**3 + z * z * v)) % p
        on_f = (a[:, :1] + s[:, :1] * xs) % p
        scores = np.zeros((len(a), len(lines)), dtype=np.int64)
        for i in range(p - 1):
            equal = u[None, :, i] == wanted[:, i, None]
            # On F: w (a b - t) = A_F + x S_F holds for all w, for none, or for one.
            scores += np.where(on_f[:, i, None] == 0, (p - 1) * equal, ~equal)
        totals += scores.max(axis=1)
    return Fraction(int(totals.max()), (p - 1) ** 3)


def expected(p: int) -> Fraction:
    """Two z and, for every other z, two x help the best prover."""
    return 1 - (1 - Fraction(2, p - 1)) ** 2


@pytest.mark.parametrize("v", [2, 3, 4])
def test_one_bit_over_every_prover(v: int) -> None:
    p = 5
    both = vectors(p, 6)
    assert best(p, v, both[:, :3], both[:, 3:]) == expected(p)


@pytest.mark.parametrize("v", [0, 1])
def test_the_honest_prover_always_wins(v: int) -> None:
    both = vectors(5, 6)
    assert best(5, v, both[:, :3], both[:, 3:]) == 1


@pytest.mark.parametrize("p", [7, 11, pytest.param(13, marks=pytest.mark.slow)])
def test_one_bit_in_larger_fields(p: int) -> None:
    """A without a component on F, S = 0 for exhaustion; and random A, S of every kind."""
    plain = vectors(p, 2)
    a = np.concatenate([np.zeros((len(plain), 1), dtype=np.int64), plain], axis=1)
    rng = np.random.default_rng(p)
    some, other = rng.integers(0, p, (4000, 3)), rng.integers(0, p, (4000, 3))
    for v in range(2, p):
        assert best(p, v, a, np.zeros_like(a)) == expected(p)
    assert best(p, p - 1, some, other) <= expected(p)


@pytest.mark.parametrize("p", [5, 7, 11])
def test_a_foreign_component_is_seen_by_all_but_two_x(p: int) -> None:
    """z^2 g + x T1 + x^2 T2 = 0 on BG or BH, for g that is not 0."""
    for g, z in itertools.product(range(1, p), repeat=2):
        most = max(
            sum((z * z * g + x * t1 + x * x * t2) % p == 0 for x in range(1, p))
            for t1, t2 in itertools.product(range(p), repeat=2)
        )
        assert most == 2
