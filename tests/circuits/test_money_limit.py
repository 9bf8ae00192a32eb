"""A money limit narrows columns; an account beyond it is refused by its name, and any other is as without."""

from __future__ import annotations

import numpy as np
import pytest
from circuit_cases import broken, columns
from toy_groups import Zp

from zkmargin.attestation.book import BookSecrets, commit_book
from zkmargin.circuits.atoms import expected_shortfall, maximum
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.expression import Expression, Signed
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.witness import check_row
from zkmargin.errors import CircuitError
from zkmargin.group.reference import ReferenceBackend
from zkmargin.inputs.ledger import Pots, User
from zkmargin.sparse import sparse

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


def test_a_build_names_the_account_and_not_its_place_in_the_tree() -> None:
    pots = Pots(
        "retail",
        (("alice", "main"), ("bob", "main")),
        columns({("position", "P0"): 1}, {("position", "P0"): 100_000}),
        (User("alice"), User("bob")),
    )
    secrets = BookSecrets(a=[1] * 3, b=[1] * 3, salts=[b""] * 3, places=np.array([1, 2, 0]))
    with pytest.raises(CircuitError) as caught:
        commit_book(ReferenceBackend(Zp(11)), LIMITED, pots, secrets, b"")
    assert str(caught.value).startswith("account bob pot main: ")


@pytest.mark.parametrize("bits", [20, 50, 61, 62, 63, 70, 90])
@pytest.mark.parametrize("tail", [False, True])
def test_an_account_far_beyond_the_limit_is_refused_by_name(bits: int, tail: bool) -> None:
    """However far: what follows from a column is computed in integers that hold what the column holds."""
    rules = Rules("retail", version=1, equity_quantum="0.01", margin_quantum="0.01", money_limit=1_000)
    position = rules.signed("position", {"P": bits})["P"]
    losses = {"down": position * 2, "up": position * -3, "jump": position * 5}
    inner = expected_shortfall("es", losses, "0.123456789") if tail else maximum("inner", losses)
    rules.net_value(position * 1)
    rules.equity(position * 1)
    rules.requirement(maximum("outer", {"inner": inner * "1.5"}, floor_zero=True))
    rules.initial_requirement(Expression())
    limited = rules.compile()
    assert broken(limited.circuit, CircuitFacts({"P": 100}, {})) == set()
    for lots in (1 << (bits - 1), -(1 << (bits - 1)), (1 << bits) - 1):
        with pytest.raises(CircuitError) as caught:
            limited.program.run({("position", "P"): sparse([0], [lots])}, 1)
        assert caught.value.code == "beyond-limit"
        assert str(caught.value).startswith("row 0: ")


@pytest.mark.parametrize("limit", [0, -5, "-0.01"])
def test_a_limit_that_is_none(limit: object) -> None:
    with pytest.raises(CircuitError, match="retail: the money limit must be positive"):
        book(limit)
