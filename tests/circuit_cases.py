"""A book small enough to check by hand, and random rows of it: for tests of circuits.

A contract P at 3 (losses 2 a lot when the price falls, 3 when it rises, for its two sides), a coin C at 10 with a
haircut of 1 a lot up to 6 lots and 3 a lot above, cash that may be owed, an entry cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from zkmargin.circuits.atoms import (
    Tiers,
    either,
    expected_shortfall,
    maximum,
    norm,
    piecewise,
    value_at_risk,
)
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.circuit import Circuit, Equation, R, variable
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.expression import Expression, Signed, total
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.rules import RULES
from zkmargin.circuits.structure import Structure
from zkmargin.circuits.witness import AccountRow, Witness, check_row
from zkmargin.errors import CircuitError
from zkmargin.sparse import SparseValues, sparse

FACTS = CircuitFacts({"C": 10, "USD": 1, "P": 3}, {"P": "USD"})
Inputs = Mapping[tuple[str, str], int]


def small_book(digits: int | None = None, coin_digits: int | None = None) -> CompiledBook:
    rules = Rules("small", version=1, equity_quantum=1, margin_quantum=1)
    coin = rules.amounts("held", {"C": 4}, digits=coin_digits)["C"]
    cash = rules.amounts("held", {"USD": 8})["USD"]
    debt = rules.amounts("owed", {"USD": 8})["USD"]
    cost = rules.signed("cost", {"USD": 8})["USD"]
    position = rules.signed("position", {"P": 4}, digits=digits)["P"]
    net = coin * 10 + cash - debt + position * 3 - cost
    worst = maximum("worst", {"down": position * 2, "up": position * -3}, floor_zero=True)
    rules.net_value(net)
    rules.equity(net - piecewise("haircut", coin, [0, 6], [1, 3]))
    rules.requirement(worst)
    rules.initial_requirement(worst * "1.25")
    rules.gate(cost, [position], "cost gate")
    return rules.compile(("requirement",))


def one_position(bits: int = 4, digits: int | None = None) -> tuple[Rules, Signed]:
    """Rules with one signed input and nothing stated yet."""
    rules = Rules("one", version=1, equity_quantum=1, margin_quantum=1)
    return rules, rules.signed("position", {"P": bits}, digits=digits)["P"]


def two_positions(
    requirement: Callable[[Signed, Signed], Expression],
    digits: int | None = None,
    margin_quantum: object = 1,
    bits: int = 4,
) -> CompiledBook:
    """A book worth nothing with two signed inputs and one requirement."""
    rules = Rules("two", version=1, equity_quantum=1, margin_quantum=margin_quantum)
    p, q = rules.signed("position", {"P": bits, "Q": bits}, digits=digits).values()
    rules.net_value(Expression())
    rules.equity(Expression())
    rules.requirement(requirement(p, q))
    rules.initial_requirement(Expression())
    return rules.compile()


def everything(p: Signed, q: Signed) -> Expression:
    """A rule with every kind of step."""
    losses = {"a": p * 2 - q, "b": q * "0.7", "c": -p, "d": p + q}
    tiers = Tiers("t", p.gross, [0, 3, 9], apart=True)
    return total(
        (
            maximum("m", {"a": p, "b": either(q * 2, p.gross)}, floor_zero=True),
            expected_shortfall("es", losses, "0.4", floor_zero=False),
            value_at_risk("var", losses, 1),
            norm("n", {"p": p, "q": q, "r": p - q}),
            tiers.function("f", [1, 4, 50], [1, 2, 5]),
        )
    )


def columns(*rows: Inputs) -> dict[tuple[str, str], SparseValues]:
    keys = sorted({key for row in rows for key in row})
    return {key: sparse(range(len(rows)), [row.get(key, 0) for row in rows]) for key in keys}


def fill(book: CompiledBook, *rows: Inputs) -> Witness:
    return book.program.run(columns(*rows), len(rows))


def check_requirements(
    book: CompiledBook, facts: CircuitFacts, rows: Sequence[Inputs], due: list[int]
) -> None:
    """Check R of every row, every equation on some of them, and all rules of the circuit."""
    witness = fill(book, *rows)
    assert [int(r) for r in witness.outputs[:, R]] == due
    for index in range(0, len(rows), 1 + len(rows) // 60):
        check_row(book.circuit, witness.row(index))
    assert broken(book.circuit, facts) == set()


def at(circuit: Circuit, name: str) -> int:
    """Column by name."""
    return next(j for j, column in enumerate(circuit.columns) if column.name == name)


def equation(circuit: Circuit, name: str) -> Equation:
    return next(item for item in circuit.equations if item.name == name)


def with_terms(
    circuit: Circuit, name: str, changes: Mapping[str, int] | Mapping[int, int] | Mapping[str | int, int]
) -> Circuit:
    """Set coefficients in an equation, by column name or output; 0 removes. Its prices are dropped."""
    old = equation(circuit, name)
    terms = dict(old.terms)
    for key, a in changes.items():
        terms[key if isinstance(key, int) else variable(at(circuit, key))] = a
    new = replace(old, terms=tuple(sorted((v, a) for v, a in terms.items() if a)), prices=())
    return replace(circuit, equations=tuple(new if item is old else item for item in circuit.equations))


def without(circuit: Circuit, name: str) -> Circuit:
    old = equation(circuit, name)
    return replace(circuit, equations=tuple(item for item in circuit.equations if item is not old))


def broken(circuit: Circuit, facts: CircuitFacts = FACTS) -> set[str]:
    """Names of all rules that refuse a circuit."""
    found = set()
    for name, rule in RULES.items():
        try:
            rule(Structure(circuit, facts))
        except CircuitError as error:
            found.add(error.code if error.code == name else f"{name} as {error.code}")
    return found


def changed(circuit: Circuit, row: AccountRow, outputs: Mapping[int, int], **values: int) -> AccountRow:
    """Row with other outputs and columns (by name, dots and brackets included, through **{})."""
    out = tuple(outputs.get(i, v) for i, v in enumerate(row.outputs))
    named = {at(circuit, name): value for name, value in values.items()}
    merged = {j: v for j, v in {**row.columns, **named}.items() if v}
    return AccountRow(out, merged)  # type: ignore[arg-type]
