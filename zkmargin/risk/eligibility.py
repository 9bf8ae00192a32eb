"""Which instruments a book margins, which assets its accounts may owe, and what owing them does in a scenario."""

from __future__ import annotations

from dataclasses import replace

from zkmargin.inputs.market import Instrument
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.risk.entries import BookRisk, Pnl


def may_hold(book: BookPolicy, contract: Instrument) -> bool:
    """Whether positions in a contract are margined in a book: its underlying has a price range there.

    A book of the collateral model has no requirement, so it takes no positions.
    """
    return book.model == "scenarios" and contract.underlying in book.price_range


def may_owe(policy: Policy, book: BookPolicy, asset: str) -> bool:
    """Whether an account may owe an asset: the quote or the settlement asset, or one that the scenarios move.

    In the collateral model every asset may be owed: equity counts collateral only.
    """
    return book.model == "collateral" or asset in {policy.quote, book.settlement, *book.price_range}


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
