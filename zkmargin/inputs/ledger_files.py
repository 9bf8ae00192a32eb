"""Read a LEDGER folder: accounts, balances positions (CSV or Parquet), control totals if any."""

from __future__ import annotations

from pathlib import Path

from zkmargin.inputs.control import check_control
from zkmargin.inputs.ledger import Ledger, Pots, User, ledger_digest
from zkmargin.inputs.ledger_rows import Amounts, BookRules, read_balances, read_positions
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import Policy
from zkmargin.inputs.problems import Problems, suggestion
from zkmargin.inputs.tables import Schema, Table, read_table
from zkmargin.inputs.texts import label_fault, nonce, normal_user

ACCOUNTS = Schema(("account", "user", "book"), ("user_nonce",))


def load_ledger(folder: Path, policy: Policy, market: Market) -> Ledger:
    """Read every account with all it holds and owes, in lots.

    Raise InputError with all problems of all files: nothing is dropped, nothing is rounded.
    """
    problems = Problems()
    table = read_table(folder, "accounts", ACCOUNTS, problems)
    accounts = Accounts(policy, problems)
    accounts.read(table)
    amounts = _amounts(folder, accounts.books, policy, market, problems, strict=accounts.complete)
    check_control(folder, amounts, market, problems)
    problems.raise_if_any()
    pots = {book: amounts[book].pots(accounts.users) for book in policy.books}
    return Ledger(pots, ledger_digest(pots))


def load_records(folder: Path, policy: Policy, market: Market, account: str, book: str) -> Pots:
    """Read the balances and positions of one account, as a customer keeps them; raise InputError.

    Rows of other accounts are a problem; there is no accounts file. The pots' users are empty.
    """
    problems = Problems()
    amounts = _amounts(folder, {account: book}, policy, market, problems, strict=True)
    problems.raise_if_any()
    return amounts[book].pots({account: User("")})


def _amounts(
    folder: Path, books: dict[str, str], policy: Policy, market: Market, problems: Problems, *, strict: bool
) -> dict[str, Amounts]:
    """Amounts by book; with `strict` an account that is not in `books` is a problem."""
    pools = tuple(sorted({pool for book in policy.books.values() for pool in book.pools}))
    rules = {name: BookRules(book, policy, market) for name, book in policy.books.items()}
    amounts = {name: Amounts(rule, problems) for name, rule in rules.items()}
    pledged = tuple(f"pledged_{pool}" for pool in pools)
    balances = Schema(("account", "pot", "asset", "held", "owed"), pledged)
    positions = Schema(("account", "pot", "instrument", "quantity"), ("entry_cost",))
    for stem, schema, read in (
        ("balances", balances, read_balances),
        ("positions", positions, read_positions),
    ):
        if (table := read_table(folder, stem, schema, problems)) is not None:
            read(table, books, amounts, problems, strict=strict)
    for account, book in books.items():
        amounts[book].open(account)
    return amounts


class Accounts:
    """The accounts file: `books` and `users` by account; `complete` if no row was lost to a problem."""

    def __init__(self, policy: Policy, problems: Problems) -> None:
        self.books: dict[str, str] = {}
        self.users: dict[str, User] = {}
        self.complete = False
        self._known = tuple(policy.books)
        self._problems = problems

    def read(self, table: Table | None) -> None:
        """Read all rows, noting problems."""
        if table is None:
            return
        lost = not table.complete
        for number, (account, user, book, user_nonce) in table.rows(*ACCOUNTS.names):
            before = self._problems.count
            self._check(table.file, number, account, user, book)
            secret = nonce(user_nonce)
            if secret is None:
                self._add_problem(table.file, number, "user_nonce", user_nonce, "not 16 bytes in hex")
            if book in self._known:
                self.books.setdefault(account, book)
            lost |= self._problems.count != before and account not in self.books
            self.users[account] = User(normal_user(user), secret or b"")
        if not len(table) and table.complete:
            self._problems.add(table.file, None, None, None, "no accounts")
        self.complete = not lost

    def _check(self, file: str, number: int, account: str, user: str, book: str) -> None:
        for column, text in (("account", account), ("user", normal_user(user))):
            if fault := label_fault(text):
                self._add_problem(file, number, column, text, fault)
        if account in self.users:
            self._add_problem(file, number, "account", account, "the account stands twice")
        if book not in self._known:
            hint = suggestion(book, self._known) or f"the policy has {', '.join(self._known)}"
            self._add_problem(file, number, "book", book, "unknown book", hint)

    def _add_problem(
        self, file: str, number: int, column: str, value: str, message: str, hint: str | None = None
    ) -> None:
        self._problems.add(file, number, column, value, message, hint)
