"""Derive's portfolio margin in floats: the published cases with their intermediate results, and invariants."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from derive_cases import MISSING, load_case, market, notional, parameters, pm2_files, portfolio
from hypothesis import given, settings
from hypothesis import strategies as st

from zkmargin.errors import UsageError
from zkmargin.inputs.models.pm2_numbers import PUBLISHED_SCENARIOS, Pm2Parameters
from zkmargin.margin.derive.pm2 import BASIS, Pm2Model, pm2_model
from zkmargin.risk.derive.market import Collateral, Expiry, Option, Pm2Market, settlement_forward
from zkmargin.risk.derive.pm2_pricing import (
    shocked_volatility,
    skew_multiplier,
    static_discounts,
    volatility_multipliers,
)

FILES = pm2_files()
SPOT_MOVED_SKEW = "test_67_misc_skew_scenario_with_spot_move"
EXPIRED = "test_66_misc_post_expiry"
needs_vectors = pytest.mark.skipif(not FILES, reason=MISSING)


def case_model(path: Path, case: dict[str, Any]) -> Pm2Model:
    """The case as its file says. One asks for a linear skew with a spot move, which its authors turn by the
    other skew's cap."""
    rules = parameters(case)
    if path.stem == SPOT_MOVED_SKEW:
        rules = replace(rules, skew=replace(rules.skew, linear_cap=rules.skew.abs_cap))
    return pm2_model(rules, market(case))


@needs_vectors
def test_all_files_are_there() -> None:
    assert len(FILES) == 105


@needs_vectors
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_published_case(path: Path) -> None:
    case = load_case(path)
    model, result, size = case_model(path, case), case["Result"], notional(case)
    found = model.margin(portfolio(case, model))

    def equal(values: npt.ArrayLike, expected: npt.ArrayLike) -> None:
        assert np.ravel(values) / size == pytest.approx(np.ravel(expected) / size, rel=0, abs=1e-12)

    assert scenario_losses(model, found.scenario_pnl[0], size) == published_losses(result, size)
    equal(found.expiry_mark, result["OptionMTMPerExpiry"])
    equal(found.expiry_discounted, result["OptionMTMPerExpiryDiscounted"])
    equal(found.value, [result["PortfolioMTM"]])
    equal(found.basis, [result["ForwardContingency"]])
    named = {"Perp": "perpetual", "Option": "option", "Base": "collateral"}
    for key, name in named.items():
        equal(-found.maintenance_contingency[name], [result[f"MM{key}Cont"]])
        equal(-found.initial_contingency[name], [result[f"IM{key}Cont"]])
    equal(-found.initial_contingency["oracle"], [result["OracleCont"]])
    assert found.initial_factor == pytest.approx(result["im_loss_factor"], rel=1e-12)
    equal(found.maintenance, [result["MM"]])
    equal(found.initial, [result["IM"]])
    if found.worst[0] < 0:
        assert (found.binding[0] == BASIS) == (result["worst_all_scenarios"] == "fwd_contingency")


def scenario_losses(model: Pm2Model, pnl: npt.NDArray[np.float64], size: float) -> dict[str, Any]:
    pairs = zip(model.parameters.scenarios, pnl, strict=True)
    return {
        f"{float(scenario.spot) - 1 if not scenario.skewed else 0:.6f} {scenario.volatility}": pytest.approx(
            value / size, rel=0, abs=1e-12
        )
        for scenario, value in pairs
    }


def published_losses(result: dict[str, Any], size: float) -> dict[str, float]:
    direction = {1: "up", 0: "none", -1: "down"}
    moved = result["reg_losses"] + result["tail_losses"]
    losses = {f"{float(spot):.6f} {direction[move]}": float(loss) / size for spot, move, loss in moved}
    skewed = {f"{0:.6f} {name.split('_')[0].lower()}": loss for name, loss in result["skew_losses"]}
    return losses | {name: float(loss) / size for name, loss in skewed.items()}


@needs_vectors
@pytest.mark.parametrize("path", [p for p in FILES if p.stem != EXPIRED], ids=lambda path: path.stem)
def test_published_public_numbers(path: Path) -> None:
    case = load_case(path)
    rules, given, result = parameters(case), case["Scenario"], case["Result"]
    times = np.array([o["Expiry"] / (365 * 86400) for o in given["Options"]])
    volatility = np.array([o["MarkVol"] for o in given["Options"]])
    k = np.array([o["k"] for o in given["Options"]])
    close = {"rel": 1e-12, "abs": 1e-12}
    up, down = volatility_multipliers(rules.volatility, times)
    assert up == pytest.approx(result["VolShockUpMultiplier"], **close)
    assert down == pytest.approx(result["VolShockDownMultiplier"], **close)
    for move, key in (("up", "VolShockUpEvaluated"), ("down", "VolShockDownEvaluated")):
        assert shocked_volatility(rules.volatility, times, volatility, move) == pytest.approx(
            result[key], **close
        )
    for absolute, key in ((False, "linear_multiplier"), (True, "abs_multiplier")):
        expected = np.maximum([o[key] for o in given["Options"]], 0.0)  # the floor is applied later there
        assert skew_multiplier(rules.skew, times, k, absolute=absolute) == pytest.approx(expected, **close)
    years = np.array([feed["FeedExpiry"] / (365 * 86400) for feed in given["OptionFeeds"]])
    rates = np.maximum([feed["Rate"] for feed in given["OptionFeeds"]], 0.0)
    discounts = np.stack(static_discounts(rules.discount, years, rates), axis=1)
    assert discounts.ravel() == pytest.approx(np.ravel(result["discount_factors"]), **close)


