"""The compile rules: what makes a circuit sound, whoever wrote it. Every verifier runs them on its own compilation.

    1  form, width        what is declared is well-formed; every column is bounded; prices are rounded down
    2  output, deficit    N, E, R, I defined once; the two deficit equations as they are, their columns nowhere else
    3  net, equity, pair  N at lot values; E is N less something; raising both sides of a pair never helps
    4  wrap               no sum over all accounts can reach r / 2: true modulo r is true
    5  reach              what was left out cannot bind, by what columns can hold
    6  selector, gate     tiers, constants and waivers are forced; costs only with positions
       alone              a leg that stands alone costs no less than it could save by netting
       published          totals are the inputs' and deficits' own

They run in this order: once the form is checked the others rely on it (digits are adjacent powers of two, terms rise).
Each rule raises CircuitError with its name as the code. `docs/adr/0003-cost-gate.md` explains the gates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zkmargin.circuits.circuit import Circuit
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.rules_alone import check_alone
from zkmargin.circuits.rules_form import check_form, check_width
from zkmargin.circuits.rules_outputs import check_deficit, check_output, check_published, check_wrap
from zkmargin.circuits.rules_selectors import check_gate, check_reach, check_selector
from zkmargin.circuits.rules_value import check_equity, check_net, check_pair
from zkmargin.circuits.structure import Structure

RULES: Mapping[str, Callable[[Structure], None]] = {
    "form": check_form,
    "width": check_width,
    "output": check_output,
    "deficit": check_deficit,
    "net": check_net,
    "equity": check_equity,
    "pair": check_pair,
    "wrap": check_wrap,
    "reach": check_reach,
    "selector": check_selector,
    "alone": check_alone,
    "gate": check_gate,
    "published": check_published,
}


def check_circuit(circuit: Circuit, facts: CircuitFacts) -> None:
    """Check all rules in order; raise CircuitError, whose code is the rule's name, for the first that is broken."""
    structure = Structure(circuit, facts)
    for rule in RULES.values():
        rule(structure)
