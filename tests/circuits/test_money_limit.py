"""A money limit narrows columns; an account beyond it is refused by its name, and any other is as without."""

from __future__ import annotations

import numpy as np
import pytest
from circuit_cases import broken, columns

from zkmargin.circuits.atoms import expected_shortfall, maximum
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.expression import Expression, Signed
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.witness import check_row
from zkmargin.errors import CircuitError
from zkmargin.inputs.ledger import Pots, User

NAMES = [f"P{i}" for i in range(20)]
FACTS = CircuitFacts(dict.fromkeys(NAMES, 100) | {"USD": 1}, {})


def worst(positions: dict[str, Signed]) -> Expression:
    moves = np.random.default_rng(4).integers(-30, 31, (8, len(NAMES))).tolist()
    losses = {
        f"s{s}": sum((p * int(a) for p, a in zip(positions.values(), row, strict=True)), Expression())
        for s, row in enumerate(moves)
    }
    return maximum("worst", losses, floor_zero=True) + expected_shortfall("es", losses, "0.3")


def book(limit: object = None) -> CompiledBook:
    rules = Rules("retail", version=1, equity_quantum="0.01", margin_quantum="0.01", money_limit=limit)
    cash = rules.amounts("held", {"USD": 40})["USD"]
    positions = rules.signed("position", dict.fromkeys(NAMES, 20), digits=1)
    value = cash * "0.01" + sum((p * 1 for p in positions.values()), Expression())
    rules.net_value(value)
    rules.equity(value)
    charge = worst(positions)
    rules.requirement(charge)
    rules.initial_requirement(charge * 2)
    return rules.compile()


FREE, LIMITED = book(), book(100_000)


def test_every_account_within_the_limit_is_as_without() -> None:
    rng = np.random.default_rng(9)
    rows = [
        {("position", name): int(x) for name, x in zip(NAMES, rng.integers(-150, 151, 20), strict=True)}
        for _ in range(50)
    ]
    free, limited = (b.program.run(columns(*rows), 50) for b in (FREE, LIMITED))
    assert free.outputs.tolist() == limited.outputs.tolist()
    for index in range(50):
        check_row(LIMITED.circuit, limited.row(index))
    assert broken(LIMITED.circuit, FACTS) == set()


def test_columns_are_narrower_but_for_what_a_ruined_account_needs() -> None:
    """24 bits hold 100,000.00; deficits stay as wide as balances and positions reach."""
    widths = {column.name: column.width for column in LIMITED.circuit.columns}
    free = {column.name: column.width for column in FREE.circuit.columns}
    money = [
        name for name in widths if name.startswith(("max:", "slack:worst", "slack:es: s", "es:", "excess"))
    ]
    assert {widths[name] for name in money} == {24}
    assert min(free[name] for name in money) > 24
    for name in ("owed", "bad_debt", "surplus"):
        assert widths[name] >= free[name] - 1
    assert FREE.circuit.n_bits - LIMITED.circuit.n_bits > 10 * len(money) / 2


def test_an_account_beyond_the_limit_is_refused_by_name() -> None:
    large = columns({("position", "P0"): 100_000})
    assert FREE.program.run(large, 1).rows == 1
    pots = Pots("retail", (("alice", "main"),), large, (User("alice"),))
    with pytest.raises(CircuitError) as named:
        LIMITED.fill(pots)
    assert named.value.code == "beyond-limit"
    assert str(named.value).startswith("account alice pot main: ")
    assert str(named.value).endswith(
        "is beyond the money limit of book retail; a book with a higher limit can take the account"
    )
