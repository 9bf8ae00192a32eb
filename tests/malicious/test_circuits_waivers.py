"""Circuits that cheat with waivers: each refused by the rule named and no other, and shown to be worth refusing.

The honest book charges max(0, p - q, min(2 p, 3 q)) and, for value at risk, the third largest of five losses.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from circuit_cases import at, broken, changed, equation, fill, two_positions, with_terms, without

from zkmargin.circuits.atoms import either, maximum, value_at_risk
from zkmargin.circuits.circuit import Circuit, Column, R
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.witness import check_row
from zkmargin.errors import VerificationError

FACTS = CircuitFacts({"P": 0, "Q": 0}, {})
BOOK = two_positions(
    lambda p, q: maximum("m", {"x": p - q, "better": either(p * 2, q * 3)}, floor_zero=True), bits=4
)
HONEST = BOOK.circuit
ROW = fill(BOOK, {("position", "P"): 5, ("position", "Q"): 4}).row(0)  # 10, though 2 p = 10 and 3 q = 12
X, FIRST, SECOND = "m >= x", "m >= better, first", "m >= better, second"
COUNT = "m, better: at most 1 waived"
USED, BITS = "waived:m, better", (f"waive:{FIRST}", f"waive:{SECOND}")
SHORT = dict(equation(HONEST, FIRST).terms)[4 + at(HONEST, BITS[0])]
# everything waived
WAIVED = {
    BITS[0]: 1, BITS[1]: 1, "max:m": 0, f"slack:{X}": 0, f"slack:{FIRST}": 20, f"slack:{SECOND}": 33, "shortfall": 0,
}  # fmt: skip


def test_the_honest_circuit_breaks_no_rule() -> None:
    assert ROW.outputs[R] == 10
    assert SHORT == 30
    assert broken(HONEST, FACTS) == set()


def wide(circuit: Circuit, name: str, width: int) -> Circuit:
    j = at(circuit, name)
    return replace(circuit, columns=(*circuit.columns[:j], Column(name, width), *circuit.columns[j + 1 :]))


def declared(**changes: object) -> Circuit:
    return replace(HONEST, waivers=(replace(HONEST.waivers[0], **changes),))  # type: ignore[arg-type]


def both_waived(circuit: Circuit, **columns: int) -> None:
    """Check that the circuit lets q = 4, p = 4 through at no requirement, which costs 8."""
    row = fill(BOOK, {("position", "P"): 4, ("position", "Q"): 4}).row(0)
    assert row.outputs[R] == 8
    values = WAIVED | {f"slack:{X}": 0, f"slack:{FIRST}": SHORT - 8, f"slack:{SECOND}": 45 - 12} | columns
    check_row(circuit, changed(circuit, row, {R: 0}, **values))
    with pytest.raises(VerificationError):
        check_row(HONEST, changed(HONEST, row, {R: 0}, **values))


def test_a_budget_two_bits_wide() -> None:
    cheat = wide(HONEST, USED, 2)
    assert broken(cheat, FACTS) == {"selector"}
    both_waived(cheat, **{USED: 2})


def test_a_waiver_two_bits_wide() -> None:
    assert broken(wide(HONEST, BITS[0], 2), FACTS) == {"selector"}


def test_waivers_that_nothing_counts() -> None:
    cheat = without(HONEST, COUNT)
    assert broken(cheat, FACTS) == {"selector"}
    both_waived(cheat, **{USED: 0})


def test_a_waiver_that_is_not_counted() -> None:
    cheat = with_terms(HONEST, COUNT, {BITS[1]: 0})
    assert broken(cheat, FACTS) == {"selector"}
    both_waived(cheat)


def test_a_budget_for_all() -> None:
    cheat = with_terms(HONEST, COUNT, {USED: 2})
    assert broken(cheat, FACTS) == {"selector"}
    both_waived(cheat, **{USED: 1})
    stated = replace(cheat, waivers=(replace(HONEST.waivers[0], budget=2),))
    assert broken(stated, FACTS) == {"selector"}


def test_waivers_that_are_not_declared() -> None:
    assert broken(replace(HONEST, waivers=()), FACTS) == {"selector"}


def test_a_waiver_for_two_inequalities() -> None:
    cheat = with_terms(HONEST, X, {BITS[1]: 30})
    assert broken(cheat, FACTS) == {"selector"}
    row = fill(BOOK, {("position", "P"): -3, ("position", "Q"): -9}).row(0)
    assert row.outputs[R] == 6
    lower = {
        BITS[1]: 1,
        USED: 1,
        "max:m": 0,
        f"slack:{X}": 24,
        f"slack:{FIRST}": 6,
        f"slack:{SECOND}": 27 + 45,
    }
    wider = wide(wide(cheat, f"slack:{X}", 8), f"slack:{SECOND}", 8)
    check_row(wider, changed(wider, row, {R: 0}, shortfall=0, **lower))


def test_a_waiver_that_is_declared_twice() -> None:
    """A budget of one of two is then a budget for all."""
    only = with_terms(HONEST, COUNT, {BITS[1]: 0})
    bit = HONEST.waivers[0].bits[0]
    assert "selector" in broken(replace(only, waivers=(replace(HONEST.waivers[0], bits=(bit, bit)),)), FACTS)


def test_two_waivers_in_one_inequality() -> None:
    """The other inequality is then nobody's, and may be left out."""
    cheat = with_terms(with_terms(HONEST, FIRST, {BITS[1]: 30}), SECOND, {BITS[1]: 0})
    assert broken(cheat, FACTS) == {"selector"}


