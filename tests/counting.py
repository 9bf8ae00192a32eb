"""The verifier's equation as linear algebra over F_p, read off the verifier's code, so that cheats can be counted.

Over the free module F_p^(n+2), with one coordinate per generator, the verifier's residual is linear in C, Y, L, R, D,
z and z' once the challenges are fixed. `Equation` evaluates the real `residual` on unit vectors. Some response is
accepted iff the rest lies in the image of (z, z'), that is iff `conditions` (a basis of the functionals that vanish on
that image) are 0. Then "the best strategy of any prover" is a maximum over vectors.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from proof_cases import Programmed

from zkmargin.group.reference import ReferenceBackend
from zkmargin.proofs.linear_statement import LinearProof, LinearStatement
from zkmargin.proofs.linear_verifier import replay, residual

Matrix = npt.NDArray[np.int64]


class Equation:
    """Conditions on each message for fixed challenges (xi, e_1..e_k, c).

    `messages[name]` has one row per condition and one column per coordinate of the group; names are commitment,
    target0.., left0.., right0.., mask.
    """

    def __init__(
        self,
        backend: ReferenceBackend[tuple[int, ...]],
        statement: LinearStatement,
        challenges: Sequence[int],
    ) -> None:
        self._backend, self._statement = backend, statement
        none = backend.identity(statement.rounds)
        self._blank = replace(
            statement, commitment=backend.identity(1), targets=backend.identity(len(statement.targets))
        )
        self._proof = LinearProof(none, none, backend.identity(1), (0,) * statement.responses, 0)
        heard = Programmed(backend.order, challenges)
        self._challenges = replay(backend, heard, self._blank, self._proof)
        conditions = left_kernel(self._responses(), backend.order)
        self.rank = len(conditions)
        self.messages = {name: conditions @ matrix % backend.order for name, matrix in self._point_matrices()}

    def _value(self, statement: LinearStatement, proof: LinearProof) -> list[int]:
        point = residual(self._backend, statement, proof, self._challenges)
        return coordinates(self._backend, point)

    def _responses(self) -> Matrix:
        h, columns = self._statement.responses, []
        for j in range(h):
            unit = tuple(int(i == j) for i in range(h))
            columns.append(self._value(self._blank, replace(self._proof, responses=unit)))
        columns.append(self._value(self._blank, replace(self._proof, blinding_response=1)))
        return np.array(columns).T

    def _point_matrices(self) -> Iterator[tuple[str, Matrix]]:
        b, units = self._backend, unit_points(self._backend)
        none = b.identity(1)
        yield "commitment", self._columns([(replace(self._blank, commitment=e), self._proof) for e in units])
        yield "mask", self._columns([(self._blank, replace(self._proof, mask=e)) for e in units])
        m, k = len(self._statement.targets), self._statement.rounds
        for j in range(m):
            cases = [b.concat([e if i == j else none for i in range(m)]) for e in units]
            yield (
                f"target{j}",
                self._columns([(replace(self._blank, targets=case), self._proof) for case in cases]),
            )
        for name, j in itertools.product(("left", "right"), range(k)):
            cases = [b.concat([e if i == j else none for i in range(k)]) for e in units]
            yield (
                f"{name}{j}",
                self._columns([(self._blank, replace(self._proof, **{name: case})) for case in cases]),
            )

    def _columns(self, cases: Sequence[tuple[LinearStatement, LinearProof]]) -> Matrix:
        return np.array([self._value(*case) for case in cases]).T


def unit_points(backend: ReferenceBackend[tuple[int, ...]]):  # type: ignore[no-untyped-def]
    """One point per coordinate of the free module."""
    size = backend.group.size  # type: ignore[attr-defined]
    return [point_of(backend, [int(i == j) for i in range(size)]) for j in range(size)]


def coordinates(backend: ReferenceBackend[tuple[int, ...]], point) -> list[int]:  # type: ignore[no-untyped-def]
    """Coordinates of one point of the free module."""
    digits = backend.compress(point).hex()
    return [int(digit, 16) for digit in digits[: backend.group.size]]  # type: ignore[attr-defined]


def point_of(backend: ReferenceBackend[tuple[int, ...]], values: Sequence[int]):  # type: ignore[no-untyped-def]
    """The point of the free module with these coordinates."""
    return backend.decompress(bytes.fromhex("".join(f"{v:x}" for v in values).ljust(64, "0")), infinity=True)


def left_kernel(matrix: Matrix, p: int) -> Matrix:
    """Rows that span {y : y M = 0} modulo p."""
    rows, columns = matrix.shape
    work = np.concatenate([matrix % p, np.eye(rows, dtype=np.int64)], axis=1)
    at = 0
    for column in range(columns):
        pivot = next((r for r in range(at, rows) if work[r, column]), None)
        if pivot is None:
            continue
        work[[at, pivot]] = work[[pivot, at]]
        work[at] = work[at] * pow(int(work[at, column]), -1, p) % p
        for r in range(rows):
            if r != at and work[r, column]:
                work[r] = (work[r] - work[r, column] * work[at]) % p
        at += 1
    return work[at:, columns:]


def rank(matrix: Matrix, p: int) -> int:
    """Rank modulo p."""
    return matrix.shape[0] - len(left_kernel(matrix, p))


def vectors(p: int, size: int) -> Matrix:
    """All vectors of F_p^size, one a row."""
    return np.array(list(itertools.product(range(p), repeat=size)), dtype=np.int64).reshape(p**size, size)


def index(values: Matrix, p: int) -> npt.NDArray[np.int64]:
    """Number each row of `values` (entries modulo p) in 0 .. p^columns - 1."""
    return values % p @ np.array([p**i for i in range(values.shape[1])], dtype=np.int64)
