"""A loan to oneself: what a row holds and owes of one asset adds nothing to it, so it may not hide a shortfall."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from small_market import F, book, market, policy, pots

from zkmargin.circuits.circuit import E, R
from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.witness import check_row
from zkmargin.risk.table import build_risk_table

COIN = {"settlement": "BTC", "collateral": {"BTC": "shocked", "USD": "cash"}}
TIERS = {"collateral": {"USD": "cash", "ETH": ((F(0), F("0.95")),)}}
CASH = {"collateral": {"USD": "cash", "ETH": "cash"}}


def surplus(rules: Mapping[str, object], row: Mapping[tuple[str, str], int]) -> int:
    """E - R of a row that satisfies the circuit, in equity quanta."""
    terms, prices = policy(book(**rules)), market()
    table = build_risk_table(terms, prices)
    compiled = compile_circuit(terms, prices, table, "portfolio")
    witness = compiled.fill(pots(row))
    check_row(compiled.circuit, witness.row(0))
    return int(witness.outputs[0][E] - witness.outputs[0][R])


@pytest.mark.parametrize(
    ("rules", "position", "asset"),
    [  # only what is held moves; debts by 18 % for a haircut of 5 %; only debts
        (
            COIN,
            {("position", "BTC-PERP"): -1_000, ("cost", "USD"): -10_001_000},
            "BTC",
        ),
        (
            TIERS,
            {("position", "ETH-PERP"): 1_000, ("cost", "USD"): 4_001_000},
            "ETH",
        ),
        (
            CASH,
            {("position", "ETH-PERP"): 1_000, ("cost", "USD"): 4_001_000},
            "ETH",
        ),
    ],
)
def test_a_loan_to_oneself_hides_no_shortfall(
    rules: Mapping[str, object], position: Mapping[tuple[str, str], int], asset: str
) -> None:
    alone = {("held", "USD"): 100_000, **position}
    lent = {**alone, ("held", asset): 10_000, ("owed", asset): 10_000}
    assert surplus(rules, alone) < 0
    assert surplus(rules, lent) <= surplus(rules, alone)
