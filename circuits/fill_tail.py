"""The canonical witness of an Expected Shortfall."""

from __future__ import annotations

import numpy as np

from zkmargin.circuits.circuit import Circuit
from zkmargin.circuits.evaluate import Block, State, put, reach
from zkmargin.circuits.steps import TailStep


def tail_reach(circuit: Circuit, step: TailStep) -> int:
    """Bound whatever is computed for a tail, by what the columns can hold."""
    a, b = step.worst.as_integer_ratio()
    sizes = [circuit.columns[column].capacity for column in (step.up, step.down, step.value, *step.excesses)]
    rows = max(reach(circuit, row) for row in step.rows)
    return rows + (a + b + max(step.finer)) * sum(sizes)


def fill_tail(state: State, circuit: Circuit, step: TailStep, block: Block) -> None:
    """Put the threshold, the excess over it in every scenario, and the value; see `atoms.expected_shortfall`."""
    at, rest = block.evaluate(state)
    if not len(at):
        return
    a, b = step.worst.as_integer_ratio()
    finer = np.array(step.finer, dtype=rest.dtype)
    loss = -(rest // finer)  # rounded up
    threshold = np.sort(loss, axis=1)[:, -1 - min(a // b, len(step.rows) - 1)]
    excess = np.maximum(loss - threshold[:, None], 0)
    above = b * excess.sum(axis=1) + (a * threshold if step.floor_zero else 0)
    value = np.maximum(-(-above // a), 0)
    put(state, circuit, step.up, at, np.maximum(threshold, 0))
    put(state, circuit, step.down, at, np.maximum(-threshold, 0))
    put(state, circuit, step.value, at, value)
    put(state, circuit, step.mean, at, a * value - above)
    for i, (column, slack) in enumerate(zip(step.excesses, step.slacks, strict=True)):
        put(state, circuit, column, at, excess[:, i])
        put(state, circuit, slack, at, rest[:, i] + finer[i] * (excess[:, i] + threshold))
