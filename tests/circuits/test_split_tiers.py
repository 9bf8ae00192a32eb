"""Tiers of a position with and without a column for its first lots: the same charge, for fewer values and words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pytest
from circuit_cases import broken, columns
from circuit_oracle import best

from zkmargin.circuits.atoms import maximum, piecewise, position_tiers
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.circuit import N, R
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.expression import Expression, Signed, SplitPosition, total
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.witness import Witness, check_row
from zkmargin.errors import CircuitError, CurvatureError
from zkmargin.sparse import SparseValues, sparse

BRACKETS = Path(__file__).parents[3] / "shared/vectors/binance/leverage_tiers.json"
F = Fraction
SCHEDULES: dict[str, tuple[list[int], list[object], int]] = {
    "a first tier that is no power of two": ([0, 9, 20], [1, 2, 5], 9),
    "a first tier of exactly the column": ([0, 8, 20], [1, 2, 5], 7),
    "in fractions of a quantum": ([0, 10, 20], ["0.3", "0.31", "7/3"], 10),
    "one tier": ([0], [2], 12),
    "tiers out of reach": ([0, 9, 200], [1, 2, 3], 8),
}


def marginal(
    name: str, position: Signed, knots: Sequence[int], slopes: Sequence[object], *, apart: bool = False
) -> Expression:
    """Marginal rates: the value at a knot is what the tiers below it charge."""
    rates = [F(str(slope)) for slope in slopes]
    rises = (rate * (b - a) for rate, (a, b) in zip(rates, pairwise(knots), strict=False))
    return position_tiers(name, position, knots, apart=apart).function(
        name, list(accumulate(rises, initial=F(0))), rates
    )


def whole(name: str, position: Signed, knots: Sequence[int], slopes: Sequence[object]) -> Expression:
    """The rate of the tier that holds the position, on all of it."""
    rates = [F(str(slope)) for slope in slopes]
    values = [rate * knot for rate, knot in zip(rates, knots, strict=True)]
    return position_tiers(name, position, knots, apart=True).function(name, values, rates)


def book(knots: Sequence[int], slopes: Sequence[object], first: int | None, bits: int = 5) -> CompiledBook:
    rules = Rules("brackets", version=1, equity_quantum=1, margin_quantum=1)
    if first is None:
        position = rules.signed("position", {"P": bits})["P"]
    else:
        position = rules.tiered({"P": bits}, {"P": first})["P"]
    rules.net_value(position * 3)
    rules.equity(position * 3)
    rules.requirement(marginal("b", position, knots, slopes))
    rules.initial_requirement(whole("i", position, knots, slopes) * 2)
    return rules.compile(("requirement",))


def filled(compiled: CompiledBook, lots: Sequence[int]) -> Witness:
    return compiled.program.run(columns(*({("position", "P"): x} for x in lots)), len(lots))


@pytest.mark.parametrize("case", SCHEDULES)
def test_the_same_charge(case: str) -> None:
    knots, slopes, first = SCHEDULES[case]
    whole, split = book(knots, slopes, None), book(knots, slopes, first)
    lots = range(-31, 32)
    a, b = filled(whole, lots), filled(split, lots)
    assert a.outputs.tolist() == b.outputs.tolist()
    for index in range(len(lots)):
        check_row(split.circuit, b.row(index))
    assert broken(split.circuit, CircuitFacts({"P": 3}, {"P": "USD"})) == set()
    assert split.circuit.published.keys() == whole.circuit.published.keys()


def test_a_small_position_has_one_value_and_a_large_one_fills_the_first_lots() -> None:
    split = book([0, 9, 20], [1, 2, 5], 9)
    names = [column.name for column in split.circuit.columns]
    small = filled(split, [-7, 8]).row(0)
    assert {names[j] for j in small.columns} == {"small[P].short", "shortfall", "bad_debt"}
    large = filled(split, [8]).row(0)
    assert {names[j]: v for j, v in large.columns.items() if "[P]" in names[j]} == {
        "small[P].long": 7,
        "position[P].long": 1,
    }


@pytest.mark.parametrize("case", SCHEDULES)
def test_nobody_can_claim_less_by_another_split(case: str) -> None:
    """The optimiser chooses how a position is split: only the sum of both parts is the account's."""
    knots, slopes, first = SCHEDULES[case]
    split = book(knots, slopes, first)
    key = split.circuit.input_index
    if ("small", "P") not in key:
        return
    for lots in (5, 8, 13, 31):
        honest = int(filled(split, [lots]).outputs[0, R])
        for small in range(max(0, lots - 31), min(lots, 7) + 1):
            sides = {
                (key["small", "P"], 0): sparse([0], [small]),
                (key["position", "P"], 0): sparse([0], [lots - small]),
            }
            row = split.program.complete({k: v for k, v in sides.items() if len(v)}, 1).row(0)
            check_row(split.circuit, row)
            assert row.outputs[N] == 3 * lots
            assert row.outputs[R] >= honest
            assert best(split.circuit, row, R, bits=True) >= honest - 1e-4


