"""The calculator: exact equity, requirements and deficits of every pot of a book at once.

Books of scenarios and of collateral are computed here and in the circuit, two ways, and tests hold one against the
other. Other models have one exact statement, their circuit; what it computes is held against the exchange's formula in
floats (`zkmargin.margin.explore`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from zkmargin.errors import UsageError
from zkmargin.inputs.ledger import Pots
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.margin.book import BookMargin, PotMargin, UnitMargin, sum_pots
from zkmargin.margin.proven import proven_margin
from zkmargin.margin.worst_case import SHORT_MINIMUM, calculate_scenarios
from zkmargin.risk.entries import RiskTable

if TYPE_CHECKING:
    from zkmargin.circuits.compiled import CompiledBook

__all__ = [
    "SHORT_MINIMUM",
    "BookMargin",
    "PotMargin",
    "UnitMargin",
    "calculate",
    "calculate_all",
    "needs_circuit",
    "sum_pots",
]


def needs_circuit(book: BookPolicy) -> bool:
    """Whether a book's margin is computed by its circuit alone."""
    encoded = book.account_limit is not None or book.legs is not None
    return encoded or book.parameters is not None or bool(book.liquidity)


def calculate(
    policy: Policy, table: RiskTable, pots: Pots, compiled: CompiledBook | None = None
) -> BookMargin:
    """Compute the margin of all pots of a book; `compiled` for a book of which `needs_circuit` says so.

    Raise PolicyError or CircuitError for an amount that the book does not margin, UsageError for an unknown book or
    asset and for a circuit that is needed and not given.
    """
    book, risk = policy.books.get(pots.book), table.books.get(pots.book)
    if book is None or risk is None:
        raise UsageError("unknown-book", f"the policy has no book {pots.book!r}")
    if unknown := sorted({name for _, name in pots.values if name not in table.lot_value}):
        raise UsageError("unknown-instrument", f"the risk table has no lot value of {', '.join(unknown)}")
    if not needs_circuit(book):
        return calculate_scenarios(policy, table, book, risk, pots)
    if compiled is None:
        raise UsageError(
            "circuit", f"the margin of book {book.id} is computed by its circuit: compile it first"
        )
    return proven_margin(book, compiled, pots)


def calculate_all(
    policy: Policy,
    table: RiskTable,
    pots: Mapping[str, Pots],
    compiled: Mapping[str, CompiledBook] | None = None,
) -> dict[str, BookMargin]:
    """Compute the margin of every book; see `calculate`."""
    return {
        name: calculate(policy, table, content, (compiled or {}).get(name)) for name, content in pots.items()
    }
