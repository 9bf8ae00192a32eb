"""docs/margin.md: its worked example, computed from the files that stand in it, figure by figure."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from readme_tour import ROOT

from zkmargin.inputs import load_ledger, load_market
from zkmargin.inputs.ledger import Ledger
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import Policy
from zkmargin.margin.accounts import PotMargin, calculate_all
from zkmargin.margin.levels import ratio_text
from zkmargin.risk.table import RiskTable, build_risk_table

TEXT = (ROOT / "docs/margin.md").read_text()
PERP, CALL = "BTC-PERP", "BTC-MAR-50000-C"
SCENARIOS = ("+1", "-1", "0 up")


def rows(heading: str) -> dict[str, list[str]]:
    """Cells of the table under a heading, by their first, without emphasis."""
    table = TEXT.partition(heading)[2].partition("| ")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in table]
    return {line[0]: line[1:] for line in cells}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Policy, Market, Ledger, RiskTable]:
    folder = tmp_path_factory.mktemp("example")
    blocks = re.findall(r"^```(?:toml|csv) (\S+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 6
    for name, content in blocks:
        path: Path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    policy, market = load_market(folder / "market")
    return (
        policy,
        market,
        load_ledger(folder / "ledger", policy, market),
        build_risk_table(policy, market),
    )


@pytest.fixture(scope="module")
def pot(inputs: tuple[Policy, Market, Ledger, RiskTable]) -> PotMargin:
    policy, _, ledger, table = inputs
    return calculate_all(policy, table, ledger.pots)["portfolio"].pot(0)


def money(quanta: int) -> Decimal:
    return Decimal(quanta) / 1000


def test_net_value_and_equity(inputs: tuple[Policy, Market, Ledger, RiskTable], pot: PotMargin) -> None:
    table = rows("**Net value and equity**")
    amounts = {name: Decimal(cells[-1]) for name, cells in table.items()}
    net, equity, haircut = amounts.pop("N"), amounts.pop("E"), amounts.pop("haircut of ETH")
    assert sum(amounts.values()) == net == money(pot.net)
    assert net + haircut == equity == money(pot.equity)
    values, lots = inputs[3].lot_value, inputs[2].pots["portfolio"].values
    for (kind, name), column in lots.items():
        sign = -1 if kind == "cost" else 1
        shown = amounts["its entry cost" if kind == "cost" else name]
        assert shown == money(sign * int(column.values[0]) * values[name]), name


def black76(forward: float, volatility: float) -> float:
    """Call at 50,000 in 56 days without interest, by the textbook."""
    deviation = volatility * math.sqrt(56 / 365)
    d1 = (math.log(forward / 50_000) + deviation**2 / 2) / deviation
    normal = [0.5 * math.erfc(-x / math.sqrt(2)) for x in (d1, d1 - deviation)]
    return forward * normal[0] - 50_000 * normal[1]


def test_option_prices(inputs: tuple[Policy, Market, Ledger, RiskTable]) -> None:
    table = rows("**Option prices**")
    now = black76(50_500, 0.6)
    assert f"{now:.3f}" == table["now"][2]
    for scenario, value in zip(SCENARIOS, inputs[3].books["portfolio"].pnl[CALL].values, strict=True):
        forward, volatility, price, change, lot = table[scenario]
        by_hand = black76(float(forward), float(volatility))
        assert (f"{by_hand:.3f}", f"{by_hand - now:.3f}") == (price, change)
        assert Fraction(lot) * 10**9 == value


def down(value: Fraction) -> Decimal:
    return Decimal(math.floor(value * 100)) / 100


def test_worst_case(inputs: tuple[Policy, Market, Ledger, RiskTable], pot: PotMargin) -> None:
    pnl, table = inputs[3].books["portfolio"].pnl, rows("**Worst case of the unit BTC.**")
    assert tuple(table) == SCENARIOS
    worst = Decimal(0)
    for s, name in enumerate(SCENARIOS):
        coin, perpetual, call, total = (Decimal(cell) for cell in table[name])
        assert coin == down(5000 * pnl["BTC"].long(s))
        assert perpetual == down(128 * pnl[PERP].short(s))
        assert call == down(4 * pnl[CALL].short(s))
        assert coin + perpetual + call == total
        worst = max(worst, -total)
    assert worst == money(pot.requirement)
    assert [(unit.name, unit.binding) for unit in pot.units] == [("BTC", "-1"), ("ETH", None)]
    assert 4 * inputs[3].short_minimum["portfolio"][CALL] == 10


def test_requirements(inputs: tuple[Policy, Market, Ledger, RiskTable], pot: PotMargin) -> None:
    table = {name: cells[-1] for name, cells in rows("The unit ETH").items()}
    assert Decimal(table["R"]) == money(pot.requirement)
    assert Decimal(table["I"]) == money(pot.initial)
    assert table["ratio"] == ratio_text(pot.equity, pot.requirement)
    margin = calculate_all(inputs[0], inputs[3], inputs[2].pots)["portfolio"]
    assert table["level"] == margin.level(0)
