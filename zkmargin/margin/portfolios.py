"""Portfolios as NumPy arrays, and what they are worth under any model's rules: net value and equity, in floats."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from zkmargin.errors import UsageError
from zkmargin.inputs.ledger import Pots
from zkmargin.inputs.market import Instrument, Market
from zkmargin.inputs.models import MODELS, Parameters
from zkmargin.inputs.policy import BookPolicy, Policy, Tiers
from zkmargin.risk.valuation import lot_value

Floats = npt.NDArray[np.float64]
ArrayByName = Mapping[str, npt.ArrayLike]
P = TypeVar("P", bound=Parameters)


class FormulaMargin(Protocol):
    """Margin of P portfolios by the exchange's own formula, in quote currency, each of shape (P,)."""

    @property
    def net(self) -> Floats:
        """Net value."""

    @property
    def equity(self) -> Floats:
        """Net value less haircuts."""

    @property
    def requirement(self) -> Floats:
        """Maintenance requirement."""

    @property
    def initial(self) -> Floats:
        """Initial requirement."""


@dataclass(frozen=True)
class Figures:
    """The plain form of `FormulaMargin`."""

    net: Floats
    equity: Floats
    requirement: Floats
    initial: Floats


@dataclass(frozen=True)
class Portfolios:
    """P portfolios: `positions` (P, K) by instrument, `held`, `owed`, `cost` (P, A) by asset, in units."""

    positions: Floats
    held: Floats
    owed: Floats
    cost: Floats

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True)
class Holdings(ABC):
    """What a book's portfolios can hold at one market, per unit of every instrument (K) and asset (A)."""

    book: BookPolicy
    instruments: tuple[str, ...]
    assets: tuple[str, ...]
    value: Floats  # (K + A,) quote per unit
    lot: Floats  # (K + A,)

    def portfolios(
        self,
        positions: ArrayByName | None = None,
        held: ArrayByName | None = None,
        owed: ArrayByName | None = None,
        cost: ArrayByName | None = None,
    ) -> Portfolios:
        """Build portfolios from one array of length P per instrument or asset; what is not named is 0.

        Raise UsageError for an unknown name or arrays of different lengths.
        """
        columns = [positions or {}, held or {}, owed or {}, cost or {}]
        lengths = {np.size(array) for group in columns for array in group.values()}
        if len(lengths) > 1:
            raise UsageError("shape", "arrays of different lengths", actual=sorted(lengths))
        count = lengths.pop() if lengths else 0
        names = [self.instruments, self.assets, self.assets, self.assets]
        return Portfolios(*(_matrix(*pair, count) for pair in zip(columns, names, strict=True)))

    def from_pots(self, pots: Pots) -> Portfolios:
        """Build portfolios from a ledger's pots of this book."""
        groups: dict[str, dict[str, Floats]] = {"position": {}, "held": {}, "owed": {}, "cost": {}}
        for (kind, name), column in pots.values.items():
            lot = self.lot[(self.instruments + self.assets).index(name)]
            groups[kind][name] = column.dense(len(pots)).astype(np.float64) * lot
        if not pots.values:
            groups["held"] = {self.assets[0]: np.zeros(len(pots))}
        return self.portfolios(groups["position"], groups["held"], groups["owed"], groups["cost"])

    @abstractmethod
    def margin(self, portfolios: Portfolios) -> FormulaMargin:
        """Compute the margin by the exchange's formula, vectorised over portfolios."""

    def net(self, portfolios: Portfolios) -> Floats:
        """Return net value in quote, shape (P,): balances and contract values, less debts and costs."""
        contracts, assets = np.split(self.value, [len(self.instruments)])
        balances = portfolios.held - portfolios.owed - portfolios.cost
        return np.asarray(portfolios.positions @ contracts + balances @ assets)

    def haircuts(self, portfolios: Portfolios) -> Floats:
        """Return the haircut in quote of every held asset, shape (P, A)."""
        prices = self.value[len(self.instruments) :]
        out = portfolios.held * prices
        for a, asset in enumerate(self.assets):
            rule = self.book.collateral.get(asset)
            if isinstance(rule, str):
                out[:, a] = 0.0
            elif rule is not None:
                out[:, a] -= _counted(rule, out[:, a])
        return out

    def figures(self, portfolios: Portfolios, requirement: Floats, initial: Floats) -> Figures:
        """Return a model's requirements together with net value and equity."""
        net = self.net(portfolios)
        return Figures(net, net - self.haircuts(portfolios).sum(axis=1), requirement, initial)


def values_and_lots(market: Market, contracts: Sequence[Instrument]) -> tuple[Floats, Floats]:
    """Return (value per unit in quote, lot), shapes (K + A,), of contracts and then of all assets; nothing rounded."""
    items = [*contracts, *(market.instruments[asset] for asset in market.assets)]
    lot = np.array([float(item.lot) for item in items])
    return np.array([float(lot_value(market, item)) for item in items]) / lot, lot


def book_of(policy: Policy, book_id: str, kind: type[P]) -> tuple[BookPolicy, P]:
    """Return a book and its parameters; raise UsageError for a book that is not of the model with this kind of them."""
    book = policy.books.get(book_id)
    if book is None or not isinstance(book.parameters, kind):
        model = next(model.name for model in MODELS.values() if model.parameters is kind)
        raise UsageError("unknown-book", f"{book_id!r} is no book of the {model} model")
    return book, book.parameters


def _matrix(columns: ArrayByName, names: tuple[str, ...], count: int) -> Floats:
    if unknown := sorted(set(columns) - set(names)):
        raise UsageError("unknown-instrument", f"unknown here: {', '.join(unknown)}")
    out = np.zeros((count, len(names)))
    for name, array in columns.items():
        out[:, names.index(name)] = array
    return out


def _counted(tiers: Tiers, value: Floats) -> Floats:
    """Return collateral value: each tier's rate on the part of the value inside it."""
    starts = [float(start) for start, _ in tiers] + [np.inf]
    parts = (
        float(rate) * np.clip(value - start, 0.0, end - start)
        for (_, rate), start, end in zip(tiers, starts, starts[1:], strict=False)
    )
    return np.asarray(sum(parts))
