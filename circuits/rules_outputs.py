"""Rules 2 and 4: outputs and deficits are what they are called, and no sum wraps modulo r.

Why 4 matters: with coefficients near r, lattice reduction finds small columns whose sum is 0 modulo r but not over
the integers, in seconds. The bound holds for sums over MAX_ACCOUNTS rows, which totals need.
"""

from __future__ import annotations

from zkmargin import limits
from zkmargin.circuits.arrays import term_arrays
from zkmargin.circuits.circuit import OUTPUTS, E, N, R, variable
from zkmargin.circuits.published import published_forms, published_on_demand
from zkmargin.circuits.structure import BN254_ORDER, Structure, normal
from zkmargin.circuits.variables import Terms
from zkmargin.errors import CircuitError


def deficit_terms(structure: Structure) -> tuple[Terms, Terms]:
    """Return E - R + shortfall - surplus and N + bad_debt - owed."""
    at = structure.circuit.deficits
    return (
        normal({E: 1, R: -1, variable(at.shortfall): 1, variable(at.surplus): -1}),
        normal({N: 1, variable(at.bad_debt): 1, variable(at.owed): -1}),
    )


def check_output(structure: Structure) -> None:
    """Check that each output has one definition, at -1, alone, of bounded columns, and is below the bound."""
    circuit = structure.circuit
    deficits = deficit_terms(structure)
    for output, name in enumerate(OUTPUTS):
        holding = [circuit.equations[index] for index, _ in circuit.incidence[output]]
        definitions = [equation for equation in holding if equation.terms not in deficits]
        if len(definitions) != 1 or definitions[0] is not circuit.definition(output):
            raise CircuitError(
                "output",
                f"{name} must have one definition, at -1 and alone",
                actual=f"{len(definitions)} equations",
            )
        if structure.reach(term_arrays(((output, 1),))) >= limits.OUTPUT_BOUND:
            raise CircuitError("output", f"{name} can reach 2^100", hint="coarsen the equity quantum")


def check_deficit(structure: Structure) -> None:
    """Check that both deficit equations stand exactly once and their columns nowhere else."""
    circuit = structure.circuit
    for terms in deficit_terms(structure):
        found = structure.equations_of.get(terms, [])
        if len(found) != 1 or found[0].slack is not None:
            raise CircuitError(
                "deficit", "E - R + shortfall = surplus, N + bad_debt = owed: each exactly once"
            )
    for role, column in vars(circuit.deficits).items():
        if len(circuit.incidence[variable(column)]) != 1:
            raise CircuitError("deficit", f"{role} stands in another equation")


def check_wrap(structure: Structure) -> None:
    """Check MAX_ACCOUNTS x reach < r / 2 for every equation and published form, outputs replaced."""
    equations = [(equation.name, equation.arrays) for equation in structure.circuit.equations]
    for name, form in [*equations, *structure.published.items()]:
        reach = structure.reach(form)
        if 2 * limits.MAX_ACCOUNTS * reach >= BN254_ORDER:
            raise CircuitError(
                "wrap",
                f"{name}: coefficients times widths reach 2^{reach.bit_length()}; a sum over all accounts could "
                "wrap modulo r",
                hint="coarsen the quantum or lower a limit",
            )


def check_published(structure: Structure) -> None:
    """Check that every total is the sum of its own inputs or deficit, that none is missing, and their order."""
    circuit = structure.circuit
    chosen = published_on_demand(circuit.published)
    expected = published_forms(circuit.inputs, circuit.deficits, chosen)
    for name in (*expected, *circuit.published):
        if expected.get(name) != circuit.published.get(name):
            raise CircuitError("published", f"the published form {name!r} is not that total")
    if list(expected) != list(circuit.published):
        raise CircuitError("published", "the published forms are not in the order of inputs and deficits")
