"""Perpetual funding and variation margin are part of costs and balances: by hand, from ledger files to N and R."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from small_exchange import BALANCES, POSITIONS, write_ledger, write_market

from zkmargin.inputs.ledger_files import load_ledger
from zkmargin.inputs.market_files import load_market
from zkmargin.margin.accounts import calculate
from zkmargin.risk.table import build_risk_table

CASH, QUANTITY, MARK = Decimal("10000"), Decimal("0.25"), Decimal("60010.5")
PAID = Decimal("15000")  # 0.25 at 60,000
RATE, INDEX = Decimal("0.0001"), Decimal("60000")  # one funding period: 0.01 % of the notional at the index


def net_and_requirement(folder: Path, cash: Decimal, cost: Decimal) -> tuple[Fraction, Fraction]:
    """Return N and R of the cross pot of A1, which holds 0.25 BTC-PERP and -0.25 BTC-MAR."""
    assert "A1,cross,USD,10000.00,0,," in BALANCES
    assert "BTC-PERP,0.25,15000.00" in POSITIONS
    write_market(folder / "market")
    write_ledger(
        folder / "ledger",
        balances=BALANCES.replace("A1,cross,USD,10000.00", f"A1,cross,USD,{cash:.2f}"),
        positions=POSITIONS.replace("BTC-PERP,0.25,15000.00", f"BTC-PERP,0.25,{cost:.2f}"),
    )
    policy, market = load_market(folder / "market")
    table = build_risk_table(policy, market)
    margin = calculate(policy, table, load_ledger(folder / "ledger", policy, market).pots["portfolio"])
    row = margin.labels.index(("A1", "cross"))
    return int(margin.net[row]) * policy.equity_quantum, int(margin.requirement[row]) * policy.equity_quantum


@pytest.mark.parametrize(("sign", "change"), [(1, Fraction("-1.5")), (-1, Fraction("1.5"))])
def test_funding_due_is_added_to_the_entry_cost(sign: int, change: Fraction, tmp_path: Path) -> None:
    """0.25 x 60,000 x 0.01 % = 1.50: owed by a long when the rate is positive, received when it is negative."""
    due = sign * QUANTITY * INDEX * RATE
    before, required = net_and_requirement(tmp_path / "before", CASH, PAID)
    after, still = net_and_requirement(tmp_path / "after", CASH, PAID + due)
    assert after - before == change
    assert still == required  # cash moves no scenario


def test_funding_that_was_paid_comes_out_of_the_balance(tmp_path: Path) -> None:
    due = QUANTITY * INDEX * RATE
    accrued = net_and_requirement(tmp_path / "accrued", CASH, PAID + due)
    paid = net_and_requirement(tmp_path / "paid", CASH - due, PAID)
    assert accrued == paid


def test_variation_margin_moves_the_gain_from_cost_to_balance(tmp_path: Path) -> None:
    """After a settlement at the mark the cost is quantity x mark, and the balance has the gain: N and R stay."""
    gain = QUANTITY * MARK - PAID
    assert gain == Decimal("2.625")
    settled = Decimal("2.62")  # paid in whole cents; the rest stays in the cost
    open_ = net_and_requirement(tmp_path / "open", CASH, PAID)
    after = net_and_requirement(tmp_path / "settled", CASH + settled, PAID + settled)
    assert after == open_
