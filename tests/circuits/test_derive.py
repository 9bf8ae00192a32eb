"""Derive's models without third-party data: circuit against formula and exact rule, and nobody can claim less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache
from math import floor
from typing import Any

import numpy as np
import pytest
import small_market as sm
from circuit_oracle import best
from derive_market import (
    APRIL,
    APRIL_CALL,
    BOOKS,
    CALL,
    LOW_CALL,
    OPTIONS,
    PUT,
    compiled,
    market,
    pm2_book,
    srm_book,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from zkmargin.circuits.circuit import E, I, R
from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.overstatement import overstatement
from zkmargin.circuits.witness import check_row
from zkmargin.errors import CurvatureError, VerificationError
from zkmargin.inputs.market import time_text
from zkmargin.inputs.models.pm2_numbers import BasisContingency, Pm2Scenario, SkewShock, StaticDiscount
from zkmargin.inputs.policy import Policy
from zkmargin.margin.accounts import calculate
from zkmargin.margin.formulas import by_formula
from zkmargin.risk.derive.pm2_terms import OptionValue, Pm2Terms, least_above
from zkmargin.risk.derive.srm_terms import SrmTerms
from zkmargin.risk.entries import Pnl
from zkmargin.risk.table import build_risk_table

F = Fraction
Row = Mapping[tuple[str, str], int]
AMOUNTS = {
    **{("position", name): st.integers(-200, 200) for name in OPTIONS},
    ("position", "BTC-PERP"): st.integers(-20_000, 20_000),
    ("held", "USD"): st.integers(0, 10**9),
    ("held", "BTC"): st.integers(0, 50_000),
    ("held", "ETH"): st.integers(0, 500_000),
    ("owed", "USD"): st.integers(0, 10**8),
}
ROWS = st.fixed_dictionaries({}, optional=AMOUNTS)


# ---- the exact rule, over fractions, straight from the public numbers ----
def exact_pm2(row: Row, model: str = "derive-pm2") -> tuple[Fraction, Fraction]:
    policy, table, _ = compiled(model)
    terms = Pm2Terms(policy, policy.books["portfolio"], market(), table.books["portfolio"])
    numbers, value = (
        terms.parameters.numbers,
        {k: v * policy.equity_quantum for k, v in table.lot_value.items()},
    )

    def worth(options: tuple[OptionValue, ...], scenario: int) -> Fraction:
        middle = F(1, 2)  # values are known to one unit
        return sum(
            (
                row.get(("position", o.name), 0) * (o.value.values[scenario] + middle) * o.value.unit
                for o in options
            ),
            F(0),
        )

    def discounted(expiry: str, amount: Fraction) -> Fraction:
        return amount * (
            terms.discounts(expiry).of_losses[0] if amount >= 0 else terms.discounts(expiry).of_losses[1]
        )

    marks = {
        expiry: sum((row.get(("position", o.name), 0) * value[o.name] for o in options), F(0))
        for expiry, options in terms.expiries.items()
    }
    losses = [F(0), F(0)]
    for expiry, options in terms.expiries.items():
        up, down = (worth(options, len(numbers.scenarios) + i) - marks[expiry] for i in (0, 1))
        losses[1] += max(-up, -down, F(0)) * terms.basis_factor(expiry)
    for s, scenario in enumerate(numbers.scenarios):
        changes = [
            discounted(expiry, worth(options, s)) - marks[expiry]
            for expiry, options in terms.expiries.items()
        ]
        moved = sum((-abs(x) if scenario.skewed else x for x in changes), F(0))
        delta = (
            row.get(("position", "BTC-PERP"), 0) * value["BTC-PERP"]
            + row.get(("held", "BTC"), 0) * value["BTC"]
        )
        losses.append(-scenario.damping * (moved + delta * (scenario.spot - 1)))
    strikes: dict[Any, Fraction] = {}
    for expiry, options in terms.expiries.items():
        for o in options:
            key = expiry, o.strike
            strikes[key] = strikes.get(key, F(0)) + row.get(("position", o.name), 0) * o.size
    naked = sum((max(-net, F(0)) for net in strikes.values()), F(0)) * terms.spot
    perp = abs(row.get(("position", "BTC-PERP"), 0)) * terms.perpetuals["BTC-PERP"]
    other, doubt = numbers.other, terms.oracle("BTC-PERP")
    maintenance = max(losses) * numbers.maintenance_factor + naked * other.option + perp * other.perpetual
    options = [option for group in terms.expiries.values() for option in group]
    contracts = sum((abs(row.get(("position", o.name), 0)) * o.size for o in options), F(0))
    extra = (
        naked * other.option_initial
        + perp * (other.perpetual_initial + doubt)
        + contracts * terms.spot * doubt
    )
    haircut = sum(
        (row.get(("held", a), 0) * value[a] * terms.collateral_rate(a) for a in terms.charged_collateral()),
        F(0),
    )
    initial = max(losses) * (numbers.initial_factor + 2 * (F("0.98") - F("0.96")))
    return maintenance, initial + naked * other.option + perp * other.perpetual + extra + haircut


def exact_srm(row: Row) -> tuple[Fraction, Fraction]:
    policy, table, _ = compiled("derive-srm")
    terms = SrmTerms(policy, policy.books["portfolio"], market())
    value = {k: v * policy.equity_quantum for k, v in table.lot_value.items()}
    out = []
    for initial in (False, True):
        total = F(0)
        for expiry in terms.expiries:
            amounts = [(o, row.get(("position", o.name), 0)) for o in expiry.options]
            isolated = sum(
                (max(-q, 0) * o.size * (o.initial if initial else o.maintenance) for o, q in amounts), F(0)
            )
            payoffs = [sum((q * o.size * o.payoff(p) for o, q in amounts), F(0)) for p in expiry.prices]
            calls = sum((q * o.size for o, q in amounts if o.call), F(0))
            bounded = max(F(0), -min(payoffs)) + max(-calls, F(0)) * expiry.forward * terms.unpaired(
                expiry, initial=initial
            )
            total += max(sum((q * value[o.name] for o, q in amounts), F(0)) + min(isolated, bounded), F(0))
            if initial:
                total += sum((max(-q, 0) * o.size for o, q in amounts), F(0)) * expiry.doubt
        for perpetual in terms.perpetuals:
            size = abs(row.get(("position", perpetual.name), 0))
            total += size * perpetual.notional * (perpetual.initial if initial else perpetual.maintenance)
            total += size * perpetual.doubt if initial else F(0)
        if initial:
            total += sum(
                (
                    row.get(("held", a), 0) * value[a] * terms.collateral_rate(a)
                    for a in terms.charged_collateral()
                ),
                F(0),
            )
        out.append(total)
    return out[0], out[1]


EXACT = {
    "derive-pm2": exact_pm2,
    "skew only": lambda row: exact_pm2(row, "skew only"),
    "derive-srm": exact_srm,
}


@pytest.mark.parametrize("model", BOOKS)
@settings(max_examples=60)
@given(row=ROWS)
def test_the_circuit_is_the_exact_rule_rounded_up(model: str, row: Row) -> None:
    policy, table, book = compiled(model)
    pots = sm.pots({key: lots for key, lots in row.items() if lots})
    witness = book.fill(pots)
    check_row(book.circuit, witness.row(0))
    margin = calculate(policy, table, pots, book)
    quanta = sum(abs(lots).bit_count() for lots in row.values()) + 40
    overs = [
        int(proven[0]) * policy.equity_quantum - exact
        for proven, exact in zip((margin.requirement, margin.initial), EXACT[model](row), strict=True)
    ]
    assert all(-F("1e-6") <= over <= 40 * quanta * policy.margin_quantum for over in overs)
    assert overs[0] <= 2 * overstatement(book) + F("1e-5")  # the middle of a unit is a guess


@pytest.mark.parametrize("model", BOOKS)
@settings(max_examples=60)
@given(row=ROWS)
def test_the_circuit_is_the_formula_rounded_up(model: str, row: Row) -> None:
    policy, table, book = compiled(model)
    pots = sm.pots({key: lots for key, lots in row.items() if lots})
    margin, formula = calculate(policy, table, pots, book), by_formula(policy, market(), pots)
    assert formula is not None
    scale = 1e-10 * (abs(formula.net[0]) + formula.initial[0] + 1)
    pairs = (margin.requirement, formula.requirement), (margin.initial, formula.initial)
    for proven, exchange in pairs:
        over = float(int(proven[0]) * policy.equity_quantum) - max(exchange[0], 0.0)
        assert over >= -scale - 1e-5
        if model != "derive-srm":  # it looks for the maximum loss at strikes that are not held too
            assert over <= 0.5 + scale
    assert np.isclose(float(int(margin.equity[0]) * policy.equity_quantum), formula.equity[0], atol=1)


INTERESTING: list[Row] = [
    {("position", CALL): -37, ("held", "USD"): 10**8},
    {("position", CALL): 55, ("position", LOW_CALL): -54, ("position", PUT): 3},
    {
        ("position", CALL): -20,
        ("position", APRIL_CALL): 20,
        ("position", "BTC-PERP"): 777,
        ("held", "BTC"): 9999,
    },
    {("position", PUT): -11, ("position", LOW_CALL): -9, ("position", CALL): 19, ("owed", "USD"): 10**7},
]


@pytest.mark.parametrize("model", BOOKS)
@pytest.mark.parametrize("row", INTERESTING)
def test_nobody_can_claim_less(model: str, row: Row) -> None:
    """A solver with true bits looks for a smaller R or I, or a larger E, with these amounts."""
    _, _, book = compiled(model)
    honest = book.fill(sm.pots(row)).row(0)
    size = max(map(abs, honest.outputs))
    for output, sign in ((R, 1), (I, 1), (E, -1)):
        gain = (honest.outputs[output] - best(book.circuit, honest, output, bits=True)) * sign
        assert gain <= 3_000 + 2e-6 * size  # margin quanta, and bits that a solver takes for whole


@pytest.mark.parametrize("model", BOOKS)
def test_understated_by_a_quantum_is_refused(model: str) -> None:
    _, _, book = compiled(model)
    row = book.fill(sm.pots(INTERESTING[1])).row(0)
    for output in (R, I):
        outputs = list(row.outputs)
        outputs[output] -= 1
        with pytest.raises(VerificationError, match="does not hold"):
            check_row(book.circuit, replace(row, outputs=tuple(outputs)))


def test_a_requirement_is_not_below_zero() -> None:
    """Marks that promise less than the payoff at every price: the rule's figure is negative, R is 0."""
    policy = sm.policy(srm_book())
    cheap = market(mark=dict(market().mark) | {LOW_CALL: F(30_000), CALL: F(1)})
    table = build_risk_table(policy, cheap)
    book = compile_circuit(policy, cheap, table, "portfolio")
    pots = sm.pots({("position", LOW_CALL): -10, ("position", CALL): 10})
    formula = by_formula(policy, cheap, pots)
    assert formula is not None
    assert formula.requirement[0] < -1_000
    assert calculate(policy, table, pots, book).pot(0).requirement == 0


