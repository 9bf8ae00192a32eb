"""The calculator: figures by hand, a plain reference per pot, the edge of int64, and the direction of rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_market import UP_DOWN, F, book, contract, market, policy, pots, spot, spot_book

from zkmargin.errors import PolicyError, UsageError
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.inputs.policy_rules import tier_value
from zkmargin.margin.accounts import SHORT_MINIMUM, BookMargin, PotMargin, calculate, calculate_all
from zkmargin.margin.requirement import MINIMUM, NOTHING, UnitExposure, worst_cases
from zkmargin.margin.revaluation import Exposure
from zkmargin.risk.table import RiskTable, build_risk_table
from zkmargin.risk.tiers import haircut_schedule

Row = Mapping[tuple[str, str], int]
CALL, PUT = "BTC-MAR26-110000-C", "BTC-MAR26-90000-P"
MILLION = 10**6  # equity quanta per USD


@cache
def tables(netting: str = "underlying", factor: str = "1.25") -> tuple[Policy, RiskTable]:
    terms = book(netting=netting, initial_factor=F(factor), short_option_minimum=F("0.00512345678"))
    rules = policy(terms, spot_book())
    return rules, build_risk_table(rules, market())


def compute(*rows: Row, netting: str = "underlying") -> BookMargin:
    rules, table = tables(netting)
    return calculate(rules, table, pots(*rows))


def one(row: Row, **changes: object) -> PotMargin:
    rules = policy(book(**changes))
    return calculate(rules, build_risk_table(rules, market()), pots(row)).pot(0)


# Figures by hand


def test_long_perpetual() -> None:
    """1 BTC long at 100,000 with 20,000 USD: N = 20,000 + 100,010 - 100,000; R = 16 % of 100,010."""
    row = {("held", "USD"): 2_000_000, ("position", "BTC-PERP"): 1_000, ("cost", "USD"): 10_000_000}
    got = one(row)
    assert got.net == got.equity == 20_010 * MILLION
    # per bit of 1000 lots and in quanta of 1e-4, so a little above 16,001.6
    bits = [3, 5, 6, 7, 8, 9]
    per_lot = F("16.0016")
    expected = sum(ceil(2**d * per_lot / F("0.0001")) for d in bits) * 100
    assert got.requirement == expected == 16_001_600_000
    assert got.initial == 20_002 * MILLION
    assert got.ratio == F(20_010 * MILLION, got.requirement)
    assert [(unit.name, unit.requirement, unit.binding) for unit in got.units] == [
        ("BTC", got.requirement, "-1 up"),
        ("ETH", 0, None),
    ]
    assert got.healthy


def test_hedge_nets_within_an_underlying() -> None:
    row = {("position", "BTC-PERP"): 1_000, ("position", "BTC-MAR26"): -1_000, ("held", "USD"): 10**6}
    got = one(row)
    assert got.requirement == F("0.16") * (101_000 - 100_010) * MILLION  # the future moves by 990 x 16 % more
    assert got.units[0].binding == "+1 up"


def test_shocked_collateral_hedges_a_short() -> None:
    hedged = one({("held", "BTC"): 10_000, ("position", "BTC-PERP"): -1_000}, scenarios=UP_DOWN)
    assert hedged.requirement == F("0.16") * 10 * MILLION  # 100,010 short against 100,000 held
    naked = one({("position", "BTC-PERP"): -1_000}, scenarios=UP_DOWN)
    assert naked.requirement == F("16001.6") * MILLION


def test_inverse_long_is_charged_through_its_cost() -> None:
    """100,000 USD of contracts bought at the mark are 1 BTC: cost -1 BTC, a loss of 16,000 when BTC falls."""
    got = one({("position", "BTC-INVERSE"): 10_000, ("cost", "BTC"): -10_000}, scenarios=UP_DOWN)
    assert got.net == 0
    assert got.requirement == 16_000 * MILLION
    assert got.units[0].binding == "down"
    short = one({("position", "BTC-INVERSE"): -10_000, ("cost", "BTC"): 10_000}, scenarios=UP_DOWN)
    assert (short.net, short.requirement, short.units[0].binding) == (0, 16_000 * MILLION, "up")


def test_tiers_cash_shocked_and_absent_collateral() -> None:
    got = one(
        {("held", "USD"): 100, ("held", "BTC"): 10_000, ("held", "ETH"): 500_000, ("held", "SOL"): 100},
        scenarios=UP_DOWN,
    )
    net = 1 + 100_000 + 2_000_000 + 200
    haircut = F("0.05") * 1_000_000 + F("0.1") * 1_000_000 + 200
    assert got.net == net * MILLION
    assert got.equity == (net - haircut) * MILLION
    assert got.requirement == 16_000 * MILLION  # only the shocked BTC


def test_debt_is_not_netted_and_is_moved() -> None:
    """Owing ETH is a short: it counts in full and loses when ETH rises, whatever is held of it."""
    got = one({("held", "ETH"): 1_000, ("owed", "ETH"): 1_000}, scenarios=UP_DOWN)
    assert got.net == 0
    assert got.equity == -F("0.05") * 4_000 * MILLION
    assert got.requirement == F("0.18") * 4_000 * MILLION
    cash = one({("owed", "USD"): 100}, scenarios=UP_DOWN)
    assert (cash.net, cash.requirement, cash.bad_debt, cash.shortfall) == (-MILLION, 0, MILLION, MILLION)


def test_what_is_owed_is_a_hedge_only_where_what_is_held_moves() -> None:
    """A loan to oneself, held and owed, changes nothing; so it lowers no requirement."""
    eth, btc = {("position", "ETH-PERP"): 100}, {("position", "BTC-PERP"): 100}
    assert (
        one({**eth, ("owed", "ETH"): 1_000}).requirement == one(eth).requirement
    )  # by tiers: it can only lose
    assert (
        one({**btc, ("owed", "BTC"): 1_000}).requirement < one(btc).requirement
    )  # shocked: it is the other side
    for row, asset in ((eth, "ETH"), (btc, "BTC")):
        lent = one({**row, ("held", asset): 1_000, ("owed", asset): 1_000})
        assert lent.requirement >= one(row).requirement


def test_debts_in_a_shocked_settlement_asset_move_as_what_is_held_does() -> None:
    coin: dict[str, object] = {"settlement": "BTC", "collateral": {"BTC": "shocked", "USD": "cash"}}
    short = {("position", "BTC-PERP"): -100, ("held", "USD"): 10**7}
    lent = one({**short, ("held", "BTC"): 1_000, ("owed", "BTC"): 1_000}, **coin)
    assert lent.requirement == one(short, **coin).requirement > 0


def test_short_option_minimum_binds_and_is_not_netted() -> None:
    """A call spread is nearly flat; the minimum of its short leg is 0.5 % of the index."""
    row = {("position", CALL): -10, ("position", PUT): 0, ("position", "BTC-PERP"): 0}
    full = market()
    twin = replace(full.instruments[CALL], name="TWIN")
    rules = policy()
    table = build_risk_table(rules, market(twin, mark={"TWIN": F(4_500)}, volatility={"TWIN": F("0.5")}))
    spread = calculate(rules, table, pots({**row, ("position", "TWIN"): 10})).pot(0)
    assert spread.requirement == F("0.005") * 100_000 * 1 * MILLION
    assert spread.units[0].binding == SHORT_MINIMUM
    doubled = calculate(rules, table, pots({("position", CALL): -10, ("position", "TWIN"): -10})).pot(0)
    assert doubled.requirement > 2 * spread.requirement  # two naked calls: the scan is larger
    assert doubled.units[0].binding not in {SHORT_MINIMUM, None}


def test_short_option_minimum_is_rounded_up_bit_by_bit() -> None:
    got = one({("position", CALL): -11}, short_option_minimum=F("0.81234567891"))
    charge = F("0.81234567891") * 100_000 * F("0.1") / F("0.0001")  # 81,234,567.891 quanta per lot
    assert got.requirement == sum(ceil(bit * charge) for bit in (1, 2, 8)) * 100
    assert got.units[0].binding == SHORT_MINIMUM


def test_joint_netting_offsets_underlyings() -> None:
    row = {("position", "BTC-PERP"): 1_000, ("position", "ETH-PERP"): -2_500}
    apart, joint = compute(row).pot(0), compute(row, netting="joint").pot(0)
    moved = F("0.16") * 100_010 + F("0.18") * 100_025
    assert abs(apart.requirement - moved * MILLION) < 10_000
    assert abs(joint.requirement - (F("0.18") * 100_025 - F("0.16") * 100_010) * MILLION) < 10_000
    assert [unit.name for unit in joint.units] == ["joint"]


@pytest.mark.parametrize(
    ("factor", "margin", "expected"),
    [
        (F("1.25"), "0.0001", 1_440_144 * 125),  # 125 equity quanta per margin quantum: exact
        (F("1.333"), "0.0001", ceil(F("1.333") * 1_440_144) * 100),  # 133.3 is not whole: up to 1e-4
        (F("1.5"), "0.000001", ceil(F("1.5") * 144_014_400)),
        (F(1), "0.0001", 144_014_400),
    ],
)
def test_initial_requirement(factor: F, margin: str, expected: int) -> None:
    rules = policy(book(initial_factor=factor, scenarios=UP_DOWN), margin_quantum=F(margin))
    row = {("position", "BTC-PERP"): 9}
    got = calculate(rules, build_risk_table(rules, market()), pots(row)).pot(0)
    assert got.requirement == 144_014_400  # 9 x 16.0016
    assert got.initial == expected


def test_collateral_book() -> None:
    """2 BTC and 1,000 USD held; 1 BTC pledged for a loan, 0.4 BTC and all USD otherwise; 60,000 USD owed."""
    rules, table = tables()
    row = {
        ("held", "BTC"): 20_000,
        ("held", "USD"): 100_000,
        ("owed", "USD"): 6_000_000,
        ("pledged:loan", "BTC"): 10_000,
        ("pledged:margin", "BTC"): 4_000,
        ("pledged:loan", "USD"): 50_000,
        ("pledged:margin", "USD"): 10_000,  # this pool has no tiers for USD
    }
    got = calculate(rules, table, pots(row, book_id="spot")).pot(0)
    assert got.net == (200_000 + 1_000 - 60_000) * MILLION
    counted = F("0.9") * 50_000 + F("0.5") * 50_000 + F("0.8") * 40_000 + 500 - 60_000
    assert got.equity == counted * MILLION
    assert (got.requirement, got.initial, got.units) == (0, 0, ())
    assert got.healthy


def test_pots_of_one_account_never_cover_each_other() -> None:
    rules, table = tables()
    labels = (("a", "cross"), ("a", "lost"), ("b", "cross"))
    rows = ({("held", "USD"): 10**6}, {("owed", "USD"): 10**5}, {})
    got = calculate(rules, table, pots(*rows, labels=labels))
    assert list(got.rows_of("a")) == [0, 1]
    assert list(got.rows_of("c")) == []
    total = got.total(got.rows_of("a"))
    assert total.net == 9_000 * MILLION
    assert (total.shortfall, total.bad_debt, total.healthy) == (1_000 * MILLION, 1_000 * MILLION, False)
    assert list(got.healthy) == [True, False, True]
    assert list(got.owed) == [10_000 * MILLION, 0, 0]
    assert list(got.surplus) == [10_000 * MILLION, 0, 0]


def test_empty_books() -> None:
    rules, table = tables()
    found = calculate_all(rules, table, {"spot": pots(book_id="spot"), "portfolio": pots()})
    assert [len(margin) for margin in found.values()] == [0, 0]
    assert compute({}, {}).pot(1) == PotMargin(0, 0, 0, 0, 0, 0, compute({}).pot(0).units)


@pytest.mark.parametrize(
    ("book_id", "row", "error"),
    [
        ("portfolio", {("position", "SOL-PERP"): 1}, PolicyError),
        ("portfolio", {("owed", "SOL"): 1}, PolicyError),
        ("spot", {("position", "BTC-PERP"): 1}, PolicyError),
        ("portfolio", {("held", "DOGE"): 1}, UsageError),
        ("nowhere", {}, UsageError),
    ],
)
def test_what_a_book_cannot_margin_is_refused(book_id: str, row: Row, error: type[Exception]) -> None:
    rules = policy(book(), spot_book())
    table = build_risk_table(rules, market(contract("SOL-PERP", "SOL", "1"), mark={"SOL-PERP": F(200)}))
    with pytest.raises(error):
        calculate(rules, table, pots(row, book_id=book_id))


@pytest.mark.parametrize(("charge", "binding"), [(4, 1), (5, 1), (6, MINIMUM)])
def test_a_scenario_binds_before_an_equal_minimum(charge: int, binding: int) -> None:
    rows, lots = np.array([0]), np.array([1])
    unit = UnitExposure("u", (Exposure(rows, lots, ((-3, -5, -5),)),), (Exposure(rows, lots, ((charge,),)),))
    found = worst_cases((unit,), 3, 2)
    assert found.values.tolist() == [[max(charge, 5)], [0]]
    assert found.binding.tolist() == [[binding], [NOTHING]]


# A plain reference, pot by pot


def reference(rules: Policy, table: RiskTable, name: str, row: Row) -> tuple[int, int, int, int]:
    """N, E, R, I from the definitions, in Python integers and fractions, bit by bit."""
    terms, risk = rules.books[name], table.books[name]
    sign = {"held": 1, "owed": -1, "position": 1, "cost": -1}
    net = sum(sign.get(kind, 0) * lots * table.lot_value[item] for (kind, item), lots in row.items())
    worst = sum(unit_requirement(rules, terms, table, unit, row) for unit in risk.units)
    scale = rules.margin_quantum / rules.equity_quantum
    factor = terms.initial_factor * scale
    initial = worst * factor if factor.denominator == 1 else ceil(worst * terms.initial_factor) * scale
    equity = net - sum(haircut(rules, terms, table, key, lots) for key, lots in row.items())
    return net, equity, int(worst * scale), int(initial)


def haircut(rules: Policy, terms: BookPolicy, table: RiskTable, key: tuple[str, str], lots: int) -> int:
    kind, asset = key
    rule = terms.collateral.get(asset)
    if kind != "held" or isinstance(rule, str):
        return 0
    value = table.lot_value[asset]
    schedule = haircut_schedule(rule, value, rules.equity_quantum) if rule else [(0, value)]
    ends = [start for start, _ in schedule[1:]] + [lots]
    return sum(
        max(0, min(lots, end) - start) * loss for (start, loss), end in zip(schedule, ends, strict=True)
    )


def unit_requirement(rules: Policy, terms: BookPolicy, table: RiskTable, unit: object, row: Row) -> int:
    risk = table.books[terms.id]
    quantum = rules.margin_quantum
    losses = [0] * len(risk.scenarios)
    minimum = 0
    for (kind, name), lots in row.items():
        if name not in (*unit.instruments, *unit.assets):
            continue
        if kind == "held" and terms.collateral.get(name) != "shocked":
            continue
        long = (lots > 0) == (kind in ("position", "held"))
        bits = [d for d in range(200) if abs(lots) >> d & 1]
        pnl = risk.pnl[name]
        for s in range(len(losses)):
            side = pnl.long(s) if long else pnl.short(s)
            if kind == "owed" and terms.collateral.get(name) != "shocked":
                side = min(side, F(0))  # USD is the settlement asset, without moves
            losses[s] -= sum(floor(2**d * side / quantum) for d in bits)
        if kind == "position" and lots < 0 and name in table.short_minimum[terms.id]:
            rate = table.short_minimum[terms.id][name]
            minimum += sum(ceil(2**d * rate / quantum) for d in bits)
    return max(0, minimum, *losses)


AMOUNTS = {
    **{("position", name): st.integers(-(2**20), 2**20) for name in ("BTC-PERP", "ETH-PERP", CALL, PUT)},
    ("position", "ETH-MAR26-4000-C"): st.integers(-300, 300),
    ("position", "BTC-INVERSE"): st.integers(-(2**30), 2**30),
    ("cost", "USD"): st.integers(-(10**9), 10**9),
    ("cost", "BTC"): st.integers(-(10**6), 10**6),
    **{("held", name): st.integers(0, 2**30) for name in ("USD", "BTC", "ETH", "SOL")},
    **{("owed", name): st.integers(0, 2**24) for name in ("USD", "BTC", "ETH")},
}
ROWS = st.lists(st.fixed_dictionaries({}, optional=AMOUNTS), min_size=1, max_size=6)


@pytest.mark.parametrize("netting", ["underlying", "joint"])
@given(rows=ROWS)
def test_all_pots_at_once_equal_the_reference(netting: str, rows: list[Row]) -> None:
    rules, table = tables(netting, "1.3333")
    got = calculate(rules, table, pots(*rows))
    assert got.requirement.dtype == np.int64
    for i, row in enumerate(rows):
        pot = got.pot(i)
        assert (pot.net, pot.equity, pot.requirement, pot.initial) == reference(
            rules, table, "portfolio", row
        )
        for unit in pot.units:
            assert (unit.binding is None) == (unit.requirement == 0)
        assert pot.requirement == sum(unit.requirement for unit in pot.units)


@given(rows=ROWS)
def test_rounding_is_against_the_account(rows: list[Row]) -> None:
    """R is never below the unrounded worst case and above by a quantum per set bit; E never above the rule."""
    rules, table = tables()
    got = calculate(rules, table, pots(*rows))
    risk, terms = table.books["portfolio"], rules.books["portfolio"]
    for i, row in enumerate(rows):
        exact, slack = F(0), 0
        for unit in risk.units:
            members = {*unit.instruments, *unit.assets}
            moved = {
                key: (lots if key[0] in ("position", "held") else -lots)
                for key, lots in row.items()
                if key[1] in members and (key[0] != "held" or terms.collateral.get(key[1]) == "shocked")
            }
            # a true value inside the interval that an inexact entry stands for
            worst = max(
                -sum(
                    lots
                    * (risk.pnl[name].values[s] + F(1, 2) * (not risk.pnl[name].exact))
                    * risk.pnl[name].unit
                    for (kind, name), lots in moved.items()
                    if kind != "owed"
                    or terms.collateral.get(name) == "shocked"
                    or risk.pnl[name].values[s] > 0
                )
                for s in range(len(risk.scenarios))
            )
            minimum = sum(
                -lots * table.short_minimum["portfolio"].get(name, F(0))
                for (kind, name), lots in moved.items()
                if kind == "position" and lots < 0
            )
            exact += max(F(0), worst, minimum)
            slack += sum(abs(lots).bit_count() for lots in moved.values())
        required = got.pot(i).requirement * rules.equity_quantum
        inexact = sum(abs(lots) for (_, name), lots in row.items() if name in (CALL, PUT, "ETH-MAR26-4000-C"))
        assert exact <= required <= exact + slack * rules.margin_quantum + inexact * F(1, 10**9)
        value = {name: lots * rules.equity_quantum for name, lots in table.lot_value.items()}
        eth = row.get(("held", "ETH"), 0) * value["ETH"]
        sol = row.get(("held", "SOL"), 0) * value["SOL"]
        fair = got.pot(i).net * rules.equity_quantum - sol - eth + tier_value(terms.collateral["ETH"], eth)
        assert got.pot(i).equity * rules.equity_quantum <= fair


# The edge of int64


@pytest.mark.parametrize(
    "lots", [2**28 - 1, 2**28, 2**28 + 1, 2**29 - 1, 2**29, 2**29 + 1, 2**30, 2**63, 2**70]
)
def test_net_value_is_exact_at_and_beyond_int64(lots: int) -> None:
    """A lot is worth 2^34 quanta, so the sum reaches 2^62 and 2^63 between these."""
    fine = market(spot("X", "1"), spot={"X": F(2**34, MILLION)})
    rules = policy(book(collateral={"X": "cash"}))
    got = calculate(rules, build_risk_table(rules, fine), pots({("held", "X"): lots}, {("held", "X"): 1}))
    assert got.pot(0).net == got.pot(0).equity == lots * 2**34
    assert got.pot(1).net == 2**34
    assert got.net.dtype == (np.int64 if lots < 2**28 else object)


@pytest.mark.parametrize("power", [30, 38, 39, 40, 41, 42, 43, 44, 50, 62, 63, 64])
def test_requirement_is_exact_at_and_beyond_int64(power: int) -> None:
    rules, table = tables()
    for lots in (2**power - 1, 2**power, -(2**power)):
        row = {("position", "BTC-PERP"): lots, ("held", "USD"): 1}
        got = calculate(rules, table, pots(row, {("position", "ETH-PERP"): 3}))
        assert (got.pot(0).net, got.pot(0).equity, got.pot(0).requirement, got.pot(0).initial) == reference(
            rules, table, "portfolio", row
        )
        assert (
            got.pot(1).requirement == reference(rules, table, "portfolio", {("position", "ETH-PERP"): 3})[2]
        )


def test_losses_alone_can_leave_int64() -> None:
    """An option without value counts nothing in N, whatever its number, but its losses do not fit."""
    prices = market(mark={CALL: F(0)})
    rules = policy(book(initial_factor=F("1.3333")))
    table = build_risk_table(rules, prices)
    for lots in (2**45, 2**50, 2**55):
        row = {("position", CALL): -lots}
        got = calculate(rules, table, pots(row)).pot(0)
        assert (got.net, got.equity, got.requirement, got.initial) == reference(
            rules, table, "portfolio", row
        )


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {("position", "BTC-PERP"): i - 7, ("position", CALL): 5 - i, ("owed", "ETH"): i} for i in range(20)
    ]
    whole = compute(*rows)
    monkeypatch.setattr("zkmargin.margin.requirement._CHUNK", 3)
    parts = compute(*rows)
    assert np.array_equal(whole.requirement, parts.requirement)
    assert np.array_equal(whole.charges.units.binding, parts.charges.units.binding)