def test_small_inputs_come_from_the_ledger_by_themselves() -> None:
    split = book([0, 9], [1, 2], 9)
    with pytest.raises(CircuitError, match=r"small\[P\] follows from the other amounts"):
        split.program.run(columns({("small", "P"): 3}), 1)
    with pytest.raises(CircuitError, match=r"position\[P\]: an amount does not fit"):
        filled(split, [40])


def test_refusals() -> None:
    with pytest.raises(
        CurvatureError, match="b: the slope falls from 2 to 1; declare the position as one input"
    ):
        book([0, 9], [2, 1], 9)
    with pytest.raises(CircuitError) as caught:
        book([0, 6], [1, 2], 9)
    assert str(caught.value) == (
        "b: the first tier ends before the first lots of the position (expected 7 lots or more, got 6 lots)"
    )


def test_scenarios_of_a_split_position_are_those_of_the_whole() -> None:
    def charge(position: Signed) -> object:
        return maximum("worst", {"down": position * 2, "up": position * -3}, floor_zero=True)

    found = []
    for first in (None, 5):
        rules = Rules("s", version=1, equity_quantum=1, margin_quantum=1)
        tiered = rules.tiered({"P": 5}, {"P": first or 0})["P"]
        assert isinstance(tiered, SplitPosition) is (first is not None)
        rules.net_value(tiered * 3)
        rules.equity(tiered * 3)
        rules.requirement(charge(tiered))  # type: ignore[arg-type]
        rules.initial_requirement(tiered.gross)
        found.append(filled(rules.compile(), range(-31, 32)).outputs.tolist())
    assert found[0] == found[1]


def real_schedules() -> dict[str, tuple[list[int], list[Fraction], int]]:
    """349 contracts at 1 USD a lot: knots in lots, slopes in USD a lot."""
    if not BRACKETS.exists():
        pytest.skip("third-party brackets are not here: ../shared/vectors/binance/leverage_tiers.json")
    out = {}
    for name, tiers in sorted(json.loads(BRACKETS.read_text()).items()):
        knots = [int(tier["minNotional"]) for tier in tiers]
        slopes = [F(str(tier["maintenanceMarginRate"])) for tier in tiers]
        out[name] = knots, slopes, knots[1] - 1 if len(knots) > 1 else 1 << 40
    return out


def test_349_contracts_with_their_published_brackets() -> None:
    """Median 2,000 USD in each of 5 contracts: 28 values and 38 words an account become 17 and 27."""
    schedules = real_schedules()
    rng = np.random.default_rng(1)
    rows: dict[str, tuple[list[int], list[int]]] = {name: ([], []) for name in schedules}
    for account in range(300):
        for name in rng.choice(sorted(schedules), 5, replace=False).tolist():
            rows[name][0].append(account)
            rows[name][1].append(max(1, int(rng.lognormal(np.log(2000), 2))) * int(rng.choice([-1, 1])))
    ledger = {("position", name): sparse(*entries) for name, entries in rows.items() if entries[0]}
    ledger["held", "USD"] = sparse(range(300), rng.integers(10**9, 10**13, 300).tolist())
    whole, split = real_book(schedules, split=False), real_book(schedules, split=True)
    a, b = whole.program.run(ledger, 300), split.program.run(ledger, 300)
    assert a.outputs.tolist() == b.outputs.tolist()
    expected = sum(charge(schedules[name], abs(x)) for name, entries in rows.items() for x in entries[1])
    assert int(b.outputs[:, R].sum()) == expected * 10**6
    assert per_account(a)[0] >= 27 and per_account(b)[0] <= 18
    assert per_account(a)[1] >= 37 and per_account(b)[1] <= 29


def real_book(schedules: dict[str, tuple[list[int], list[Fraction], int]], *, split: bool) -> CompiledBook:
    rules = Rules("b", version=1, equity_quantum="1e-6", margin_quantum="1e-6")
    cash = rules.amounts("held", {"USD": 60})["USD"]
    bits, first = dict.fromkeys(schedules, 27), {name: s[2] for name, s in schedules.items()}
    held = rules.tiered(bits, first) if split else rules.signed("position", bits)
    charges = [
        marginal(name, held[name], *s[:2], apart=True) if split else piecewise(name, held[name].gross, *s[:2])
        for name, s in schedules.items()
    ]
    value = cash * "1e-6" + total(held.values())
    rules.net_value(value)
    rules.equity(value)
    rules.requirement(total(charges))
    rules.initial_requirement(total(charges) * 2)
    return rules.compile()


def charge(schedule: tuple[list[int], list[Fraction], int], x: int) -> Fraction:
    knots, slopes, _ = schedule
    ends = [*knots[1:], x]
    return sum((s * (min(x, end) - k) for k, end, s in zip(knots, ends, slopes, strict=True) if x > k), F(0))


def per_account(witness: Witness) -> tuple[float, float]:
    """Values and words that are not zero."""
    every: list[SparseValues] = [*witness.sides.values(), *witness.auxiliary.values()]
    return sum(map(len, every)) / witness.rows, witness.words().touched / witness.rows