def test_a_long_discount_above_the_short_one_is_refused_by_name() -> None:
    policy = sm.policy(pm2_book(discount=StaticDiscount(long_base=F("1.2"))))
    table = build_risk_table(policy, market())
    at = time_text(sm.MARCH)
    with pytest.raises(CurvatureError, match="must be convex") as caught:
        compile_circuit(policy, market(), table, "portfolio")
    assert f"discount.short[{at}] - discount.long[{at}]" in str(caught.value)


@cache
def coarse_book(model: str, share: str = "0.01") -> tuple[Policy, CompiledBook]:
    """The same book with public numbers that are known to 1 quote a lot and a share of 1 % only."""
    policy, table, _ = compiled(model)
    risk = table.books["portfolio"]

    def coarser(entry: Pnl, unit: Fraction) -> Pnl:
        values = tuple(floor(value * entry.unit / unit) for value in entry.values)
        return entry if entry.exact else Pnl(unit, values, exact=False)

    pnl = {name: coarser(entry, F(1)) for name, entry in risk.pnl.items()}
    factors = {name: coarser(entry, F(share)) for name, entry in risk.factors.items()}
    books = {"portfolio": replace(risk, pnl=pnl, factors=factors)}
    return policy, compile_circuit(policy, market(), replace(table, books=books), "portfolio")


