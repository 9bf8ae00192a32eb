"""From a ledger's amounts to the sides of a circuit's inputs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zkmargin.circuits.circuit import Circuit
from zkmargin.circuits.expression import SideKey
from zkmargin.circuits.variables import InputKey
from zkmargin.errors import CircuitError
from zkmargin.sparse import EMPTY, SparseValues, Values, integers

UNPLEDGED = "unpledged"  # what is held and not pledged to any pool
PLEDGED = "pledged:"
POSITION, SMALL = "position", "small"  # of a position the first lots, as many as its small column holds
ALONE = "alone"  # a position that is all that the account has in its netting unit
DERIVED = {UNPLEDGED, SMALL, ALONE}  # inputs that the ledger does not name


def load_sides(circuit: Circuit, values: Mapping[InputKey, SparseValues]) -> dict[SideKey, SparseValues]:
    """Return the lots on every side that anybody holds.

    Raise CircuitError for an amount of which the circuit knows nothing, for one beyond its width, and for a
    negative one where there is no second side.
    """
    if derived := [key for key, column in values.items() if key[0] in DERIVED and len(column)]:
        kind, label = derived[0]
        raise CircuitError(
            "unknown-input", f"{kind}[{label}] follows from the other amounts, it is none itself"
        )
    given = _with_alone(circuit, _with_small(circuit, _with_unpledged(circuit, values)))
    if unknown := [key for key, column in given.items() if key not in circuit.input_index and len(column)]:
        kind, label = unknown[0]
        raise CircuitError("unknown-input", f"book {circuit.name} has no {kind}[{label}]")
    out: dict[SideKey, SparseValues] = {}
    for key, column in given.items():
        if not len(column):
            continue
        index = circuit.input_index[key]
        signs = (1, -1)[: len(circuit.inputs[index].sides)]
        parts = [_part(column, sign) for sign in signs]
        if len(signs) == 1 and (column.values < 0).any():
            raise CircuitError("negative", f"{circuit.inputs[index].name}: a negative amount")
        for side, part in enumerate(parts):
            if len(part):
                out[index, side] = _fitting(circuit, index, side, part)
    return out


def _part(column: SparseValues, sign: int) -> SparseValues:
    keep = (sign * column.values > 0).astype(bool)
    return SparseValues(column.rows[keep], sign * column.values[keep])


def _fitting(circuit: Circuit, index: int, side: int, column: SparseValues) -> SparseValues:
    parts = circuit.inputs[index].sides[side].parts
    width = sum(circuit.columns[j].width for j, _ in parts)
    if int(column.values.max()) >> width:
        name = circuit.inputs[index].name
        raise CircuitError("beyond-width", f"{name}: an amount does not fit its {width} bits")
    return SparseValues(column.rows, column.values.astype(np.int64 if width <= 62 else object))


def _with_unpledged(
    circuit: Circuit, values: Mapping[InputKey, SparseValues]
) -> dict[InputKey, SparseValues]:
    """Replace what is held in total by what is not pledged, where the circuit has that input."""
    out = dict(values)
    for kind, asset in circuit.input_index:
        if kind != UNPLEDGED:
            continue
        held = out.pop(("held", asset), EMPTY)
        pledges = [
            column for (name, of), column in values.items() if of == asset and name.startswith(PLEDGED)
        ]
        out[kind, asset] = _difference(held, pledges)
    return out


def _with_small(circuit: Circuit, values: Mapping[InputKey, SparseValues]) -> dict[InputKey, SparseValues]:
    """Split positions of which the circuit keeps the first lots apart: these first, then the rest."""
    out = dict(values)
    for index, (kind, label) in enumerate(circuit.input_index):
        column = out.get((POSITION, label), EMPTY)
        if kind == SMALL and len(column):
            parts = circuit.inputs[index].sides[0].parts
            most = sum(lots * circuit.columns[j].capacity for j, lots in parts)
            small = np.clip(column.values, -most, most)
            rest = column.values - small
            keep = (rest != 0).astype(bool)
            out[SMALL, label] = SparseValues(column.rows, small)
            out[POSITION, label] = SparseValues(column.rows[keep], rest[keep])
    return out


def _with_alone(circuit: Circuit, values: Mapping[InputKey, SparseValues]) -> dict[InputKey, SparseValues]:
    """Let a position stand alone where it is all that an account has in a unit."""
    out = dict(values)
    for unit in circuit.alone:
        members = (*(position for position, _ in unit.legs), *unit.others)
        found = [out.get(circuit.inputs[index].key, EMPTY).rows for index in members]
        rows, counts = np.unique(np.concatenate(found), return_counts=True)
        single = rows[counts == 1]
        for position, leg in unit.legs:
            key = circuit.inputs[position].key
            column = out.get(key, EMPTY)
            alone = np.isin(column.rows, single)
            out[circuit.inputs[leg].key] = SparseValues(column.rows[alone], column.values[alone])
            out[key] = SparseValues(column.rows[~alone], column.values[~alone])
    return out


def _difference(held: SparseValues, pledges: list[SparseValues]) -> SparseValues:
    pledges = [column for column in pledges if len(column)]
    if not pledges:
        return held
    rows = np.unique(np.concatenate([held.rows, *(column.rows for column in pledges)]))
    rest: Values = np.zeros(len(rows), dtype=object)
    rest[np.searchsorted(rows, held.rows)] += held.values.astype(object)
    for column in pledges:
        rest[np.searchsorted(rows, column.rows)] -= column.values.astype(object)
    keep = (rest != 0).astype(bool)
    return SparseValues(rows[keep], integers(rest[keep].tolist()))
