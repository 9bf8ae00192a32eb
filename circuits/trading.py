"""Inputs of a book that takes positions, and what every such book states alike.

    N = balances + positions - entry costs - what is owed, at their lot values
    E = N - haircuts of collateral
    an entry cost is 0 unless a position settled in its asset is held

    R, I = the model's requirements + cost of closing what is held, where the policy has liquidity add-ons

A model adds its requirements: see `scenario`, `brackets`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from zkmargin.circuits.atoms import piecewise
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.expression import Expression, Signed, total
from zkmargin.circuits.liquidity import closing_cost
from zkmargin.circuits.variables import InputKey
from zkmargin.inputs.eligibility import may_hold, may_owe
from zkmargin.inputs.liquidity import cost_of
from zkmargin.inputs.market import Instrument, Market
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.inputs.widths import balance_bits, cost_bits, position_bits
from zkmargin.risk.table import RiskTable
from zkmargin.risk.tiers import haircut_schedule

BIT = 1  # digits of one bit

Digits = Callable[[InputKey], int | None]
"""Bits of the digits in which an input is stored, None for whole: bit by bit what has fractional coefficients."""


def whole(key: InputKey) -> int | None:
    """Store an input in one column."""
    return None


def margined(book: BookPolicy, market: Market) -> tuple[Instrument, ...]:
    """Return the contracts that a book takes, in circuit order."""
    return tuple(contract for contract in market.contracts if may_hold(book, contract))


@dataclass(frozen=True)
class TradingBook:
    """Everything that an account of a book can hold, in lots, and its values in quote currency per lot."""

    rules: Rules
    policy: Policy
    market: Market
    book: BookPolicy
    value: dict[str, Fraction]
    held: dict[str, Expression]
    owed: dict[str, Expression]
    cost: dict[str, Signed]
    position: dict[str, Signed]

    @staticmethod
    def declare(
        policy: Policy,
        market: Market,
        table: RiskTable,
        book: BookPolicy,
        contracts: Sequence[Instrument] | None = None,
        digits: Digits = whole,
        first: Mapping[str, int] | None = None,
    ) -> TradingBook:
        """Declare balances, debts, entry costs and positions, as wide as the policy's limits.

        `first`: of contracts with tiers the last lot of the first, up to which a position has a column of its own.
        """
        contracts = margined(book, market) if contracts is None else contracts
        rules = Rules(
            book.id,
            version=policy.circuit_version,
            equity_quantum=policy.equity_quantum,
            margin_quantum=policy.margin_quantum,
            money_limit=book.account_limit,
        )

        def amounts(kind: str, asset: str) -> dict[str, Expression]:
            bits = {asset: balance_bits(book, market, asset)}
            return rules.amounts(kind, bits, digits=digits((kind, asset)))

        paid_in = {contract.settlement for contract in contracts}
        held: dict[str, Expression] = {}
        owed: dict[str, Expression] = {}
        cost: dict[str, Signed] = {}
        for asset in market.assets:
            held |= amounts("held", asset)
            owed |= amounts("owed", asset) if may_owe(policy, book, asset) else {}
        for asset in (asset for asset in market.assets if asset in paid_in):
            bits = {asset: cost_bits(book, market, asset)}
            cost |= rules.signed("cost", bits, digits=digits(("cost", asset)))
        position: dict[str, Signed] = {}
        for name, width in ((c.name, position_bits(book, market, c)) for c in contracts):
            if first is not None:
                position |= rules.tiered({name: width}, first)
            else:
                position |= rules.signed("position", {name: width}, digits=digits(("position", name)))
        value = {name: lots * policy.equity_quantum for name, lots in table.lot_value.items()}
        return TradingBook(rules, policy, market, book, value, held, owed, cost, position)

    def state(
        self, requirement: Expression, initial: Expression, legs: Mapping[str, Signed] | None = None
    ) -> Rules:
        """State N, E, the model's requirements and what liquidity adds to them, and the gates of entry costs.

        `legs` of positions that may stand alone: see `alone`.
        """
        positions = {name: _with_leg(held, (legs or {}).get(name)) for name, held in self.position.items()}
        net = total(
            [self.held[a] * self.value[a] for a in self.held]
            + [self.owed[a] * -self.value[a] for a in self.owed]
            + [positions[k] * self.value[k] for k in positions]
            + [self.cost[a] * -self.value[a] for a in self.cost]
        )
        self.rules.net_value(net)
        self.rules.equity(net - total(self._haircut(asset) for asset in self.held))
        added = self._liquidity(positions)
        self.rules.requirement(requirement + added)
        self.rules.initial_requirement(initial + added)
        for asset, cost in self.cost.items():
            settled = [p for k, p in positions.items() if self.market.instruments[k].settlement == asset]
            self.rules.gate(cost, settled, f"cost in {asset} only with a position settled in it")
        return self.rules

    def _liquidity(self, positions: Mapping[str, Signed]) -> Expression:
        """Cost of closing every position, in quote currency."""
        return total(
            closing_cost(
                *(self.market, self.market.instruments[name], cost, position),
                most=self._most(name),
                quantum=self.policy.equity_quantum,
            )
            for name, position in positions.items()
            if (cost := cost_of(self.book.liquidity, name)) is not None
        )

    def _most(self, contract: str) -> int:
        """Lots that both sides of a position can hold together."""
        return 2 * ((1 << position_bits(self.book, self.market, self.market.instruments[contract])) - 1)

    def _haircut(self, asset: str) -> Expression:
        """Loss of collateral value against market value, in quote currency."""
        rule = self.book.collateral.get(asset)
        if isinstance(rule, str):
            return Expression()
        if rule is None:
            return self.held[asset] * self.value[asset]
        quantum = self.policy.equity_quantum
        schedule = haircut_schedule(rule, int(self.value[asset] / quantum), quantum)
        knots, losses = [knot for knot, _ in schedule], [loss * quantum for _, loss in schedule]
        return piecewise(f"haircut {asset}", self.held[asset], knots, losses)


def _with_leg(position: Signed, leg: Signed | None) -> Signed:
    """Return a position and what of it stands alone, together."""
    return position if leg is None else Signed(position.long + leg.long, position.short + leg.short)