# Short one call: PMRM_2 unit tests of derivexyz/v2-core, typed in.
CALL = Option(0, 100_000.0, True, 0.453803924321583)
WEEK = Expiry(794_852, 95_776.67392708939, rate=0.15, confidence=0.95)
BTC = Pm2Market(95_663.50604855, (WEEK,), (CALL,))


def test_typed_case() -> None:
    model = pm2_model(Pm2Parameters(), BTC)
    found = model.margin(model.portfolios(cash=[0.0], options=[[-1.0]]))
    close = {"rel": 1e-12}
    assert found.value[0] == pytest.approx(-1186.4185694587657, **close)
    assert found.worst[0] == pytest.approx(-12939.312020443322, **close)
    assert found.binding[0] == "+9/50 up"
    assert found.basis[0] == pytest.approx(-947.2098049301085, **close)
    assert found.maintenance_contingency["option"][0] == pytest.approx(286.99051814565, **close)
    assert found.initial_contingency["option"][0] == pytest.approx(191.3270120971, **close)
    assert found.initial[0] == pytest.approx(-14604.048120144837, **close)
    assert found.maintenance[0] == pytest.approx(-11824.858703959073, **close)


def test_published_scenarios() -> None:
    assert len(PUBLISHED_SCENARIOS) == 31
    assert PUBLISHED_SCENARIOS[0].name == "+9/50 up"
    assert [s.name for s in PUBLISHED_SCENARIOS[-3:]] == ["+3 up x 3/250", "linear", "abs"]


def test_the_forward_is_fixed_in_the_last_half_hour() -> None:
    assert settlement_forward(100.0, 90.0, 3600.0) == (100.0, 0.0)
    assert settlement_forward(100.0, 90.0, 900.0) == (50.0, 45.0)
    assert settlement_forward(100.0, 90.0, 0.0) == (0.0, 90.0)
    settled = Expiry(0.0, forward_variable=0.0, forward_fixed=110_000.0)
    model = pm2_model(Pm2Parameters(), replace(BTC, expiries=(settled,)))
    found = model.margin(model.portfolios(cash=[0.0], options=[[-1.0]]))
    assert found.expiry_mark[0] == pytest.approx([-10_000.0])
    assert found.worst[0] == 0.0


def test_amounts_of_another_shape() -> None:
    model = pm2_model(Pm2Parameters(), BTC)
    with pytest.raises(UsageError, match="shape"):
        model.portfolios(cash=[0.0, 1.0], options=[[1.0]])


MONTH = Expiry(30 * 86_400, 96_000.0, rate=0.05)
BOOK = Pm2Market(
    spot=95_663.5,
    expiries=(WEEK, MONTH),
    options=(
        CALL,
        Option(0, 90_000.0, False, 0.5),
        Option(1, 100_000.0, True, 0.55),
        Option(1, 1e5, False, 0.5),
    ),
    collaterals=(Collateral(95_500.0, 0.05, 0.05, hedges=True), Collateral(1.0, 0.02, 0.03)),
    perpetual=95_700.0,
    stable=0.97,
)
UNIT_AMOUNT = st.floats(-20, 20).map(lambda x: round(x, 3))
PORTFOLIO = st.tuples(
    st.floats(-1e6, 1e6),
    st.lists(UNIT_AMOUNT, min_size=4, max_size=4),
    st.lists(UNIT_AMOUNT.map(abs), min_size=2, max_size=2),
    UNIT_AMOUNT,
)


@settings(max_examples=60)
@given(rows=st.lists(PORTFOLIO, min_size=1, max_size=4))
def test_invariants(rows: list[Any]) -> None:
    model = pm2_model(Pm2Parameters(), BOOK)
    cash, options, collaterals, perpetual = map(np.array, zip(*rows, strict=True))
    found = model.margin(model.portfolios(cash, options, collaterals, perpetual))
    doubled = model.margin(model.portfolios(2 * cash, 2 * options, 2 * collaterals, 2 * perpetual))
    single = [model.margin(model.portfolios([c], [o], [k], [p])).initial[0] for c, o, k, p in rows]
    assert single == pytest.approx(found.initial, rel=1e-9, abs=1e-6)  # portfolios do not touch each other
    assert doubled.initial == pytest.approx(2 * found.initial, rel=1e-9, abs=1e-6)
    assert (found.worst <= 0).all()
    assert (found.initial <= found.maintenance + 1e-9 * np.abs(found.maintenance)).all()
    assert (found.initial_requirement >= found.maintenance_requirement - 1e-6).all()
    assert np.all(found.basis <= 0)


def test_skew_is_not_convex() -> None:
    """Where the turned value is 0 and the mark below it, two books lose less than half of what both do."""
    market = replace(
        BOOK, expiries=(MONTH,), options=(Option(0, 80_000.0, True, 0.7), Option(0, 130_000.0, True, 0.5))
    )
    model = pm2_model(Pm2Parameters(), market)
    linear = next(i for i, s in enumerate(PUBLISHED_SCENARIOS) if s.name == "linear")

    def loss(options: npt.NDArray[np.float64]) -> float:
        return -float(model.margin(model.portfolios([0.0], options)).scenario_pnl[0, linear])

    near, far = model.prices.shocked[linear]
    book = np.array([far, -near]) / near  # worth nothing after the turn
    book *= -np.sign(book @ model.prices.mark)
    step = np.array([0.0, 0.1])
    assert loss(book) > (loss(book + step) + loss(book - step)) / 2 + 0.1
