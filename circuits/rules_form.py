"""Rule 1: a circuit is well-formed, and every column but the outputs is bounded."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from zkmargin import limits
from zkmargin.circuits.arrays import TermArrays, floored
from zkmargin.circuits.circuit import Circuit, Equation, OmittedRow, variable
from zkmargin.circuits.loading import POSITION, SMALL
from zkmargin.circuits.structure import Structure
from zkmargin.errors import CircuitError


def check_width(structure: Structure) -> None:
    """Check that every column has 1 to MAX_WIDTH bits and that the circuit is not too large."""
    circuit = structure.circuit
    for column in circuit.columns:
        if not 1 <= column.width <= limits.MAX_WIDTH:
            raise CircuitError(
                "width", f"{column.name} is {column.width} bits wide, not 1 to {limits.MAX_WIDTH}"
            )
    if circuit.n_bits > limits.MAX_COLUMN_BITS:
        raise CircuitError(
            "width",
            f"{circuit.name}: {circuit.n_bits} bits, at most {limits.MAX_COLUMN_BITS} have generators",
            hint="coarsen the margin quantum, lower a limit, or split the book",
        )
    if len(circuit.equations) > limits.MAX_EQUATIONS:
        raise CircuitError("width", f"{circuit.name}: more than {limits.MAX_EQUATIONS} equations")


def check_form(structure: Structure) -> None:
    """Check names, ids, one role per column, digits side by side, slacks at -1, and prices rounded down."""
    circuit = structure.circuit
    _unique("column", (column.name for column in circuit.columns))
    _unique("equation", (equation.name for equation in circuit.equations))
    _unique("input", (item.name for item in circuit.inputs))
    for column, roles in zip(circuit.columns, structure.roles, strict=True):
        if len(roles) > 1:
            raise CircuitError("form", f"{column.name} is declared as {' and as '.join(roles)}")
    _check_digits(circuit)
    _check_small(circuit)
    rows: list[Equation | OmittedRow] = [*circuit.equations, *circuit.omitted_rows]
    for row in rows:
        _check_terms(structure, row.name, row.arrays)
        _check_prices(structure, row)
    for name, form in structure.published.items():
        _check_terms(structure, name, form)
    for equation in circuit.equations:
        if equation.slack is not None:
            _check_slack(circuit, equation, equation.slack)


def _unique(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise CircuitError("form", f"two {what}s are called {name!r}")
        seen.add(name)


def _check_digits(circuit: Circuit) -> None:
    """Check that a side's digits lie side by side, lowest first, without gap or overlap."""
    for item in circuit.inputs:
        if len(item.sides) not in {1, 2}:
            raise CircuitError("form", f"{item.name} has {len(item.sides)} sides")
        for side in item.sides:
            shift = 0
            for n, (column, lots) in enumerate(side.parts):
                if column != side.parts[0][0] + n or lots != 1 << shift:
                    raise CircuitError("form", f"{item.name}: digits are not adjacent powers of two")
                shift += circuit.columns[column].width
            if not shift:
                raise CircuitError("form", f"{item.name}: a side without columns")


def _check_small(circuit: Circuit) -> None:
    """Check that the first lots of a position are signed like the rest, which is there."""
    for (kind, label), index in circuit.input_index.items():
        rest = circuit.input_index.get((POSITION, label))
        if kind == SMALL and (rest is None or {len(circuit.inputs[i].sides) for i in (index, rest)} != {2}):
            raise CircuitError("form", f"{circuit.inputs[index].name}: is no part of a signed position")


def _check_terms(structure: Structure, name: str, form: TermArrays) -> None:
    if (np.diff(form.variables) <= 0).any() or (form.coefficients == 0).any():
        raise CircuitError("form", f"{name}: terms must rise by variable and not be zero")
    if ((form.variables < 0) | (form.variables >= structure.variables)).any():
        raise CircuitError("form", f"{name}: speaks of a column that does not exist")


def _check_slack(circuit: Circuit, equation: Equation, slack: int) -> None:
    found = circuit.incidence[variable(slack)]
    if [coefficient for _, coefficient in found] != [-1] or circuit.equations[found[0][0]] is not equation:
        raise CircuitError("form", f"{equation.name}: its slack must stand at -1, there and nowhere else")


def _check_prices(structure: Structure, row: Equation | OmittedRow) -> None:
    """Check the one rounding rule: a part of w lots has floor(w x coefficient of a lot)."""
    if not row.prices:
        return
    circuit = structure.circuit
    parts = circuit.side_parts[tuple((price.input, price.side) for price in row.prices)]
    expected = floored(parts.lots, parts.counts, [price.coefficient for price in row.prices])
    found = row.arrays.at(variable(0) + parts.columns)
    if wrong := np.flatnonzero(found != expected).tolist():
        price = row.prices[int(np.searchsorted(parts.starts, wrong[0], side="right")) - 1]
        name = circuit.inputs[price.input].name
        raise CircuitError("form", f"{row.name}: {name} is not its price per lot, rounded down")
