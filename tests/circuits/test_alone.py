"""A position that is all of its unit is charged alone: the same requirement for fewer values; no split pays less."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from circuit_cases import broken, columns, fill, with_terms
from circuit_oracle import best

from zkmargin.circuits.atoms import maximum, pos
from zkmargin.circuits.builder import Rules
from zkmargin.circuits.circuit import N, R
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.expression import Expression, total
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.witness import Witness, check_row
from zkmargin.errors import CircuitError, CurvatureError
from zkmargin.sparse import sparse

F = Fraction
FACTS = CircuitFacts({"A": 3, "B": 5, "D": 7, "C": 10, "USD": 1}, {"A": "USD", "B": "USD", "D": "USD"})
MOVES: dict[str, dict[str, Fraction]] = {  # loss per lot and scenario; C moves with the first unit
    "up": {"A": F(-2), "B": F(3), "C": F(-4), "D": F(-7, 3)},
    "down": {"A": F(5, 2), "B": F(-4), "C": F(4), "D": F(2)},
    "vol": {"A": F(1, 3), "B": F(-1, 7), "C": F(0), "D": F(-1)},
}
UNITS = {"one": ("A", "B"), "two": ("D",)}


def book(*, alone: bool = True, digits: int | None = 1) -> CompiledBook:
    rules = Rules("alone", version=1, equity_quantum=1, margin_quantum=1)
    cash = rules.amounts("held", {"USD": 12})["USD"]
    coin = rules.amounts("held", {"C": 5}, digits=digits)["C"]
    cost = rules.signed("cost", {"USD": 9})["USD"]
    held = rules.signed("position", dict.fromkeys("ABD", 6), digits=digits)
    units = {
        name: rules.netting_unit(name, {k: held[k] for k in labels}, [coin] if name == "one" else [])
        for name, labels in UNITS.items()
        if alone
    }
    legs = {label: leg for unit in units.values() for label, leg in unit.legs.items()}
    every = [*held.values(), *legs.values()]
    value = cash + coin * 10 - cost
    value += total(p * FACTS.lot_value[k] for p in (held, legs) for k, p in p.items())
    worst = []
    for name, labels in UNITS.items():
        losses = {
            s: total([*(held[k] * move[k] for k in labels), *([coin * move["C"]] if name == "one" else [])])
            for s, move in MOVES.items()
        }
        losses["short minimum"] = held[labels[0]].short * F(1, 2)
        worst.append(units[name].worst_case(losses) if alone else netted(name, losses))
    requirement = total([*worst, *([rules.charged_alone(list(units.values()))] if alone else [])])
    rules.net_value(value)
    rules.equity(value)
    rules.requirement(requirement)
    rules.initial_requirement(requirement * "1.5")
    rules.gate(cost, every, "gate")
    return rules.compile(("requirement",))


def netted(name: str, losses: dict[str, Expression]) -> Expression:
    return maximum(name, losses, floor_zero=True)


def rule(row: dict[tuple[str, str], int]) -> Fraction:
    """R exactly."""
    found = F(0)
    for name, labels in UNITS.items():
        lots = {k: row.get(("position", k), 0) for k in labels}
        coin = row.get(("held", "C"), 0) if name == "one" else 0
        losses = [sum((m[k] * x for k, x in lots.items()), m["C"] * coin) for m in MOVES.values()]
        found += max(0, *losses, F(max(-lots[labels[0]], 0), 2))
    return found


def random_rows(count: int, seed: int) -> list[dict[tuple[str, str], int]]:
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        row = {("held", "USD"): int(rng.integers(1, 4000))}
        row |= {("position", k): int(rng.integers(-63, 64)) for k in "ABD" if rng.random() < 0.5}
        row |= {("held", "C"): int(rng.integers(0, 32))} if rng.random() < 0.3 else {}
        rows.append(row)
    return rows


LEGS, NETTED = book(), book(alone=False)


@pytest.mark.parametrize("digits", [None, 1])
def test_the_requirement_is_the_rule(digits: int | None) -> None:
    compiled = book(digits=digits)
    rows = random_rows(400, seed=1)
    witness = compiled.program.run(columns(*rows), len(rows))
    most = 20 if digits else 200
    for index, row in enumerate(rows):
        assert rule(row) <= int(witness.outputs[index, R]) <= rule(row) + most
        if not index % 20:
            check_row(compiled.circuit, witness.row(index))
    assert broken(compiled.circuit, FACTS) == set()


def test_as_if_everything_netted_for_fewer_values() -> None:
    rows = random_rows(400, seed=2)
    legs, whole = (b.program.run(columns(*rows), len(rows)) for b in (LEGS, NETTED))
    assert np.abs(legs.outputs[:, R] - whole.outputs[:, R]).max() <= 6  # rounding differs
    assert legs.outputs[:, N].tolist() == whole.outputs[:, N].tolist()
    assert LEGS.circuit.published.keys() == NETTED.circuit.published.keys()
    single = [{("position", "A"): 40}, {("position", "D"): -40}]
    legs, whole = (b.program.run(columns(*single), 2) for b in (LEGS, NETTED))
    assert values(legs) < values(whole)


def values(witness: Witness) -> int:
    return sum(map(len, witness.auxiliary.values()))


def test_a_position_stands_alone_iff_it_is_all_of_its_unit() -> None:
    names = [column.name for column in LEGS.circuit.columns]
    cases: dict[str, tuple[dict[tuple[str, str], int], set[str]]] = {
        "one position": ({("position", "A"): 1}, {"alone[A]"}),
        "short": ({("position", "B"): -1}, {"alone[B]"}),
        "two units": ({("position", "A"): 1, ("position", "D"): 1}, {"alone[A]", "alone[D]"}),
        "two of one": ({("position", "A"): 1, ("position", "B"): 1}, {"position[A]", "position[B]"}),
        "with a coin that moves": ({("position", "A"): 1, ("held", "C"): 1}, {"position[A]"}),
        "with cash": ({("position", "A"): 1, ("held", "USD"): 1}, {"alone[A]"}),
    }
    for row, expected in cases.values():
        found = fill(LEGS, row).row(0).columns
        assert {
            names[j].split(".")[0] for j in found if names[j].startswith(("alone[", "position["))
        } == expected


def test_no_split_is_charged_less_than_the_rule() -> None:
    """Legs and positions as anyone likes, both sides raised too: only the net position is the account's."""
    key = LEGS.circuit.input_index
    rng = np.random.default_rng(6)
    for _ in range(150):
        net = {k: int(rng.integers(-20, 21)) for k in "ABD"}
        sides = {}
        for k, x in net.items():
            leg, up, down = int(rng.integers(-20, 21)), *rng.integers(0, 12, 2).tolist()
            for kind, lots, both in (("alone", leg, up), ("position", x - leg, down)):
                sides[key[kind, k], 0] = max(lots, 0) + both
                sides[key[kind, k], 1] = max(-lots, 0) + both
        row = LEGS.program.complete({s: sparse([0], [v]) for s, v in sides.items() if v}, 1).row(0)
        assert row.outputs[N] == sum(FACTS.lot_value[k] * x for k, x in net.items())
        assert row.outputs[R] >= rule({("position", k): x for k, x in net.items()})
        assert best(LEGS.circuit, row, R) >= float(rule({("position", k): x for k, x in net.items()})) - 1e-6


