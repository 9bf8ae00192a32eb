"""Rule 3: what is owed is exact, equity is never more, and raising both sides of a pair never helps.

A signed input has no sign bit: a cheating row may hold long and short at once. So long minus short must be what
counts in N, and everywhere else the two sides together may only cost.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from zkmargin.circuits.arrays import products
from zkmargin.circuits.circuit import OUTPUTS, Circuit, E, Equation, I, N, R, variable
from zkmargin.circuits.expression import SideKey
from zkmargin.circuits.loading import POSITION, SMALL
from zkmargin.circuits.structure import Structure, normal
from zkmargin.errors import CircuitError
from zkmargin.sparse import Values, integers

Leg = tuple[SideKey, ...]  # all that is long, or short, of one thing
Pair = tuple[str, tuple[Leg, Leg]]  # what a refusal calls it, and its two legs


def check_net(structure: Structure) -> None:
    """Check that N is every input at its lot value, second sides at minus it, and nothing else."""
    circuit = structure.circuit
    definition = circuit.definition(N)
    if definition is None:
        return  # rule 2
    expected: dict[int, int] = {N: -1}
    for item in circuit.inputs:
        value = structure.facts.value(item.key)
        for side, sign in zip(item.sides, (1, -1), strict=False):
            expected |= {variable(column): sign * value * lots for column, lots in side.parts}
    if normal(expected) != definition.terms:
        name = _first_difference(structure, expected, dict(definition.terms))
        raise CircuitError(
            "net", f"N must count every input at its lot value and nothing else: {name} differs"
        )


def check_equity(structure: Structure) -> None:
    """Check that E is N less a non-negative combination of columns."""
    circuit = structure.circuit
    net, equity = circuit.definition(N), circuit.definition(E)
    if net is None or equity is None:
        return  # rule 2
    most = dict(net.terms)
    for var, a in equity.terms:
        if var >= len(OUTPUTS) and a > most.get(var, 0):
            raise CircuitError("equity", f"E counts {_name(structure, var)} for more than N does")
    low = {var for var, a in most.items() if var >= len(OUTPUTS) and a < 0} - {var for var, _ in equity.terms}
    if low:
        raise CircuitError("equity", f"E leaves out {_name(structure, min(low))}, which lowers N")


def check_pair(structure: Structure) -> None:
    """Check, per lot, that raising both sides of a pair loosens no inequality and lowers no requirement.

    What is held and what is owed of one asset are such a pair: a loan to oneself is no hedge.
    """
    pairs = _Pairs(structure)
    for equation in structure.inequalities:
        pairs.check(equation, np.maximum, 1)
    for output in (R, I):
        definition = structure.circuit.definition(output)
        if definition is not None:
            pairs.check(definition, np.minimum, -1)


class _Pairs:
    """Every pair, by the variables of its parts."""

    def __init__(self, structure: Structure) -> None:
        self.circuit = structure.circuit
        self.pairs = _pairs_of(self.circuit)
        parts = self.circuit.side_parts[_sides(self.pairs)]
        sides = [len(long) + len(short) for _, (long, short) in self.pairs]
        per_lot = integers([factor for _, legs in self.pairs for factor in _per_lot(self.circuit, legs)])
        self.pair_of = np.full(structure.variables, -1)
        self.pair_of[variable(0) + parts.columns] = np.repeat(
            np.repeat(np.arange(len(self.pairs)), sides), parts.counts
        )
        self.per_lot: Values = np.zeros(structure.variables, dtype=per_lot.dtype)
        self.per_lot[variable(0) + parts.columns] = per_lot

    def check(self, equation: Equation, worst: np.ufunc, sign: int) -> None:
        """Compare the worst part of the long side with the worst of the short side, of every pair in an equation."""
        touched = np.unique(self.pair_of[equation.arrays.variables])
        pairs = [self.pairs[i] for i in touched[touched >= 0].tolist()]
        if not pairs:
            return
        parts = self.circuit.side_parts[_sides(pairs)]
        lengths = np.array([len(leg) for _, legs in pairs for leg in legs])
        starts = parts.starts[np.cumsum(lengths) - lengths]  # of each leg
        at = variable(0) + parts.columns
        legs = worst.reduceat(products(equation.arrays.at(at), self.per_lot[at]), starts)
        helps = np.flatnonzero(sign * (legs[::2] + legs[1::2]) > 0).tolist()
        if helps:
            raise CircuitError("pair", f"{equation.name}: raising both sides of {pairs[helps[0]][0]} helps")


def _pairs_of(circuit: Circuit) -> list[Pair]:
    """Return the signed inputs, and what is held and owed of each asset: two inputs, but no gain together either.

    A position of which the first lots are kept apart is one pair: the long side of both against the short side.
    """
    own = circuit.input_index
    signed = []
    for index, item in enumerate(circuit.inputs):
        kind, label = item.key
        rest = own.get((POSITION, label)) if kind == SMALL else None
        if len(item.sides) == 2 and not (kind == POSITION and (SMALL, label) in own):
            inputs = (index,) if rest is None else (index, rest)
            signed.append((item.name, (tuple((i, 0) for i in inputs), tuple((i, 1) for i in inputs))))
    loans = [
        (f"held and owed {asset}", (((index, 0),), ((own["owed", asset], 0),)))
        for (kind, asset), index in own.items()
        if kind == "held" and ("owed", asset) in own
    ]
    return [*signed, *loans]


def _sides(pairs: Iterable[Pair]) -> tuple[SideKey, ...]:
    return tuple(side for _, legs in pairs for leg in legs for side in leg)


def _per_lot(circuit: Circuit, legs: tuple[Leg, Leg]) -> list[int]:
    """Return what brings each part of a pair to one size: parts are powers of two, so this is exact."""
    sides = (side for leg in legs for side in leg)
    lots = [lots for index, side in sides for _, lots in circuit.inputs[index].sides[side].parts]
    return [max(lots) // part for part in lots]


def _first_difference(structure: Structure, expected: dict[int, int], actual: dict[int, int]) -> str:
    wrong = [var for var in expected.keys() | actual.keys() if expected.get(var, 0) != actual.get(var, 0)]
    return _name(structure, min(wrong))


def _name(structure: Structure, var: int) -> str:
    return OUTPUTS[var] if var < len(OUTPUTS) else structure.circuit.columns[var - len(OUTPUTS)].name
