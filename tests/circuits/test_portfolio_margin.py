"""Portfolio margin with charges: nobody can claim less than the canonical witness, whichever exchange's rules."""

from __future__ import annotations

import numpy as np
import portfolio_margin_cases as cases
import pytest
import small_market as sm
from circuit_oracle import BEST, best

from zkmargin.circuits.circuit import OUTPUTS, E, I, R
from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.facts import market_facts
from zkmargin.circuits.overstatement import overstatement
from zkmargin.circuits.rules import check_circuit
from zkmargin.circuits.witness import AccountRow, check_row
from zkmargin.errors import VerificationError
from zkmargin.inputs.models.scenarios import PortfolioMargin
from zkmargin.risk.table import build_risk_table

BOOKS = [("okx", "portfolio"), ("paradex", "portfolio"), ("deribit", "btc"), ("deribit", "eth")]


def rows_of(book: CompiledBook, settlement: str, count: int, seed: int) -> list[dict[tuple[str, str], int]]:
    """Random accounts with a few positions each, of all sizes."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        row = {("held", settlement): int(rng.integers(1, 10**6))}
        for item in book.circuit.inputs:
            width = sum(book.circuit.columns[j].width for j, _ in item.sides[0].parts)
            if item.key[0] == "position" and rng.random() < 0.4:
                row[item.key] = int(rng.choice([-1, 1])) * int(
                    rng.integers(1, 1 << int(rng.integers(1, width + 1)))
                )
        rows.append(row)
    return rows


@pytest.mark.parametrize(("name", "book"), BOOKS)
def test_no_row_with_these_inputs_is_better_than_the_canonical_one(name: str, book: str) -> None:
    policy, market, table, compiled = cases.compiled(name, book)
    check_circuit(compiled.circuit, market_facts(market, table))
    pots = sm.pots(*rows_of(compiled, policy.books[book].settlement, 5, seed=3), book_id=book)
    witness = compiled.fill(pots)
    charges = sum(column.name.startswith("max:") for column in compiled.circuit.columns)
    quanta = charges * int(policy.margin_quantum / policy.equity_quantum)
    for index in range(witness.rows):
        row = witness.row(index)
        check_row(compiled.circuit, row)
        size = max(map(abs, row.outputs))
        for output in (E, R, I):
            gain = (row.outputs[output] - best(compiled.circuit, row, output)) * BEST[output]
            rounded = 0 if output == E else quanta  # each charge is rounded up, a relaxation is not
            assert gain <= rounded + 2e-7 * size, OUTPUTS[output]  # the solver's tolerance is 1e-7 of a row


@pytest.mark.parametrize(("name", "book"), BOOKS)
def test_a_requirement_one_quantum_lower_satisfies_nothing(name: str, book: str) -> None:
    """Whatever column gives way, an equation names itself."""
    policy, _, _, compiled = cases.compiled(name, book)
    pots = sm.pots(*rows_of(compiled, policy.books[book].settlement, 1, seed=5), book_id=book)
    row = compiled.fill(pots).row(0)
    circuit = compiled.circuit
    for column, value in row.columns.items():
        if circuit.columns[column].name.startswith("max:"):
            lower = AccountRow(row.outputs, {**row.columns, column: value - 1})
            with pytest.raises(VerificationError):
                check_row(circuit, lower)
    lowered = AccountRow((*row.outputs[:2], row.outputs[2] - 1, row.outputs[3]), row.columns)
    with pytest.raises(VerificationError, match="R"):
        check_row(circuit, lowered)


@pytest.mark.parametrize(("name", "book"), BOOKS)
def test_rounding_costs_little(name: str, book: str) -> None:
    policy, _, _, compiled = cases.compiled(name, book)
    assert 0 < overstatement(compiled) < policy.max_overstatement


def test_rules_that_change_nothing_give_the_plain_requirement() -> None:
    """With parameters, but none of their own: the same R and I as the plain model's."""
    market, row = sm.market(), {("position", "BTC-PERP"): 321, ("position", "BTC-MAR26-110000-C"): -7}
    found = []
    for rules in (None, PortfolioMargin()):
        policy = sm.policy(sm.book(parameters=rules))
        compiled = compile_circuit(policy, market, build_risk_table(policy, market), "portfolio")
        found.append(compiled.fill(sm.pots(row)).row(0).outputs)
    assert found[0] == found[1]
