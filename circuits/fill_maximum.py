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
    finer = np.array(step.finer, dtype=rest.dtype)
    allowed = np.array(step.allowances or [0] * len(step.rows), dtype=rest.dtype)
    value = _least(step, -((rest + allowed) // finer))  # rounded up
    put(state, circuit, step.value, at, value)
    if step.allow is not None:
        needed = ((rest + value[:, None] * finer)[:, allowed > 0] < 0).any(axis=1).astype(np.int64)
        put(state, circuit, step.allow, at, needed)
        rest = rest + needed.astype(rest.dtype)[:, None] * allowed
    waivable = {i for group in step.waivers for i in group.rows}
    for i, slack in enumerate(step.slacks):
        if i not in waivable:
            put(state, circuit, slack, at, rest[:, i] + value * step.finer[i])
    for group in step.waivers:
        _waive(state, circuit, step, group, at, rest, value)


def _least(step: MaximumStep, need: Values) -> Values:
    """Return the largest of zero, what plain rows need, and what each group needs once its budget is used."""
    value: Values = np.zeros(len(need), dtype=need.dtype)
    plain = need.shape[1] - sum(len(group.rows) for group in step.waivers)
    if plain:
        value = np.maximum(value, need[:, :plain].max(axis=1))
    for group in step.waivers:
        value = np.maximum(value, np.sort(need[:, list(group.rows)], axis=1)[:, -1 - group.budget])
    return value


def _waive(
    state: State,
    circuit: Circuit,
    step: MaximumStep,
    group: WaiverStep,
    at: Rows,
    rest: Values,
    value: Values,
) -> None:
    """Put bits where the value does not reach, the slacks with what a waiver adds, and the count."""
    count = np.zeros(len(at), dtype=np.int64)
    for i, bit, short in zip(group.rows, group.bits, group.short, strict=True):
        left = rest[:, i] + value * step.finer[i]
        waived = (left < 0).astype(np.int64)
        put(state, circuit, bit, at, waived)
        put(state, circuit, step.slacks[i], at, left + waived.astype(rest.dtype) * short)
        count += waived
    used = (count > 0).astype(np.int64)
    put(state, circuit, group.used, at, used)
    put(state, circuit, group.slack, at, group.budget * used - count)
