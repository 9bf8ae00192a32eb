"""Lot values: the one price of every instrument, rounded once, in public, to whole equity quanta."""

from __future__ import annotations

from fractions import Fraction

from zkmargin.errors import PolicyError
from zkmargin.inputs.market import Instrument, Market, lot_notional

TOLERANCE = Fraction(1, 10**7)  # of the underlying's value per lot


def lot_value(market: Market, instrument: Instrument) -> Fraction:
    """Return the exact value in quote of one lot held long, settlement price included.

    Asset: spot. Contract: `multiplier x mark` in its settlement asset, inverse `-multiplier / mark`.
    """
    if instrument.kind == "spot":
        return instrument.lot * market.spot[instrument.name]
    return value_at(market, instrument, market.mark[instrument.name])


def value_at(market: Market, contract: Instrument, price: Fraction) -> Fraction:
    """Return the exact value in quote of one lot of a contract held long, at a price of its own."""
    size = contract.lot * contract.multiplier * market.spot[contract.settlement]
    return -size / price if contract.inverse else size * price


def rounded_lot_values(market: Market, equity_quantum: Fraction) -> dict[str, int]:
    """Return the lot values of all instruments in whole equity quanta, halves to even.

    Raise PolicyError, naming the instruments and a quantum that would do, where rounding moves a value by
    more than 1e-7 of the underlying's value per lot.
    """
    exact = {name: lot_value(market, item) for name, item in market.instruments.items()}
    allowed = {name: TOLERANCE * lot_notional(market, item) for name, item in market.instruments.items()}

    def coarse(quantum: Fraction) -> list[str]:
        return [
            name
            for name, value in exact.items()
            if abs(round(value / quantum) * quantum - value) > allowed[name]
        ]

    if refused := coarse(equity_quantum):
        quantum = equity_quantum
        while coarse(quantum):  # ends: an error is at most half a quantum
            quantum /= 10
        shown = ", ".join(refused[:5]) + (f" and {len(refused) - 5} more" if len(refused) > 5 else "")
        raise PolicyError(
            "equity-quantum",
            f"equity_quantum {_decimal(equity_quantum)} is too coarse for the value of a lot of {shown}",
            hint=f'set equity_quantum = "{_decimal(quantum)}"',
        )
    return {name: round(value / equity_quantum) for name, value in exact.items()}


def _decimal(value: Fraction) -> str:
    return f"{float(value):.15g}"
