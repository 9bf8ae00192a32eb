"""The canonical JSON of a circuit: sorted keys, integers as decimal strings, expansions as price and rule."""

from __future__ import annotations

import hashlib

from zkmargin.canonical import Json
from zkmargin.circuits.circuit import (
    FORMAT,
    OUTPUTS,
    Circuit,
    Equation,
    Gate,
    OmittedRow,
    Price,
    Terms,
    variable,
)


def sha256(data: bytes) -> bytes:
    """Return the digest that names a circuit."""
    return hashlib.sha256(data).digest()


def circuit_json(circuit: Circuit) -> Json:
    """Return what the digest is taken over: everything that proofs or rule checks read, nothing else."""
    gates = {gate.equation: gate for gate in circuit.gates}
    return {
        "format": FORMAT,
        "version": circuit.version,
        "name": circuit.name,
        "outputs": list(OUTPUTS),
        "quanta": dict(circuit.quanta),
        "columns": _columns(circuit),
        "inputs": [[list(item.key), [_runs(side.parts) for side in item.sides]] for item in circuit.inputs],
        "equations": [_equation(circuit, item, gates.get(item.name)) for item in circuit.equations],
        "deficits": vars(circuit.deficits),
        "one_hots": [vars(item) for item in circuit.one_hots],
        "gates": [vars(item) for item in circuit.gates],
        "omitted_rows": [_omitted(circuit, item) for item in circuit.omitted_rows],
        "omitted_tiers": [vars(item) for item in circuit.omitted_tiers],
        "published": {name: _packed(circuit, terms) for name, terms in circuit.published.items()},
    }


def _columns(circuit: Circuit) -> Json:
    """[name, width] each; a run of bit columns that are one side's digits is [name of the first, "1", count]."""
    digits: dict[int, int] = {}
    for item in circuit.inputs:
        for side in item.sides:
            for _, start, count in _runs(side.parts):
                digits[start] = count
    out: list[Json] = []
    at = 0
    while at < len(circuit.columns):
        column, count = circuit.columns[at], digits.get(at, 1)
        out.append([column.name, column.width] if count == 1 else [column.name, column.width, count])
        at += count
    return out


def _runs(parts: Terms) -> list[tuple[int, int, int]]:
    """(weight of the first, first column, count) of runs in which the column rises by 1 and the weight doubles."""
    out: list[tuple[int, int, int]] = []
    for column, weight in parts:
        if out and column == out[-1][1] + out[-1][2] and weight == out[-1][0] << out[-1][2]:
            out[-1] = (out[-1][0], out[-1][1], out[-1][2] + 1)
        else:
            out.append((weight, column, 1))
    return out


def _packed(circuit: Circuit, terms: Terms) -> list[tuple[int, int, int]]:
    """(coefficient of the first, first variable, count) of runs that double, as digits of one side do."""
    return _runs(terms)


def _prices(prices: tuple[Price, ...]) -> list[tuple[int, int, object]]:
    return [(price.input, price.side, price.coefficient) for price in prices]


def _rest(circuit: Circuit, terms: Terms, covered: set[int]) -> list[tuple[int, int]]:
    return [term for term in terms if term[0] not in covered]


def _covered(circuit: Circuit, prices: tuple[Price, ...]) -> set[int]:
    return {
        variable(column)
        for price in prices
        for column, _ in circuit.inputs[price.input].sides[price.side].parts
    }


def _equation(circuit: Circuit, equation: Equation, gate: Gate | None) -> Json:
    covered = _covered(circuit, equation.prices)
    if gate is not None:  # its terms over positions are stated once, in the gate
        covered |= {
            variable(column)
            for item in gate.positions
            for side in circuit.inputs[item].sides
            for column, _ in side.parts
        }
    out: dict[str, Json] = {
        "name": equation.name,
        "terms": _rest(circuit, equation.terms, covered),
        "prices": _prices(equation.prices),
    }
    if equation.slack is not None:
        out["slack"] = equation.slack
    return out


def _omitted(circuit: Circuit, row: OmittedRow) -> Json:
    covered = _covered(circuit, row.prices)
    out: dict[str, Json] = {
        "name": row.name,
        "terms": _rest(circuit, row.terms, covered),
        "prices": _prices(row.prices),
    }
    if row.implied_by is not None:
        out["implied_by"] = row.implied_by
    return out
