"""Portfolio margin with charges beside the worst scenario, in floats: the exchanges' own formulas.

    R = maintenance factor x sum over groups of  max(0, worst scenario + basis, minimum charges)

Sources: Deribit, "Portfolio Margin" and the API reference of private/pme/simulate (worst case, roll shock, 0.8); OKX,
"OKEx adjusts scaling-factor logic" and the API reference of the position builder (minimum charge, multipliers);
Paradex, "Portfolio Margin" (minimum delta). The policies under examples/policies say what they take from each;
`zkmargin.circuits.portfolio_margin` proves the same in integers.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

from zkmargin.inputs.market import Instrument, Market
from zkmargin.inputs.models.named_rates import lookup
from zkmargin.inputs.models.scenarios import PortfolioMargin
from zkmargin.inputs.policy import Policy
from zkmargin.margin.brackets import looked_up
from zkmargin.margin.explore import Explorer, explorer
from zkmargin.margin.portfolios import Figures, Floats, Holdings, Portfolios
from zkmargin.risk.deltas import basis_rate, cash_delta
from zkmargin.risk.table import book_risk


@dataclass(frozen=True)
class PortfolioFormula(Holdings):
    """Rules of a book with parameters at one market; `delta` (K,): cash delta in quote of one unit held."""

    scan: Explorer
    rules: PortfolioMargin
    market: Market
    contracts: tuple[Instrument, ...]
    delta: Floats

    def margin(self, portfolios: Portfolios) -> Figures:
        """Compute the requirements of all portfolios."""
        worst = self._worst(self.scan.margin(portfolios).losses)
        charge = worst + self._summed(portfolios, self._basis(portfolios))
        for minimum in (self._minimum_delta, self._minimum_charge, self._short_minimum):
            charge = np.maximum(charge, self._summed(portfolios, minimum(portfolios)))
        requirement = float(self.rules.maintenance_factor) * charge.sum(axis=1)
        return self.figures(portfolios, requirement, float(self.book.initial_factor) * requirement)

    def _worst(self, losses: Floats) -> Floats:
        """Return the worst scenario of every group, shape (P, G): of each unit, or of all with gains offset."""
        if self.rules.gain_offset is not None:
            most = np.inf if self.rules.gain_cap is None else float(self.rules.gain_cap)
            gains = np.minimum(float(self.rules.gain_offset) * np.maximum(-losses, 0.0), most)
            losses = (np.maximum(losses, 0.0) - gains).sum(axis=1, keepdims=True)
        deducted = [float(self.rules.deductions.get(name, 0)) for name in self.scan.scenarios]
        return np.asarray(np.maximum((losses - np.array(deducted)).max(axis=2), 0.0))

    def _summed(self, portfolios: Portfolios, charges: Iterator[tuple[int, Floats]]) -> Floats:
        """Sum charges (number of a contract in the group, charge (P,)) by group."""
        groups = 1 if self.rules.gain_offset is not None else len(self.scan.units)
        out = np.zeros((len(portfolios), groups))
        for contract, charge in charges:
            unit = int(self.scan.unit_of[contract].argmax())
            out[:, unit if groups > 1 else 0] += charge
        return out

    def _basis(self, portfolios: Portfolios) -> Iterator[tuple[int, Floats]]:
        for members in _groups([(c.underlying, c.expiry) for c in self.contracts]):
            contract = self.contracts[members[0]]
            move = lookup(self.rules.basis, contract.underlying)
            if move is not None:
                rate = float(basis_rate(self.market, move, contract.expiry))
                yield members[0], rate * np.abs(self._deltas(portfolios, members).sum(axis=1))

    def _minimum_delta(self, portfolios: Portfolios) -> Iterator[tuple[int, Floats]]:
        for members in _groups([c.underlying for c in self.contracts]):
            rates = lookup(self.rules.minimum_delta, self.contracts[members[0]].underlying)
            if rates is not None:
                deltas = self._deltas(portfolios, members)
                net, gross = np.abs(deltas.sum(axis=1)), np.abs(deltas).sum(axis=1)
                yield members[0], float(rates.net) * net + float(rates.hedged) * (gross - net) / 2

    def _minimum_charge(self, portfolios: Portfolios) -> Iterator[tuple[int, Floats]]:
        for members in _groups([c.underlying for c in self.contracts]):
            charge = lookup(self.rules.minimum_charge, self.contracts[members[0]].underlying)
            if charge is not None:
                raw = float(charge.rate) * np.abs(self._deltas(portfolios, members)).sum(axis=1)
                starts, by = ([step[i] for step in charge.multipliers] for i in range(2))
                yield members[0], looked_up(raw, starts, by, "marginal")

    def _short_minimum(self, portfolios: Portfolios) -> Iterator[tuple[int, Floats]]:
        short = np.maximum(-portfolios.positions, 0) * self.scan.short_minimum
        yield from enumerate(short.T)

    def _deltas(self, portfolios: Portfolios, members: Sequence[int]) -> Floats:
        return np.asarray(portfolios.positions[:, members] * self.delta[members])


def scenario_formula(policy: Policy, market: Market, book_id: str) -> Holdings:
    """Return the formula of a book of the scenarios model; raise as `explorer` does."""
    scan = explorer(policy, market, book_id)
    rules = scan.book.parameters
    if not isinstance(rules, PortfolioMargin):
        return scan
    risk = book_risk(policy, scan.book, market)
    contracts = tuple(market.instruments[name] for name in scan.instruments)
    deltas = [cash_delta(market, risk, contract) for contract in contracts]
    return PortfolioFormula(
        **{field.name: getattr(scan, field.name) for field in fields(Holdings)},
        scan=scan,
        rules=rules,
        market=market,
        contracts=contracts,
        delta=np.array([float(d.long(0) / c.lot) for d, c in zip(deltas, contracts, strict=True)]),
    )


def _groups(keys: Sequence[Hashable]) -> list[list[int]]:
    """Return the numbers of equal keys, in order of appearance."""
    return [[i for i, other in enumerate(keys) if other == key] for key in dict.fromkeys(keys)]
