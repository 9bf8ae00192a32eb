"""Bits of a book's columns for each input: what the policy's limits allow, so what a ledger may hold.

The circuit compiler and the ledger's checks both ask here, so that a ledger that loads has a witness.
"""

from __future__ import annotations

from fractions import Fraction

from zkmargin.inputs.market import Instrument, Market, lot_notional
from zkmargin.inputs.models import MODELS
from zkmargin.inputs.policy import BookPolicy


def position_bits(book: BookPolicy, market: Market, instrument: Instrument) -> int:
    """Bits of one side of a position: bit length of floor(limit / lot at the index), at least 1."""
    return _bits(book.position_limit, lot_notional(market, instrument))


def balance_bits(book: BookPolicy, market: Market, asset: str) -> int:
    """Bits of an asset held, pledged or owed: bit length of floor(limit / value of a lot), at least 1."""
    return _bits(book.balance_limit, market.instruments[asset].lot * market.spot[asset])


def cost_bits(book: BookPolicy, market: Market, asset: str) -> int:
    """Bits of one side of a pot's entry costs settled in an asset: as wide as a balance."""
    return balance_bits(book, market, asset)


def revalued_bits(book: BookPolicy, market: Market) -> int:
    """Bits of everything that scenarios of a book could revalue: each has a coefficient per bit and scenario."""
    if not MODELS[book.model].trades:
        return 0
    positions = sum(2 * position_bits(book, market, item) for item in market.contracts)
    return positions + sum(4 * balance_bits(book, market, asset) for asset in market.assets)


def _bits(limit: Fraction, unit: Fraction) -> int:
    return max(1, (limit // unit).bit_length())