SHOCKS = {
    str(s): (F(a, 7), F(b, 5)) for s, (a, b) in enumerate([(9, -8), (-4, 6), (12, 11), (-13, 3), (2, -9)])
}


def shortfall_book() -> CompiledBook:
    rules = Rules("es", version=1, equity_quantum=1, margin_quantum=1)
    held = rules.signed("position", dict.fromkeys("AB", 6), digits=1)
    unit = rules.netting_unit("es", held)
    losses = {s: held["A"] * a + held["B"] * b for s, (a, b) in SHOCKS.items()}
    charge = unit.shortfall(losses, "0.5") + rules.charged_alone([unit])
    value = total(p * FACTS.lot_value[k] for k, p in (*held.items(), *unit.legs.items()))
    rules.net_value(value)
    rules.equity(value)
    rules.requirement(charge)
    rules.initial_requirement(charge * 2)
    return rules.compile()


def shortfall(a: int, b: int) -> Fraction:
    """Mean of the worst 2.5 of 5 losses."""
    x, y, z, *_ = sorted((a * u + b * v for u, v in SHOCKS.values()), reverse=True)
    return max(F(0), (x + y + z / 2) / F("2.5"))


def test_an_expected_shortfall_of_one_position() -> None:
    compiled = shortfall_book()
    assert broken(compiled.circuit, CircuitFacts({"A": 3, "B": 5}, {})) == set()
    pairs = [(int(a), int(b)) for a, b in np.random.default_rng(12).integers(-63, 64, (100, 2))]
    pairs += [(x, 0) for x in range(-63, 64, 9)] + [(0, x) for x in range(-63, 64, 9)]
    rows = columns(*({("position", "A"): a, ("position", "B"): b} for a, b in pairs))
    witness = compiled.program.run(rows, len(pairs))
    for (a, b), r in zip(pairs, witness.outputs[:, R], strict=True):
        assert shortfall(a, b) <= int(r) <= shortfall(a, b) + 14
    key = compiled.circuit.input_index
    rng = np.random.default_rng(13)
    for a, b in pairs[:40]:
        leg, both = int(rng.integers(-40, 41)), int(rng.integers(0, 20))
        lots = {("alone", "A"): leg, ("position", "A"): a - leg, ("position", "B"): b}
        sides = {(key[k], int(x < 0)): abs(x) for k, x in lots.items() if x and abs(x) < 64}
        sides[key["alone", "A"], 0] = sides.get((key["alone", "A"], 0), 0) + both
        sides[key["alone", "A"], 1] = sides.get((key["alone", "A"], 1), 0) + both
        row = compiled.program.complete({s: sparse([0], [v]) for s, v in sides.items() if v}, 1).row(0)
        if row.outputs[N] == 3 * a + 5 * b:  # everything fits
            assert row.outputs[R] >= shortfall(a, b)


