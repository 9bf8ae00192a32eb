"""Brackets: a marginal rate by notional, per contract, cross or isolated by pot.

    R = sum over contracts of  f(|q|),    f(x) = sum over brackets of rate x part of x's notional inside the bracket
    I = the same with initial rates

Long and short of a contract are one amount, |q| = long + short: raising both can only raise the requirement.
"""

from __future__ import annotations

from zkmargin.circuits.atoms import piecewise
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.expression import total
from zkmargin.circuits.trading import TradingBook
from zkmargin.errors import PolicyError
from zkmargin.inputs.market import Market
from zkmargin.inputs.models.brackets import Brackets
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.risk.brackets import bracket_schedule
from zkmargin.risk.table import RiskTable


def bracket_rules(policy: Policy, market: Market, table: RiskTable, book: BookPolicy) -> Rules:
    """State the rules of a book of the model "brackets"."""
    parameters = book.parameters
    if not isinstance(parameters, Brackets):
        raise PolicyError("parameters", f"book {book.id} has no brackets")
    of = TradingBook.declare(policy, market, table, book)
    maintenance, initial = [], []
    for name, position in of.position.items():
        schedule = bracket_schedule(market, market.instruments[name], parameters.brackets(name) or ())
        maintenance.append(
            piecewise(f"brackets {name}", position.gross, schedule.knots, schedule.maintenance)
        )
        initial.append(
            piecewise(f"initial brackets {name}", position.gross, schedule.knots, schedule.initial)
        )
    return of.state(total(maintenance), total(initial))
