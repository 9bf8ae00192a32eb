"""A compiled linear margin circuit: what every account of one book satisfies, and what the proofs are about.

    columns     x_j, non-negative integers, 0 <= x_j < 2^width_j, committed bit by bit in circuit order
    outputs     N, E, R, I: net value, equity, maintenance and initial requirement, in equity quanta, not bits
    equations   sum a_v x_v = 0 over outputs and columns, public integers, no constants

Structural facts (which columns are the digits of which input, rows that were left out, everything in `declarations`)
stand beside the equations so that `rules.check_circuit` can hold the equations against them; they are never
trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np

from zkmargin.circuits import encoding, explanation
from zkmargin.circuits.arrays import TermArrays, term_arrays
from zkmargin.circuits.declarations import (
    Allowance,
    Alone,
    Deficits,
    Floor,
    Gate,
    Hypotenuse,
    OmittedTier,
    OneHot,
    Tail,
    Waivers,
)
from zkmargin.circuits.incidence import Incidence
from zkmargin.circuits.parts import PartTable
from zkmargin.circuits.variables import OUTPUTS, E, I, InputKey, N, Parts, R, Terms, variable

__all__ = [
    "OUTPUTS", "N", "E", "R", "I", "InputKey", "Terms", "Parts", "variable",
    "Circuit", "Column", "Equation", "Input", "Side", "Price",
    "OneHot", "Waivers", "Allowance", "Floor", "Tail", "Hypotenuse", "Alone", "Gate", "OmittedRow", "OmittedTier",
    "Deficits",
]  # fmt: skip

WORD_BITS = 16


@dataclass(frozen=True)
class Column:
    """A secret of `width` bits."""

    name: str
    width: int

    @property
    def capacity(self) -> int:
        """The largest value that the column can hold, whatever an honest account needs."""
        return (1 << self.width) - 1


@dataclass(frozen=True)
class Side:
    """One side of an input, in lots. Digits have lots 1, 2, 4, ... and stand side by side, lowest first."""

    parts: Parts


@dataclass(frozen=True)
class Input:
    """Something that the ledger knows: an amount (one side) or a signed quantity (long and short, a pair)."""

    key: InputKey
    sides: tuple[Side, ...]

    @property
    def name(self) -> str:
        """The key as text, as reports print it."""
        return f"{self.key[0]}[{self.key[1]}]"


@dataclass(frozen=True)
class Price:
    """Coefficient of one lot of an input's side in an equation; a part of w lots enters as floor(w x it)."""

    input: int
    side: int
    coefficient: Fraction


@dataclass(frozen=True)
class Equation:
    """Sum of coefficient x variable = 0. With a slack (a column, at -1, nowhere else) the rest is >= 0.

    `prices` states the terms over inputs as price and rule, `terms` holds everything expanded.
    """

    name: str
    terms: Terms
    slack: int | None = None
    prices: tuple[Price, ...] = ()

    @cached_property
    def arrays(self) -> TermArrays:
        """The terms as arrays."""
        return term_arrays(self.terms)

    @cached_property
    def has_outputs(self) -> bool:
        """Whether an output stands in it."""
        return bool((self.arrays.variables < len(OUTPUTS)).any())


@dataclass(frozen=True)
class OmittedRow:
    """An inequality left out because its columns cannot make it fail (while the row `implied_by` holds)."""

    name: str
    terms: Terms
    implied_by: str | None = None
    prices: tuple[Price, ...] = ()

    @cached_property
    def arrays(self) -> TermArrays:
        """The terms as arrays."""
        return term_arrays(self.terms)


@dataclass(frozen=True, repr=False)
class Circuit:
    """One book's circuit. Columns lie in their order, without gaps, in one flat string of bits."""

    version: int
    name: str
    columns: tuple[Column, ...]
    equations: tuple[Equation, ...]
    inputs: tuple[Input, ...]
    deficits: Deficits
    published: Mapping[str, Terms]
    one_hots: tuple[OneHot, ...] = ()
    gates: tuple[Gate, ...] = ()
    omitted_rows: tuple[OmittedRow, ...] = ()
    omitted_tiers: tuple[OmittedTier, ...] = ()
    quanta: Mapping[str, Fraction] = field(default_factory=dict)  # "equity" and "margin", in quote currency
    waivers: tuple[Waivers, ...] = ()
    tails: tuple[Tail, ...] = ()
    hypotenuses: tuple[Hypotenuse, ...] = ()
    alone: tuple[Alone, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    floors: tuple[Floor, ...] = ()

    def __repr__(self) -> str:
        return f"Circuit({self.name!r}, {len(self.columns)} columns, {len(self.equations)} equations)"

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """First bit of every column in the flat bit string."""
        out, at = [], 0
        for column in self.columns:
            out.append(at)
            at += column.width
        return tuple(out)

    @cached_property
    def n_bits(self) -> int:
        """Bits of a row."""
        return sum(column.width for column in self.columns)

    @property
    def n_words(self) -> int:
        """16-bit words of a row, the last one perhaps in part."""
        return -(-self.n_bits // WORD_BITS)

    @cached_property
    def canonical(self) -> bytes:
        """The one byte string that stands for this circuit; large expansions are stated as price and rule."""
        return encoding.circuit_bytes(self)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the canonical bytes."""
        return encoding.sha256(self.canonical)

    @cached_property
    def input_index(self) -> Mapping[InputKey, int]:
        """Position of every input by its key."""
        return {item.key: i for i, item in enumerate(self.inputs)}

    @cached_property
    def incidence(self) -> Incidence:
        """For every variable the (equation, coefficient) in which it stands."""
        return Incidence([equation.arrays for equation in self.equations], variable(len(self.columns)))

    @cached_property
    def side_parts(self) -> PartTable:
        """Sides of inputs, by (input, side), written out in their parts."""
        return PartTable(lambda side: self.inputs[side[0]].sides[side[1]].parts, self.columns)

    def definition(self, output: int) -> Equation | None:
        """Return the equation in which an output stands at -1, alone among outputs and without a slack."""
        for index, coefficient in self.incidence[output]:
            equation = self.equations[index]
            alone = np.count_nonzero(equation.arrays.variables < len(OUTPUTS)) == 1
            if coefficient == -1 and alone and equation.slack is None:
                return equation
        return None

    def explain(self) -> str:
        """Return the circuit in words, for a quant or an auditor."""
        return explanation.explain(self)

    @property
    def ratio_claims(self) -> bool:
        """Whether E >= k R may be claimed on this book: nothing lowers R or I."""
        return all(
            definition is not None and all(a > 0 for var, a in definition.terms if var >= len(OUTPUTS))
            for definition in (self.definition(R), self.definition(I))
        )
