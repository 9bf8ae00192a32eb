"""Calculator and circuit are two computations of the same integers: they agree on every account that fits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_market import F, book, market, option, policy, pots, spot_book

from zkmargin.circuits.circuit import Circuit
from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.inputs.ledger import Pots
from zkmargin.inputs.policy import Policy
from zkmargin.margin.accounts import BookMargin, calculate
from zkmargin.risk.table import RiskTable, build_risk_table

Row = Mapping[tuple[str, str], int]
COIN_OPTION = option("ETH-COIN", "ETH", "1", 4_000, "put", settlement="ETH")
PRICES = {"mark": {"ETH-COIN": F("0.07")}, "volatility": {"ETH-COIN": F("0.7")}}
CASES = ("underlying", "joint", "coin", "spot")


@cache
def setting(case: str) -> tuple[Policy, RiskTable, CompiledBook]:
    """A policy of one book; "coin": settled in BTC, quanta and factor that do not divide."""
    books = {
        "underlying": book(position_limit=F(10**6), balance_limit=F(10**7)),
        "joint": book(netting="joint", short_option_minimum=F(0), balance_limit=F(10**6)),
        "coin": book(
            settlement="BTC", initial_factor=F("1.3333"), collateral={"BTC": "shocked", "USD": "cash"}
        ),
        "spot": spot_book(balance_limit=F(10**6)),
    }
    rules = policy(books[case])
    prices = market(COIN_OPTION, **PRICES)
    table = build_risk_table(rules, prices)
    return rules, table, compile_circuit(rules, prices, table, books[case].id)


def capacities(circuit: Circuit) -> dict[tuple[str, str], tuple[int, int]]:
    """What each input can hold: (most below zero, most above)."""
    out = {}
    for item in circuit.inputs:
        most = [
            sum(lots * circuit.columns[column].capacity for column, lots in side.parts) for side in item.sides
        ]
        out[item.key] = (-most[1] if len(most) == 2 else 0, most[0])
    return out


@st.composite
def rows(draw: st.DrawFn, circuit: Circuit) -> dict[tuple[str, str], int]:
    """Amounts of any size that fits, extremes often; costs only with a position settled there."""
    bounds = {key: value for key, value in capacities(circuit).items() if key[0] != "unpledged"}
    chosen = draw(st.lists(st.sampled_from(sorted(bounds)), max_size=6, unique=True))
    values = {}
    for key in chosen:
        low, high = bounds[key]
        values[key] = draw(st.sampled_from([low, high, 1]) | st.integers(low, high))
    if any(key[0] == "cost" for key in values):
        values[("position", "BTC-PERP")] = values.get(("position", "BTC-PERP")) or 1
        values[("position", "BTC-INVERSE")] = values.get(("position", "BTC-INVERSE")) or -1
        values[("position", "ETH-COIN")] = values.get(("position", "ETH-COIN")) or 1
    for kind, asset in list(values):
        if kind.startswith("pledged"):
            pledged = sum(lots for (k, a), lots in values.items() if k.startswith("pledged") and a == asset)
            values[("held", asset)] = max(values.get(("held", asset), 0), pledged)
    return values


def agree(case: str, content: Pots) -> None:
    rules, table, compiled = setting(case)
    margin: BookMargin = calculate(rules, table, content)
    outputs = compiled.fill(content).outputs
    for column, name in enumerate(("net", "equity", "requirement", "initial")):
        got = [int(value) for value in getattr(margin, name)]
        assert got == [int(value) for value in outputs[:, column]], name


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=25)
@given(data=st.data())
def test_same_integers(case: str, data: st.DataObject) -> None:
    circuit = setting(case)[2].circuit
    content = data.draw(st.lists(rows(circuit), min_size=1, max_size=5))
    agree(case, pots(*content, book_id=circuit.name))


@pytest.mark.parametrize("case", CASES[:3])
def test_same_integers_for_many_random_books(case: str) -> None:
    random = np.random.default_rng(7)
    bounds = capacities(setting(case)[2].circuit)
    contracts = [key for key in bounds if key[0] == "position"]
    balances = [key for key in bounds if key[0] in ("held", "owed")]
    content = []
    for _ in range(300):
        keys = [contracts[i] for i in random.choice(len(contracts), 3, replace=False)]
        keys += [balances[i] for i in random.choice(len(balances), 2, replace=False)]
        content.append(
            {
                key: int(random.integers(bounds[key][0], bounds[key][1] + 1) >> random.integers(0, 12))
                for key in keys
            }
        )
    agree(case, pots(*content))
