"""The canonical JSON of a circuit: sorted keys, integers as decimal strings, expansions as price and rule."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from zkmargin import canonical
from zkmargin.canonical import Json
from zkmargin.circuits.variables import OUTPUTS, Terms, variable

if TYPE_CHECKING:
    from zkmargin.circuits.circuit import Circuit, Equation, Gate, OmittedRow

FORMAT = "linear-margin-circuit/1"


def sha256(data: bytes) -> bytes:
    """Return the digest that names a circuit."""
    return hashlib.sha256(data).digest()


def circuit_bytes(circuit: Circuit) -> bytes:
    """Return what the digest is taken over: everything that a proof or a rule check reads."""
    gates = {gate.equation: gate for gate in circuit.gates}
    return canonical.encode(
        {
            **_where_present(circuit),
            "format": FORMAT,
            "version": circuit.version,
            "name": circuit.name,
            "outputs": OUTPUTS,
            "quanta": circuit.quanta,
            "columns": _columns(circuit),
            "inputs": [[item.key, [_runs(side.parts) for side in item.sides]] for item in circuit.inputs],
            "equations": [_equation(circuit, item, gates.get(item.name)) for item in circuit.equations],
            "deficits": vars(circuit.deficits),
            "one_hots": [vars(item) for item in circuit.one_hots],
            "gates": [vars(item) for item in circuit.gates],
            "omitted_rows": [_omitted(circuit, item) for item in circuit.omitted_rows],
            "omitted_tiers": [vars(item) for item in circuit.omitted_tiers],
            "published": {name: _runs(terms) for name, terms in circuit.published.items()},
        }
    )


def _where_present(circuit: Circuit) -> dict[str, Json]:
    """Facts that came after the first circuits, whose bytes stay as they are."""
    facts = {
        "waivers": circuit.waivers,
        "tails": circuit.tails,
        "hypotenuses": circuit.hypotenuses,
        "alone": circuit.alone,
        "allowances": circuit.allowances,
    }
    return {name: [vars(item) for item in items] for name, items in facts.items() if items}


def _columns(circuit: Circuit) -> Json:
    """[name, width] of every column; the bits of one side are [name of the first, 1, how many]."""
    bits = {
        start: count
        for item in circuit.inputs
        for side in item.sides
        for start, _, count in _runs(side.parts)
        if all(circuit.columns[start + k].width == 1 for k in range(count))
    }
    out: list[Json] = []
    at = 0
    while at < len(circuit.columns):
        column, count = circuit.columns[at], bits.get(at, 1)
        out.append([column.name, column.width] if count == 1 else [column.name, column.width, count])
        at += count
    return out


def _runs(terms: Terms) -> list[tuple[int, int, int]]:
    """[first, weight of the first, how many]: runs in which the id rises by 1 and the weight doubles."""
    out: list[tuple[int, int, int]] = []
    for identity, weight in terms:
        if out:
            first, least, count = out[-1]
            if identity == first + count and weight == least << count:
                out[-1] = (first, least, count + 1)
                continue
        out.append((identity, weight, 1))
    return out


def _stated(circuit: Circuit, row: Equation | OmittedRow, gate: Gate | None = None) -> dict[str, Json]:
    """Name, prices, and the terms that follow neither from a price nor from the gate."""
    sides = [(price.input, price.side) for price in row.prices]
    if gate is not None:  # it states what it multiplies
        sides += [(i, side) for i in gate.positions for side in range(len(circuit.inputs[i].sides))]
    elsewhere = np.zeros(variable(len(circuit.columns)), dtype=bool)
    elsewhere[variable(0) + circuit.side_parts[tuple(sides)].columns] = True
    rest = np.flatnonzero(~elsewhere[row.arrays.variables])
    return {
        "name": row.name,
        "terms": [row.terms[i] for i in rest.tolist()],
        "prices": [(price.input, price.side, price.coefficient) for price in row.prices],
    }


def _equation(circuit: Circuit, equation: Equation, gate: Gate | None) -> Json:
    out = _stated(circuit, equation, gate)
    return out if equation.slack is None else {**out, "slack": equation.slack}


def _omitted(circuit: Circuit, row: OmittedRow) -> Json:
    out = _stated(circuit, row)
    return out if row.implied_by is None else {**out, "implied_by": row.implied_by}
