"""The ledger of a folder as the row readers alone read it: the oracle of reading by columns."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from zkmargin.errors import InputError, Problem
from zkmargin.inputs import load_ledger
from zkmargin.inputs.account_rows import ACCOUNTS, Accounts
from zkmargin.inputs.control import check_control
from zkmargin.inputs.ledger import Ledger, ledger_digest
from zkmargin.inputs.ledger_files import POSITIONS, balances_schema
from zkmargin.inputs.ledger_rows import Amounts, BookRules, read_balances, read_positions
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import Policy
from zkmargin.inputs.problems import Problems
from zkmargin.inputs.tables import read_table

Outcome = tuple[tuple[Problem, ...], int] | tuple[object, ...]


def load_by_rows(folder: Path, policy: Policy, market: Market) -> Ledger:
    """Read a ledger without the column readers; raise InputError with all problems."""
    problems = Problems()
    accounts = Accounts(policy, problems)
    accounts.read(read_table(folder, "accounts", ACCOUNTS, problems))
    amounts = {
        name: Amounts(BookRules(book, policy, market), problems) for name, book in policy.books.items()
    }
    for stem, schema, read in (
        ("balances", balances_schema(policy), read_balances),
        ("positions", POSITIONS, read_positions),
    ):
        if (table := read_table(folder, stem, schema, problems)) is not None:
            read(table, accounts.books, amounts, problems, strict=accounts.complete)
    for account, book in accounts.books.items():
        amounts[book].open(account)
    check_control(folder, lambda: totals(amounts, market), problems)
    problems.raise_if_any()
    pots = {book: amounts[book].pots(accounts.users) for book in policy.books}
    return Ledger(pots, ledger_digest(pots))


def totals(amounts: dict[str, Amounts], market: Market) -> dict[str, Fraction]:
    """Net totals, straight from the definition."""
    sums = dict.fromkeys(market.instruments, Fraction(0))
    signs = {"held": 1, "owed": -1, "position": 1}
    for book in amounts.values():
        for (kind, name), entries in book.values.items():
            sums[name] += signs.get(kind, 0) * sum(entries.values()) * market.instruments[name].lot
    return sums


def outcomes(folder: Path, policy: Policy, market: Market) -> tuple[Outcome, Outcome]:
    """What loading a folder gives, and what it should: problems, or everything that a ledger holds."""
    found = []
    for load in (load_ledger, load_by_rows):
        try:
            found.append(_content(load(folder, policy, market)))
        except InputError as error:
            found.append((error.problems, error.truncated))
    return found[0], found[1]


def _content(ledger: Ledger) -> Outcome:
    books = [
        (
            name,
            pots.labels,
            [(user.id, user.nonce) for user in pots.users],
            [
                (key, column.rows.tolist(), column.values.tolist(), column.rows.dtype, column.values.dtype)
                for key, column in pots.values.items()
            ],
        )
        for name, pots in ledger.pots.items()
    ]
    return (books, ledger.digest)
