"""Which contracts a book margins and which assets its accounts may owe: what its ledger may hold."""

from __future__ import annotations

from zkmargin.inputs.market import Instrument
from zkmargin.inputs.models import MODELS
from zkmargin.inputs.policy import BookPolicy, Policy


def may_hold(book: BookPolicy, contract: Instrument) -> bool:
    """Whether positions in a contract are margined in a book: its underlying has a price range, or its model says so.

    A book of the collateral model has no requirement, so it takes no positions.
    """
    model = MODELS[book.model]
    if not model.trades or (book.parameters is not None and not book.parameters.margins(contract)):
        return False
    return not model.shocks or contract.underlying in book.price_range


def may_owe(policy: Policy, book: BookPolicy, asset: str) -> bool:
    """Whether an account may owe an asset: the quote or the settlement asset, or one that the scenarios move.

    In the collateral model every asset may be owed: equity counts collateral only. Other models say so themselves.
    """
    if not MODELS[book.model].trades or asset in {policy.quote, book.settlement, *book.price_range}:
        return True
    return book.parameters is not None and book.parameters.lends(asset)
