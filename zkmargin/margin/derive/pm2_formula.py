"""Portfolio margin 2 of a book's ledger by Derive's own formula, in floats, at the market's marks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from zkmargin.inputs.market import Market
from zkmargin.inputs.models.derive_pm2 import DerivePm2
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.margin.derive.pm2 import Pm2Model
from zkmargin.margin.portfolios import Figures, Holdings, Portfolios, book_of, values_and_lots
from zkmargin.risk.derive.market import Collateral, Pm2Market
from zkmargin.risk.derive.pm2_entries import book_market, pm2_options
from zkmargin.risk.derive.pm2_pricing import pm2_prices


@dataclass(frozen=True)
class Pm2Formula(Holdings):
    """The engine with options first among the instruments; `perpetual`: whether one follows them."""

    model: Pm2Model
    multiplier: tuple[float, ...]

    def margin(self, portfolios: Portfolios) -> Figures:
        """Compute requirements; the maintenance haircut of collateral is in equity."""
        contracts = portfolios.positions * np.array(self.multiplier)
        options, perpetual = np.split(contracts, [len(self.model.market.options)], axis=1)
        found = self.model.margin(
            self.model.portfolios(np.zeros(len(portfolios)), options, portfolios.held, perpetual.sum(axis=1))
        )
        return self.figures(portfolios, found.maintenance_requirement, found.initial_requirement)


def pm2_formula(policy: Policy, market: Market, book_id: str) -> Pm2Formula:
    """Return the formula of a book at a market; raise UsageError for a book of another model."""
    book, parameters = book_of(policy, book_id, DerivePm2)
    options = pm2_options(book, market)
    perpetuals = [c for c in market.contracts if c.kind == "perpetual" and parameters.margins(c)]
    contracts = [*options, *perpetuals]
    value, lot = values_and_lots(market, contracts)
    own = _market(policy, book, market, parameters)
    marks = np.array([float(market.mark[option.name]) for option in options])
    return Pm2Formula(
        book=book,
        instruments=tuple(contract.name for contract in contracts),
        assets=market.assets,
        value=value,
        lot=lot,
        model=Pm2Model(parameters.numbers, own, replace(pm2_prices(parameters.numbers, own), mark=marks)),
        multiplier=tuple(float(contract.multiplier) for contract in contracts),
    )


def _market(policy: Policy, book: BookPolicy, market: Market, parameters: DerivePm2) -> Pm2Market:
    """Return the book's market with what only initial margin reads; prices are in quote, so the peg is put back."""
    feeds, peg = market.feeds, market.feeds.peg(policy.quote)
    perpetual = next((c for c in market.contracts if c.kind == "perpetual" and parameters.margins(c)), None)

    def collateral(asset: str) -> Collateral:
        by_rates = not isinstance(book.collateral.get(asset, "cash"), str)
        return Collateral(
            price=float(market.spot[asset] * peg) if by_rates else 0.0,  # others count in equity alone
            maintenance_haircut=0.0,  # that is in equity too
            initial_haircut=float(parameters.initial_haircut.get(asset, 0)),
            hedges=asset in parameters.hedges,
            confidence=float(feeds.confidence(asset)),
        )

    return replace(
        book_market(book, market),
        collaterals=tuple(map(collateral, market.assets)),
        perpetual=float(market.mark[perpetual.name]) if perpetual else 0.0,
        stable=float(peg),
        spot_confidence=float(feeds.confidence(parameters.underlying)),
        perpetual_confidence=float(feeds.confidence(perpetual.name)) if perpetual else 1.0,
    )
