"""What a named cheat against the proof of liabilities is: a false statement with a proof that should fail.

A `Weakness` is what a verifier would have to lack for the cheat to pass; cheat and verifier both know it. Amounts are
those of liability_cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from liability_cases import (
    FAST,
    Row,
    Shelf,
    account,
    honest_rows,
    shelf,
    shelf_circuit,
)
from malicious.second_book_prover import LiabilitiesSteps, Rigged
from proof_cases import SeededNonces

from zkmargin.circuits.circuit import Circuit
from zkmargin.group.backend import Backend
from zkmargin.proofs.liabilities_statement import LiabilitiesProof, LiabilitiesStatement
from zkmargin.transcript import Label, Protocol, Transcript


@dataclass(frozen=True)
class Weakness:
    """Checks that are left out (by error code), labels not heard, challenges fixed, equations left out."""

    checks: frozenset[str] = frozenset()
    deaf: tuple[Label, ...] = ()
    fixed: Mapping[Label, int] = field(default_factory=dict)
    equations: tuple[str, ...] = ()
    circuit: Circuit | None = None  # taken from the cheat instead of compiled
    joint: bool = False  # one linear proof over A* + B* instead of two

    def transcript(self, protocol: Protocol, order: int) -> Transcript:
        return Rigged(protocol, order, self.deaf, self.fixed)


NONE = Weakness()
HALF = (FAST.order + 1) // 2
Attempt = tuple[LiabilitiesStatement, LiabilitiesProof]


@dataclass(frozen=True)
class Cheat:
    """A cheat: refused with `code`; accepted by a verifier with `weakness`, unless that is None."""

    name: str
    code: str
    build: Callable[[Backend, Weakness], Attempt]
    weakness: Weakness | None


def without(*checks: str) -> Weakness:
    return Weakness(checks=frozenset(checks))


def run(
    backend: Backend,
    book: Shelf,
    weak: Weakness,
    steps: type[LiabilitiesSteps] = LiabilitiesSteps,
    seed: int = 1,
    **attributes: Any,
) -> LiabilitiesProof:
    transcript = weak.transcript(Protocol.BOOK, backend.order)
    prover = steps(backend, book, transcript, SeededNonces(backend.order, seed))
    for name, value in attributes.items():
        setattr(prover, name, value)
    return prover.prove()


def altered(row: int, **changes: int) -> list[Row]:
    """The honest rows, one of them with other inputs or columns."""
    rows = honest_rows()
    lots, coins, money = ((5, 12, 9), (-4, 0, 20), (6, 4, -10), (-7, 1, 5), (0, 0, 0))[row]
    rows[row] = account(lots, changes.pop("coins", coins), money, **changes)
    return rows


def book_of(rows: Sequence[Row], backend: Backend, weak: Weakness, **given: Any) -> Shelf:
    return shelf(backend, rows, shelf_circuit(without=weak.equations), **given)


def house(backend: Backend, weak: Weakness, **given: Any) -> Shelf:
    """A row that owes -31 by a digit that is none: what the cheating steps below are to hide."""
    return book_of(altered(4, debt=31, bad_debt=0, shortfall=0), backend, weak, **given)


def step_cheat(name: str, code: str, steps: type[LiabilitiesSteps], weakness: Weakness) -> Cheat:
    def build(backend: Backend, weak: Weakness) -> Attempt:
        book = house(backend, weak)
        return book.statement, run(backend, book, weak, steps)

    return Cheat(name, code, build, weakness)
