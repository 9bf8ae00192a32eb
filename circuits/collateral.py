"""Spot with collateral haircuts: what is pledged counts after marginal tiers, what is owed counts in full.

    N = held - owed, at lot values                    held = unpledged + what each pool has
    E = N - unpledged - haircuts of the pools         collateral value less debts
    R = I = 0

An account is healthy when its collateral covers its debts (E >= 0). Tiers fall with the value pledged to one pool;
an asset for which a pool has no tiers counts for nothing in it.
"""

from __future__ import annotations

from zkmargin.circuits.atoms import piecewise
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.expression import Expression, total
from zkmargin.circuits.loading import PLEDGED, UNPLEDGED
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import BookPolicy, Policy, Tiers
from zkmargin.inputs.widths import balance_bits
from zkmargin.risk.table import RiskTable
from zkmargin.risk.tiers import haircut_schedule


def collateral_rules(policy: Policy, market: Market, table: RiskTable, book: BookPolicy) -> Rules:
    """State the rules of a book of the model "collateral"."""
    quantum = policy.equity_quantum
    rules = Rules(
        book.id, version=policy.circuit_version, equity_quantum=quantum, margin_quantum=policy.margin_quantum
    )

    def haircut(pool: str, asset: str, amount: Expression, tiers: Tiers | None) -> Expression:
        if tiers is None:
            return amount * (table.lot_value[asset] * quantum)
        schedule = haircut_schedule(tiers, table.lot_value[asset], quantum)
        knots, losses = [knot for knot, _ in schedule], [loss * quantum for _, loss in schedule]
        return piecewise(f"haircut {asset} in {pool}", amount, knots, losses)

    net, lost = [], []
    for asset in market.assets:
        bits = {asset: balance_bits(book, market, asset)}
        value = table.lot_value[asset] * quantum
        unpledged = rules.amounts(UNPLEDGED, bits)[asset]
        pledged = {pool: rules.amounts(PLEDGED + pool, bits)[asset] for pool in book.pools}
        owed = rules.amounts("owed", bits)[asset]
        net.append((unpledged + total(pledged.values()) - owed) * value)
        lost.append(unpledged * value)
        lost += [
            haircut(pool, asset, amount, book.pools[pool].get(asset)) for pool, amount in pledged.items()
        ]
    rules.net_value(total(net))
    rules.equity(total(net) - total(lost))
    rules.requirement(Expression())
    rules.initial_requirement(Expression())
    return rules
