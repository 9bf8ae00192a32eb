"""The canonical witness of every account of a book at once.

It is a normative public function of the inputs: prover and verifier compute the same. For every pair one side is
0, every auxiliary value is the least that its inequalities allow, the lower tier serves at a knot, `on` is 1 iff
its amount is not 0, one of two deficits is 0, every slack follows from its equation.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

import numpy as np

from zkmargin.circuits.circuit import OUTPUTS, Circuit
from zkmargin.circuits.draft import Row
from zkmargin.circuits.evaluate import Block, State, put, reach
from zkmargin.circuits.expression import SideKey
from zkmargin.circuits.fill_maximum import fill_maximum
from zkmargin.circuits.fill_tail import fill_tail, tail_reach
from zkmargin.circuits.loading import load_sides
from zkmargin.circuits.steps import DeficitStep, MaximumStep, OutputStep, SlackStep, Step, TailStep, TierStep
from zkmargin.circuits.variables import InputKey
from zkmargin.circuits.witness import Witness
from zkmargin.errors import CircuitError
from zkmargin.sparse import INT64_SAFE, SparseValues, Values


class Program:
    """The steps of a circuit, prepared for arrays."""

    def __init__(self, circuit: Circuit, steps: tuple[Step, ...]) -> None:
        self.circuit = circuit
        self.steps = [(step, self._block(step)) for step in steps]
        most = sum(reach(circuit, step.row) for step in steps if isinstance(step, OutputStep))
        self.money = np.dtype(np.int64 if most < INT64_SAFE else object)

    def run(self, values: Mapping[InputKey, SparseValues], rows: int) -> Witness:
        """Fill `rows` accounts from their amounts in lots; see `loading.load_sides` for what is refused."""
        return self.complete(load_sides(self.circuit, values), rows)

    def complete(self, sides: Mapping[SideKey, SparseValues], rows: int) -> Witness:
        """Fill everything that follows from the sides of the inputs, whether or not both of a pair are used."""
        state = State(rows, dict(sides), {})
        outputs = np.zeros((rows, len(OUTPUTS)), dtype=self.money)
        for step, block in self.steps:
            match step:
                case MaximumStep():
                    fill_maximum(state, self.circuit, step, block)
                case TailStep():
                    fill_tail(state, self.circuit, step, block)
                case SlackStep():
                    self._slack(state, step, block)
                case TierStep():
                    self._tier(state, step, block)
                case OutputStep():
                    at, out = block.evaluate(state)
                    outputs[at, step.output] = out[:, 0]
                case DeficitStep():
                    self._deficit(state, step, outputs)
        return Witness(self.circuit, rows, outputs, state.sides, state.columns)

    def _block(self, step: Step) -> Block:
        match step:
            case MaximumStep():
                value = self.circuit.columns[step.value].capacity
                most = max(
                    (
                        reach(self.circuit, row) + f * value
                        for row, f in zip(step.rows, step.finer, strict=True)
                    ),
                    default=0,
                )
                waived = max((most for group in step.waivers for most in group.short), default=0)
                return Block(self.circuit, step.rows, most + waived + max(step.allowances, default=0))
            case TailStep():
                return Block(self.circuit, step.rows, tail_reach(self.circuit, step))
            case SlackStep() | OutputStep():
                return self._single(step.row)
            case TierStep():
                return self._single(step.amount)
            case DeficitStep():
                return Block(self.circuit, (), 0)

    def _single(self, row: Row) -> Block:
        return Block(self.circuit, (row,), reach(self.circuit, row))

    def _slack(self, state: State, step: SlackStep, block: Block) -> None:
        at, out = block.evaluate(state)
        if (out < 0).any():
            raise CircuitError("violated", f"{step.name}: violated by an account")
        put(state, self.circuit, step.slack, at, out[:, 0])

    def _tier(self, state: State, step: TierStep, block: Block) -> None:
        at, out = block.evaluate(state)
        lots = out[:, 0]
        tier = _lower_tier(step, lots)
        put(state, self.circuit, step.on, at, np.ones(len(at), dtype=np.int64))
        for t, (knot, width) in enumerate(zip(step.knots, step.widths, strict=True)):
            own = tier == t
            rows, part = at[own], lots[own] - knot
            put(state, self.circuit, step.tiers[t], rows, np.ones(len(rows), dtype=np.int64))
            put(state, self.circuit, step.parts[t], rows, part)
            put(state, self.circuit, step.slacks[t], rows, width - part)

    def _deficit(self, state: State, step: DeficitStep, outputs: Values) -> None:
        weights = np.zeros(len(OUTPUTS), dtype=outputs.dtype)
        for output, a in step.outputs:
            weights[output] = a
        value = outputs @ weights
        for column, sign in ((step.plus, 1), (step.minus, -1)):
            at = np.flatnonzero(sign * value > 0)
            put(state, self.circuit, column, at, sign * value[at])


def _lower_tier(step: TierStep, lots: Values) -> Values:
    """Return the first tier that holds each positive amount: the lower one at a knot that two share."""
    ends = [knot + width for knot, width in zip(step.knots, step.widths, strict=True)]
    if lots.dtype != object:
        return np.searchsorted(np.array(ends, dtype=np.int64), lots, side="left")
    return np.array([bisect_left(ends, int(amount)) for amount in lots], dtype=np.int64)