@pytest.mark.parametrize("model", ["derive-pm2", "skew only"])
@settings(max_examples=60)
@given(row=ROWS)
def test_numbers_known_less_well_only_cost(model: str, row: Row) -> None:
    policy, book = coarse_book(model)
    outputs = book.fill(sm.pots({key: lots for key, lots in row.items() if lots})).outputs[0]
    for output, exact in zip((R, I), EXACT[model](row), strict=True):
        assert int(outputs[output]) * policy.equity_quantum >= exact - F("1e-6")


def test_the_basis_contingency_counts_inexactness_too() -> None:
    terms = []
    for multiplier in (F(2), F(1_000)):
        policy = sm.policy(pm2_book(basis=BasisContingency(multiplier=multiplier)))
        risk = build_risk_table(policy, market()).books["portfolio"]
        terms.append(Pm2Terms(policy, policy.books["portfolio"], market(), risk))
    at = time_text(APRIL)
    plain, steep = (each.inexactness(at, each.expiries[at][0]) for each in terms)
    assert plain / steep == 2 / terms[1].basis_factor(at)  # 2: the largest damping


def test_discounts_within_one_unit_only_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """95 % and 99 %, known as 0.9 to 1: a gain counts by the larger bound, of what is held and of what is sold."""
    discount = StaticDiscount(F("0.95"), F(0), F(0), F("0.99"), F(0), F(0))
    scenarios = (Pm2Scenario(F(1), "abs", F(50)),)
    basis = BasisContingency(addition=F(0), multiplier=F(0))
    close = pm2_book(scenarios=scenarios, discount=discount, basis=basis, skew=SkewShock(abs_cap=F(5)))
    monkeypatch.setitem(BOOKS, "close", lambda: close)
    policy, book = coarse_book("close", "0.1")
    assert not book.circuit.waivers
    for lots in (-100, 100):
        row = {("position", CALL): lots, ("position", PUT): lots}
        outputs = book.fill(sm.pots(row)).outputs[0]
        for output, exact in zip((R, I), exact_pm2(row, "close"), strict=True):
            assert int(outputs[output]) * policy.equity_quantum >= exact > 10**6


