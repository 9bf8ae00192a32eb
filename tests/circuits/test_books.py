"""The two policies: circuit and margin calculator compute the same integers, for whatever fits the columns."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import small_market as sm
from hypothesis import given
from hypothesis import strategies as st

from zkmargin.circuits.circuit import E, I, N, R
from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.overstatement import overstatement
from zkmargin.circuits.variables import InputKey
from zkmargin.circuits.witness import check_row
from zkmargin.errors import CircuitError, PolicyError, UndecidedError
from zkmargin.inputs.ledger import Pots
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.margin.accounts import calculate
from zkmargin.risk.table import BookRisk, RiskTable, RiskUnit, build_risk_table

F = Fraction
BTC_ETH = sm.contract("ETH-BTC-MAR26", "ETH", "0.01", settlement="BTC", kind="future", expiry=sm.MARCH)
MARKET = sm.market(
    BTC_ETH,
    mark={"ETH-BTC-MAR26": F("0.04")},
    forward={("ETH", sm.MARCH): F(4_040), ("BTC", sm.MARCH): F(101_000)},
)

BOOKS: dict[str, BookPolicy] = {
    "underlying": sm.book(),
    "joint": sm.book(netting="joint"),
    "initial that is no whole number of quanta": sm.book(initial_factor=F("1.3337"), scenarios=sm.UP_DOWN),
    "settled in BTC": sm.book(settlement="BTC"),
    "everything shocked": sm.book(collateral={"USD": "cash", "BTC": "shocked", "ETH": "shocked"}),
    "no short-option minimum": sm.book(short_option_minimum=F(0)),
    "nothing counts": sm.book(collateral={}),
    "tiers beyond reach": sm.book(
        collateral={"ETH": ((F(0), F("0.9")), (F(500), F("0.8")), (F(10**10), F("0.1")))}
    ),
    "collateral": sm.spot_book(),
}


@cache
def compiled(name: str) -> tuple[Policy, RiskTable, CompiledBook]:
    book = BOOKS[name]
    market = MARKET if book.netting == "joint" else sm.market()
    policy = sm.policy(book, publish=("surplus", "requirement"))
    table = build_risk_table(policy, market)
    return policy, table, compile_circuit(policy, market, table, book.id)


def largest(book: CompiledBook) -> dict[InputKey, int]:
    """The most that every input can hold, in the ledger's names."""
    out: dict[InputKey, int] = {}
    for item in book.circuit.inputs:
        out[item.key] = sum(lots * book.circuit.columns[j].capacity for j, lots in item.sides[0].parts)
    return out


def in_ledgers_names(amounts: dict[InputKey, int], book: CompiledBook) -> dict[InputKey, int]:
    """Held is the total; costs need a position settled in their asset."""
    out = dict(amounts)
    for (kind, asset), amount in amounts.items():
        if kind.startswith(("pledged:", "unpledged")):
            out["held", asset] = out.get(("held", asset), 0) + amount
    for gate in book.circuit.gates:
        keys = [book.circuit.inputs[index].key for index in gate.positions]
        if not any(out.get(key) for key in keys):
            out.pop(book.circuit.inputs[gate.cost].key, None)
    return {key: amount for key, amount in out.items() if key[0] != "unpledged"}


def check(name: str, rows: list[dict[InputKey, int]]) -> None:
    policy, table, book = compiled(name)
    pots = sm.pots(*(in_ledgers_names(row, book) for row in rows), book_id=book.circuit.name)
    witness = book.fill(pots)
    margin = calculate(policy, table, pots)
    for output, value in ((N, margin.net), (E, margin.equity), (R, margin.requirement), (I, margin.initial)):
        assert [int(x) for x in witness.outputs[:, output]] == [int(x) for x in value]
    at = book.circuit.deficits
    for column, value in (
        (at.owed, margin.owed),
        (at.bad_debt, margin.bad_debt),
        (at.surplus, margin.surplus),
        (at.shortfall, margin.shortfall),
    ):
        assert [int(x) for x in witness.columns[column].dense(len(rows))] == [int(x) for x in value]
    for index in range(len(rows)):
        check_row(book.circuit, witness.row(index))


@pytest.mark.parametrize("name", BOOKS)
def test_every_input_at_its_extremes_has_a_witness(name: str) -> None:
    """All full on one side, on the other, alternating, each alone, and at the edges of one lot."""
    most = largest(compiled(name)[2])
    signed = {"position", "cost"}
    rows = [
        dict(most),
        {k: -v if k[0] in signed else v for k, v in most.items()},
        {k: -v if k[0] == "position" else v for k, v in most.items()},
        {k: v if n % 2 else -v * (k[0] in signed) for n, (k, v) in enumerate(most.items())},
        {k: v for k, v in most.items() if k[0] == "owed"},
        {},
    ]
    rows += [{k: sign * v} for k, v in most.items() for sign in ((1, -1) if k[0] in signed else (1,))]
    rows += [{k: 1} for k in most]
    check(name, rows)


@pytest.mark.parametrize("name", BOOKS)
@given(data=st.data())
def test_circuit_and_calculator_agree_on_any_inputs(name: str, data: st.DataObject) -> None:
    most = largest(compiled(name)[2])
    rows = data.draw(st.lists(st.fixed_dictionaries({}, optional=_amounts(most)), min_size=1, max_size=4))
    check(name, rows)


def _amounts(most: dict[InputKey, int]) -> dict[InputKey, st.SearchStrategy[int]]:
    def bounded(key: InputKey, limit: int) -> st.SearchStrategy[int]:
        low = -limit if key[0] in {"position", "cost"} else 0
        return st.one_of(st.integers(low, limit), st.sampled_from((low, limit, 1)))

    return {key: bounded(key, limit) for key, limit in most.items()}


