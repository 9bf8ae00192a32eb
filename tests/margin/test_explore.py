"""The float64 API against the exact calculator, under moved prices, and its plots."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_market import UP_DOWN, F, book, contract, market, option, policy, pots, spot_book

from zkmargin.errors import UsageError
from zkmargin.margin.accounts import calculate
from zkmargin.margin.explore import SHORT_MINIMUM, explorer
from zkmargin.margin.plots import plot_ladder, plot_scenario_losses
from zkmargin.margin.whatif import ladder, move_market
from zkmargin.risk.table import build_risk_table

CALL, PUT = "BTC-MAR26-110000-C", "BTC-MAR26-90000-P"
AMOUNTS = {
    **{("position", name): st.integers(-10_000, 10_000) for name in ("BTC-PERP", "ETH-PERP", "BTC-MAR26")},
    **{("position", name): st.integers(-300, 300) for name in (CALL, PUT, "ETH-MAR26-4000-C")},
    ("position", "BTC-INVERSE"): st.integers(-100_000, 100_000),
    ("cost", "USD"): st.integers(-(10**8), 10**8),
    ("cost", "BTC"): st.integers(-100_000, 100_000),
    **{("held", name): st.integers(0, 10**8) for name in ("USD", "BTC", "ETH", "SOL")},
    **{("owed", name): st.integers(0, 10**6) for name in ("USD", "BTC", "ETH")},
}


@pytest.mark.parametrize("netting", ["underlying", "joint"])
@settings(max_examples=30)
@given(rows=st.lists(st.fixed_dictionaries({}, optional=AMOUNTS), min_size=1, max_size=5))
def test_equals_the_exact_calculator_but_for_rounding(
    netting: str, rows: list[Mapping[tuple[str, str], int]]
) -> None:
    rules = policy(book(netting=netting))
    content = pots(*rows)
    exact = calculate(rules, build_risk_table(rules, market()), content)
    model = explorer(rules, market(), "portfolio")
    found = model.margin(model.from_pots(content))
    bits = sum(abs(lots).bit_count() for row in rows for lots in row.values())
    for row in range(len(rows)):
        pot = exact.pot(row)
        scale = 1e-10 * (abs(found.net[row]) + np.abs(found.losses[row]).max() + 1)
        assert found.net[row] == pytest.approx(pot.net * 1e-6, abs=1e-3 + scale)
        assert pot.equity * 1e-6 <= found.equity[row] + 1e-3 + scale  # haircuts are rounded up
        assert found.equity[row] == pytest.approx(pot.equity * 1e-6, abs=1 + scale)
        assert found.requirement[row] <= pot.requirement * 1e-6 + 1e-5 + scale
        assert found.requirement[row] >= pot.requirement * 1e-6 - 1e-4 * bits - scale
        for u, unit in enumerate(pot.units):
            rival = np.sort(found.losses[row, u])[-2]
            clear = found.unit_requirement[row, u] - max(rival, 0) > 1 and unit.requirement
            if clear and found.minimum[row, u] < found.losses[row, u].max() - 1:
                assert found.binding[row, u] == unit.binding


def test_arrays_by_name() -> None:
    model = explorer(policy(book(scenarios=UP_DOWN)), market(), "portfolio")
    portfolios = model.portfolios(
        positions={"BTC-PERP": [1.0, -1.0, 0.0], CALL: [0, 0, -1.0]}, held={"USD": [20_000, 0, 0]}
    )
    found = model.margin(portfolios)
    assert len(portfolios) == 3
    assert found.losses.shape == (3, 2, 2)
    assert found.units == ("BTC", "ETH")
    assert found.requirement[:2] == pytest.approx([16_001.6, 16_001.6])
    assert list(found.binding[:, 0]) == ["down", "up", "up"]
    assert list(found.binding[:, 1]) == ["", "", ""]
    assert found.initial == pytest.approx(1.25 * found.requirement)
    assert found.equity[0] == pytest.approx(120_010)
    assert found.ratio[0] == pytest.approx(120_010 / 16_001.6)


def test_ratio_without_requirement() -> None:
    model = explorer(policy(), market(), "portfolio")
    found = model.margin(model.portfolios(held={"USD": [1.0, 0.0]}, owed={"USD": [0.0, 1.0]}))
    assert list(found.ratio) == [np.inf, -np.inf]


def test_short_minimum_binds() -> None:
    model = explorer(policy(book(short_option_minimum=F("0.9"))), market(), "portfolio")
    found = model.margin(model.portfolios(positions={CALL: [-0.1]}))
    assert found.requirement[0] == pytest.approx(0.9 * 100_000 * 0.1)
    assert found.binding[0, 0] == SHORT_MINIMUM


@pytest.mark.parametrize(
    "arguments",
    [
        {"positions": {"DOGE-PERP": [1.0]}},
        {"held": {"BTC-PERP": [1.0]}},
        {"positions": {"BTC-PERP": [1.0]}, "held": {"USD": [1.0, 2.0]}},
    ],
)
def test_wrong_names_and_shapes(arguments: dict[str, dict[str, list[float]]]) -> None:
    with pytest.raises(UsageError):
        explorer(policy(), market(), "portfolio").portfolios(**arguments)


def test_only_books_with_scenarios() -> None:
    with pytest.raises(UsageError, match="spot"):
        explorer(policy(book(), spot_book()), market(), "spot")


def test_moving_the_market_is_what_a_scenario_says() -> None:
    """The value after a move of the whole range is the value before plus the P&L of that scenario, weight 1."""
    coin = option("COIN-PUT", "BTC", "0.1", 90_000, "put", settlement="BTC")
    prices = market(coin, mark={"COIN-PUT": F("0.05")}, volatility={"COIN-PUT": F("0.6")})
    rules = policy()
    before = explorer(rules, prices, "portfolio")
    moved = move_market(prices, {"BTC": -0.16}, volatility=0.5)
    after = explorer(rules, moved, "portfolio")
    names = ["BTC-PERP", "BTC-MAR26", "BTC-INVERSE", CALL, PUT, "COIN-PUT"]
    position = {name: np.eye(len(names))[i] for i, name in enumerate(names)}
    portfolios = before.portfolios(positions=position)
    scenario = before.scenarios.index("-1 up")
    change = after.net(portfolios) - before.net(portfolios)
    assert change == pytest.approx(-before.margin(portfolios).losses[:, 0, scenario], abs=1e-4)
    assert moved.spot["ETH"] == prices.spot["ETH"]
    assert moved.forward[("BTC", coin.expiry)] == prices.forward[("BTC", coin.expiry)] * F("0.84")


def test_ladder() -> None:
    model = explorer(policy(), market(), "portfolio")
    portfolios = model.portfolios(positions={"BTC-PERP": [1.0, -1.0]}, held={"USD": [20_000.0, 250_000.0]})
    moves = [-0.2, 0.0, 0.2]
    equity, requirement = ladder(policy(), market(), "portfolio", portfolios, "BTC", moves)
    assert equity[:, 0] - equity[1, 0] == pytest.approx([-20_002, 0, 20_002])
    assert requirement[:, 0] == pytest.approx([0.8 * 16_001.6, 16_001.6, 1.2 * 16_001.6])
    assert equity[:, 1] - equity[1, 1] == pytest.approx([20_002, 0, -20_002])


def test_expired_options_move_by_their_intrinsic_value() -> None:
    late = market(contract("X", "BTC", "1"), time=option("o", "BTC", "1", 1, "put").expiry, mark={"X": F(1)})
    up = move_market(late, {"BTC": 0.5})
    assert up.mark[CALL] == late.mark[CALL] + F("101000") * F("1.5") - 110_000


def test_plots() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    rules = policy()
    model = explorer(rules, market(), "portfolio")
    portfolios = model.portfolios(positions={"BTC-PERP": [0.0, 1.0], CALL: [0.0, -1.0]})
    found = model.margin(portfolios)
    figure = plot_scenario_losses(found, 1)
    panel = figure.axes[0]
    heights = [bar.get_height() for bar in panel.patches]
    assert heights == pytest.approx(list(found.losses[1, 0]))
    red = [i for i, bar in enumerate(panel.patches) if bar.get_facecolor()[0] > 0.8]
    assert [found.scenarios[i] for i in red] == [found.binding[1, 0]]
    assert [axes.get_title() for axes in figure.axes] == [f"BTC: {found.requirement[1]:,.2f}"]
    moves = [-0.1, 0.0, 0.1]
    drawn = plot_ladder(moves, *ladder(rules, market(), "portfolio", portfolios, "BTC", moves), 1)
    assert [line.get_label() for line in drawn.axes[0].lines] == ["equity", "maintenance requirement"]
    assert plot_scenario_losses(found, 0, axes=figure.axes) is figure
    matplotlib.pyplot.close("all")


def test_plots_without_matplotlib_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    model = explorer(policy(), market(), "portfolio")
    with pytest.raises(UsageError, match=r"zkmargin\[plots\]"):
        plot_scenario_losses(model.margin(model.portfolios(positions={"BTC-PERP": [1.0]})))
