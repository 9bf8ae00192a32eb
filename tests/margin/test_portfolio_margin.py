"""Portfolio margin with charges: the exchanges' worked examples, and the circuit against the formula."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import small_market as sm

from zkmargin.circuits.compile import compile_circuit
from zkmargin.inputs.models.named_rates import BasisMove
from zkmargin.inputs.models.scenarios import PortfolioMargin
from zkmargin.inputs.policy import BookPolicy, Scenario
from zkmargin.inputs.presets import scenario
from zkmargin.margin.accounts import calculate
from zkmargin.margin.portfolio_margin import scenario_formula
from zkmargin.risk.table import build_risk_table

F = Fraction
BUCKETS = tuple(scenario(F(step, 4), F(move), F(1)) for step in range(-4, 5) for move in (1, 0, -1))


def coin_book(**rules: object) -> BookPolicy:
    """A book measured in BTC, in which only BTC is collateral."""
    return sm.book(
        settlement="BTC",
        scenario_set="custom",
        scenarios=BUCKETS,
        price_range={"BTC": F("0.16")},
        collateral={"BTC": "cash"},
        short_option_minimum=F(0),
        parameters=PortfolioMargin(measure="settlement", **rules),  # type: ignore[arg-type]
    )


def test_the_documented_example_of_deribit() -> None:
    """Deribit API, private/pme/simulate: a perpetual of 0.314538364 BTC and a future of -0.001187534 BTC."""
    rules = coin_book(maintenance_factor=F("0.8"), basis={"*": BasisMove(F("0.01"), F("0.075"))})
    price = F(65_000)
    coin = {"kind": "perpetual", "settlement": "BTC", "inverse": True}
    perp = sm.contract("BTC-PERPETUAL", "BTC", str(price / 10**9), **coin)  # a lot refers to 1e-9 BTC
    june = sm.contract("BTC-28JUN24", "BTC", str(price / 10**9), **(coin | {"kind": "future", "expiry": sm.MARCH}))
    market = replace(
        sm.market(),
        instruments={item.name: item for item in (sm.spot("BTC", "1e-9"), sm.spot("USD", "0.01"), june, perp)},
        spot={"BTC": price, "USD": F(1)},
        mark={"BTC-PERPETUAL": price, "BTC-28JUN24": price},
        index={"BTC": price, "USD": F(1)},
        forward={},
        volatility={},
    )
    formula = scenario_formula(sm.policy(rules), market, "portfolio")
    both = {"BTC-PERPETUAL": [0.314538364, 0.314538364], "BTC-28JUN24": [0, -0.001187534]}
    books = formula.portfolios(positions={name: np.array(size) * float(price) for name, size in both.items()})
    losses = formula.scan.margin(books).losses[:, 0] / float(price)
    print(losses)
    found = formula.margin(books)
    print(found.requirement/float(price), found.initial/float(price))
    assert 0
