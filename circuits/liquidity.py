"""Liquidity add-on: the convex cost of closing one position.

    by rate         sum over brackets of  rate x part of the notional inside
    by power law    quote x (size x)^power, by chords: above by at most 1.2 % for a power of 1.5, 3.1 % for 2
    by order book   sum over levels of  cost of a lot x part of x inside the level; long into bids, short into asks

Long and short of a contract are one amount for rates and laws, and two for an order book.
"""

from __future__ import annotations

from fractions import Fraction

from zkmargin.circuits.atoms import chords, piecewise
from zkmargin.circuits.expression import Expression, Signed, total
from zkmargin.inputs.liquidity import Cost, PowerCost, RateCost
from zkmargin.inputs.market import Instrument, Market
from zkmargin.risk.liquidity import closing_curve, power_coefficient, whole_lots

FINEST = 10  # doublings below the largest position at which chords begin


def closing_cost(
    market: Market, contract: Instrument, cost: Cost, position: Signed, most: int, quantum: Fraction
) -> Expression:
    """Return the cost in quote of closing a position of at most `most` lots; never below the rule.

    The cost of a lot is rounded up to `quantum`.
    """
    name = f"liquidity {contract.name}"
    if isinstance(cost, PowerCost):
        coefficient, lot = power_coefficient(market, contract, cost)
        first = max(1, most >> FINEST)
        law = chords(name, cost.power, most, coefficient=coefficient, lot=lot, first=first)
        return piecewise(name, position.gross, *law, quantum=quantum)
    if isinstance(cost, RateCost):
        rates = whole_lots(closing_curve(market, contract, cost, long=True))
        return piecewise(name, position.gross, *rates, quantum=quantum)
    bids = whole_lots(closing_curve(market, contract, cost, long=True))
    asks = whole_lots(closing_curve(market, contract, cost, long=False))
    return total(
        (
            piecewise(f"{name} long", position.long, *bids, quantum=quantum),
            piecewise(f"{name} short", position.short, *asks, quantum=quantum),
        )
    )