def test_a_budget_without_its_slack() -> None:
    old = equation(HONEST, COUNT)
    equal = tuple(replace(e, slack=None) if e is old else e for e in HONEST.equations)
    assert "selector" in broken(replace(HONEST, equations=equal), FACTS)


def test_a_budget_that_helps_elsewhere() -> None:
    cheat = with_terms(HONEST, X, {USED: 8})
    assert broken(cheat, FACTS) == {"selector"}
    row = fill(BOOK, {("position", "P"): 8}).row(0)
    assert row.outputs[R] == 8
    lower = {
        USED: 1,
        BITS[0]: 1,
        "max:m": 0,
        f"slack:{X}": 0,
        f"slack:{FIRST}": SHORT - 16,
        f"slack:{SECOND}": 0,
    }
    check_row(cheat, changed(cheat, row, {R: 0}, shortfall=0, **lower))


def test_a_waived_inequality_that_large_accounts_break() -> None:
    assert broken(with_terms(HONEST, FIRST, {BITS[0]: SHORT - 1}), FACTS) == {"selector"}


def test_alternatives_for_two_different_values() -> None:
    """The smaller of two must be bounded by one value: else one of two charges is simply left off."""
    book = two_positions(
        lambda p, q: (
            maximum("m", {"x": p.short, "better": either(p * 2, p * 3)}, floor_zero=True)
            + maximum("n", {"x": q.short, "better": either(q * 2, q * 3)}, floor_zero=True)
        )
    )
    circuit = book.circuit
    m, n = circuit.waivers
    assert broken(circuit, FACTS) == set()
    bits = (m.bits[0], n.bits[1]), (n.bits[0], m.bits[1])
    crossed = tuple(replace(group, bits=pair) for group, pair in zip((m, n), bits, strict=True))
    cheat = replace(circuit, waivers=crossed)
    for group, own in zip((m, n), crossed, strict=True):
        name = f"{group.name}: at most 1 waived"
        names = [circuit.columns[bit].name for bit in (*group.bits, *own.bits)]
        changes = dict.fromkeys(names[:2], 0) | dict.fromkeys(names[2:], -1)
        cheat = with_terms(cheat, name, changes)
    assert broken(cheat, FACTS) == {"selector"}
    row = fill(book, {("position", "P"): 5}).row(0)
    assert row.outputs[R] == 10
    both = [circuit.columns[bit].name for bit in m.bits]
    used = {circuit.columns[group.used].name: 1 for group in (m, n)}
    slacks = {
        "slack:m >= better, first": 30 - 10,
        "slack:m >= better, second": 45 - 15,
        "max:m": 0,
        "slack:m >= x": 0,
    }
    check_row(cheat, changed(cheat, row, {R: 0}, shortfall=0, **dict.fromkeys(both, 1), **used, **slacks))


def test_value_at_risk_that_ignores_one_more() -> None:
    book = two_positions(
        lambda p, q: value_at_risk("var", {"a": p * 2, "b": p, "c": p * 3, "d": q, "e": -p}, 2)
    )
    name = "var, scenarios: at most 2 waived"
    cheat = with_terms(book.circuit, name, {book.circuit.columns[book.circuit.waivers[0].used].name: 3})
    assert broken(cheat, FACTS) == {"selector"}
    row = fill(book, {("position", "P"): 5}).row(0)
    assert row.outputs[R] == 5
    waived = {"waive:var >= scenarios, b": 1, "max:var": 0, "slack:var >= scenarios, b": 15 - 5}
    waived |= {"slack:var >= scenarios, a": 30 - 10, "slack:var >= scenarios, c": 45 - 15}
    waived |= {"slack:var >= scenarios, d": 0, "slack:var >= scenarios, e": 5}
    check_row(cheat, changed(cheat, row, {R: 0}, shortfall=0, **waived))
