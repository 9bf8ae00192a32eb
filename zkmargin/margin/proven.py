"""Margin read from the canonical witness: the integers that are proven, for models without a calculator of their own.

What a requirement consists of is shown charge by charge: the named terms of R, and what binds in each, a piece of a
maximum, a tier, or the worst scenario.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.draft import Row
from zkmargin.circuits.steps import MaximumStep
from zkmargin.circuits.witness import Witness
from zkmargin.inputs.ledger import Pots
from zkmargin.inputs.policy import BookPolicy
from zkmargin.margin.book import BookMargin, UnitMargin

Values = Mapping[int, int]  # column -> value, of one account


def proven_margin(book: BookPolicy, compiled: CompiledBook, pots: Pots) -> BookMargin:
    """Return the margin of all pots of a book; raise CircuitError for an amount that the circuit does not know."""
    witness = compiled.fill(pots)
    net, equity, requirement, initial = witness.outputs.T
    return BookMargin(book, pots.labels, net, equity, requirement, initial, WitnessCharges(compiled, witness))


@dataclass(frozen=True, repr=False)
class WitnessCharges:
    """The terms of R of every pot, looked up pot by pot."""

    compiled: CompiledBook
    witness: Witness

    def of(self, row: int) -> Iterator[UnitMargin]:
        """Yield the charges of one pot that are not zero, in equity quanta."""
        values = self.witness.row(row).columns
        amounts: dict[str, int] = {}
        for name, term in self.compiled.charges:  # a split position has two of one name
            amounts[name] = amounts.get(name, 0) - self._value(term, values)
        for name, amount in amounts.items():
            if amount:
                yield UnitMargin(name, amount, self._binding(name, values))

    def _value(self, row: Row, values: Values) -> int:
        total = sum(a * values.get(column, 0) for column, a in row.columns.items())
        parts = self.compiled.circuit.side_parts[row.sides] if row.sides else None
        if parts is not None:
            pairs = zip(parts.columns.tolist(), row.coefficients.tolist(), strict=True)
            total += sum(int(a) * values[column] for column, a in pairs if column in values)
        return total

    def _binding(self, name: str, values: Values) -> str | None:
        if name in self._maxima:
            return self._piece(self._maxima[name], values)
        if name in self._excesses:
            return self._worst(self._excesses[name], values)
        if name not in self._tiers:
            return None
        set_ = (t for t, column in enumerate(self._tiers[name]) if column in values)
        return f"tier {next(set_, 0) + 1}"  # a small position is in the first without its bit

    def _piece(self, step: MaximumStep, values: Values) -> str | None:
        """Return the first piece of a maximum that leaves no whole unit of slack."""
        tight = (s for s, finer in zip(step.slacks, step.finer, strict=True) if values.get(s, 0) < finer)
        slack = next(tight, None)
        return None if slack is None else self._labels[slack]

    def _worst(self, excesses: Mapping[str, int], values: Values) -> str | None:
        """Return the scenario that exceeds the threshold of an Expected Shortfall by most."""
        worst = max(excesses, key=lambda scenario: values.get(excesses[scenario], 0))
        return worst if excesses[worst] in values else None

    @cached_property
    def _excesses(self) -> dict[str, dict[str, int]]:
        columns = self.compiled.circuit.columns
        return {
            tail.name: {columns[j].name.removeprefix(f"excess:{tail.name}."): j for j in tail.excesses}
            for tail in self.compiled.circuit.tails
        }

    @cached_property
    def _maxima(self) -> dict[str, MaximumStep]:
        return {step.name: step for step in self.compiled.steps if isinstance(step, MaximumStep)}

    @cached_property
    def _tiers(self) -> dict[str, tuple[int, ...]]:
        return {group.name: group.tiers for group in self.compiled.circuit.one_hots}

    @cached_property
    def _labels(self) -> dict[int, str]:
        equations = self.compiled.circuit.equations
        return {e.slack: e.name.rpartition(" >= ")[2] for e in equations if e.slack is not None}
