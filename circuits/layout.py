"""From a draft to a circuit: columns get their place, rows their variables.

Columns that are used together lie side by side, because what is committed and proven is words of 16 bits: the
inputs of one asset with their tiers, then entry costs with their gates, then each worst case with its slacks, then
deficits, and the many positions last. The order depends on the order of declaration only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from zkmargin.circuits.circuit import (
    Alone,
    Circuit,
    Column,
    Deficits,
    Equation,
    Gate,
    Hypotenuse,
    Input,
    OmittedRow,
    OmittedTier,
    OneHot,
    Price,
    Side,
    Tail,
    Waivers,
)
from zkmargin.circuits.compiled import CompiledBook, Rounding
from zkmargin.circuits.draft import Row
from zkmargin.circuits.lowering import DraftEquation, DraftOmission, DraftRounding, Lowering
from zkmargin.circuits.published import published_forms
from zkmargin.circuits.steps import (
    DeficitStep,
    MaximumStep,
    OutputStep,
    SlackStep,
    Step,
    TailStep,
    TierStep,
    WaiverStep,
)
from zkmargin.circuits.variables import InputKey, NamedColumn, Parts, Terms, variable
from zkmargin.sparse import integers


@dataclass(frozen=True)
class DraftGate:
    """See `circuit.Gate`."""

    equation: str
    cost: int
    positions: tuple[int, ...]
    constant: int


@dataclass(frozen=True)
class Draft:
    """Everything that `Rules` collected."""

    name: str
    version: int
    quanta: Mapping[str, Fraction]
    to: Lowering
    deficits: Mapping[str, int]
    gates: Sequence[DraftGate]
    publish: Sequence[str]
    tolerance: Mapping[InputKey, Fraction]
    charges: Sequence[tuple[str, Row]]
    roundings: Sequence[DraftRounding]


def link(draft: Draft) -> CompiledBook:
    """Lay out the columns and write everything in their order."""
    return _Linker(draft).compiled()


class _Linker:
    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.to = draft.to
        order = sorted(range(len(self.to.columns)), key=lambda j: self.to.columns[j].place)
        self.at = {column: position for position, column in enumerate(order)}
        self.variables = np.empty(len(order), dtype=np.int64)
        self.variables[order] = np.arange(variable(0), variable(len(order)))
        self.numbers = np.array(range(variable(len(order))), dtype=object)  # every equation shares them
        self.columns = tuple(Column(self.to.columns[j].name, self.to.columns[j].width) for j in order)

    def compiled(self) -> CompiledBook:
        draft, to = self.draft, self.to
        inputs = tuple(Input(i.key, tuple(Side(self.parts(s)) for s in i.sides)) for i in to.inputs)
        deficits = Deficits(**{name: self.at[j] for name, j in draft.deficits.items()})
        circuit = Circuit(
            version=draft.version,
            name=draft.name,
            columns=self.columns,
            equations=tuple(map(self.equation, to.equations)),
            inputs=inputs,
            deficits=deficits,
            published=published_forms(inputs, deficits, draft.publish),
            one_hots=tuple(map(self.one_hot, to.tiers)),
            gates=tuple(Gate(g.equation, g.cost, g.positions, g.constant) for g in draft.gates),
            omitted_rows=tuple(map(self.omitted, to.omitted_rows)),
            omitted_tiers=tuple(OmittedTier(n, self.parts(x), knot) for n, x, knot in to.omitted_tiers),
            quanta=dict(draft.quanta),
            waivers=tuple(map(self.waivers, to.waivers)),
            tails=tuple(map(self.tail, to.tails)),
            hypotenuses=tuple(map(self.hypotenuse, to.hypotenuses)),
            alone=tuple(map(self.alone, to.alone)),
            allowances=tuple(replace(a, bit=self.at[a.bit], value=self.at[a.value]) for a in to.allowances),
            floors=tuple(replace(f, value=self.at[f.value], below=self.at[f.below]) for f in to.floors),
        )
        charges = tuple((name, self.row(row)) for name, row in draft.charges)
        roundings = tuple(
            Rounding(item.of, {self.at[j]: most for j, most in item.full.items()}, item.share)
            for item in draft.roundings
        )
        return CompiledBook(
            circuit, tuple(map(self.step, to.steps)), dict(draft.tolerance), charges, roundings
        )

    def parts(self, parts: Parts) -> Parts:
        return tuple((self.at[column], lots) for column, lots in parts)

    def terms(self, row: Row, outputs: Mapping[int, int], slack: int | None = None) -> Terms:
        others = dict(outputs) | {int(self.variables[column]): a for column, a in row.columns.items()}
        if slack is not None:
            others[int(self.variables[slack])] = -1
        parts = self.variables[self.to.written_out[row.sides].columns]
        found = np.concatenate([parts, np.array(list(others), dtype=np.int64)])
        coefficients = np.concatenate([row.coefficients, integers(list(others.values()))])
        kept = np.flatnonzero(coefficients != 0)
        kept = kept[np.argsort(found[kept])]
        return tuple(zip(self.numbers[found[kept]].tolist(), coefficients[kept].tolist(), strict=True))

    def prices(self, row: Row) -> tuple[Price, ...]:
        return tuple(Price(*side, price) for side, price in sorted(row.prices.items()))

    def equation(self, equation: DraftEquation) -> Equation:
        terms = self.terms(equation.row, equation.outputs, equation.slack)
        slack = None if equation.slack is None else self.at[equation.slack]
        return Equation(equation.name, terms, slack, self.prices(equation.row))

    def omitted(self, row: DraftOmission) -> OmittedRow:
        return OmittedRow(row.name, self.terms(row.row, {}), row.implied_by, self.prices(row.row))

    def one_hot(self, group: OneHot) -> OneHot:
        tiers, parts, slacks = map(self.many, (group.tiers, group.parts, group.slacks))
        amount, on = self.parts(group.amount), self.at[group.on]
        return replace(group, amount=amount, on=on, tiers=tiers, parts=parts, slacks=slacks)

    def waivers(self, group: Waivers) -> Waivers:
        bits = self.many(group.bits)
        return replace(group, bits=bits, used=self.at[group.used], slack=self.at[group.slack])

    def tail(self, tail: Tail) -> Tail:
        up, down, excesses = self.at[tail.up], self.at[tail.down], self.many(tail.excesses)
        return replace(tail, value=self.at[tail.value], up=up, down=down, excesses=excesses)

    def hypotenuse(self, pair: Hypotenuse) -> Hypotenuse:
        legs, folds = self.named(pair.legs), self.named(pair.folds)
        return replace(pair, legs=legs, folds=folds, value=self.at[pair.value])

    def alone(self, unit: Alone) -> Alone:
        return replace(unit, value=self.at[unit.value], charge=self.at[unit.charge])

    def named(self, columns: Sequence[NamedColumn]) -> tuple[NamedColumn, ...]:
        return tuple((self.at[column], name) for column, name in columns)

    def many(self, columns: Sequence[int]) -> tuple[int, ...]:
        return tuple(self.at[column] for column in columns)

    def step(self, step: Step) -> Step:
        """Return the step over final columns."""
        match step:
            case MaximumStep():
                rows = tuple(map(self.row, step.rows))
                slacks, waivers = self.many(step.slacks), tuple(map(self.waiver, step.waivers))
                allow, below = (None if bit is None else self.at[bit] for bit in (step.allow, step.below))
                found = replace(step, value=self.at[step.value], rows=rows, slacks=slacks, waivers=waivers)
                return replace(found, allow=allow, below=below)
            case TailStep():
                return replace(
                    step,
                    value=self.at[step.value],
                    up=self.at[step.up],
                    down=self.at[step.down],
                    excesses=self.many(step.excesses),
                    rows=tuple(map(self.row, step.rows)),
                    slacks=self.many(step.slacks),
                    mean=self.at[step.mean],
                )
            case SlackStep():
                return replace(step, row=self.row(step.row), slack=self.at[step.slack])
            case TierStep():
                return replace(
                    step,
                    amount=self.row(step.amount),
                    on=self.at[step.on],
                    tiers=self.many(step.tiers),
                    parts=self.many(step.parts),
                    slacks=self.many(step.slacks),
                )
            case OutputStep():
                return replace(step, row=self.row(step.row))
            case DeficitStep():
                return replace(step, plus=self.at[step.plus], minus=self.at[step.minus])

    def waiver(self, step: WaiverStep) -> WaiverStep:
        used, slack = self.at[step.used], self.at[step.slack]
        return replace(step, bits=self.many(step.bits), used=used, slack=slack)

    def row(self, row: Row) -> Row:
        return replace(row, columns={self.at[column]: a for column, a in row.columns.items()})
