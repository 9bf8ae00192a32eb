"""Soundness of LP_k and of the totals' split, counted over the free module F_p^n: no assumption, every prover.

value(statement) = mean over xi of max over (L, R) of mean over e of max over D of the fraction of c for which some
response is accepted: what the best prover reaches who sees each challenge after its messages. Bounds: at most m values
of xi make a false statement true, at most 3 values of e a round, 1 value of c. (docs/protocol.md allows 4 a round.)

H components of messages never matter (z' absorbs them; asserted), so they are 0 here.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from counting import Equation, coordinates, index, point_of, rank, vectors
from proof_cases import Programmed, column, gen, tiny_circuit
from toy_groups import FreeModule, names

from zkmargin.group.reference import ReferenceBackend
from zkmargin.proofs import totals_statement
from zkmargin.proofs.linear_statement import LinearProof, LinearStatement
from zkmargin.proofs.linear_verifier import replay, residual
from zkmargin.proofs.totals_statement import TotalsStatement, open_totals


def module(p: int, **counts: int) -> ReferenceBackend[tuple[int, ...]]:
    return ReferenceBackend(FreeModule(p, names(H=1, F=1, **counts)))


def statement(
    backend: ReferenceBackend[tuple[int, ...]], us: Sequence[Sequence[int]], rounds: int
) -> LinearStatement:
    points = gen(backend, "GB", len(us[0]))
    return LinearStatement(backend.identity(1), backend.identity(len(us)), us, points, rounds)


def bound(p: int, m: int, k: int, challenges: int) -> Fraction:
    """1 - P(no challenge of the run helps the cheat)."""
    safe = (1 - Fraction(m, challenges)) * (1 - Fraction(3, p - 1)) ** k * (1 - Fraction(1, challenges))
    return 1 - safe


def test_conditions_decide_what_some_response_answers() -> None:
    """The kernel's verdict against the verifier's own residual, tried with every response."""
    backend, rng = module(5, GB=3), random.Random(1)
    for challenges in ((1, 2, 3), (4, 3, 1), (2, 4, 4)):
        one = statement(backend, [(1, 0, 3)], 1)
        eq = Equation(backend, one, challenges)
        for _ in range(30):
            parts = {name: [0, *(rng.randrange(5) for _ in range(4))] for name in eq.messages}
            verdict = sum(eq.messages[name] @ np.array(parts[name]) for name in parts) % 5
            tried = replace(
                one,
                commitment=point_of(backend, parts["commitment"]),
                targets=point_of(backend, parts["target0"]),
            )
            proof = LinearProof(
                *(point_of(backend, parts[name]) for name in ("left0", "right0", "mask")), (), 0
            )
            heard = replay(backend, Programmed(5, challenges), tried, proof)
            answered = any(
                all(backend.is_identity(residual(backend, tried, replace(proof, responses=z), heard)))
                for z in itertools.product(range(5), repeat=2)
            )
            assert answered == (not verdict.any())


# --- k = 0: exhaustive over forms, statements, D, all challenges, all responses


@pytest.mark.parametrize("zero_redrawn", [True, False])
@pytest.mark.parametrize(
    ("p", "n", "m"),
    [(5, 1, 1), (5, 1, 2), (7, 1, 1), (5, 2, 1), pytest.param(11, 1, 1, marks=pytest.mark.slow),
     pytest.param(7, 1, 2, marks=pytest.mark.slow)],
)  # fmt: skip
def test_soundness_without_folding(p: int, n: int, m: int, zero_redrawn: bool) -> None:
    backend = module(p, GB=n)
    drawn = range(1 if zero_redrawn else 0, p)
    cs, masks = vectors(p, n + 1), vectors(p, n + 1)  # coordinates F, G_1 .. G_n
    ts = vectors(p, m)
    worst = Fraction(0)
    for flat in vectors(p, n * m):
        us = [tuple(int(v) for v in flat[j * n : (j + 1) * n]) for j in range(m)]
        values = np.zeros((len(cs), len(ts)), dtype=np.int64)
        for xi in drawn:
            hits = np.zeros((len(cs), len(ts), len(masks)), dtype=np.int8)
            for c in drawn:
                eq = Equation(backend, statement(backend, us, 0), (xi, c))
                assert eq.rank == 1
                assert not any(q[:, 0].any() for q in eq.messages.values())  # H is free
                of_c = cs @ eq.messages["commitment"][0, 1:]
                of_t = sum(ts[:, j] * eq.messages[f"target{j}"][0, 1] for j in range(m))
                of_d = masks @ eq.messages["mask"][0, 1:]
                left = (of_c[:, None] + of_t[None, :]) % p
                hits += left[:, :, None] == -of_d % p
            values += hits.max(axis=2)
        true = cs[:, 0][:, None] == 0
        for j, u in enumerate(us):
            true = true & ((cs[:, 1:] @ np.array(u) % p)[:, None] == ts[:, j][None, :])
        assert (values[true] == len(drawn) ** 2).all()  # complete: a true statement always has its answer
        worst = max(worst, Fraction(int(values[~true].max()), len(drawn) ** 2))
    assert worst == bound(p, m, 0, len(drawn))  # and some false statement reaches the bound
    assert worst <= Fraction(m + 1, len(drawn))


# --- k = 1, n = 2: exhaustive over (L, R) and D


class Game:
    """After xi: the best prover's score for every state P = C + xi Y, over all L, R, e, D, c."""

    def __init__(self, p: int, u: tuple[int, int], xi: int, states: np.ndarray) -> None:
        backend = module(p, GB=2)
        one = statement(backend, [u], 1)
        sides = vectors(p, 6)  # L and R: coordinates F, G_1, G_2 each
        self.total = (p - 1) ** 2
        score = np.zeros((len(states), len(sides)), dtype=np.int16)
        for e in range(1, p):
            eq = Equation(backend, one, (xi, e, 1))
            q = eq.messages
            assert eq.rank == 2
            assert not any(matrix[:, 0].any() for matrix in q.values())
            # The target enters as xi times the commitment: only C + xi Y counts.
            assert (q["target0"] == xi * q["commitment"] % p).all()
            of_state = index(states @ q["commitment"][:, 1:].T, p)
            of_sides = index(sides[:, :3] @ q["left0"][:, 1:].T + sides[:, 3:] @ q["right0"][:, 1:].T, p)
            score += self._best(backend, one, p, xi, e)[of_state][:, of_sides]
        self.best = score.max(axis=1)

    @staticmethod
    def _best(backend, one: LinearStatement, p: int, xi: int, e: int) -> np.ndarray:  # type: ignore[no-untyped-def]
        """For each sum of two condition vectors v + w: max over D of the number of c that are accepted."""
        masks, conditions = vectors(p, 3), vectors(p, 2)[:, ::-1]  # row i has index i
        hits = np.zeros((p * p, len(masks)), dtype=np.int16)
        base = Equation(backend, one, (xi, e, 1))
        for c in range(1, p):
            eq = Equation(backend, one, (xi, e, c))
            assert (eq.messages["commitment"] == c * base.messages["commitment"] % p).all()
            of_mask = index(-(masks @ eq.messages["mask"][:, 1:].T), p)
            hits += index(c * conditions, p)[:, None] == of_mask[None, :]
        by_condition = hits.max(axis=1)
        sums = index((conditions[:, None, :] + conditions[None, :, :]).reshape(-1, 2), p).reshape(
            p * p, p * p
        )
        return by_condition[sums]


