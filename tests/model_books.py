"""Books of the models "historical" and "sensitivities" on the small market, and past moves of its assets."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import small_market as sm

from zkmargin.inputs.models.correlations import Correlations
from zkmargin.inputs.models.historical import Historical
from zkmargin.inputs.models.sensitivities import Sensitivities
from zkmargin.inputs.policy import BookPolicy
from zkmargin.inputs.returns import Returns

F = Fraction
SCENARIOS = 30
EXPECTED, AT_RISK = "expected-shortfall", "value-at-risk"
CORRELATED = Correlations(F("0.6"), F("0.5"), F("0.8"))


def past(seed: int = 5, count: int = SCENARIOS) -> Returns:
    """Correlated moves of BTC and ETH, four decimals; volatility rises when prices fall."""
    rng = np.random.default_rng(seed)
    common, own = rng.standard_t(4, count), rng.standard_t(4, (2, count))
    moves = np.clip(0.03 * (0.8 * common + 0.5 * own), -0.4, 0.6)

    def exact(values: Any) -> tuple[Fraction, ...]:
        return tuple(F(round(float(value) * 10_000), 10_000) for value in values)

    return Returns(
        tuple(f"day {day:03}" for day in range(count)),
        {"BTC": exact(moves[0]), "ETH": exact(moves[1])},
        {"BTC": exact(-2 * moves[0].clip(max=0)), "ETH": exact(-moves[1].clip(max=0))},
    )


def historical_book(
    measure: str = EXPECTED, tail: str = "0.1", weight: str = "1", **changes: Any
) -> BookPolicy:
    mixed = F(weight) < 1
    base = sm.book(
        id="cleared",
        model="historical",
        netting="joint",
        scenario_set="span-16" if mixed else "custom",
        scenarios=sm.book().scenarios if mixed else (),
        parameters=Historical(measure, F(tail), F(weight), None),  # type: ignore[arg-type]
    )
    return replace(base, **changes)


def greeks_book(offset: str = "0.1", correlations: Correlations | None = None, **changes: Any) -> BookPolicy:
    base = sm.book(
        id="desk",
        model="sensitivities",
        scenario_set="custom",
        scenarios=(),
        volatility_range=F("0.25"),
        short_option_minimum=F("0.001"),
        parameters=Sensitivities((F(90),), F(offset), correlations),
    )
    return replace(base, **changes)
