"""What owing an asset does in a scenario."""

from __future__ import annotations

from dataclasses import replace

from zkmargin.inputs.policy import BookPolicy
from zkmargin.risk.entries import BookRisk, Pnl


def debt_pnl(book: BookPolicy, risk: BookRisk, asset: str) -> Pnl | None:
    """Return the scenario P&L (of a lot held; owed is the other side) of what is owed in an asset, None for none.

    Holding and owing one lot more changes nothing that the account has, so it may not lower a requirement: a debt
    gains in a scenario only where what is held loses in it. Where holdings keep their price (cash, or a haircut instead
    of the shock) a debt can only lose, and in the settlement asset it keeps its price as well.
    """
    pnl = risk.pnl.get(asset)
    if pnl is None or book.collateral.get(asset) == "shocked":
        return pnl
    return None if asset == book.settlement else replace(pnl, values=tuple(max(v, 0) for v in pnl.values))