def _count_one_fold(p: int, u: tuple[int, int], xi: int, states: np.ndarray) -> tuple[Fraction, int]:
    game = Game(p, u, xi, states)
    true = (states[:, 0] - xi * (states[:, 1:] @ np.array(u))) % p == 0
    assert (game.best[true] == game.total).all()
    return Fraction(int(game.best[~true].max()), game.total), int(true.sum())


def _one_fold(p: int) -> Fraction:
    return 1 - (1 - Fraction(3, p - 1)) * (1 - Fraction(1, p - 1))


@pytest.mark.parametrize(("u", "xi"), [((0, 0), 1), ((1, 0), 2), ((0, 3), 1), ((1, 2), 4)])
def test_soundness_of_a_fold(u: tuple[int, int], xi: int) -> None:
    value, true = _count_one_fold(5, u, xi, vectors(5, 3))
    assert true == 25
    assert value <= _one_fold(5)


@pytest.mark.slow
def test_soundness_of_a_fold_for_every_form_and_challenge() -> None:
    values = [
        _count_one_fold(5, (int(a), int(b)), xi, vectors(5, 3))[0]
        for a, b in vectors(5, 2)
        for xi in range(1, 5)
    ]
    assert max(values) <= _one_fold(5)


@pytest.mark.parametrize("p", [7, pytest.param(11, marks=pytest.mark.slow)])
def test_soundness_of_a_fold_in_larger_fields(p: int) -> None:
    """States with x = 0 stand for all: adding an honest opening to C shifts every strategy along."""
    states = np.array([[value, 0, 0] for value in range(3)], dtype=np.int64)
    value, _ = _count_one_fold(p, (1, 2), 3, states)
    assert value <= _one_fold(p)
    assert value == 1 - (1 - Fraction(2, p - 1)) * (
        1 - Fraction(1, p - 1)
    )  # at n = 2 the best L, R win two e


