"""The best that any satisfying row can claim: what a cheating prover could reach with an account's inputs.

A linear program (HiGHS) with the inputs fixed and everything else free in its bounds, columns scaled to their honest
size. Selector bits are fractions, so that it may do more than a cheating prover, or bits where convexity ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from zkmargin.circuits.circuit import OUTPUTS, Circuit, E, I, R, variable
from zkmargin.circuits.witness import AccountRow

optimize: Any = pytest.importorskip("scipy.optimize", reason="the oracle is SciPy's HiGHS")

BEST = {E: -1, R: 1, I: 1}  # sign that a minimiser gives each output


def best(circuit: Circuit, row: AccountRow, output: int, *, bits: bool = False) -> float:
    """Return the best value of an output over all satisfying rows with this row's inputs, in equity quanta."""
    return float(optimum(circuit, row, output, loose=False, bits=bits)[output])


def optimum(
    circuit: Circuit, row: AccountRow, output: int, *, loose: bool, bits: bool = False
) -> NDArray[np.float64]:
    """Return the whole row; `loose`: only net positions and net costs are the account's; `bits` are whole."""
    values = dict(enumerate(row.outputs)) | {variable(j): v for j, v in row.columns.items()}
    fixed = input_variables(circuit, pairs=not loose)
    scale = scales(circuit, values)
    count = variable(len(circuit.columns))
    matrix, right = equations(circuit, values, fixed, scale)
    if loose:
        matrix, right = with_net_positions(circuit, values, scale, matrix, right)
    bounds = [bound(circuit, var, values, fixed, scale) for var in range(count)]
    cost = np.zeros(count)
    cost[output] = BEST[output]
    whole = [
        int(bits and var >= len(OUTPUTS) and circuit.columns[var - len(OUTPUTS)].width == 1)
        for var in range(count)
    ]
    found = optimize.linprog(
        cost, A_eq=matrix, b_eq=right, bounds=bounds, method="highs", integrality=whole if bits else None
    )
    assert found.status == 0, found.message
    return np.asarray(found.x * scale)


def input_variables(circuit: Circuit, *, pairs: bool) -> set[int]:
    kept = (item for item in circuit.inputs if pairs or len(item.sides) == 1)
    return {variable(j) for item in kept for side in item.sides for j, _ in side.parts}


def scales(circuit: Circuit, values: Mapping[int, int]) -> NDArray[np.float64]:
    """Honest size of every variable; where it is 0, that of the money in the row."""
    money = float(max(1, *(abs(values.get(output, 0)) for output in range(len(OUTPUTS)))))
    columns = [
        float(values.get(variable(j), 0))
        or (1.0 if column.width == 1 else min(money, float(column.capacity)))
        for j, column in enumerate(circuit.columns)
    ]
    return np.array([money] * len(OUTPUTS) + columns)


def equations(
    circuit: Circuit, values: Mapping[int, int], fixed: set[int], scale: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    matrix = np.zeros((len(circuit.equations), len(scale)))
    right = np.zeros(len(circuit.equations))
    for index, item in enumerate(circuit.equations):
        known = -sum(a * values.get(var, 0) for var, a in item.terms if var in fixed)  # exact
        free = {var: a * scale[var] for var, a in item.terms if var not in fixed}
        size = max(map(abs, free.values()), default=1.0)
        for var, a in free.items():
            matrix[index, var] = a / size
        right[index] = float(known) / size if free else 0.0
    return matrix, right


def with_net_positions(
    circuit: Circuit,
    values: Mapping[int, int],
    scale: NDArray[np.float64],
    matrix: NDArray[np.float64],
    right: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Long minus short stays what it is, both sides are free."""
    rows, nets = [], []
    for item in circuit.inputs:
        if len(item.sides) == 2:
            row = np.zeros(len(scale))
            net = 0
            for side, sign in zip(item.sides, (1, -1), strict=True):
                for j, lots in side.parts:
                    row[variable(j)] = sign * lots * scale[variable(j)]
                    net += sign * lots * values.get(variable(j), 0)
            size = np.abs(row).max()
            rows.append(row / size)
            nets.append(net / size)
    return np.vstack([matrix, *rows]), np.concatenate([right, nets])


def bound(
    circuit: Circuit, var: int, values: Mapping[int, int], fixed: set[int], scale: NDArray[np.float64]
) -> tuple[float | None, float | None]:
    if var < len(OUTPUTS):
        return None, None
    if var in fixed:
        return 0.0, 0.0  # moved to the right-hand side
    return 0.0, circuit.columns[var - len(OUTPUTS)].capacity / scale[var]
