"""Margin of the model "sensitivities" in floats: sums, or square roots of quadratic forms.

Source of the aggregation: Basel Committee, "Minimum capital requirements for market risk" (MAR21.4): the root of
sum WS^2 + sum sum rho WS WS inside buckets, and of sum K^2 + sum sum gamma S S across them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zkmargin.inputs.market import Market
from zkmargin.inputs.models.correlations import Matrix
from zkmargin.inputs.models.sensitivities import MEASURES, Sensitivities
from zkmargin.inputs.policy import Policy
from zkmargin.margin.explore import Explorer, revaluation_of
from zkmargin.margin.portfolios import Figures, Floats, Holdings, Portfolios, book_of
from zkmargin.risk.greeks import days_to_expiry

DELTA, GAMMA, VEGA = range(len(MEASURES))


@dataclass(frozen=True)
class SensitivityFormula(Holdings):
    """`greeks` (K + A, 3) of a unit of contract or asset; `underlying` (K + A, U) and `bucket` (K, B) are 0 or 1."""

    of: Explorer
    greeks: Floats
    underlying: Floats
    bucket: Floats
    move: Floats  # (U,)
    parameters: Sensitivities

    def margin(self, portfolios: Portfolios) -> Figures:
        """Charge delta, short gamma and vega; debts in balances that are not shocked by themselves."""
        contracts = len(self.instruments)
        moved = (portfolios.held - portfolios.owed) * self.of.shocked - portfolios.cost
        held = np.hstack([portfolios.positions, moved])
        delta = (held * self.greeks[:, DELTA]) @ self.underlying * self.move
        gamma = (held * self.greeks[:, GAMMA]) @ self.underlying
        vega = (portfolios.positions * self.greeks[:contracts, VEGA])[:, :, None] * self.bucket
        vegas = np.einsum("pkb,ku->pub", vega, self.underlying[:contracts])
        charge = np.maximum(-gamma * self.move**2 / 2, 0).sum(axis=1) + self._netted(delta, vegas)
        charge += (portfolios.owed * self.greeks[contracts:, DELTA] * self._alone()) @ (
            self.underlying[contracts:] @ self.move
        )
        least = (np.maximum(-portfolios.positions, 0) * self.of.short_minimum).sum(axis=1)
        requirement = np.maximum(charge, least)
        return self.figures(portfolios, requirement, float(self.book.initial_factor) * requirement)

    def _netted(self, delta: Floats, vegas: Floats) -> Floats:
        """Return the charge for deltas (P, U) and relative vegas (P, U, B)."""
        volatility, half = float(self.book.volatility_range), float(self.parameters.offset) / 2
        if self.parameters.correlations is None:
            net = np.abs(vegas.sum(axis=2)).sum(axis=1) * (volatility - half)
            return np.asarray(np.abs(delta).sum(axis=1) + np.abs(vegas).sum(axis=(1, 2)) * half + net)
        deltas, correlated = (_floats(matrix) for matrix in self.parameters.matrices(self.book))
        return root(delta, deltas) + root(vegas.reshape(len(vegas), -1) * volatility, correlated)

    def _alone(self) -> npt.NDArray[np.bool_]:
        settlement = np.array([asset == self.book.settlement for asset in self.assets])
        return np.asarray(~self.of.shocked & ~settlement)


def root(weighted: Floats, matrix: Floats) -> Floats:
    """Return the root of the quadratic form of weighted sensitivities (P, n), 0 where noise makes it negative."""
    return np.asarray(np.sqrt(np.maximum(np.einsum("pi,ij,pj->p", weighted, matrix, weighted), 0)))


def sensitivity_formula(policy: Policy, market: Market, book_id: str) -> SensitivityFormula:
    """Return the formula of a book of the model "sensitivities" at a market; raise UsageError for any other book."""
    book, parameters = book_of(policy, book_id, Sensitivities)
    of = revaluation_of(policy, market, book)
    underlyings = sorted(book.price_range)
    names = [market.instruments[name].underlying for name in (*of.instruments, *of.assets)]
    return SensitivityFormula(
        *(book, of.instruments, of.assets, of.value, of.lot, of),
        greeks=of.pnl,
        underlying=np.array([[float(name == u) for u in underlyings] for name in names]),
        bucket=_buckets(parameters, market, of.instruments),
        move=np.array([float(book.price_range[u]) for u in underlyings]),
        parameters=parameters,
    )


def _buckets(parameters: Sensitivities, market: Market, names: tuple[str, ...]) -> Floats:
    items = [market.instruments[name] for name in names]
    return np.array(
        [
            [
                float(b == parameters.bucket(days_to_expiry(market, item)))
                for b in range(len(parameters.buckets) + 1)
            ]
            for item in items
        ]
    )


def _floats(matrix: Matrix) -> Floats:
    return np.array([[float(entry) for entry in row] for row in matrix])
