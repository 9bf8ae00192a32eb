"""examples/policies of brackets: each is lawful, compiles, and asks for what its venue's rule asks for."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import small_market as sm

from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.overstatement import overstatement
from zkmargin.inputs import parse_policy
from zkmargin.inputs.market import Instrument, Market, in_circuit_order
from zkmargin.inputs.market_rules import check_together
from zkmargin.margin.accounts import calculate
from zkmargin.margin.book import BookMargin
from zkmargin.margin.formulas import by_formula
from zkmargin.risk.table import build_risk_table

FOLDER = Path(__file__).parents[2] / "examples" / "policies"
POLICIES = sorted(path for path in FOLDER.glob("*.toml") if 'model = "brackets"' in path.read_text())
PRICES = {
    "USDC": Fraction(1),
    "BTC": Fraction(100_000),
    "ETH": Fraction(4_000),
    "SOL": Fraction(200),
    "DOGE": Fraction(1, 4),
}
LOTS = {"USDC": "0.01", "BTC": "0.001", "ETH": "0.01", "SOL": "0.1", "DOGE": "1"}


def market() -> Market:
    assets = [Instrument(a, "spot", a, "USDC", Fraction(lot), Fraction(lot)) for a, lot in LOTS.items()]
    perpetuals = [
        Instrument(f"{a}-PERP", "perpetual", a, "USDC", Fraction(lot), Fraction(1, 100))
        for a, lot in LOTS.items()
        if a != "USDC"
    ]
    marks = {f"{a}-PERP": price for a, price in PRICES.items() if a != "USDC"}
    return Market(sm.TIME, in_circuit_order([*assets, *perpetuals]), PRICES, marks, {}, {}, PRICES)


def margin(name: str, asset: str, notional: int, equity: int = 0) -> BookMargin:
    """Margin of one position bought at its mark, with some cash."""
    policy = parse_policy(next(path for path in POLICIES if path.stem == name).read_text())
    table = build_risk_table(policy, market())
    book = compile_circuit(policy, market(), table, "perp")
    lots = Fraction(notional) / (PRICES[asset] * Fraction(LOTS[asset]))
    assert lots.denominator == 1
    row = {("position", f"{asset}-PERP"): int(lots), ("cost", "USDC"): notional * 100}
    pots = sm.pots(row | ({("held", "USDC"): equity * 100} if equity else {}), book_id="perp")
    found = calculate(policy, table, pots, book)
    formula = by_formula(policy, market(), pots)
    assert formula is not None
    proven = [float(column[0] * policy.equity_quantum) for column in (found.requirement, found.initial)]
    assert proven == pytest.approx([formula.requirement[0], formula.initial[0]])
    return found


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_policies_are_lawful(path: Path) -> None:
    policy = parse_policy(path.read_text(), path.name)
    assert check_together(policy, market()) == []
    table = build_risk_table(policy, market())
    assert overstatement(compile_circuit(policy, market(), table, "perp")) <= policy.max_overstatement


@pytest.mark.parametrize(
    "name, asset, notional, maintenance, initial",
    [
        ("hyperliquid", "BTC", 200_000_000, 200_000_000 / 40 - 1_875_000, 200_000_000 / 20),
        ("hyperliquid", "BTC", 100_000_000, 100_000_000 / 80, 100_000_000 / 40),
        ("hyperliquid", "DOGE", 4_000_000, 4_000_000 / 10 - 150_000, 4_000_000 / 5),
        ("dydx-v4", "BTC", 1_000_000, 12_000, 20_000),
        ("dydx-v4", "SOL", 1_000_000, 50_000, 550_000),  # half way between the caps: 10 % -> 55 %
        ("dydx-v4", "DOGE", 1_000_000, 100_000, 200_000),
        ("lighter", "BTC", 1_000_000, 12_000, 20_000),
        ("step-factor", "DOGE", 999_999, 49_999.95, 99_999.9),
        ("step-factor", "DOGE", 1_000_000, 80_000, 160_000),
        ("step-factor", "BTC", 20_000_000, 3_000_000, 6_000_000),
    ],
)
def test_requirements(name: str, asset: str, notional: int, maintenance: float, initial: float) -> None:
    found = margin(name, asset, notional)
    assert float(found.requirement[0]) / 10**6 == pytest.approx(maintenance, rel=1e-12)
    assert float(found.initial[0]) / 10**6 == pytest.approx(initial, rel=1e-12)


@pytest.mark.parametrize(
    "equity, level",
    [
        (20_001, "normal"),
        (19_999, "reduce-only"),
        (11_999, "liquidation"),
        (8_001, "liquidation"),
        (7_999, "close-out"),
    ],
)
def test_lighters_levels(equity: int, level: str) -> None:
    """Below the initial fraction only reductions, below maintenance liquidation, then the fund takes over."""
    assert margin("lighter", "BTC", 1_000_000, equity).level(0) == level
