"""Nobody can claim less: an optimiser looks for any satisfying row with a smaller R or I, or a larger E.

See `circuit_oracle`: its optimum is compared with the canonical witness; a second oracle adds freedom to raise both
sides of every pair.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import small_market as sm
from bracket_cases import bracket_book, compile_book
from circuit_cases import fill, small_book
from circuit_oracle import BEST, best, optimum
from numpy.typing import NDArray

from zkmargin.circuits.circuit import OUTPUTS, Circuit, E, I, N, R, variable
from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.expression import SideKey
from zkmargin.circuits.witness import AccountRow
from zkmargin.risk.table import build_risk_table
from zkmargin.sparse import SparseValues, sparse

F = Fraction


def compiled(**changes: Any) -> CompiledBook:
    book = sm.book(**changes)
    policy, market = sm.policy(book), sm.market()
    return compile_circuit(policy, market, build_risk_table(policy, market), book.id)


def rows_of(book: CompiledBook, count: int, seed: int) -> list[dict[tuple[str, str], int]]:
    """Random accounts with a few inputs each, of all sizes."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        row = {("held", "USD"): int(rng.integers(1, 10**9))}
        for item in book.circuit.inputs:
            width = sum(book.circuit.columns[j].width for j, _ in item.sides[0].parts)
            if item.key[0] not in ("cost", "small") and rng.random() < 0.4:
                sign = int(rng.choice([-1, 1])) if len(item.sides) == 2 else 1
                row[item.key] = sign * int(rng.integers(1, 1 << int(rng.integers(1, width + 1))))
        rows.append(row)
    return rows


BOOKS: dict[str, Callable[[], CompiledBook]] = {
    "portfolio": compiled,
    "joint": lambda: compiled(netting="joint", initial_factor=F("1.3337")),
    "convex haircuts": lambda: compiled(
        collateral={
            "USD": "cash",
            "BTC": ((F(0), F("0.9")), (F(10**5), F("0.8")), (F(10**6), F("0.5")), (F(10**8), F(0))),
        }
    ),
    "brackets": lambda: compile_book(bracket_book())[2],
}


@pytest.mark.parametrize("name", BOOKS)
def test_no_row_with_these_inputs_is_better_than_the_canonical_one(name: str) -> None:
    book = BOOKS[name]()
    witness = book.fill(sm.pots(*rows_of(book, 6, seed=3)))
    for index in range(witness.rows):
        row = witness.row(index)
        size = max(map(abs, row.outputs))
        for output in (E, R, I):
            honest = row.outputs[output]
            gain = (honest - best(book.circuit, row, output)) * BEST[output]
            rest = 200 if output == I else 0  # I is rounded up to a margin quantum, a relaxation is not
            assert gain <= rest + 1e-9 * size, OUTPUTS[output]


def test_no_row_with_these_net_positions_is_better_either() -> None:
    """Both sides of all pairs free. The optimiser's answer is filled again exactly before it is believed.

    What is left is rounding: 8 is one bit and 7 are three, so a pair may lose a quantum for each bit.
    """
    book = BOOKS["portfolio"]()
    rows = [row | {("position", "BTC-PERP"): 4321} for row in rows_of(book, 3, seed=11)]
    witness = book.fill(sm.pots(*rows))
    digits = sum(len(side.parts) for item in book.circuit.inputs for side in item.sides)
    for index in range(witness.rows):
        row = witness.row(index)
        for output in (E, R):
            answer = optimum(book.circuit, row, output, loose=True)
            sides = refilled(book.circuit, row, answer)
            found = [int(x) for x in book.program.complete(sides, 1).outputs[0]]
            assert found[N] == row.outputs[N]
            assert found[E] <= row.outputs[E]
            assert found[R] >= row.outputs[R] - 100 * digits
            size = max(map(abs, row.outputs))
            gain = (row.outputs[output] - answer[output]) * BEST[output]
            assert gain <= 100 * digits + 1e-7 * size, OUTPUTS[output]


def refilled(circuit: Circuit, row: AccountRow, answer: NDArray[np.float64]) -> dict[SideKey, SparseValues]:
    """Return the account's sides, both of a pair raised by as much as the answer raises the lower one."""
    out: dict[SideKey, SparseValues] = {}
    for index, item in enumerate(circuit.inputs):
        honest = [sum(lots * row.columns.get(j, 0) for j, lots in side.parts) for side in item.sides]
        raised = 0
        if len(honest) == 2:
            most = sum(lots * circuit.columns[j].capacity for j, lots in item.sides[0].parts)
            lots = [sum(lots * answer[variable(j)] for j, lots in side.parts) for side in item.sides]
            raised = max(0, min(round(min(lots)), most - max(honest)))
        out |= {(index, side): sparse([0], [v + raised]) for side, v in enumerate(honest) if v + raised}
    return out


def test_the_oracle_finds_a_hole_where_there_is_one() -> None:
    """Without its inequality the requirement falls to nothing; with concave tiers equity rises."""
    book = small_book()
    row = fill(book, {("position", "P"): 5, ("held", "C"): 10}).row(0)
    assert best(book.circuit, row, R) == pytest.approx(10)
    assert best(book.circuit, row, E) == pytest.approx(97)
    without = [item for item in book.circuit.equations if item.name != "worst >= down"]
    holed = Circuit(**{**vars_of(book.circuit), "equations": tuple(without)})
    assert best(holed, row, R) == pytest.approx(0)
    free = [item for item in book.circuit.equations if item.name != "haircut: knot and part"]
    holed = Circuit(**{**vars_of(book.circuit), "equations": tuple(free)})
    assert best(holed, row, E) == pytest.approx(115)


def vars_of(circuit: Circuit) -> dict[str, Any]:
    names = Circuit.__dataclass_fields__
    return {name: getattr(circuit, name) for name in names}
