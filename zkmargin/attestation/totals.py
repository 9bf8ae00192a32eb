"""Published totals as people read them: lots and quanta become units and money."""

from __future__ import annotations

from fractions import Fraction

from zkmargin.attestation.header import Header
from zkmargin.attestation.public import PublicInputs
from zkmargin.inputs.decimals import decimal_text

MONEY = ("owed", "bad_debt", "shortfall", "surplus", "requirement", "initial_requirement")


def total_rows(header: Header, inputs: PublicInputs) -> list[tuple[str, str, str, str]]:
    """Return (book, total, quantity, value) per published total; quantity in units, value in quote currency.

    The value of a net position or balance is its lots at the lot value; money has no quantity.
    """
    rows = []
    for book in header.books:
        for name, total in book.totals:
            kind, _, item = name.partition(":")
            if kind in MONEY:
                rows.append((book.id, name, "", _money(total, inputs)))
            else:
                units = decimal_text(total * inputs.market.instruments[item].lot)
                rows.append((book.id, name, units, _money(total * inputs.table.lot_value[item], inputs)))
    return rows


def _money(quanta: int, inputs: PublicInputs) -> str:
    return decimal_text(Fraction(quanta) * inputs.policy.equity_quantum)
