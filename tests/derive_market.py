"""Books of Derive's models on the small market, with further options: for tests without third-party data."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from functools import cache
from typing import Any

import small_market as sm

from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.inputs.feeds import Feeds
from zkmargin.inputs.market import Market
from zkmargin.inputs.models.derive_pm2 import DerivePm2
from zkmargin.inputs.models.derive_srm import DeriveSrm
from zkmargin.inputs.models.kind import Parameters
from zkmargin.inputs.models.pm2_numbers import BasisContingency, Pm2Parameters, Pm2Scenario, StaticDiscount
from zkmargin.inputs.models.srm_numbers import SrmDepeg, SrmUnderlyingRates
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.risk.table import RiskTable, build_risk_table

F = Fraction
APRIL = sm.MARCH + timedelta(days=28)
CALL, PUT, LOW_CALL = "BTC-MAR26-110000-C", "BTC-MAR26-90000-P", "BTC-MAR26-90000-C"
APRIL_CALL, APRIL_PUT = "BTC-APR26-120000-C", "BTC-APR26-95000-P"
OPTIONS = (CALL, PUT, LOW_CALL, APRIL_CALL, APRIL_PUT)
SCENARIOS = (
    Pm2Scenario(F("1.18"), "up"),
    Pm2Scenario(F("0.91"), "down"),
    Pm2Scenario(F(1), "none"),
    Pm2Scenario(F("0.34"), "up", F(3, 55)),
    Pm2Scenario(F(1), "linear"),
    Pm2Scenario(F(1), "abs", F(2)),
)
"""A selection of the published ones: one of each kind."""


def market(**changes: Any) -> Market:
    """The small market with three more options, a rate, and a spot feed that is not quite sure."""
    more = (
        sm.option(LOW_CALL, "BTC", "0.1", 90_000, "call"),
        sm.option(APRIL_CALL, "BTC", "0.1", 120_000, "call", expiry=APRIL),
        sm.option(APRIL_PUT, "BTC", "0.1", 95_000, "put", expiry=APRIL),
    )
    feeds = {
        ("rate", "BTC", sm.MARCH): F("0.05"),
        ("rate", "BTC", APRIL): F("0.04"),
        ("confidence", "BTC", None): F("0.5"),
        ("peg", "USD", None): F("0.96"),
    }
    base = sm.market(
        *more,
        mark={LOW_CALL: F(14_300), APRIL_CALL: F(4_800), APRIL_PUT: F(7_100)},
        forward={("BTC", APRIL): F(101_500)},
        volatility={LOW_CALL: F("0.55"), APRIL_CALL: F("0.52"), APRIL_PUT: F("0.54")},
    )
    return sm.replace(base, **({"feeds": Feeds(feeds)} | changes))


def trading_book(model: str, parameters: Parameters, **changes: Any) -> BookPolicy:
    base: dict[str, Any] = {
        "model": model,
        "scenario_set": "",
        "scenarios": (),
        "price_range": {},
        "volatility_range": F(0),
        "short_option_minimum": F(0),
        "initial_factor": F(1),
        "collateral": {
            "USD": "cash",
            "BTC": ((F(0), F("0.95")),),
            "ETH": ((F(0), F("0.9")), (F(10**6), F("0.5"))),
        },
        "parameters": parameters,
        "position_limit": F(4 * 10**6),
        "balance_limit": F(10**8),
    }
    return sm.book(**(base | changes))


def pm2_book(**numbers: Any) -> BookPolicy:
    given: dict[str, Any] = {"scenarios": SCENARIOS} | numbers
    return trading_book(
        "derive-pm2", DerivePm2("BTC", Pm2Parameters(**given), ("BTC",), {"BTC": F("0.02"), "ETH": F("0.05")})
    )


def srm_book(**rates: Any) -> BookPolicy:
    own = DeriveSrm({"BTC": SrmUnderlyingRates(**rates)}, SrmDepeg(), {"BTC": F("0.1"), "ETH": F("0.05")})
    return trading_book("derive-srm", own)


def skew_book() -> BookPolicy:
    """A book in which only the gain of a turned smile can bind: next to no discount of what is held, no basis."""
    return pm2_book(
        scenarios=(Pm2Scenario(F(1), "linear", F(5)),),
        discount=StaticDiscount(F("0.999"), F(0), F(0), F("1.04"), F("0.5"), F("0.08")),
        basis=BasisContingency(addition=F(0), multiplier=F(0)),
    )


BOOKS = {"derive-pm2": pm2_book, "skew only": skew_book, "derive-srm": srm_book}


@cache
def compiled(model: str) -> tuple[Policy, RiskTable, CompiledBook]:
    policy = sm.policy(BOOKS[model](), max_overstatement=F(10))
    table = build_risk_table(policy, market())
    return policy, table, compile_circuit(policy, market(), table, "portfolio")
