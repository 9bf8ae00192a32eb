"""Rows of the accounts file, one by one: what is wrong with each."""

from __future__ import annotations

from zkmargin.inputs.ledger import User
from zkmargin.inputs.policy import Policy
from zkmargin.inputs.problems import Problems, suggestion
from zkmargin.inputs.tables import Schema, Table
from zkmargin.inputs.texts import label_fault, nonce, normal_user

ACCOUNTS = Schema(("account", "user", "book"), ("user_nonce",))


class Accounts:
    """The accounts file: `books` and `users` by account; `complete` if no row was lost to a problem."""

    def __init__(self, policy: Policy, problems: Problems) -> None:
        self.books: dict[str, str] = {}
        self.users: dict[str, User] = {}
        self.complete = False
        self._known = tuple(policy.books)
        self._problems = problems

    def read(self, table: Table | None, others: int = 0) -> None:
        """Read all rows, noting problems; `others` are rows of the file that are not in the table."""
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
        if not len(table) and not others and table.complete:
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
