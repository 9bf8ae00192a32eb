"""Portfolio margin with charges: the exchanges' worked examples, and the circuit against the formula."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache

import numpy as np
import portfolio_margin_cases as cases
import pytest
import small_market as sm
from hypothesis import given
from hypothesis import strategies as st

from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.witness import check_row
from zkmargin.errors import UsageError
from zkmargin.inputs.market import Market
from zkmargin.inputs.market_files import load_market
from zkmargin.inputs.models.named_rates import DeltaRates
from zkmargin.inputs.models.scenarios import MinimumCharge, PortfolioMargin
from zkmargin.inputs.policy import Policy
from zkmargin.margin.accounts import calculate
from zkmargin.margin.explore import explorer
from zkmargin.margin.formulas import by_formula
from zkmargin.margin.portfolio_margin import scenario_formula
from zkmargin.margin.whatif import ladder
from zkmargin.risk.table import build_risk_table

F = Fraction
Rows = dict[tuple[str, str], int]


def proven(policy: Policy, market: Market, book: str, row: Rows) -> tuple[Fraction, Fraction, Fraction]:
    """R and I of one account from its witness, and the worst over-statement by rounding."""
    table = build_risk_table(policy, market)
    compiled = compile_circuit(policy, market, table, book)
    pots = sm.pots(row, book_id=book)
    check_row(compiled.circuit, compiled.fill(pots).row(0))
    found = calculate(policy, table, pots, compiled)
    quanta = F(len(compiled.circuit.columns)) * policy.margin_quantum
    return (
        int(found.requirement[0]) * policy.equity_quantum,
        int(found.initial[0]) * policy.equity_quantum,
        quanta,
    )


# ---- Deribit, API reference of private/pme/simulate: currency BTC, amounts in BTC ----
PERPETUAL, FUTURE = 0.314538364, -0.001187534
BUCKETS = {-1: -0.05991206933333334, 1: 0.043384601931034494}  # P&L of the perpetual alone at -16 % and +16 %
WORST, MATRIX, ROLL = 0.05968587238095239, 0.06284313098, 0.00315725898
PROTECTION, ORDERS = 0.06, 0.000018212  # not in scope: matched-maker protection and open orders
INITIAL, MAINTENANCE = 0.122861343, 0.050274504784
PRICE = F(66_000)


def deribit() -> tuple[Policy, Market]:
    """The preset at the time of the example; a lot of a contract refers to 1e-9 BTC, so that the amounts are exact."""
    policy, _ = load_market(cases.EXAMPLES / "deribit" / "market")
    coin = {"kind": "perpetual", "settlement": "BTC", "inverse": True}
    expiry = datetime(2024, 6, 28, 8, tzinfo=UTC)
    lot = str(PRICE / 10**9)
    items = (
        sm.spot("USD", "0.01"),
        sm.spot("BTC", "1e-6"),
        sm.contract("BTC-28JUN24", "BTC", lot, **(coin | {"kind": "future", "expiry": expiry})),
        sm.contract("BTC-PERPETUAL", "BTC", lot, **coin),
    )
    spot = {"BTC": PRICE, "USD": F(1)}
    market = Market(
        time=datetime(2024, 6, 17, 10, 22, 20, tzinfo=UTC),
        instruments={item.name: item for item in items},
        spot=spot,
        mark={"BTC-28JUN24": PRICE, "BTC-PERPETUAL": PRICE},
        forward={},
        volatility={},
        index=spot,
    )
    book = replace(policy.books["btc"], position_limit=F(10**5))
    return replace(
        policy, books={"btc": book}, equity_quantum=F(1, 10**12), margin_quantum=F(1, 10**6)
    ), market


def test_the_documented_example_of_deribit() -> None:
    policy, market = deribit()
    formula = scenario_formula(policy, market, "btc")
    coins = {"BTC-PERPETUAL": [PERPETUAL, PERPETUAL], "BTC-28JUN24": [0.0, FUTURE]}
    books = formula.portfolios(positions={name: np.array(q) * float(PRICE) for name, q in coins.items()})
    alone, both = explorer(policy, market, "btc").margin(books).losses[:, 0] / float(PRICE)
    names = formula.scan.scenarios  # type: ignore[attr-defined]
    for move, pnl in BUCKETS.items():
        for volatility in (" up", "", " down"):
            assert -alone[names.index(f"{move:+}{volatility}")] == pytest.approx(pnl, abs=1e-16)
    assert both[:27].max() == pytest.approx(WORST, abs=1e-16)
    assert both[27:].max() < WORST  # futures stay at the price range, and only a part counts
    found = formula.margin(books)
    assert found.initial[1] / float(PRICE) == pytest.approx(WORST + ROLL, abs=1e-11)
    assert found.initial[1] / float(PRICE) == pytest.approx(MATRIX, abs=5e-10)  # what the document adds up
    assert found.initial[1] / float(PRICE) + PROTECTION + ORDERS == pytest.approx(INITIAL, abs=5e-10)
    assert found.requirement[1] / float(PRICE) == pytest.approx(MAINTENANCE, abs=5e-10)


def test_the_circuit_is_not_below_the_example_of_deribit() -> None:
    policy, market = deribit()
    row = {("position", "BTC-PERPETUAL"): 314_538_364, ("position", "BTC-28JUN24"): -1_187_534}
    requirement, initial, rounding = proven(policy, market, "btc", row)
    exact = F("0.31335083") * F("0.16") / F("0.84") + F("0.01") * F("0.315725898")
    assert 0 <= initial - exact * PRICE <= rounding
    assert 0 <= requirement - F("0.8") * exact * PRICE <= rounding


# ---- OKX, API reference of the position builder: -10 BTC-USDT-SWAP of 0.01 BTC ----
# The document shows the mark as 97034.24; MR1 is 12 % of it, and the delta, -9704.9036898 USD, gives the index.
MARK, INDEX = F("97034.243706"), F("97049.036898")
MR1, MR4, MR6, MR7 = 1164.4109244719994, 19.4098073796, 1164.4109244720003, 43.67206660410001
MMR, IMR = 1183.8207318516002, 1538.9669514070802


def okx() -> tuple[Policy, Market]:
    policy = cases.preset("okx")
    swap = sm.contract("BTC-USDT-SWAP", "BTC", "1", multiplier=F("0.01"))
    market = replace(
        sm.market(),
        instruments={item.name: item for item in (sm.spot("BTC", "0.0001"), sm.spot("USD", "0.01"), swap)},
        spot={"BTC": INDEX, "USD": F(1)},
        index={"BTC": INDEX, "USD": F(1)},
        mark={"BTC-USDT-SWAP": MARK},
        forward={},
        volatility={},
    )
    rules = policy.books["portfolio"].parameters
    assert isinstance(rules, PortfolioMargin)
    alone = replace(rules, moves={}, basis={"*": rules.basis["*"]})
    book = replace(policy.books["portfolio"], price_range={"BTC": F("0.04")}, parameters=alone)
    return replace(policy, books={"portfolio": book}), market


def test_the_documented_example_of_okx() -> None:
    policy, market = okx()
    formula = scenario_formula(policy, market, "portfolio")
    books = formula.portfolios(positions={"BTC-USDT-SWAP": [-10.0]})
    scan = explorer(policy, market, "portfolio").margin(books)
    losses = dict(zip(scan.scenarios, scan.losses[0, 0], strict=True))
    assert losses["+3"] == pytest.approx(MR1, abs=1e-9)
    assert losses["extreme up"] == pytest.approx(MR6, abs=1e-9)
    found = formula.margin(books)
    assert found.requirement[0] == pytest.approx(MMR, abs=1e-9)
    assert found.requirement[0] - scan.losses.max() == pytest.approx(MR4, abs=1e-9)
    assert found.initial[0] == pytest.approx(IMR, abs=1e-9)
    rules = policy.books["portfolio"].parameters
    assert isinstance(rules, PortfolioMargin)
    least = replace(
        policy.books["portfolio"], price_range={"BTC": F("0.00001")}, parameters=replace(rules, basis={})
    )
    minimum = scenario_formula(replace(policy, books={"portfolio": least}), market, "portfolio").margin(books)
    assert minimum.requirement[0] == pytest.approx(MR7, abs=1e-9)


def test_the_circuit_is_not_below_the_example_of_okx() -> None:
    policy, market = okx()
    requirement, initial, rounding = proven(policy, market, "portfolio", {("position", "BTC-USDT-SWAP"): -10})
    exact = F("0.12") * MARK / 10 + F("0.002") * INDEX / 10
    assert float(exact) == pytest.approx(MMR, abs=1e-9)
    assert 0 <= requirement - exact <= rounding
    assert 0 <= initial - F("1.3") * exact <= rounding


def test_the_multipliers_of_okx_are_marginal() -> None:
    """OKX, scaling factors: a raw charge of 30,000 USD with 2 x from 10,000 is 10,000 + 2 x 20,000 = 50,000."""
    charge = MinimumCharge(F("0.01"), ((F(0), F(1)), (F(10_000), F(2)), (F(70_000), F(4))))
    rules = PortfolioMargin(minimum_charge={"*": charge})
    book = sm.book(parameters=rules, price_range={"BTC": F("0.0001")}, short_option_minimum=F(0))
    policy, market = sm.policy(book), without_others(sm.market())
    row = {("position", "BTC-PERP"): 30_000}  # 30 BTC at 100,000: raw 1 % of 3,000,000
    requirement, _, rounding = proven(policy, market, "portfolio", row)
    assert 0 <= requirement - 50_000 <= rounding
    requirement, _, rounding = proven(policy, market, "portfolio", {("position", "BTC-PERP"): 80_000})
    assert 0 <= requirement - (10_000 + 2 * 60_000 + 4 * 10_000) <= rounding


def without_others(market: Market) -> Market:
    kept = ("USD", "BTC", "BTC-PERP")
    return replace(
        market,
        instruments={name: market.instruments[name] for name in kept},
        mark={"BTC-PERP": market.mark["BTC-PERP"]},
        volatility={},
    )


def test_the_minimum_delta_of_paradex() -> None:
    """3 BTC long and 1 short at 100,000: 2 % of 2 net and 1 % of (4 - 2) / 2 hedged."""
    rules = PortfolioMargin(minimum_delta={"*": DeltaRates(F("0.02"), F("0.01"))})
    book = sm.book(parameters=rules, price_range={"BTC": F("0.0001"), "ETH": F(0)}, short_option_minimum=F(0))
    row = {("position", "BTC-PERP"): 3_000, ("position", "BTC-MAR26"): -1_000}
    requirement, _, rounding = proven(sm.policy(book), sm.market(), "portfolio", row)
    assert 0 <= requirement - (F("0.02") * 2 + F("0.01")) * 100_000 <= rounding


# ---- any portfolio: the circuit is the formula, rounded up ----
BOOKS = [("okx", "portfolio"), ("paradex", "portfolio"), ("deribit", "btc")]


@cache
def holdings(name: str, book: str) -> tuple[list[tuple[str, str]], list[int]]:
    circuit = cases.compiled(name, book)[3].circuit
    positions = [item for item in circuit.inputs if item.key[0] in ("position", "cost")]
    widths = [sum(circuit.columns[j].width for j, _ in item.sides[0].parts) for item in positions]
    return [item.key for item in positions], widths


@pytest.mark.parametrize(("name", "book"), BOOKS)
@given(data=st.data())
def test_the_circuit_is_the_formula_rounded_up(name: str, book: str, data: st.DataObject) -> None:
    policy, market, table, compiled = cases.compiled(name, book)
    keys, widths = holdings(name, book)
    sizes = st.integers(1, min(widths)).flatmap(lambda bits: st.integers(-(1 << bits) + 1, (1 << bits) - 1))
    held = data.draw(st.dictionaries(st.sampled_from(keys), sizes, max_size=5))
    held = {key: lots for key, lots in held.items() if lots and not (key[0] == "cost" and len(held) == 1)}
    if not any(key[0] == "position" for key in held):
        held = {key: lots for key, lots in held.items() if key[0] == "position"}
    settled = {market.instruments[k].settlement for kind, k in held if kind == "position"}
    row = {key: lots for key, lots in held.items() if key[0] == "position" or key[1] in settled}
    row[("held", policy.books[book].settlement)] = 10**6
    pots = sm.pots(row, book_id=book)
    margin = calculate(policy, table, pots, compiled)
    check_row(compiled.circuit, compiled.fill(pots).row(0))
    formula = by_formula(policy, market, pots)
    assert formula is not None
    digits = sum(int(lots).bit_count() for lots in map(abs, row.values()))
    noise = 1e-7 * (1 + formula.requirement[0])
    quanta = float(policy.margin_quantum) * 4 * (digits + len(table.books[book].scenarios))
    for ours, exchange in ((margin.requirement, formula.requirement), (margin.initial, formula.initial)):
        over = float(int(ours[0]) * policy.equity_quantum) - exchange[0]
        assert -noise <= over <= quanta + noise
    assert np.isclose(float(int(margin.equity[0]) * policy.equity_quantum), formula.equity[0])


@pytest.mark.parametrize("offset", ["0", "0.75", "1"])
def test_gains_that_offset_losses_of_other_underlyings(offset: str) -> None:
    book = sm.book(parameters=PortfolioMargin(gain_offset=F(offset)), short_option_minimum=F(0))
    policy, market = sm.policy(book), sm.market()
    row = {("position", "BTC-PERP"): 10, ("position", "ETH-PERP"): -20}
    requirement, _, rounding = proven(policy, market, "portfolio", row)
    btc, eth = F("0.16") * 10 * F("100.01"), F("0.18") * 20 * F("40.01")  # lost and gained when prices fall
    exact = max(btc - F(offset) * eth, eth - F(offset) * btc)
    assert 0 <= requirement - exact <= rounding
    formula = by_formula(policy, market, sm.pots(row))
    assert formula is not None
    assert formula.requirement[0] == pytest.approx(float(exact), abs=1e-9)


def test_a_ladder_of_prices_takes_the_charges() -> None:
    policy, market = okx()
    books = scenario_formula(policy, market, "portfolio").portfolios(positions={"BTC-USDT-SWAP": [-10.0]})
    _, requirement = ladder(policy, market, "portfolio", books, "BTC", [0.0, 0.1])
    assert requirement[:, 0] == pytest.approx([MMR, 1.1 * MMR], rel=1e-9)


def test_what_a_requirement_consists_of() -> None:
    policy, _, table, compiled = cases.compiled("deribit", "btc")
    row = {("position", "BTC-PERPETUAL"): 1_000, ("position", "BTC-27MAR26"): -500, ("held", "BTC"): 10**6}
    found = calculate(policy, table, sm.pots(row, book_id="btc"), compiled).pot(0)
    assert [(unit.name, unit.binding) for unit in found.units] == [
        ("worst case BTC", "-1 up"),
        ("basis BTC 2026-03-27T08:00:00Z", "short"),
        ("basis BTC perpetual", "long"),
    ]
    assert abs(sum(unit.requirement for unit in found.units) - found.requirement) <= 10**6  # a margin quantum


def test_a_book_with_parameters_has_no_other_calculator() -> None:
    policy, _, table, _ = cases.compiled("okx")
    with pytest.raises(UsageError, match="computed by its circuit"):
        calculate(policy, table, sm.pots({("held", "USD"): 1}))
