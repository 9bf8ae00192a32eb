"""The canonical witness of a maximum, alternatives included."""

from __future__ import annotations

import numpy as np

from zkmargin.circuits.circuit import Circuit
from zkmargin.circuits.evaluate import Block, State, put
from zkmargin.circuits.steps import MaximumStep, WaiverStep
from zkmargin.sparse import Rows, Values


def fill_maximum(state: State, circuit: Circuit, step: MaximumStep, block: Block) -> None:
    """Put the least value that leaves no slack negative, waivers within their budget, and the slacks."""
    at, rest = block.evaluate(state)
    if not len(at) or not step.rows:
        return
    value = _least(step, -(rest // np.array(step.finer, dtype=rest.dtype)))  # rounded up
    put(state, circuit, step.value, at, value)
    for i, finer in enumerate(step.finer):
        rest[:, i] += value * finer
    for group in step.waivers:
        _waive(state, circuit, group, at, rest)
    for i, slack in enumerate(step.slacks):
        put(state, circuit, slack, at, rest[:, i])


def _least(step: MaximumStep, need: Values) -> Values:
    """Return the largest of zero, what plain rows need, and what each group needs once its budget is used."""
    value: Values = np.zeros(len(need), dtype=need.dtype)
    plain = need.shape[1] - sum(len(group.rows) for group in step.waivers)
    if plain:
        value = np.maximum(value, need[:, :plain].max(axis=1))
    for group in step.waivers:
        value = np.maximum(value, np.sort(need[:, list(group.rows)], axis=1)[:, -1 - group.budget])
    return value


def _waive(state: State, circuit: Circuit, group: WaiverStep, at: Rows, rest: Values) -> None:
    """Waive what the value does not reach; `rest` gets what a waiver adds."""
    count = np.zeros(len(at), dtype=np.int64)
    for i, bit, short in zip(group.rows, group.bits, group.short, strict=True):
        waived = (rest[:, i] < 0).astype(np.int64)
        put(state, circuit, bit, at, waived)
        rest[:, i] += waived.astype(rest.dtype) * short
        count += waived
    used = (count > 0).astype(np.int64)
    put(state, circuit, group.used, at, used)
    put(state, circuit, group.slack, at, group.budget * used - count)
