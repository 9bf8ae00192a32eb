"""Derive's published cases as circuits: margins within 1e-9 of the notional, never above Derive's own formula."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from derive_books import pm2_market, pm2_policy, pm2_pots, srm_market, srm_policy, srm_pots
from derive_cases import MISSING, NOT_CONVEX, UNIT, load_case, notional, pm2_files, srm_cases, srm_notional

from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.witness import check_row
from zkmargin.errors import CurvatureError
from zkmargin.inputs.ledger import Pots
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import Policy
from zkmargin.margin.accounts import calculate
from zkmargin.margin.formulas import by_formula
from zkmargin.risk.table import build_risk_table

FILES, SRM = pm2_files(), srm_cases()
FLOATS = 1e-14  # of the notional: what the formula's own floats may be off

pytestmark = pytest.mark.skipif(not FILES or not SRM, reason=MISSING)


def not_convex(path: Path) -> bool:
    return path.stem.endswith(NOT_CONVEX)


def net_margins(
    policy: Policy, market: Market, pots: Pots
) -> tuple[tuple[float, float], tuple[float, float]]:
    """(maintenance, initial) as proven and by the formula, in quote."""
    table = build_risk_table(policy, market)
    book = compile_circuit(policy, market, table, pots.book)
    check_row(book.circuit, book.fill(pots).row(0))
    margin, formula = calculate(policy, table, pots, book).pot(0), by_formula(policy, market, pots)
    assert formula is not None
    proven = (margin.equity - margin.requirement, margin.equity - margin.initial)
    figures = formula.equity[0] - formula.requirement[0], formula.equity[0] - formula.initial[0]
    return (float(proven[0] * policy.equity_quantum), float(proven[1] * policy.equity_quantum)), figures


def hold(policy: Policy, market: Market, pots: Pots, published: tuple[float, float], size: float) -> None:
    proven, formula = net_margins(policy, market, pots)
    for have, exchange, expected in zip(proven, formula, published, strict=True):
        assert abs(have - expected) <= 1e-9 * size
        assert -FLOATS * size <= exchange - have <= 1e-9 * size


@pytest.mark.parametrize("path", [p for p in FILES if not not_convex(p)], ids=lambda path: path.stem)
def test_portfolio_margin(path: Path) -> None:
    case = load_case(path)
    market, result = pm2_market(case), case["Result"]
    published = result["MM"], result["IM"]
    hold(pm2_policy(case), market, pm2_pots(case, market), published, notional(case))


@pytest.mark.parametrize("path", [p for p in FILES if not_convex(p)], ids=lambda path: path.stem)
def test_what_is_not_convex_is_refused_by_name(path: Path) -> None:
    case = load_case(path)
    policy, market = pm2_policy(case), pm2_market(case)
    with pytest.raises(CurvatureError, match=r"discount\.short\[\S+\] - discount\.long\[\S+\]\) = -0\.0"):
        compile_circuit(policy, market, build_risk_table(policy, market), "portfolio")


def test_how_many_are_provable() -> None:
    assert [not_convex(path) for path in FILES].count(False) == 103


@pytest.mark.parametrize("name", SRM)
def test_standard_margin(name: str) -> None:
    case: dict[str, Any] = SRM[name]
    market, result = srm_market(case), case["Result"]
    published = result["realMM"] / UNIT, result["realIM"] / UNIT
    hold(srm_policy(case), market, srm_pots(case, market), published, srm_notional(case))