def test_expired_options_are_not_discounted() -> None:
    late = replace(market(), time=APRIL)
    policy = sm.policy(pm2_book())
    table = build_risk_table(policy, late)
    book = compile_circuit(policy, late, table, "portfolio")
    factors = table.books["portfolio"].factors
    assert {(entry.values[0] * entry.unit, entry.exact) for entry in factors.values()} == {(1, True)}
    pots = sm.pots({("position", CALL): -10, ("position", PUT): 10})
    formula = by_formula(policy, late, pots)
    assert formula is not None
    proven = calculate(policy, table, pots, book).pot(0)
    assert float(proven.initial * policy.equity_quantum) == pytest.approx(formula.initial[0], abs=1e-3)


def test_what_a_requirement_consists_of() -> None:
    policy, table, book = compiled("derive-pm2")
    found = calculate(
        policy, table, sm.pots({("position", CALL): -37, ("position", "BTC-PERP"): 5}), book
    ).pot(0)
    named = {unit.name: unit.binding for unit in found.units}
    assert named["worst case"] == "+9/50 up"
    assert f"naked shorts[{time_text(sm.MARCH)}, 110000]" in named


def test_the_next_fraction_with_a_small_denominator() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        value, most = F(int(rng.integers(1, 10**6)), int(rng.integers(1, 10**6))), int(rng.integers(1, 60))
        expected = min(F(-(-value.numerator * q // value.denominator), q) for q in range(1, most + 1))
        assert least_above(value, most) == expected
