"""Standard margin of a book's ledger by Derive's own formula, in floats, at the market's marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from zkmargin.inputs.market import Instrument, Market
from zkmargin.inputs.models.derive_srm import DeriveSrm
from zkmargin.inputs.policy import Policy
from zkmargin.margin.derive.srm import SrmHoldings, SrmModel
from zkmargin.margin.portfolios import Figures, Floats, Holdings, Portfolios, book_of, values_and_lots
from zkmargin.risk.derive.market import SrmUnderlying, market_expiries, market_options


@dataclass(frozen=True)
class SrmFormula(Holdings):
    """One model per underlying; `options` and `perpetuals`: columns of its contracts among the instruments."""

    models: Mapping[str, SrmModel]
    options: Mapping[str, tuple[int, ...]]
    perpetuals: Mapping[str, tuple[int, ...]]
    multiplier: tuple[float, ...]
    initial_haircut: Floats  # (A,)

    def margin(self, portfolios: Portfolios) -> Figures:
        """Return requirements: marks of options less what the rule counts of them, and charges."""
        requirement, initial = (
            self._requirement(portfolios, initial=False),
            self._requirement(portfolios, initial=True),
        )
        prices = self.value[len(self.instruments) :]
        initial += portfolios.held @ (prices * self.initial_haircut)
        return self.figures(portfolios, requirement, initial)

    def _requirement(self, portfolios: Portfolios, *, initial: bool) -> Floats:
        contracts = portfolios.positions * np.array(self.multiplier)
        total = np.zeros(len(portfolios))
        for name, model in self.models.items():
            options = contracts[:, self.options[name]]
            holdings = SrmHoldings(
                options,
                contracts[:, self.perpetuals[name]].sum(axis=1),
                np.zeros(len(portfolios)),
                portfolios.held[:, self.assets.index(name)],
            )
            total += options @ model.mark - model.margin(holdings, initial=initial).total
        return total


def srm_formula(policy: Policy, market: Market, book_id: str) -> SrmFormula:
    """Return the formula of a book at a market; raise UsageError for a book of another model."""
    book, parameters = book_of(policy, book_id, DeriveSrm)
    contracts = [contract for contract in market.contracts if parameters.margins(contract)]
    value, lot = values_and_lots(market, contracts)

    def columns(kind: str, underlying: str) -> tuple[int, ...]:
        return tuple(i for i, c in enumerate(contracts) if c.kind == kind and c.underlying == underlying)

    options = {name: columns("option", name) for name in parameters.underlyings}
    return SrmFormula(
        book=book,
        instruments=tuple(contract.name for contract in contracts),
        assets=market.assets,
        value=value,
        lot=lot,
        models={
            name: _model(policy, market, parameters, name, [contracts[i] for i in options[name]])
            for name in parameters.underlyings
        },
        options=options,
        perpetuals={name: columns("perpetual", name) for name in parameters.underlyings},
        multiplier=tuple(float(contract.multiplier) for contract in contracts),
        initial_haircut=np.array(
            [float(parameters.initial_haircut.get(asset, 0)) for asset in market.assets]
        ),
    )


def _model(
    policy: Policy, market: Market, parameters: DeriveSrm, name: str, options: list[Instrument]
) -> SrmModel:
    """Return the rule for one underlying; its base asset is counted in equity, so here for nothing."""
    feeds, expiries = market.feeds, market_expiries(market, options)
    perpetual = next((c for c in market.contracts if c.kind == "perpetual" and c.underlying == name), None)
    known = SrmUnderlying(
        spot=float(market.index[name]),
        expiries=tuple(expiries.values()),
        options=market_options(market, options, expiries),
        perpetual=float(market.mark[perpetual.name]) if perpetual else 0.0,
        spot_confidence=float(feeds.confidence(name)),
        perpetual_confidence=float(feeds.confidence(perpetual.name)) if perpetual else 1.0,
    )
    marks = np.array([float(market.mark[option.name]) for option in options])
    return SrmModel(
        parameters.underlyings[name],
        parameters.depeg,
        known,
        (0.0, 0.0),
        float(feeds.peg(policy.quote)),
        marks,
    )
