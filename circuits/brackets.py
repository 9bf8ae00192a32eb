"""Brackets: a marginal rate by notional, per contract, cross or isolated by pot.

    R = sum over contracts of  f(|q|),    I = the same with initial rates

    f(x) = sum over brackets of rate x part of x's notional inside the bracket             marginal rates
    f(x) = rate of the bracket that holds x's notional x the whole notional                whole rates

Long and short of a contract are one amount, |q| = long + short: rates rise, so raising both can only raise the
requirement. Both requirements share a contract's tiers. Tiers stand apart, so f is exact at every lot but for slopes
and jumps, which are rounded up to equity quanta a lot.
"""

from __future__ import annotations

from zkmargin.circuits.atoms import SplitTiers, Tiers, position_tiers
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.expression import Expression, total
from zkmargin.circuits.trading import TradingBook, margined
from zkmargin.inputs.market import Market
from zkmargin.inputs.models.brackets import Brackets
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.risk.brackets import Charge, bracket_schedule
from zkmargin.risk.table import RiskTable


def bracket_rules(policy: Policy, market: Market, table: RiskTable, book: BookPolicy) -> Rules:
    """State the rules of a book of the model "brackets"."""
    parameters = book.own(Brackets)
    schedules = {
        contract.name: bracket_schedule(
            market, contract, parameters.brackets(contract), parameters.maintenance, parameters.initial
        )
        for contract in margined(book, market)
    }
    first = {name: schedule.last_of_first for name, schedule in schedules.items()}
    of = TradingBook.declare(policy, market, table, book, first=first)
    maintenance, initial = [], []
    for name, schedule in schedules.items():
        tiers = position_tiers(f"brackets {name}", of.position[name], schedule.knots, apart=True)

        def charged(name: str, charge: Charge, tiers: Tiers | SplitTiers = tiers) -> Expression:
            return tiers.function(name, charge.values, charge.slopes, quantum=policy.equity_quantum)

        maintenance.append(charged(f"brackets {name}", schedule.maintenance))
        initial.append(charged(f"initial brackets {name}", schedule.initial))
    return of.state(total(maintenance), total(initial))
