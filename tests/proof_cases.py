"""What the tests of proofs share: nonces and transcripts under the test's control, linear statements, a tiny book."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from zkmargin.circuits.circuit import Circuit, Column, Deficits, Equation
from zkmargin.group.backend import Backend, Points
from zkmargin.proofs.linear_prover import LinearWitness
from zkmargin.proofs.linear_statement import LinearStatement
from zkmargin.proofs.split_prover import SplitWitness
from zkmargin.proofs.totals_prover import root_witness
from zkmargin.proofs.totals_statement import TotalsStatement
from zkmargin.sparse import SparseWords, sparse
from zkmargin.transcript import Label, Protocol, Transcript


class SeededNonces:
    """The same scalars in the same order for every run with the same seed; state and witness are recorded."""

    def __init__(self, order: int, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.order = order
        self.calls: list[tuple[bytes, bytes]] = []

    def nonces(self, state: bytes, witness: bytes, count: int) -> list[int]:
        self.calls.append((state, witness))
        return [self.random.randrange(1, self.order) for _ in range(count)]


class GivenNonces:
    """Nonces from a list, for counting over all of them."""

    def __init__(self, values: Iterable[int]) -> None:
        self.values = iter(values)

    def nonces(self, state: bytes, witness: bytes, count: int) -> list[int]:
        return [next(self.values) for _ in range(count)]


class Deaf(Transcript):
    """A transcript that does not hear some labels: the protocol without these absorptions."""

    def __init__(self, protocol: Protocol, order: int, deaf: Iterable[Label] = ()) -> None:
        super().__init__(protocol, order)
        self.deaf = frozenset(deaf)

    def absorb(self, label: Label, payload: bytes) -> None:
        if label not in self.deaf:
            super().absorb(label, payload)


class Programmed(Transcript):
    """A transcript whose challenges are fixed beforehand: what a simulator may do and a prover may not."""

    def __init__(self, order: int, challenges: Iterable[int]) -> None:
        super().__init__(Protocol.TOTALS, order)
        self.challenges_left = list(challenges)

    def challenge(self, label: Label) -> int:
        return self.challenges_left.pop(0)


def transcript(backend: Backend, deaf: Iterable[Label] = ()) -> Transcript:
    return Deaf(Protocol.TOTALS, backend.order, deaf)


def gen(backend: Backend, family: str, count: int = 1) -> Points:
    return backend.generators(family, 0, count)


def weighted(backend: Backend, *terms: tuple[Sequence[int], Points]) -> Points:
    """Sum of scalars times points, scalars of any size and sign."""
    scalars = [value % backend.order for values, _ in terms for value in values]
    return backend.msm(scalars, backend.concat([points for _, points in terms]))


def commit(backend: Backend, vector: Sequence[int], blinding: int, points: Points) -> Points:
    return weighted(backend, (vector, points), ([blinding], gen(backend, "H")))


def target(backend: Backend, value: int, blinding: int) -> Points:
    return weighted(backend, ([value], gen(backend, "F")), ([blinding], gen(backend, "H")))


@dataclass(frozen=True)
class LinearCase:
    statement: LinearStatement
    witness: LinearWitness


def linear_case(
    backend: Backend, size: int, rounds: int, forms: int = 1, seed: int = 0, bound: int | None = None
) -> LinearCase:
    """A true statement over GB with random witness (values below `bound`) and forms."""
    rng = random.Random(f"{seed}/{size}/{rounds}/{forms}")
    order = backend.order
    x = [rng.randrange(bound or order) for _ in range(size)]
    b, ys = rng.randrange(order), [rng.randrange(order) for _ in range(forms)]
    us = tuple(tuple(rng.randrange(order) for _ in range(size)) for _ in range(forms))
    points = gen(backend, "GB", size)
    targets = backend.concat([target(backend, backend.inner(x, u), y) for u, y in zip(us, ys, strict=True)])
    statement = LinearStatement(commit(backend, x, b, points), targets, us, points, rounds)
    return LinearCase(statement, LinearWitness(x, b, ys))


# --- a tiny book: 2 positions' sides, cash, and the deficit columns; 40 bits, so that k = 2

COLUMNS = ("long", "short", "cash", "debt", "owed", "bad_debt", "surplus", "shortfall")
WIDTHS = (4, 4, 5, 5, 6, 5, 6, 5)
N, E, R, I = range(4)


def column(name: str) -> int:
    return 4 + COLUMNS.index(name)


def tiny_circuit(published: dict[str, tuple[tuple[int, int], ...]] | None = None) -> Circuit:
    """A mark of 3, a requirement of 2 per lot long; enough of a circuit for totals."""
    value = ((column("long"), 3), (column("short"), -3), (column("cash"), 1), (column("debt"), -1))
    need = ((column("long"), 2),)
    return Circuit(
        version=1,
        name="tiny",
        columns=tuple(Column(name, width) for name, width in zip(COLUMNS, WIDTHS, strict=True)),
        equations=(
            Equation("N", ((N, -1), *value)),
            Equation("E", ((E, -1), *value)),
            Equation("R", ((R, -1), *need)),
            Equation("I", ((I, -1), *need)),
            Equation("health", ((E, 1), (R, -1), (column("surplus"), -1), (column("shortfall"), 1))),
            Equation("debt", ((N, 1), (column("owed"), -1), (column("bad_debt"), 1))),
        ),
        inputs=(),
        deficits=Deficits(shortfall=7, surplus=6, bad_debt=5, owed=4),
        published=published
        or {
            "position:X": ((column("long"), 1), (column("short"), -1)),
            "deposits:USD": ((column("cash"), 1),),
            "loans:USD": ((column("debt"), 1),),
            "owed": ((column("owed"), 1),),
            "bad_debt": ((column("bad_debt"), 1),),
            "shortfall": ((column("shortfall"), 1),),
            "requirement": ((R, 1),),
        },
        quanta={"equity": Fraction(1)},
    )


def tiny_row(lots: int, cash: int) -> tuple[list[int], list[int]]:
    """Outputs and columns of an account with `lots` and `cash` of either sign."""
    value, need = 3 * lots + cash, 2 * max(lots, 0)
    outputs = [value, value, need, need]
    gap = value - need
    columns = [max(lots, 0), max(-lots, 0), max(cash, 0), max(-cash, 0)]
    return outputs, [*columns, max(value, 0), max(-value, 0), max(gap, 0), max(-gap, 0)]


TINY_BOOK = ((5, 9), (-4, 20), (6, -10), (-7, 15), (0, 0))


@dataclass(frozen=True)
class Book:
    """Statement and witness of the totals of one book."""

    statement: TotalsStatement
    witness: SplitWitness

    def published(self, **changes: int) -> Book:
        """The same book with other totals in its header: name=difference, ':' written as '_'."""
        names = [name.replace(":", "_") for name in self.statement.circuit.published]
        totals = [
            total + changes.get(name, 0) for name, total in zip(names, self.statement.totals, strict=True)
        ]
        return replace(self, statement=replace(self.statement, totals=totals))


def tiny_book(
    backend: Backend,
    accounts: Sequence[tuple[int, int]] = TINY_BOOK,
    circuit: Circuit | None = None,
    seed: int = 5,
    book: str = "tiny",
) -> Book:
    """Commit every row, sum, publish the true totals."""
    circuit = circuit or tiny_circuit()
    rng = random.Random(seed)
    rows = [tiny_row(*account) for account in accounts]
    a = [rng.randrange(1, backend.order) for _ in rows]
    b = [rng.randrange(1, backend.order) for _ in rows]
    outputs = np.array([outputs for outputs, _ in rows], dtype=np.int64)
    words = bit_words([columns for _, columns in rows], circuit)
    witness = root_witness(outputs, words, circuit.n_bits, a, b, backend.order)
    statement = TotalsStatement(
        snapshot_digest=hashlib.sha256(b"snapshot").digest(),
        book=book,
        circuit=circuit,
        accounts=len(rows),
        totals=[
            sum(
                factor * (outputs[v] if v < 4 else columns[v - 4])
                for outputs, columns in rows
                for v, factor in form
            )
            for form in circuit.published.values()
        ],
        sum_a=backend.total(backend.commit_outputs(outputs, a)),
        sum_b=backend.total(backend.commit_bits(words, circuit.n_bits, b)),
    )
    return Book(statement, witness)


def bit_words(rows: Sequence[Sequence[int]], circuit: Circuit) -> SparseWords:
    """The columns of each row as one bit string, cut into 16-bit words."""
    strings = [
        sum(value << offset for value, offset in zip(row, circuit.offsets, strict=True)) for row in rows
    ]
    columns = tuple(
        sparse(range(len(rows)), [string >> 16 * word & 0xFFFF for string in strings])
        for word in range(circuit.n_words)
    )
    narrow = tuple(replace(entry, values=entry.values.astype(np.uint16)) for entry in columns)
    return SparseWords(len(rows), narrow)
