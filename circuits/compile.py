"""From policy, market and risk table to a circuit: deterministic, and run again by every verifier.

Released compilers stay in `COMPILERS` under their version, so that what verified once verifies for ever.
"""

from __future__ import annotations

from collections.abc import Callable

from zkmargin.circuits.brackets import bracket_rules
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.collateral import collateral_rules
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.derive_pm2 import derive_pm2_rules
from zkmargin.circuits.derive_srm import derive_srm_rules
from zkmargin.circuits.facts import market_facts
from zkmargin.circuits.historical import historical_rules
from zkmargin.circuits.rules import check_circuit
from zkmargin.circuits.scenario import scenario_rules
from zkmargin.circuits.sensitivities import sensitivity_rules
from zkmargin.errors import PolicyError, UndecidedError
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.risk.table import RiskTable

Model = Callable[[Policy, Market, RiskTable, BookPolicy], Rules]

COMPILERS: dict[int, dict[str, Model]] = {
    1: {
        "scenarios": scenario_rules,
        "collateral": collateral_rules,
        "brackets": bracket_rules,
        "derive-pm2": derive_pm2_rules,
        "derive-srm": derive_srm_rules,
        "historical": historical_rules,
        "sensitivities": sensitivity_rules,
    },
}


def compile_books(policy: Policy, market: Market, table: RiskTable) -> dict[str, CompiledBook]:
    """Compile the circuit of every book, in the order of their ids; raise as `compile_circuit` does."""
    return {name: compile_circuit(policy, market, table, name) for name in policy.books}


def compile_circuit(policy: Policy, market: Market, table: RiskTable, book_id: str) -> CompiledBook:
    """Compile one book and check the result by all compile rules.

    Raise CircuitError for a rule that no circuit can carry (its code names the compile rule), UndecidedError for
    a circuit version that this release does not know, PolicyError for an unknown book.
    """
    models = COMPILERS.get(policy.circuit_version)
    if models is None:
        known = ", ".join(map(str, COMPILERS))
        raise UndecidedError(
            "circuit-version",
            f"circuit version {policy.circuit_version} is not known here",
            hint=f"known: {known}",
        )
    if book_id not in policy.books:
        raise PolicyError("book", f"the policy has no book {book_id!r}")
    book = policy.books[book_id]
    compiled = models[book.model](policy, market, table, book).compile(policy.publish)
    check_circuit(compiled.circuit, market_facts(market, table))
    return compiled
