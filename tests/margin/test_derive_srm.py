"""Derive's standard margin in floats: the published cases, a case by hand, and invariants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from derive_cases import MISSING, UNIT, srm_cases, srm_holdings, srm_models
from hypothesis import given, settings
from hypothesis import strategies as st

from zkmargin.inputs.models.srm_numbers import SrmDepeg, SrmUnderlyingRates
from zkmargin.margin.derive.srm import SrmHoldings, SrmModel, srm_net_margin
from zkmargin.risk.derive.market import Expiry, Option, SrmUnderlying

CASES = srm_cases()
needs_vectors = pytest.mark.skipif(not CASES, reason=MISSING)


@needs_vectors
def test_all_cases_are_there() -> None:
    assert len(CASES) == 28


@needs_vectors
@pytest.mark.parametrize("name", CASES)
def test_published_case(name: str) -> None:
    case = CASES[name]
    models, holdings, result = srm_models(case), srm_holdings(case), case["Result"]
    cash = np.array([case["Scenario"]["Cash"] / UNIT])
    for initial, margin in ((False, "MM"), (True, "IM")):
        found = srm_net_margin(cash, models, holdings, initial=initial)
        assert found[0] == pytest.approx(result[f"real{margin}"] / UNIT, rel=1e-13, abs=1e-13)
        for underlying, model in models.items():
            part = model.margin(holdings[underlying], initial=initial)
            expected = result[f"{underlying}Option{margin}"] / UNIT
            assert part.options[0] == pytest.approx(expected, rel=1e-12, abs=1e-9)
            isolated = result[f"{underlying}OptionIsolated{margin}"] / UNIT
            assert part.isolated.sum() == pytest.approx(isolated, rel=1e-12, abs=1e-9)


WEEK = Expiry(500_400, 1_500.0)
ETH = SrmUnderlying(
    spot=1_500.0,
    expiries=(WEEK,),
    options=(Option(0, 1_500.0, True, 1.0), Option(0, 1_700.0, True, 1.0), Option(0, 1_300.0, False, 1.0)),
    perpetual=1_505.0,
)
MODEL = SrmModel(SrmUnderlyingRates(), SrmDepeg(), ETH, (0.1, 0.1))
NOTHING = np.zeros(1)


def options(*amounts: float) -> SrmHoldings:
    return SrmHoldings(np.array([amounts]), NOTHING, NOTHING, NOTHING)


def test_by_hand() -> None:
    """A short call alone: its mark and 15 % of the spot; a spread: what it can lose at most, 200."""
    mark = MODEL.mark[0]
    alone = MODEL.margin(options(-1.0, 0.0, 0.0), initial=True)
    assert alone.total[0] == pytest.approx(-(mark + 225.0))
    assert alone.maximum_loss[0, 0] == pytest.approx(-1.2 * 1_500.0)
    spread = MODEL.margin(options(-1.0, 1.0, 0.0), initial=True)
    assert spread.total[0] == pytest.approx(-200.0)
    assert MODEL.margin(options(1.0, 1.0, 1.0), initial=True).total[0] == 0.0


AMOUNT = st.floats(-20, 20).map(lambda x: round(x, 3))


@settings(max_examples=60)
@given(rows=st.lists(st.lists(AMOUNT, min_size=4, max_size=4), min_size=1, max_size=4))
def test_invariants(rows: list[Any]) -> None:
    amounts = np.array(rows)
    zero = np.zeros(len(rows))

    def margin(factor: float, *, initial: bool) -> Any:
        held = SrmHoldings(factor * amounts[:, :3], factor * amounts[:, 3], zero, zero)
        return srm_net_margin(zero, {"ETH": MODEL}, {"ETH": held}, initial=initial)

    maintenance, initial = margin(1.0, initial=False), margin(1.0, initial=True)
    assert (initial <= maintenance + 1e-9).all()
    assert (maintenance <= 1e-9).all()  # nothing here is worth anything but collateral
    assert margin(2.0, initial=True) == pytest.approx(2 * initial, rel=1e-9)
