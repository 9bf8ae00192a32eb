"""Which instruments a book margins, and which assets its accounts may owe."""

from __future__ import annotations

from zkmargin.inputs.market import Instrument
from zkmargin.inputs.policy import BookPolicy, Policy


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