def test_a_shortfall_that_may_be_negative_has_no_legs() -> None:
    circuit = shortfall_book().circuit
    cheat = replace(circuit, tails=(replace(circuit.tails[0], floor_zero=False),))
    assert "alone" in broken(cheat, CircuitFacts({"A": 3, "B": 5}, {}))


def test_a_shortfall_charged_less_than_it_nets_is_refused() -> None:
    circuit = shortfall_book().circuit
    cheat = with_terms(circuit, "R", {"max:alone": 1, "es:es": 2})
    assert broken(cheat, CircuitFacts({"A": 3, "B": 5}, {})) == {"alone"}


def test_legs_follow_from_the_ledger_by_themselves() -> None:
    with pytest.raises(CircuitError, match=r"alone\[A\] follows from the other amounts"):
        LEGS.program.run(columns({("alone", "A"): 3}), 1)
    with pytest.raises(CircuitError, match=r"alone\[A\]: an amount does not fit"):
        LEGS.program.run(columns({("position", "A"): 64}), 1)


def test_refusals() -> None:
    rules = Rules("r", version=1, equity_quantum=1, margin_quantum=1)
    p = rules.signed("position", {"A": 4})["A"]
    unit = rules.netting_unit("u", {"A": p})
    with pytest.raises(CurvatureError) as caught:
        unit.worst_case({"up": pos("gamma", p)})
    assert str(caught.value) == (
        "u, piece up: must be affine, but contains the convex term 'gamma'; what stands alone is charged by "
        "affine losses"
    )
    with pytest.raises(CircuitError, match="only a position of one input can stand alone"):
        rules.netting_unit("split", rules.tiered({"B": 6}, {"B": 9}))
    rules.net_value(Expression())
    rules.equity(Expression())
    worst = unit.worst_case({"gain": -p.gross})
    rules.requirement(worst + rules.charged_alone([unit]))
    rules.initial_requirement(Expression())
    with pytest.raises(CircuitError, match="u: has no loss that could be charged alone"):
        rules.compile()


def test_in_words() -> None:
    text = LEGS.circuit.explain()
    assert "one: a position is charged by itself where the account has nothing else in it: A, B" in text


def test_sixteen_scenarios_and_one_position_an_underlying() -> None:
    """8 underlyings, 1 position in 3 of them: values and words an account with and without legs."""
    rng = np.random.default_rng(8)
    counts = {}
    rows = [
        {("position", f"P{u}"): int(rng.integers(1, 1 << 18)) for u in rng.choice(8, 3, replace=False)}
        for _ in range(50)
    ]
    moves = [F(int(m), 10**4) for m in rng.integers(-2000, 2001, 16)]
    for alone in (True, False):
        rules = Rules("span", version=1, equity_quantum="1e-6", margin_quantum="1e-4")
        held = rules.signed("position", {f"P{u}": 20 for u in range(8)}, digits=1)
        other = rules.signed("position", {f"Q{u}": 20 for u in range(8)}, digits=1)
        pairs = [{f"P{u}": held[f"P{u}"], f"Q{u}": other[f"Q{u}"]} for u in range(8)]
        units = [rules.netting_unit(f"u{u}", pair) for u, pair in enumerate(pairs)] if alone else []
        losses = [
            {f"s{s}": total(p * m for p in pair.values()) for s, m in enumerate(moves)} for pair in pairs
        ]
        worst = [units[u].worst_case(x) if alone else netted(f"u{u}", x) for u, x in enumerate(losses)]
        charge = total([*worst, *([rules.charged_alone(units)] if alone else [])])
        value = total(
            [*held.values(), *other.values(), *(leg for unit in units for leg in unit.legs.values())]
        )
        rules.net_value(value)
        rules.equity(value)
        rules.requirement(charge)
        rules.initial_requirement(charge)
        compiled = rules.compile()
        witness = compiled.program.run(columns(*rows), len(rows))
        counts[alone] = values(witness) / 50, witness.words().touched / 50
        exact = [sum(x * max(moves) for x in row.values()) for row in rows]
        for r, e in zip(witness.outputs[:, R].tolist(), exact, strict=True):
            assert ceil(e * 10**6) <= r <= e * 10**6 + 100 * 20 * 3
    assert counts[False][0] > 45 and counts[True][0] < 8
    assert counts[False][1] > 3 * counts[True][1]
