"""Shocks of a book, scenario by scenario: prices, volatilities, weights, and what P&L is measured in."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from zkmargin.errors import PolicyError
from zkmargin.inputs.models.named_rates import VolatilityShock, lookup
from zkmargin.inputs.models.scenarios import PortfolioMargin
from zkmargin.inputs.policy import BookPolicy, Scenario

Factors = tuple[Fraction, ...]  # one per scenario
ONE = Fraction(1)
PLAIN = PortfolioMargin()
TERM_DAYS = 30  # ranges of volatility moves are those of this term


def portfolio_rules(book: BookPolicy) -> PortfolioMargin:
    """Return a book's rules beyond the plain model's; without parameters none of them does anything."""
    return book.parameters if isinstance(book.parameters, PortfolioMargin) else PLAIN


def price_factors(book: BookPolicy, asset: str, *, linear: bool = False) -> Factors:
    """Return the shocked price over the price, per scenario: 1 + move x range, or 1 without a range.

    `linear`: for everything but options, whose moves may be capped. Raise PolicyError where a price would become
    negative.
    """
    moves = [_price_move(book, asset, scenario, linear) for scenario in book.scenarios]
    hint = "lower its price_range or the scenario's price move"
    return _factors(book, moves, "scenario-price", f"the price of {asset}", hint)


def _factors(book: BookPolicy, moves: Sequence[Fraction], code: str, what: str, hint: str) -> Factors:
    """Return 1 + move per scenario; raise PolicyError below 0."""
    for scenario, move in zip(book.scenarios, moves, strict=True):
        if 1 + move < 0:
            message = f"book {book.id}: scenario {scenario.name} makes {what} negative"
            raise PolicyError(code, message, actual=1 + move, hint=hint)
    return tuple(1 + move for move in moves)


def _price_move(book: BookPolicy, asset: str, scenario: Scenario, linear: bool) -> Fraction:
    if asset not in book.price_range:
        return Fraction(0)
    rules, span = portfolio_rules(book), book.price_range[asset]
    own = lookup(rules.moves.get(scenario.name, {}), asset)
    move = scenario.price_move(asset, span) if own is None else own
    if not linear or rules.linear_cap is None:
        return move
    most = rules.linear_cap * span
    return max(-most, min(move, most))


def measures(book: BookPolicy, *, linear: bool = False) -> Factors:
    """Return what a shocked value is divided by: 1, or the shocked price of the coin in which a book is measured."""
    if portfolio_rules(book).measure == "quote":
        return (ONE,) * len(book.scenarios)
    return price_factors(book, book.settlement, linear=linear)


def scenario_weights(book: BookPolicy, asset: str) -> Factors:
    """Return the weight of each scenario for what moves with an asset."""
    own = portfolio_rules(book).weights
    found = (lookup(own.get(scenario.name, {}), asset) for scenario in book.scenarios)
    return tuple(
        scenario.weight if weight is None else weight
        for scenario, weight in zip(book.scenarios, found, strict=True)
    )


def weighted(book: BookPolicy, asset: str, changes: Sequence[Fraction]) -> Factors:
    """Multiply the P&L of what moves with an asset by each scenario's weight."""
    return tuple(
        weight * change for weight, change in zip(scenario_weights(book, asset), changes, strict=True)
    )


def noise(book: BookPolicy, asset: str) -> Fraction:
    """Return by how much weights and shocks can multiply the noise of a float price; at least 1."""
    weights = scenario_weights(book, asset)
    if book.parameters is None:
        return max(ONE, *weights)
    shocks = zip(weights, price_factors(book, asset), measures(book), strict=True)
    return max([ONE, *weights, *(weight * max(price, ONE) / measure for weight, price, measure in shocks)])


def stressed_volatilities(book: BookPolicy, underlying: str, volatility: float, years: float) -> list[float]:
    """Return an option's volatility in each scenario, `years` before its expiry.

    By volatility_range alone, or by the underlying's own shock and its term structure; raise PolicyError below 0.
    """
    shock = lookup(portfolio_rules(book).volatility, underlying)
    if shock is None:
        return [volatility * float(factor) for factor in volatility_factors(book, underlying)]
    term = term_scale(shock, years)
    return [_stressed(shock, term, volatility, float(item.volatility)) for item in book.scenarios]


def term_scale(shock: VolatilityShock, years: float) -> float:
    """Return (30 / days)^power, days at least `days_floor`."""
    days = max(years * 365, float(shock.days_floor))
    power = shock.short_power if days <= TERM_DAYS else shock.long_power
    return float((TERM_DAYS / days) ** float(power))


def _stressed(shock: VolatilityShock, term: float, volatility: float, move: float) -> float:
    if move > 0:
        return max(volatility * (1 + move * float(shock.up) * term), float(shock.minimum))
    return volatility * max(0.0, 1 + move * float(shock.down) * term)


def volatility_factors(book: BookPolicy, underlying: str) -> Factors:
    """Return sigma' / sigma per scenario: 1 + move x volatility_range; raise PolicyError below 0."""
    moves = [scenario.volatility_move(underlying, book.volatility_range) for scenario in book.scenarios]
    hint = "lower volatility_range or the scenario's volatility move"
    return _factors(book, moves, "scenario-volatility", "volatilities", hint)


def floats(values: Sequence[Fraction]) -> list[float]:
    """Return exact numbers as floats."""
    return [float(value) for value in values]
