"""Circuits that cheat. Each is refused by the rule named and by no other, and shown to be worth refusing.

`small_book` is honest; every cheat changes one thing in it. The row that follows satisfies the changed circuit and
claims what no honest row can, so deleting the rule would let it through.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from circuit_cases import FACTS, at, broken, changed, equation, fill, small_book, with_terms, without

from zkmargin import limits
from zkmargin.circuits.circuit import (
    Circuit,
    Column,
    E,
    Equation,
    Gate,
    I,
    N,
    OmittedRow,
    OmittedTier,
    R,
    variable,
)
from zkmargin.circuits.facts import CircuitFacts
from zkmargin.circuits.rules import check_circuit
from zkmargin.circuits.witness import check_row
from zkmargin.errors import CircuitError, VerificationError

BOOK = small_book()
HONEST = BOOK.circuit
COIN, USD, DEBT = ("held", "C"), ("held", "USD"), ("owed", "USD")
POSITION, COST = ("position", "P"), ("cost", "USD")
DOWN, UP = "worst >= down", "worst >= up"
SLACK_DOWN, SLACK_UP = f"slack:{DOWN}", f"slack:{UP}"
ONE_TIER, SPLIT = "haircut: one tier", "haircut: knot and part"
TIER, PART = ("tier:haircut.0", "tier:haircut.1"), ("part:haircut.0", "part:haircut.1")
HELD = tuple(f"slack:haircut: tier {t} holds its part" for t in (0, 1))


def test_the_honest_circuit_breaks_no_rule() -> None:
    assert broken(HONEST) == set()
    check_circuit(HONEST, FACTS)


def wide(circuit: Circuit, name: str, width: int) -> Circuit:
    j = at(circuit, name)
    columns = (*circuit.columns[:j], Column(name, width), *circuit.columns[j + 1 :])
    return replace(circuit, columns=columns)


def with_column(circuit: Circuit, name: str, width: int) -> Circuit:
    return replace(circuit, columns=(*circuit.columns, Column(name, width)))


def group(**changes: object) -> Circuit:
    return replace(HONEST, one_hots=(replace(HONEST.one_hots[0], **changes),))  # type: ignore[arg-type]


# ---- rules 1 and 4: bounded columns, no wrap ----
def test_a_column_that_is_not_bounded() -> None:
    assert broken(wide(HONEST, SLACK_DOWN, 129)) == {"width"}
    assert broken(wide(HONEST, SLACK_DOWN, 0)) == {"width"}


def test_a_circuit_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, most in (("MAX_COLUMN_BITS", HONEST.n_bits), ("MAX_EQUATIONS", len(HONEST.equations))):
        with monkeypatch.context() as smaller:
            smaller.setattr(limits, limit, most)
            assert broken(HONEST) == set()
            smaller.setattr(limits, limit, most - 1)
            assert broken(HONEST) == {"width"}


def test_a_slack_wide_enough_for_the_field_makes_any_loss_fit() -> None:
    cheat = wide(HONEST, SLACK_DOWN, 254)
    assert broken(cheat) == {"width", "wrap"}


# ---- rule 2: outputs and deficits ----
def test_an_output_that_nothing_defines_can_be_anything() -> None:
    cheat = without(HONEST, "E")
    assert broken(cheat) == {"output"}
    row = fill(BOOK, {POSITION: 5}).row(0)
    assert row.outputs[E] == 15
    check_row(cheat, changed(cheat, row, {E: 900}, surplus=890))


def test_an_output_defined_twice() -> None:
    twice = replace(
        HONEST,
        equations=(*HONEST.equations, Equation("E again", ((E, -1), (variable(at(HONEST, "held[USD]")), 1)))),
    )
    assert broken(twice) == {"output"}


def test_an_output_in_another_outputs_definition() -> None:
    assert broken(with_terms(HONEST, "I", {R: -1})) == {"output"}


def test_a_definition_through_a_slack_is_no_definition() -> None:
    cheat = with_column(HONEST, "slack:free", 10)
    cheat = with_terms(cheat, "R", {"slack:free": -1})
    named = equation(cheat, "R")
    slack = at(cheat, "slack:free")
    cheat = replace(
        cheat, equations=tuple(replace(e, slack=slack) if e is named else e for e in cheat.equations)
    )
    assert "output" in broken(cheat)
    row = fill(BOOK, {POSITION: 5}).row(0)
    check_row(cheat, changed(cheat, row, {R: 0}, surplus=15, **{"slack:free": 10}))


def test_equity_that_counts_bad_debt() -> None:
    cheat = with_terms(HONEST, "E", {"bad_debt": 1})
    assert broken(cheat) == {"deficit", "equity"}
    row = fill(BOOK, {DEBT: 100}).row(0)
    assert row.outputs[E] == -100
    check_row(cheat, changed(cheat, row, {E: 0}, shortfall=0))


def test_a_requirement_that_bad_debt_lowers() -> None:
    cheat = with_terms(HONEST, DOWN, {"bad_debt": 1})
    assert broken(cheat) == {"deficit"}
    row = fill(BOOK, {POSITION: 5, DEBT: 100}).row(0)
    lower = {"max:worst": 0, SLACK_DOWN: 75, SLACK_UP: 15, "shortfall": 85}
    rounded = {"max:initial requirement, rounded up": 0, "slack:initial requirement, rounded up >= sum": 0}
    assert row.outputs[R] == 10
    check_row(cheat, changed(cheat, row, {R: 0, I: 0}, **lower, **rounded))


@pytest.mark.parametrize("name", ["bad_debt and owed", "shortfall and surplus"])
def test_a_missing_deficit_equation(name: str) -> None:
    cheat = without(HONEST, name)
    assert broken(cheat) == {"deficit"}
    row = fill(BOOK, {USD: 100, POSITION: -5}).row(0)
    check_row(
        cheat, changed(cheat, row, {}, **dict.fromkeys(name.split(" and "), 0))
    )  # nothing owed, no surplus


def test_a_deficit_equation_of_other_terms() -> None:
    cheat = with_terms(HONEST, "bad_debt and owed", {"owed": -2})
    assert broken(cheat) == {"deficit", "output"}
    row = fill(BOOK, {USD: 100}).row(0)
    check_row(cheat, changed(cheat, row, {}, owed=50))
    twice = replace(
        HONEST, equations=(*HONEST.equations, replace(equation(HONEST, "bad_debt and owed"), name="x"))
    )
    assert broken(twice) == {"deficit"}


def test_outputs_stay_below_their_bound() -> None:
    facts = CircuitFacts({**FACTS.lot_value, "USD": 1 << 93}, FACTS.settlement)
    value = 1 << 93
    cheat = HONEST
    for name in ("N", "E"):
        sides = {"held[USD]": value, "owed[USD]": -value, "cost[USD].long": -value, "cost[USD].short": value}
        cheat = with_terms(cheat, name, sides)
    assert broken(cheat, facts) == {"output"}


# ---- rule 3: net value, equity, pairs ----
def test_what_is_owed_computed_from_haircut_equity() -> None:
    cheat = with_terms(HONEST, "N", {TIER[1]: -6, PART[0]: -1, PART[1]: -3})
    assert broken(cheat) == {"net"}
    row = fill(BOOK, {COIN: 10}).row(0)
    assert row.outputs[N] == 100
    check_row(cheat, changed(cheat, row, {N: 82}, owed=82))


def test_a_price_that_is_not_the_markets() -> None:
    cheat = with_terms(with_terms(HONEST, "N", {"held[C]": 9}), "E", {"held[C]": 9})
    assert broken(cheat) == {"net"}


def test_long_and_short_marked_differently() -> None:
    cheat = HONEST
    for name in ("N", "E"):
        cheat = with_terms(cheat, name, {"position[P].long": 2})
    assert broken(cheat) == {"net"}
    row = fill(BOOK, {USD: 100}).row(0)
    both = {"position[P].long": 7, "position[P].short": 7, "slack:cost gate": 14 * 512}
    check_row(cheat, changed(cheat, row, {N: 93, E: 93}, owed=93, surplus=93, **both))


def test_equity_above_net_value() -> None:
    cheat = with_terms(HONEST, "E", {"owed[USD]": 0})
    assert broken(cheat) == {"equity"}
    row = fill(BOOK, {DEBT: 100}).row(0)
    check_row(cheat, changed(cheat, row, {E: 0}, shortfall=0))
    assert broken(with_terms(HONEST, "E", {"held[C]": 11})) == {"equity"}


def test_both_sides_of_a_pair_raised_to_lower_a_requirement() -> None:
    cheat = with_terms(HONEST, DOWN, {"position[P].short": 3})
    assert broken(cheat) == {"pair"}
    row = fill(BOOK, {POSITION: 2}).row(0)
    both = {"position[P].long": 6, "position[P].short": 4, "slack:cost gate": 10 * 512}
    lower = {"max:worst": 0, SLACK_DOWN: 0, SLACK_UP: 6, "surplus": 6}
    rounded = {"max:initial requirement, rounded up": 0, "slack:initial requirement, rounded up >= sum": 0}
    assert row.outputs[R] == 4
    check_row(cheat, changed(cheat, row, {R: 0, I: 0}, **both, **lower, **rounded))


def test_a_loan_to_oneself_that_lowers_a_requirement() -> None:
    assert broken(with_terms(HONEST, DOWN, {"owed[USD]": 1})) == {"pair"}
    assert broken(with_terms(HONEST, DOWN, {"owed[USD]": 1, "held[USD]": -1})) == set()


def test_a_requirement_that_gross_size_lowers() -> None:
    cheat = with_terms(HONEST, "R", {"position[P].long": -1, "position[P].short": -1})
    assert broken(cheat) == {"pair"}
    assert not cheat.ratio_claims
    assert HONEST.ratio_claims


def test_a_pair_is_compared_per_lot_over_all_its_digits() -> None:
    circuit = small_book(digits=1).circuit
    assert broken(circuit) == set()
    assert broken(with_terms(circuit, DOWN, {"position[P].short.2": 9})) == {"pair"}  # 9 / 4 > 2


@pytest.mark.parametrize("size", [1 << 60, 1 << 62, 1 << 80])
def test_a_pair_is_compared_whatever_the_size_of_its_coefficients(size: int) -> None:
    long, short = "position[P].long", "position[P].short"
    fair = with_terms(HONEST, DOWN, {long: size, short: -size})
    assert "pair" not in broken(fair)
    assert "pair" in broken(with_terms(HONEST, DOWN, {long: size, short: 1 - size}))
    assert "pair" in broken(with_terms(HONEST, DOWN, {long: 0, short: size}))


# ---- rule 5: left out by capacity only ----
def test_a_row_left_out_because_honest_accounts_would_not_need_it() -> None:
    row = equation(HONEST, UP)
    left = without(HONEST, UP)
    columns = tuple(column for column in HONEST.columns if column.name != SLACK_UP)
    gone = at(HONEST, SLACK_UP)

    def moved(var: int) -> int:
        return var - (var > variable(gone))

    # nobody sells P, says the policy's limit; the column can
    cheat = without_column(left, gone)
    terms = tuple((moved(var), a) for var, a in row.terms if var != variable(gone))
    cheat = replace(cheat, columns=columns, omitted_rows=(OmittedRow(UP, terms),))
    assert broken(cheat) == {"reach"}
    assert broken(replace(cheat, omitted_rows=())) == set()  # left out in silence: the digest differs
    implied = OmittedRow(UP, terms, implied_by=DOWN)
    assert broken(replace(cheat, omitted_rows=(implied,))) == {"reach"}
    unknown = OmittedRow(DOWN, (), implied_by="worst >= elsewhere")
    assert broken(replace(cheat, omitted_rows=(unknown,))) == {"reach"}
    short = fill(BOOK, {POSITION: -5}).row(0)
    assert short.outputs[R] == 15
    values = {moved(variable(j)) - 4: v for j, v in short.columns.items() if j != gone}
    lower = replace(short, columns=values)
    rounded = {"max:initial requirement, rounded up": 0, "slack:initial requirement, rounded up >= sum": 0}
    lower = changed(
        cheat, lower, {R: 0, I: 0}, **{"max:worst": 0, SLACK_DOWN: 10, "shortfall": 15}, **rounded
    )
    check_row(cheat, lower)


def without_column(circuit: Circuit, gone: int) -> Circuit:
    """Renumber everything behind a column that nothing uses."""

    def column(j: int) -> int:
        return j - (j > gone)

    def terms(old: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        return tuple((var - (var > variable(gone)), a) for var, a in old)

    many = {"tiers", "parts", "slacks"}
    return replace(
        circuit,
        equations=tuple(
            replace(e, terms=terms(e.terms), slack=None if e.slack is None else column(e.slack))
            for e in circuit.equations
        ),
        inputs=tuple(
            replace(
                i, sides=tuple(replace(s, parts=tuple((column(j), w) for j, w in s.parts)) for s in i.sides)
            )
            for i in circuit.inputs
        ),
        deficits=replace(circuit.deficits, **{name: column(j) for name, j in vars(circuit.deficits).items()}),
        published={name: terms(form) for name, form in circuit.published.items()},
        one_hots=tuple(
            replace(
                g,
                on=column(g.on),
                amount=tuple((column(j), w) for j, w in g.amount),
                **{name: tuple(map(column, getattr(g, name))) for name in many},
            )
            for g in circuit.one_hots
        ),
    )


def test_a_tier_left_out_by_a_limit_that_the_column_exceeds() -> None:
    amount = ((at(HONEST, "held[C]"), 1),)
    assert broken(replace(HONEST, omitted_tiers=(OmittedTier("haircut from 14", amount, 14),))) == {"reach"}
    assert broken(replace(HONEST, omitted_tiers=(OmittedTier("haircut from 15", amount, 15),))) == set()


# ---- rule 6: selectors ----
def test_tiers_that_the_amount_does_not_force() -> None:
    cheat = without(HONEST, SPLIT)
    assert broken(cheat) == {"selector"}
    row = fill(BOOK, {COIN: 10}).row(0)
    assert row.outputs[E] == 82
    free = {"on:haircut": 0, TIER[1]: 0, PART[1]: 0, HELD[1]: 0}
    check_row(cheat, changed(cheat, row, {E: 100}, surplus=100, **free))


def test_a_part_that_its_tier_does_not_hold() -> None:
    cheat = with_terms(HONEST, "haircut: tier 0 holds its part", {TIER[0]: 15})
    assert broken(cheat) == {"selector"}
    row = fill(BOOK, {COIN: 7}).row(0)
    assert row.outputs[E] == 61
    first = {TIER[0]: 1, PART[0]: 7, HELD[0]: 8, TIER[1]: 0, PART[1]: 0, HELD[1]: 0}
    with pytest.raises(VerificationError):  # 3 bits do not hold the slack; one more, and it goes through
        check_row(cheat, changed(cheat, row, {E: 63}, surplus=63, **first))
    wider = wide(cheat, HELD[0], 4)
    check_row(wider, changed(wider, row, {E: 63}, surplus=63, **first))


def test_a_selector_two_bits_wide_mixes_tiers() -> None:
    cheat = wide(HONEST, "on:haircut", 2)
    assert broken(cheat) == {"selector"}
    row = fill(BOOK, {COIN: 10}).row(0)
    both = {"on:haircut": 2, TIER[0]: 1, PART[0]: 4, HELD[0]: 2, PART[1]: 0, HELD[1]: 9}
    check_row(cheat, changed(cheat, row, {E: 90}, surplus=90, **both))
    assert broken(wide(HONEST, TIER[0], 2)) == {"selector"}


def test_a_tier_with_two_values_at_its_knot() -> None:
    cheat = with_terms(HONEST, "E", {TIER[1]: -5})
    assert broken(cheat) == {"selector"}
    row = fill(BOOK, {COIN: 10}).row(0)
    check_row(cheat, changed(cheat, row, {E: 83}, surplus=83))
    assert broken(with_terms(HONEST, "E", {TIER[1]: -7})) == {"selector"}


def test_a_tier_that_stands_apart_and_costs_less() -> None:
    """Six lots at 4, where five cost 5."""
    apart = with_terms(group(widths=(5, 9)), "haircut: tier 0 holds its part", {TIER[0]: 5})
    assert broken(with_terms(apart, "E", {TIER[1]: -6})) == set()
    assert broken(with_terms(apart, "E", {TIER[1]: -4})) == {"selector"}


def test_tiers_that_overlap_or_leave_a_gap() -> None:
    assert broken(group(knots=(0, 5))) == {"selector"}
    assert broken(group(widths=(6, 8))) == {"selector"}


@pytest.mark.parametrize(
    ("knots", "widths"),
    [((1, 6), (4, 9)), ((0, 0), (0, 15)), ((0, 9), (6, 6)), ((0, 6), (6, 8))],
    ids=["not from 0", "not rising", "a gap", "too short"],
)
def test_tiers_whose_equations_leave_a_gap(knots: tuple[int, int], widths: tuple[int, int]) -> None:
    cheat = with_terms(group(knots=knots, widths=widths), SPLIT, dict(zip(TIER, knots, strict=True)))
    for t in (0, 1):
        cheat = with_terms(cheat, f"haircut: tier {t} holds its part", {TIER[t]: widths[t]})
    if knots[1] == 0:
        cheat = with_terms(cheat, "E", {TIER[1]: 0})
    assert broken(cheat) == {"selector"}


def test_a_group_of_unequal_lists_or_of_no_tier() -> None:
    assert broken(group(knots=(0,))) == {"selector"}
    none = group(tiers=(), parts=(), slacks=(), knots=(), widths=())
    zeros = [
        Equation(name, ((variable(at(HONEST, name)), -1),), slack=None) for name in ("on:haircut", "held[C]")
    ]
    assert "selector" in broken(replace(none, equations=(*none.equations, *zeros)))


def test_a_part_that_relieves_a_loss() -> None:
    cheat = with_terms(HONEST, DOWN, {PART[1]: 1})
    assert broken(cheat) == {"selector"}
    row = fill(BOOK, {COIN: 10, POSITION: 2}).row(0)
    assert row.outputs[R] == 4
    lower = {"max:worst": 0, SLACK_DOWN: 0, SLACK_UP: 6, "surplus": row.outputs[E]}
    rounded = {"max:initial requirement, rounded up": 0, "slack:initial requirement, rounded up >= sum": 0}
    check_row(cheat, changed(cheat, row, {R: 0, I: 0}, **lower, **rounded))


def test_a_group_that_is_not_declared() -> None:
    assert "selector" in broken(replace(HONEST, one_hots=()))


def test_a_constant_in_favour_of_the_account() -> None:
    cheat = with_terms(HONEST, DOWN, {TIER[0]: 4})
    assert broken(cheat) == {"selector"}
    row = fill(BOOK, {COIN: 1, POSITION: 2}).row(0)
    assert row.outputs[R] == 4
    lower = {"max:worst": 0, SLACK_DOWN: 0, SLACK_UP: 6, "surplus": row.outputs[E]}
    rounded = {"max:initial requirement, rounded up": 0, "slack:initial requirement, rounded up >= sum": 0}
    check_row(cheat, changed(cheat, row, {R: 0, I: 0}, **lower, **rounded))


def test_a_constant_alone_in_equity() -> None:
    assert broken(with_terms(HONEST, "E", {"on:haircut": 4})) == {"equity", "selector"}


def test_a_bit_that_waives_an_inequality_for_nothing() -> None:
    cheat = with_terms(with_column(HONEST, "waive", 1), DOWN, {"waive": 100})
    assert broken(cheat) == {"selector"}
    row = fill(BOOK, {POSITION: 5}).row(0)
    lower = {"waive": 1, "max:worst": 0, SLACK_DOWN: 90, SLACK_UP: 15, "surplus": 15}
    rounded = {"max:initial requirement, rounded up": 0, "slack:initial requirement, rounded up >= sum": 0}
    check_row(cheat, changed(cheat, row, {R: 0, I: 0}, **lower, **rounded))


def test_a_charge_that_nothing_forces() -> None:
    cheat = with_terms(with_column(HONEST, "fee", 8), "R", {"fee": 1})
    assert broken(cheat) == {"selector"}
    check_row(cheat, fill(BOOK, {POSITION: 5}).row(0))  # and the fee stays 0


def test_an_equation_that_is_nobodys() -> None:
    stray = Equation(
        "held is owed", ((variable(at(HONEST, "held[USD]")), 1), (variable(at(HONEST, "owed[USD]")), -1))
    )
    assert broken(replace(HONEST, equations=(*HONEST.equations, stray))) == {"selector"}


def test_tiers_that_one_digit_does_not_set() -> None:
    book = small_book(coin_digits=2)
    assert broken(book.circuit) == set()
    high = at(book.circuit, "held[C].2")
    held = book.circuit.one_hots[0]
    half = replace(held, amount=tuple(part for part in held.amount if part[0] != high))
    cheat = replace(with_terms(book.circuit, SPLIT, {"held[C].2": 0}), one_hots=(half,))
    assert broken(cheat) == {"selector"}
    row = fill(book, {COIN: 12}).row(0)
    assert row.outputs[E] == 96
    free = {"on:haircut": 0, TIER[1]: 0, PART[1]: 0, HELD[1]: 0}
    check_row(cheat, changed(cheat, row, {E: 120}, surplus=120, **free))


def test_an_amount_that_counts_one_digit_twice() -> None:
    """Its equations are the honest ones: a sum over a repeated part would be as if it stood once."""
    once = HONEST.one_hots[0].amount
    assert broken(group(amount=(*once, *once))) == {"selector"}


# ---- gates ----
def test_a_cost_without_a_gate() -> None:
    cheat = replace(without(HONEST, "cost gate"), gates=())
    assert "gate" in broken(cheat)
    row = fill(BOOK, {USD: 200}).row(0)
    assert row.outputs[N] == 200
    check_row(cheat, changed(cheat, row, {N: 0, E: 0}, owed=0, surplus=0, **{"cost[USD].long": 200}))


def test_a_gate_that_cash_opens() -> None:
    cheat = with_terms(HONEST, "cost gate", {"held[USD]": 512})
    assert broken(cheat) == {"gate"}
    row = fill(BOOK, {USD: 1}).row(0)
    check_row(
        cheat,
        changed(cheat, row, {N: 0, E: 0}, owed=0, surplus=0, **{"cost[USD].long": 1, "slack:cost gate": 511}),
    )


def test_a_gate_opened_by_a_contract_settled_elsewhere() -> None:
    assert broken(HONEST, CircuitFacts(FACTS.lot_value, {"P": "C"})) == {"gate"}


def test_a_gate_that_is_declared_over_cash() -> None:
    cash, constant = HONEST.input_index[USD], HONEST.gates[0].constant
    terms = {"position[P].long": 0, "position[P].short": 0, "held[USD]": constant}
    cheat = with_terms(HONEST, "cost gate", terms)
    assert broken(replace(cheat, gates=(replace(HONEST.gates[0], positions=(cash,)),))) == {"gate"}


def test_gates_that_are_declared_twice_or_over_one_position_twice() -> None:
    gate = HONEST.gates[0]
    assert broken(replace(HONEST, gates=(gate, gate))) == {"gate"}
    assert broken(replace(HONEST, gates=(replace(gate, positions=gate.positions * 2),))) == {"gate"}


def test_a_gate_of_what_is_no_cost() -> None:
    wider = with_column(HONEST, "slack:cash gate", 14)
    terms = {at(wider, "position[P].long"): 256, at(wider, "position[P].short"): 256}
    terms |= {at(wider, "held[USD]"): -1, at(wider, "slack:cash gate"): -1}
    slack = at(wider, "slack:cash gate")
    stated = Equation("cash gate", tuple(sorted((variable(j), a) for j, a in terms.items())), slack)
    own = Gate("cash gate", HONEST.input_index[USD], HONEST.gates[0].positions, 256)
    cheat = replace(wider, equations=(*wider.equations, stated), gates=(*HONEST.gates, own))
    assert broken(cheat) == {"gate"}


def test_a_gate_without_a_slack() -> None:
    old = equation(HONEST, "cost gate")
    equal = tuple(replace(e, slack=None) if e is old else e for e in HONEST.equations)
    assert "gate" in broken(replace(HONEST, equations=equal))


def test_a_gate_too_narrow_for_the_costs_that_fit() -> None:
    cheat = with_terms(HONEST, "cost gate", {"position[P].long": 256, "position[P].short": 256})
    cheat = replace(cheat, gates=(replace(HONEST.gates[0], constant=256),))
    assert broken(cheat) == {"gate"}


def test_an_inequality_cannot_hide_from_the_pair_rule_as_a_gate() -> None:
    cheat = with_terms(HONEST, DOWN, {"position[P].short": 3})
    cheat = replace(cheat, gates=(*HONEST.gates, replace(HONEST.gates[0], equation=DOWN)))
    assert broken(cheat) == {"gate"}


# ---- published totals and form ----
def test_totals_that_are_not_the_inputs_own() -> None:
    longs = {**HONEST.published, "position:P": HONEST.published["position:P"][:1]}
    assert broken(replace(HONEST, published=longs)) == {"published"}
    fewer = {name: form for name, form in HONEST.published.items() if name != "loans:USD"}
    assert broken(replace(HONEST, published=fewer)) == {"published"}


def test_totals_in_another_order() -> None:
    names = list(HONEST.published)
    swapped = {name: HONEST.published[name] for name in (*names[1:], names[0])}
    assert broken(replace(HONEST, published=swapped)) == {"published"}


def test_prices_are_rounded_down_and_nowhere_else() -> None:
    old = equation(HONEST, DOWN)
    wrong = replace(
        old, prices=(replace(old.prices[0], coefficient=old.prices[0].coefficient + 1), *old.prices[1:])
    )
    assert broken(replace(HONEST, equations=tuple(wrong if e is old else e for e in HONEST.equations))) == {
        "form"
    }


def test_a_slack_shared_by_two_inequalities() -> None:
    assert broken(with_terms(HONEST, UP, {SLACK_DOWN: -1})) == {"form"}


def test_slacks_that_are_each_others() -> None:
    slack = {name: equation(HONEST, name).slack for name in (DOWN, UP)}
    swapped = {DOWN: slack[UP], UP: slack[DOWN]}
    equations = tuple(replace(e, slack=swapped.get(e.name, e.slack)) for e in HONEST.equations)
    assert "form" in broken(replace(HONEST, equations=equations))


def test_terms_out_of_order_or_of_nothing() -> None:
    old = equation(HONEST, DOWN)
    zero = tuple(sorted((*old.terms, (variable(at(HONEST, "held[USD]")), 0))))
    for terms in (old.terms[::-1], zero):
        new = replace(old, terms=terms, prices=())
        cheat = replace(HONEST, equations=tuple(new if e is old else e for e in HONEST.equations))
        assert "form" in broken(cheat)


def test_two_roles_for_one_column() -> None:
    deficits = replace(HONEST.deficits, bad_debt=HONEST.deficits.shortfall)
    assert "form" in broken(replace(HONEST, deficits=deficits))


def test_terms_of_columns_that_do_not_exist() -> None:
    old = equation(HONEST, "R")
    far = replace(old, terms=(*old.terms, (4 + len(HONEST.columns), 1)))
    circuit = replace(HONEST, equations=tuple(far if e is old else e for e in HONEST.equations))
    with pytest.raises(CircuitError) as caught:
        check_circuit(circuit, FACTS)
    assert caught.value.code == "form"
