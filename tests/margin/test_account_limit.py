"""A limit per account in the policy: narrower columns of every model, and accounts beyond it refused by their name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import bracket_cases
import derive_market
import numpy as np
import portfolio_margin_cases
import pytest
import small_market as sm
from circuit_cases import broken
from model_books import AT_RISK, greeks_book, historical_book, past

from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.facts import market_facts
from zkmargin.circuits.witness import check_row
from zkmargin.errors import CircuitError
from zkmargin.inputs.ledger import Pots
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.inputs.policy_file import parse_policy
from zkmargin.inputs.policy_rules import check_policy
from zkmargin.margin.accounts import calculate
from zkmargin.risk.table import build_risk_table

F = Fraction
LIMIT = F(10**6)


def past_market() -> Market:
    return replace(sm.market(), returns=past())


def portfolio_margin(name: str) -> BookPolicy:
    return portfolio_margin_cases.compiled(name)[0].books["portfolio"]


Case = tuple[Callable[[], BookPolicy], Callable[[], Market]]
BOOKS: dict[str, Case] = {
    "scenarios": (sm.book, sm.market),
    "okx": (lambda: portfolio_margin("okx"), portfolio_margin_cases.market),
    "paradex": (lambda: portfolio_margin("paradex"), portfolio_margin_cases.market),
    "brackets": (bracket_cases.bracket_book, sm.market),
    "derive-pm2": (derive_market.pm2_book, derive_market.market),
    "derive-srm": (derive_market.srm_book, derive_market.market),
    "expected shortfall": (historical_book, past_market),
    "value at risk": (lambda: historical_book(AT_RISK), past_market),
    "sensitivities": (greeks_book, sm.market),
}
SAME_COLUMNS = {"brackets"}  # its rates bound nothing by worst cases


def compiled(
    book: BookPolicy, market: Market, limit: Fraction | None
) -> tuple[Policy, BookPolicy, CompiledBook]:
    book = replace(book, account_limit=limit)
    policy = sm.policy(book, max_overstatement=F(1000))
    return policy, book, compile_circuit(policy, market, build_risk_table(policy, market), book.id)


def random_pots(book: BookPolicy, found: CompiledBook, most: int, count: int = 40) -> Pots:
    """Three positions and some cash a pot."""
    rng = np.random.default_rng(8)
    names = sorted(item.key[1] for item in found.circuit.inputs if item.key[0] == "position")
    rows = [
        {("position", str(name)): int(rng.integers(1, most)) * int(rng.choice([-1, 1])) for name in held}
        | {("held", book.settlement): int(rng.integers(1, 10**5))}
        for held in (rng.choice(names, min(3, len(names)), replace=False) for _ in range(count))
    ]
    return sm.pots(*rows, book_id=book.id)


@pytest.mark.parametrize("name", BOOKS)
def test_every_account_within_the_limit_is_as_without(name: str) -> None:
    book, market = (make() for make in BOOKS[name])
    _, _, free = compiled(book, market, None)
    policy, limited, found = compiled(book, market, LIMIT)
    pots = random_pots(limited, found, 20)
    witness = found.fill(pots)
    assert witness.outputs.tolist() == free.fill(pots).outputs.tolist()
    margin = calculate(policy, build_risk_table(policy, market), pots, found)
    assert margin.requirement.tolist() == witness.outputs[:, 2].tolist()
    for row in range(0, len(pots), 8):
        check_row(found.circuit, witness.row(row))
    assert broken(found.circuit, market_facts(market, build_risk_table(policy, market))) == set()
    assert (found.circuit.n_bits < free.circuit.n_bits) == (name not in SAME_COLUMNS)
    assert "account_limit" not in replace(limited, account_limit=None).to_json()
    assert BookPolicy.from_json(book.id, limited.to_json()) == limited


@pytest.mark.parametrize("name", sorted(BOOKS.keys() - SAME_COLUMNS))
def test_an_account_beyond_the_limit_is_refused_by_name(name: str) -> None:
    book, market = (make() for make in BOOKS[name])
    policy, limited, found = compiled(book, market, F(1))
    table, pots = build_risk_table(policy, market), random_pots(limited, found, 300)
    with pytest.raises(CircuitError) as caught:
        calculate(policy, table, pots, found)
    assert caught.value.code == "beyond-limit"
    assert caught.value.message.startswith("account a") and book.id in caught.value.message


def test_refusals() -> None:
    (problem,) = check_policy(sm.policy(replace(sm.spot_book(), account_limit=LIMIT)))
    assert (problem.column, problem.message) == ("book.spot.limits.account", "not in the model collateral")
    (problem,) = check_policy(sm.policy(sm.book(account_limit=F(0))))
    assert (problem.column, problem.message) == ("book.portfolio.limits.account", "must be positive")


def test_read_from_a_policy_file() -> None:
    text = (portfolio_margin_cases.EXAMPLES / "policies" / "clearing-house.toml").read_text()
    assert text.count('balance = "5e7"') == 1
    limited = parse_policy(text.replace('balance = "5e7"', 'balance = "5e7", account = "2.5e6"'))
    assert limited.books["portfolio"].account_limit == 2_500_000
    assert parse_policy(text).books["portfolio"].account_limit is None
