"""Published totals as people read them: lots and quanta become units and money, and books add up per asset."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from fractions import Fraction

from zkmargin.attestation.header import Header
from zkmargin.attestation.public import PublicInputs
from zkmargin.inputs.decimals import decimal_text

MONEY = ("owed", "bad_debt", "shortfall", "surplus", "requirement", "initial_requirement")


@dataclass(frozen=True)
class AssetTotals:
    """One asset over all books (docs/protocol.md): deposits, loans, net entry cost in lots, the rest in equity quanta.

    `contracts`: value of the net positions settled in it, 0 where long and short are equal; `bad_debt`: of books that
    settle in it.
    """

    asset: str
    lot: Fraction
    lot_value: int
    deposits: int
    loans: int
    cost: int
    contracts: int
    bad_debt: int

    @property
    def owed(self) -> int:
        """What has to be there in kind, in equity quanta: over all assets the sum of what customers are owed."""
        lots = self.deposits - self.loans - self.cost
        return self.lot_value * lots + self.contracts + self.bad_debt


def asset_totals(header: Header, inputs: PublicInputs) -> list[AssetTotals]:
    """Add the published totals of all books per asset: lots and quanta are the snapshot's, so they add as integers."""
    return [_of_asset(asset, header, inputs) for asset in inputs.market.assets]


def _of_asset(asset: str, header: Header, inputs: PublicInputs) -> AssetTotals:
    contracts = [item.name for item in inputs.market.contracts if item.settlement == asset]
    settled = {name for name, book in inputs.policy.books.items() if book.settlement == asset}
    value = inputs.table.lot_value

    def total(name: str, books: Container[str] = inputs.policy.books) -> int:
        totals = (item for book in header.books if book.id in books for item in book.totals)
        return sum(amount for of, amount in totals if of == name)

    return AssetTotals(
        asset,
        inputs.market.instruments[asset].lot,
        value[asset],
        deposits=total(f"deposits:{asset}"),
        loans=total(f"loans:{asset}"),
        cost=total(f"cost:{asset}"),
        contracts=sum(value[name] * total(f"position:{name}") for name in contracts),
        bad_debt=total("bad_debt", settled),
    )


ASSET_COLUMNS = ("deposits", "loans", "entry_cost", "net_positions", "bad_debt", "owed")


def asset_figures(header: Header, inputs: PublicInputs) -> dict[str, dict[str, str]]:
    """Return `ASSET_COLUMNS` of every asset over all books: the first three in units, the others in quote currency."""
    return {
        item.asset: dict(
            zip(
                ASSET_COLUMNS,
                [
                    *(decimal_text(lots * item.lot) for lots in (item.deposits, item.loans, item.cost)),
                    *(_money(quanta, inputs) for quanta in (item.contracts, item.bad_debt, item.owed)),
                ],
                strict=True,
            )
        )
        for item in asset_totals(header, inputs)
    }


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
