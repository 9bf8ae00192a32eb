"""Value at risk and expected shortfall of past losses, in floats: what is proven, and other conventions to compare.

Expected shortfall: C. Acerbi and D. Tasche, "On the coherence of expected shortfall", Journal of Banking & Finance 26
(2002), definition 2.6, which is the minimum of R. Rockafellar and S. Uryasev, "Optimization of conditional
value-at-risk", Journal of Risk 2 (2000), equation 4: the mean of the worst tail x n losses, the last one in part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from zkmargin.inputs.market import Market
from zkmargin.inputs.models.historical import Historical
from zkmargin.inputs.policy import Policy
from zkmargin.margin.explore import Explorer, revaluation_of
from zkmargin.margin.portfolios import Figures, Floats, Holdings, Portfolios, book_of


@dataclass(frozen=True)
class HistoricalFormula(Holdings):
    """`revaluation`: every loss, of the `stress` own scenarios first, then of the past ones."""

    revaluation: Explorer
    stress: int
    parameters: Historical

    def margin(self, portfolios: Portfolios) -> Figures:
        """Mix history and stress, unit by unit."""
        found = self.revaluation.margin(portfolios)
        stress, past = np.split(found.losses, [self.stress], axis=2)
        weight, tail = float(self.parameters.weight), float(self.parameters.tail)
        measure = expected_shortfall if self.parameters.measure == "expected-shortfall" else value_at_risk
        units = weight * np.maximum(measure(past, tail), 0.0)
        if self.stress:
            units += (1 - weight) * np.maximum(stress.max(axis=2), 0.0)
        requirement = np.maximum(units, found.minimum).sum(axis=1)
        return self.figures(portfolios, requirement, float(self.book.initial_factor) * requirement)


def expected_shortfall(losses: Floats, tail: float) -> Floats:
    """Return the mean of the worst tail x n of n losses along the last axis, the last of them in part; exact."""
    worst = -np.sort(-losses, axis=-1)
    count = tail * losses.shape[-1]
    parts = np.clip(count - np.arange(losses.shape[-1]), 0.0, 1.0)
    return np.asarray(worst @ parts / count)


def value_at_risk(losses: Floats, tail: float) -> Floats:
    """Return the ceil(tail x n)-th largest loss along the last axis (the convention of ORE)."""
    place = math.ceil(round(tail * losses.shape[-1], 9)) - 1
    return np.asarray(-np.sort(-losses, axis=-1)[..., place])


def interpolated_value_at_risk(losses: Floats, tail: float) -> Floats:
    """Return the quantile 1 - tail with linear interpolation (the convention of NumPy and empyrical); not proven."""
    return np.asarray(np.quantile(losses, 1 - tail, axis=-1))


def mean_shortfall(losses: Floats, tail: float) -> Floats:
    """Return the mean of the worst ceil(tail x n) losses, each in full (the convention of ORE); not proven."""
    place = math.ceil(round(tail * losses.shape[-1], 9))
    return np.asarray(-np.sort(-losses, axis=-1)[..., :place].mean(axis=-1))


def historical_formula(policy: Policy, market: Market, book_id: str) -> HistoricalFormula:
    """Return the formula of a book of the model "historical" at a market; raise UsageError for any other book."""
    book, parameters = book_of(policy, book_id, Historical)
    of = revaluation_of(policy, market, book)
    return HistoricalFormula(
        book, of.instruments, of.assets, of.value, of.lot, of, len(book.scenarios), parameters
    )