# --- totals: delta, Y_A, both parts; messages and challenges exhaustive, statements chosen and random


P = 5
TOTALS_MODULE = module(P, GN=1, GE=1, GR=1, GI=1, GB=1)
SIZE = 7


def _part_values(split, part: str) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Value of one part for each Y_A in F_p^6 (H left out): mean over xi of max over D of the fraction of c."""
    targets_a = vectors(P, SIZE - 1)
    commitment = np.array(coordinates(TOTALS_MODULE, split.a if part == "A" else split.b))[1:]
    goal = np.array(coordinates(TOTALS_MODULE, split.target))[1:]
    targets = targets_a if part == "A" else (goal - targets_a) % P
    make = split.part_a if part == "A" else split.part_b
    value = np.zeros(len(targets), dtype=np.int64)
    for xi in range(1, P):
        eq = Equation(TOTALS_MODULE, make(TOTALS_MODULE, TOTALS_MODULE.identity(1)), (xi, 1))
        q = eq.messages
        assert rank(q["mask"][:, 1:], P) == eq.rank  # D reaches every condition: one c always, all iff 0
        condition = targets @ q["target0"][:, 1:].T + q["commitment"][:, 1:] @ commitment
        value += np.where((condition % P == 0).all(axis=1), P - 1, 1)
    return value


def _totals_value(totals: TotalsStatement, monkeypatch: pytest.MonkeyPatch) -> Fraction:
    total = 0
    for delta in range(1, P):
        monkeypatch.setattr(totals_statement, "Transcript", lambda *_, d=delta: Programmed(P, [d]))
        _, split = open_totals(TOTALS_MODULE, totals)
        total += int((_part_values(split, "A") * _part_values(split, "B")).max())
    return Fraction(total, (P - 1) ** 5)


@functools.cache
def _one_bit_circuit():  # type: ignore[no-untyped-def]
    circuit = tiny_circuit({"requirement": ((2, 1),), "owed": ((column("long"), 1), (1, 2))})
    return totals_statement.Circuit(**{**vars_of(circuit), "columns": (type(circuit.columns[0])("long", 1),)})


def vars_of(circuit) -> dict[str, object]:  # type: ignore[no-untyped-def]
    return {name: getattr(circuit, name) for name in circuit.__dataclass_fields__}


def _totals(a: Sequence[int], b: Sequence[int], totals: Sequence[int]) -> TotalsStatement:
    """Root sums by coordinates H F GN GE GR GI GB; forms R and long + 2 E."""
    return TotalsStatement(
        bytes(32),
        "toy",
        _one_bit_circuit(),
        1,
        totals,
        point_of(TOTALS_MODULE, a),
        point_of(TOTALS_MODULE, b),
    )


def test_true_totals_have_an_answer_to_every_challenge(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _totals_value(_totals([1, 0, 1, 2, 3, 4, 0], [2, 0, 0, 0, 0, 0, 1], [3, 0]), monkeypatch) == 1


@pytest.mark.parametrize(
    ("a", "b", "totals"),
    [
        ([1, 0, 1, 2, 3, 4, 0], [2, 0, 0, 0, 0, 0, 1], [4, 0]),  # a total off by one
        ([1, 0, 1, 2, 3, 4, 0], [2, 0, 0, 0, 0, 0, 1], [2, 0]),
        ([1, 0, 1, 2, 3, 4, 0], [2, 0, 0, 0, 0, 0, 1], [4, 4]),  # two that cancel for one delta
        ([1, 0, 1, 2, 4, 4, 0], [2, 0, 0, 0, 4, 0, 1], [3, 0]),  # R moved between A and B
        ([1, 0, 1, 2, 3, 4, 1], [2, 0, 0, 0, 0, 0, 0], [3, 0]),  # a bit in A
        ([1, 3, 1, 2, 3, 4, 0], [2, 0, 0, 0, 0, 0, 1], [3, 0]),  # a component on F
        ([1, 1, 1, 2, 3, 4, 0], [2, 4, 0, 0, 0, 0, 1], [3, 0]),
        ([1, 0, 1, 2, 3, 4, 0], [2, 0, 1, 0, 0, 0, 1], [3, 0]),  # N in B, in no form
    ],
)
def test_soundness_of_the_totals(
    a: list[int], b: list[int], totals: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    value = _totals_value(_totals(a, b, totals), monkeypatch)
    # one of P - 1 deltas; then one part is false: one xi, one c
    assert value <= 1 - (1 - Fraction(1, P - 1)) * (1 - Fraction(1, P - 1)) ** 2
    assert value >= Fraction(1, (P - 1) ** 2)  # guessing both c of a false part is always possible
