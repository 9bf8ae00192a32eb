"""Linear forms of a circuit, written out over what the commitments of a row hold.

A form is a list of (variable, coefficient). Variables 0..3 are the outputs N, E, R, I, committed in A_i as
field elements; variable 4 + j is column j, committed in B_i bit by bit: bit d of a column weighs 2^d. So
one form becomes

    u_A[4]        over GN, GE, GR, GI
    u_B[n_bits]   over GB, in circuit order

and its value on a row is <outputs, u_A> + <bits, u_B>, modulo the group order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from zkmargin.circuits.circuit import OUTPUTS, Circuit, Terms


@dataclass(frozen=True)
class SpreadForm:
    """A form over committed coordinates: `a` over the four outputs, `b` over all bits; canonical scalars."""

    a: tuple[int, ...]
    b: tuple[int, ...]


def combine(weighted: Iterable[tuple[int, Terms]], order: int) -> dict[int, int]:
    """Add up weight * form per variable, modulo `order`: one multiplication a term, whatever the widths."""
    total: defaultdict[int, int] = defaultdict(int)
    for weight, terms in weighted:
        for variable, coefficient in terms:
            total[variable] += weight * coefficient
    return {variable: value % order for variable, value in total.items()}


def spread(form: Mapping[int, int], circuit: Circuit, order: int) -> SpreadForm:
    """Write a form (variable -> coefficient) out over outputs and bits.

    Raise ValueError for a variable that the circuit does not have.
    """
    a, b = [0] * len(OUTPUTS), [0] * circuit.n_bits
    for variable, coefficient in form.items():
        column = variable - len(OUTPUTS)
        if variable < 0 or column >= len(circuit.columns):
            raise ValueError(f"the circuit has no variable {variable}")
        value = coefficient % order
        if column < 0:
            a[variable] = value
            continue
        start = circuit.offsets[column]
        for bit in range(start, start + circuit.columns[column].width):
            b[bit] = value
            value = 2 * value % order
    return SpreadForm(tuple(a), tuple(b))


def reach(terms: Terms, circuit: Circuit) -> int:
    """Return the largest |value| that a form can take on one row, by what columns hold; outputs are
    substituted.

    Raise ValueError if the form has an output that the circuit does not define.
    """
    over_columns: dict[int, int] = {}
    for variable, coefficient in terms:
        for column, factor in _over_columns(variable, circuit):
            over_columns[column] = over_columns.get(column, 0) + coefficient * factor
    return sum(abs(factor) * circuit.columns[column].capacity for column, factor in over_columns.items())


def _over_columns(variable: int, circuit: Circuit) -> list[tuple[int, int]]:
    """Write a variable as a sum of factor * column."""
    if variable >= len(OUTPUTS):
        return [(variable - len(OUTPUTS), 1)]
    definition = circuit.definition(variable)
    if definition is None:
        raise ValueError(f"the circuit does not define its output {OUTPUTS[variable]}")
    return [(other - len(OUTPUTS), factor) for other, factor in definition.terms if other >= len(OUTPUTS)]
