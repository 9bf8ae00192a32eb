"""Books of brackets on the small market: the published brackets of BTCUSDT, and steeper ones for all others."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import small_market as sm

from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.inputs.market import Market
from zkmargin.inputs.models.bracket import Bracket
from zkmargin.inputs.models.brackets import Brackets
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.risk.table import RiskTable, build_risk_table

F = Fraction
BTCUSDT = (  # Binance, brackets of BTCUSDT: floor, maintenance rate, maximum leverage, amount `cum`
    (0, "0.004", 125, 0),
    (50_000, "0.005", 100, 50),
    (600_000, "0.0065", 75, 950),
    (3_000_000, "0.01", 50, 11_450),
    (12_000_000, "0.02", 25, 131_450),
    (70_000_000, "0.025", 20, 481_450),
    (100_000_000, "0.05", 10, 2_981_450),
    (230_000_000, "0.1", 5, 14_481_450),
    (480_000_000, "0.125", 4, 26_481_450),
    (600_000_000, "0.15", 3, 41_481_450),
    (800_000_000, "0.25", 2, 121_481_450),
    (1_200_000_000, "0.5", 1, 421_481_450),
)
BTC = tuple(Bracket(F(floor), F(rate), F(1, leverage)) for floor, rate, leverage, _ in BTCUSDT)
OTHERS = (Bracket(F(0), F("0.05"), F("0.1")), Bracket(F(5_000), F("0.1"), F("0.2")))
QUANTUM = F(1, 10**6)


def bracket_book(**changes: object) -> BookPolicy:
    base = sm.book(
        id="perp",
        model="brackets",
        scenario_set="",
        scenarios=(),
        price_range={},
        volatility_range=F(0),
        short_option_minimum=F(0),
        initial_factor=F(1),
        collateral={"USD": "cash", "BTC": ((F(0), F("0.95")),)},
        parameters=Brackets({"BTC-PERP": BTC, "*": OTHERS}),
        position_limit=F(2 * 10**9),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def compile_book(
    book: BookPolicy, market: Market | None = None, **units: object
) -> tuple[Policy, RiskTable, CompiledBook]:
    policy, market = sm.policy(book, **units), market or sm.market()
    table = build_risk_table(policy, market)
    return policy, table, compile_circuit(policy, market, table, "perp")
