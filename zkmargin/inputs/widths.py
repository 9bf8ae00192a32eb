"""Bits that a book's columns have for each input: what the policy's limits allow, and so what the ledger may hold.

The circuit compiler and the ledger's checks both ask here, so that a ledger that loads has a witness.
"""

from __future__ import annotations

from fractions import Fraction

from zkmargin.inputs.market import Instrument, Market
from zkmargin.inputs.policy import BookPolicy


def position_bits(book: BookPolicy, market: Market, instrument: Instrument) -> int:
    """Bits of one side of a position: bit length of floor(limit / value of a lot by the index), at least 1."""
    return _bits(book.position_limit, _lot_notional(market, instrument))


def balance_bits(book: BookPolicy, market: Market, asset: str) -> int:
    """Bits of what is held, pledged or owed of an asset: bit length of floor(limit / value of a lot), at least 1."""
    return _bits(book.balance_limit, market.instruments[asset].lot * market.spot[asset])


def cost_bits(book: BookPolicy, market: Market, asset: str) -> int:
    """Bits of one side of the entry cost of all positions of a pot settled in an asset: as wide as a balance."""
    return balance_bits(book, market, asset)


def _lot_notional(market: Market, instrument: Instrument) -> Fraction:
    """Value of the underlying of one lot in quote; a unit of an inverse contract is worth `multiplier` by itself."""
    size = instrument.lot * instrument.multiplier
    return size if instrument.inverse else size * market.index[instrument.underlying]


def _bits(limit: Fraction, unit: Fraction) -> int:
    return max(1, (limit // unit).bit_length())
