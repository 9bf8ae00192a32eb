"""A compiled linear margin circuit: what every account of one book satisfies, and what the proofs are about.

    columns     x_j, non-negative integers, 0 <= x_j < 2^width_j, committed bit by bit in circuit order
    outputs     N, E, R, I: net value, equity, maintenance and initial requirement, in equity quanta, not bits
    equations   sum a_v x_v = 0 over outputs and columns, public integers, no constants

Structural facts (which columns are the digits of which input, one-hot tiers, gates, rows that were left out) stand
beside the equations so that `rules.check_circuit` can hold the equations against them; they are never trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from zkmargin import canonical

FORMAT = "linear-margin-circuit/1"
OUTPUTS = ("N", "E", "R", "I")
N, E, R, I = range(4)  # noqa: E741 - the protocol's letters
WORD_BITS = 16

InputKey = tuple[str, str]  # ("position", instrument), ("held", asset), ...; see zkmargin.inputs.ledger
Terms = tuple[tuple[int, int], ...]  # (variable, coefficient), by rising variable, no zero


def variable(column: int) -> int:
    """Return the id by which equations and forms name a column; 0..3 are the outputs."""
    return len(OUTPUTS) + column


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
    """One side of an input, in lots: sum of weight x column over `parts`. Digits have weights 1, 2, 4, ..."""

    parts: tuple[tuple[int, int], ...]  # (column, lots)


@dataclass(frozen=True)
class Input:
    """Something that the ledger knows: one side (an amount) or two (long and short, a pair)."""

    key: InputKey
    sides: tuple[Side, ...]

    @property
    def name(self) -> str:
        """The key as text, as reports print it."""
        return f"{self.key[0]}[{self.key[1]}]"


@dataclass(frozen=True)
class Price:
    """Coefficient of one lot of an input's side in an equation; a digit of weight w enters as floor(w x coefficient)."""

    input: int
    side: int
    coefficient: Fraction


@dataclass(frozen=True)
class Equation:
    """sum coefficient x variable = 0. With a slack column (at -1, nowhere else) it is an inequality: the rest is >= 0.

    `prices` states the terms over inputs as price and rule; `terms` holds them expanded.
    """

    name: str
    terms: Terms
    slack: int | None = None
    prices: tuple[Price, ...] = ()

    def coefficient(self, var: int) -> int:
        """Return the coefficient of a variable, 0 if it does not occur."""
        return dict(self.terms).get(var, 0)


@dataclass(frozen=True)
class OneHot:
    """Tiers of an amount x = sum_t knot_t tier_t + part_t, part_t <= width_t tier_t, sum_t tier_t = on; all in lots."""

    name: str
    amount: tuple[tuple[int, int], ...]  # x: (column, lots)
    on: int
    tiers: tuple[int, ...]
    parts: tuple[int, ...]
    knots: tuple[int, ...]
    widths: tuple[int, ...]


@dataclass(frozen=True)
class Gate:
    """Cost sides stay 0 unless a position is held: sum constant x (columns of the positions) - cost sides = slack."""

    equation: str
    cost: int  # input
    positions: tuple[int, ...]  # inputs
    constant: int


@dataclass(frozen=True)
class OmittedRow:
    """An inequality left out because its columns cannot make it fail, alone or (implied_by) while a kept one holds."""

    name: str
    terms: Terms
    implied_by: str | None = None
    prices: tuple[Price, ...] = ()


@dataclass(frozen=True)
class OmittedTier:
    """A tier left out because the amount's columns cannot hold more than its knot."""

    name: str
    amount: tuple[tuple[int, int], ...]
    knot: int


@dataclass(frozen=True)
class Deficits:
    """Columns of E - R + shortfall = surplus and N + bad_debt = owed."""

    shortfall: int
    surplus: int
    bad_debt: int
    owed: int


@dataclass(frozen=True)
class Circuit:
    """One book's circuit. Columns are laid out in their order, without gaps, as one flat bit string."""

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
    quanta: Mapping[str, Fraction] = field(
        default_factory=dict
    )  # "equity", "margin": for people, not for proofs

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
        from zkmargin.circuits.encoding import circuit_json

        return canonical.encode(circuit_json(self))

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the canonical JSON."""
        from zkmargin.circuits.encoding import sha256

        return sha256(self.canonical)

    @cached_property
    def definitions(self) -> tuple[Equation | None, ...]:
        """The equation that defines each output (it stands there at -1, without a slack); None if there is none."""
        found: list[Equation | None] = [None] * len(OUTPUTS)
        for equation in self.equations:
            outputs = [(var, a) for var, a in equation.terms if var < len(OUTPUTS)]
            if len(outputs) == 1 and outputs[0][1] == -1:
                found[outputs[0][0]] = equation
        return tuple(found)

    @property
    def ratio_claims(self) -> bool:
        """Whether E >= k R may be claimed: no column lowers R or I."""
        return all(
            definition is not None and all(a > 0 for var, a in definition.terms if var >= len(OUTPUTS))
            for definition in (self.definitions[R], self.definitions[I])
        )

    @cached_property
    def input_index(self) -> Mapping[InputKey, int]:
        """Position of every input by its key."""
        return {item.key: i for i, item in enumerate(self.inputs)}
