"""Past moves as scenarios: plain, or filtered, which scales every move to the volatility of today.

    r* = r x sigma_now / sigma_then,    sigma^2 of the next scenario = decay x sigma^2 + (1 - decay) x r^2

Source: J. Hull and A. White, "Incorporating volatility updating into the historical simulation method for value at
risk", Journal of Risk 1 (1998), equations 1 and 4; sigma^2 begins at the mean of all squared moves. Everything is in
integers: variances are rounded to 1e-30, the ratio of volatilities up to 1e-9, so that no move becomes smaller by
rounding and every machine has the same scenarios.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from zkmargin.errors import PolicyError
from zkmargin.inputs.market import Market
from zkmargin.inputs.models import MODELS
from zkmargin.inputs.models.historical import Historical
from zkmargin.inputs.policy import BookPolicy, Scenario
from zkmargin.inputs.returns import Returns

VARIANCE = 10**30
RATIO = 10**9
ZERO, ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True)
class PastScenario(Scenario):
    """Moves of its own for every asset, whatever the ranges; an asset without past moves keeps its price."""

    prices: Mapping[str, Fraction] = field(default_factory=dict)
    volatilities: Mapping[str, Fraction] = field(default_factory=dict)

    def price_move(self, asset: str, span: Fraction) -> Fraction:
        """Return the move of an asset's price."""
        return self.prices.get(asset, ZERO)

    def volatility_move(self, underlying: str, span: Fraction) -> Fraction:
        """Return the move of an underlying's volatility."""
        return self.volatilities.get(underlying, ZERO)


def with_history(book: BookPolicy, market: Market) -> BookPolicy:
    """Return a book whose scenarios go on with the market's past ones, if its model has history.

    Only what has a price range moves: the quote asset's price is 1 in every scenario, whatever the returns say.
    Raise PolicyError for a market without returns.
    """
    if not MODELS[book.model].history:
        return book
    if market.returns is None:
        raise PolicyError("returns", f"book {book.id}: the market has no returns", hint="write returns.csv")
    decay = book.parameters.decay if isinstance(book.parameters, Historical) else None
    returns = market.returns if decay is None else filtered(market.returns, decay)
    moved = book.price_range
    tables = [{a: of[a] for a in moved if a in of} for of in (returns.price, returns.volatility)]
    past = [
        PastScenario(name, ZERO, ZERO, ONE, *({a: moves[s] for a, moves in of.items()} for of in tables))
        for s, name in enumerate(returns.scenarios)
    ]
    return replace(book, scenarios=(*book.scenarios, *past))


def filtered(returns: Returns, decay: Fraction) -> Returns:
    """Return the returns with price moves scaled to the volatility after the last scenario."""
    return replace(returns, price={asset: scaled(moves, decay) for asset, moves in returns.price.items()})


def scaled(moves: Sequence[Fraction], decay: Fraction) -> tuple[Fraction, ...]:
    """Return r x sigma_now / sigma_then of one asset's moves, oldest first."""
    squares = [round(move * move * VARIANCE) for move in moves]
    variances = [max(1, sum(squares) // len(squares))]
    for square in squares:
        variances.append(max(1, round(decay * variances[-1] + (1 - decay) * square)))
    now = variances[-1]
    return tuple(
        move * Fraction(_ceil_root(Fraction(now * RATIO**2, then)), RATIO)
        for move, then in zip(moves, variances, strict=False)
    )


def _ceil_root(value: Fraction) -> int:
    """Return the square root of a positive number, rounded up."""
    return math.isqrt(math.ceil(value) - 1) + 1