def test_a_requirement_by_hand() -> None:
    """1 BTC long at 100,010 on the underlying 100,000: 16 % of the mark; the worst of the rest is below it."""
    _, table, book = compiled("underlying")
    row = {("position", "BTC-PERP"): 1000, ("cost", "USD"): 10_001_000, ("held", "USD"): 2_000_000}
    witness = book.fill(sm.pots(row))
    n, e, r, i = (int(x) for x in witness.outputs[0])
    assert n == e == 20_000 * 10**6
    assert r == F("0.16") * 100_010 * 10**6
    assert i == F("1.25") * r
    assert int(table.lot_value["BTC-PERP"]) == 100_010 * 1000


def test_haircuts_by_hand() -> None:
    _, _, book = compiled("collateral")
    row = {("held", "BTC"): 20_000, ("pledged:loan", "BTC"): 15_000, ("owed", "USD"): 1_000}
    n, e, r, i = (int(x) for x in book.fill(sm.pots(row, book_id="spot")).outputs[0])
    assert n == (200_000 - 10) * 10**6
    assert e == (50_000 * F("0.9") + 100_000 * F("0.5") - 10) * 10**6
    assert r == i == 0


def test_published_totals() -> None:
    _, _, book = compiled("collateral")
    assert {"deposits:BTC", "loans:USD", "owed", "bad_debt", "shortfall", "surplus", "requirement"} <= set(
        book.circuit.published
    )
    assert "initial_requirement" not in book.circuit.published
    rows = [
        {("held", "BTC"): 9, ("pledged:loan", "BTC"): 4, ("pledged:margin", "BTC"): 2},
        {("held", "BTC"): 1},
    ]
    witness = book.fill(sm.pots(*rows, book_id="spot"))
    form = book.circuit.published["deposits:BTC"]
    assert sum(a * witness.columns[var - 4].total() for var, a in form) == 10


def test_rounding_is_bounded_and_the_bound_is_stated() -> None:
    """Against the exact worst case over Fractions, at the most expensive amounts (all bits set)."""
    policy, table, book = compiled("underlying")
    bound = overstatement(book)
    most = largest(book)
    rows = [most, {k: -v if k[0] == "position" else v for k, v in most.items()}]
    witness = book.fill(sm.pots(*(in_ledgers_names(row, book) for row in rows)))
    for row, r in zip(rows, witness.outputs[:, R], strict=True):
        exact = exact_requirement(row, table)
        assert exact <= int(r) * policy.equity_quantum <= exact + bound
    assert 0 < bound < F("0.02")
    options = 2 * (2**10 - 1) + (2**12 - 1)  # lots of options whose P&L is known to 1e-9 only
    assert bound - overstatement(replace(book, tolerance={})) == options * F("1e-9")


def exact_requirement(row: dict[InputKey, int], table: RiskTable) -> Fraction:
    risk, minimum = table.books["portfolio"], table.short_minimum["portfolio"]
    total = F(0)
    for unit in risk.units:
        losses = [-exact_pnl(row, unit, risk, s) for s in range(len(risk.scenarios))]
        charges = (-min(row["position", k], 0) * minimum.get(k, F(0)) for k in unit.instruments)
        total += max(F(0), *losses, sum(charges, F(0)))
    return total


def exact_pnl(row: dict[InputKey, int], unit: RiskUnit, risk: BookRisk, s: int) -> Fraction:
    total = F(0)
    for name in unit.instruments:
        pnl = risk.pnl[name]
        middle = 0 if pnl.exact else F(1, 2)  # the true value is somewhere in one unit
        total += row["position", name] * pnl.unit * (pnl.values[s] + middle)
    for asset in unit.assets:
        held = row["held", asset] if asset == "BTC" else 0  # shocked
        total += risk.pnl[asset].long(s) * (held - row["owed", asset] - row.get(("cost", asset), 0))
    return total


@pytest.mark.parametrize(
    ("row", "book", "message"),
    [
        ({("position", "DOGE-PERP"): 1}, "underlying", "has no position[DOGE-PERP]"),
        ({("owed", "SOL"): 1}, "underlying", "has no owed[SOL]"),
        ({("position", "BTC-PERP"): 1}, "collateral", "has no position[BTC-PERP]"),
        ({("held", "BTC"): -1}, "underlying", "held[BTC]: a negative amount"),
        ({("held", "BTC"): 1, ("pledged:loan", "BTC"): 2}, "collateral", "unpledged[BTC]: a negative amount"),
        ({("position", "BTC-PERP"): 1 << 17}, "underlying", "an amount does not fit its 17 bits"),
        ({("position", "BTC-PERP"): -(1 << 17)}, "underlying", "an amount does not fit its 17 bits"),
        (
            {("cost", "USD"): 5},
            "underlying",
            "cost in USD only with a position settled in it: violated by account ",
        ),
    ],
)
def test_what_has_no_witness(row: dict[InputKey, int], book: str, message: str) -> None:
    with pytest.raises(CircuitError) as caught:
        compiled(book)[2].fill(sm.pots(row))
    assert message in str(caught.value)


def test_an_unknown_version_or_book() -> None:
    policy, table, _ = compiled("underlying")
    with pytest.raises(UndecidedError, match="version 2 is not known here"):
        compile_circuit(replace(policy, circuit_version=2), sm.market(), table, "portfolio")
    with pytest.raises(PolicyError, match="no book 'x'"):
        compile_circuit(policy, sm.market(), table, "x")


def test_empty_book() -> None:
    _, _, book = compiled("underlying")
    witness = book.fill(Pots("portfolio", (), {}, ()))
    assert witness.outputs.shape == (0, 4)
    assert witness.words().touched == 0
    assert not np.any(book.fill(sm.pots({})).outputs)
