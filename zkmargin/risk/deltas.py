"""Cash deltas: what one lot gains, in quote currency, per relative move of its underlying's index.

    perpetual, future   what a lot refers to: lot x multiplier x index, of an inverse contract lot x multiplier, of one
                        that settles in a coin its value
    option              that times its Black-76 delta to the forward; after expiry 1, -1 or 0 by what it pays

Options' deltas pass through floats, so they are public numbers of the risk table, floored like P&L: a delta has one
entry, and its `short` is rounded against the other side.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

import numpy as np

from zkmargin.inputs.market import Instrument, Market, lot_notional
from zkmargin.inputs.models.named_rates import BasisMove
from zkmargin.inputs.policy import BookPolicy
from zkmargin.risk.entries import BookRisk, Pnl
from zkmargin.risk.pricing import YEAR, black76_delta, floor_pnl, inexact_unit, years_between
from zkmargin.risk.scenarios import option_terms

SECOND = timedelta(seconds=1)


def option_deltas(book: BookPolicy, market: Market, options: Sequence[Instrument]) -> dict[str, Pnl]:
    """Return the cash delta of one lot of each unexpired option, floored to a unit as its P&L is."""
    out = {}
    for option in options:
        forward, strike = option_terms(market, option)
        delta = black76_delta(
            np.array([float(forward)]),
            np.array([float(strike)]),
            np.array([float(market.volatility[option.name])]),
            np.array([years_between(market.time, option.expiry or market.time)]),
            float(book.interest),
            np.array([option.right == "call"]),
        )
        notional = lot_notional(market, option)
        unit = inexact_unit(notional)
        out[option.name] = Pnl(unit, floor_pnl(option.name, delta.tolist(), [notional], unit), exact=False)
    return out


def cash_delta(market: Market, risk: BookRisk, contract: Instrument) -> Pnl:
    """Return the cash delta of one lot held."""
    if contract.name in risk.delta:
        return risk.delta[contract.name]
    side = _paid(market, contract) if contract.kind == "option" else 1
    return Pnl(lot_notional(market, contract), (side,), exact=True)


def basis_rate(market: Market, move: BasisMove, expiry: datetime | None) -> Fraction:
    """Return how far the forwards of an expiry move alone, exact; a perpetual's by the minimum."""
    years = Fraction(0) if expiry is None else Fraction((expiry - market.time) // SECOND, YEAR // SECOND)
    return max(move.minimum, move.annualised * years)


def _paid(market: Market, option: Instrument) -> int:
    """Return the slope of an expired option's intrinsic value."""
    forward, strike = option_terms(market, option)
    if option.right == "call":
        return int(forward > strike)
    return -int(forward < strike)
