"""Read a LEDGER folder: accounts, balances, positions (CSV or Parquet), control totals if any.

Rows in which everything is in order are read by columns, a million in a second; all others, and every pot with
one of them, by the row readers, which alone decide what is wrong. Both give the same ledger and the same report.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from zkmargin.inputs.assemble import assemble
from zkmargin.inputs.columns import open_columns
from zkmargin.inputs.control import check_control, net_totals
from zkmargin.inputs.directory import Directory, read_directory
from zkmargin.inputs.ledger import Ledger, Pots, User, ledger_digest
from zkmargin.inputs.ledger_columns import ColumnRules, Entries, balance_rules, position_rules, read_columns
from zkmargin.inputs.ledger_rows import Amounts, BookRules, RowReader, read_balances, read_positions
from zkmargin.inputs.market import Market
from zkmargin.inputs.plain_csv import NotPlainError
from zkmargin.inputs.policy import Policy
from zkmargin.inputs.problems import Problems
from zkmargin.inputs.tables import Schema, Table, find_table, read_file, read_table
from zkmargin.inputs.vector_text import Numbered


def load_ledger(folder: Path, policy: Policy, market: Market) -> Ledger:
    """Read every account with all it holds and owes, in lots.

    Raise InputError with all problems of all files: nothing is dropped, nothing is rounded.
    """
    problems = Problems()
    directory = read_directory(folder, policy, problems)
    rules = {name: BookRules(book, policy, market) for name, book in policy.books.items()}
    amounts = {name: Amounts(rule, problems) for name, rule in rules.items()}
    pots, entries = Numbered(), []
    for stem, schema, read, columns in (
        ("balances", balances_schema(policy), read_balances, balance_rules(rules, market)),
        ("positions", POSITIONS, read_positions, position_rules(rules, market)),
    ):
        path = find_table(folder, stem, problems)
        if path is not None:
            found, table = _scan(path, schema, directory, pots, columns, problems)
            entries += found
            if table is not None:
                read(
                    table,
                    directory.books_of(table.columns["account"]),
                    amounts,
                    problems,
                    strict=directory.complete,
                )
    check_control(folder, lambda: net_totals(entries, amounts, market), problems)
    problems.raise_if_any()
    result = assemble(directory, pots, entries, amounts)
    return Ledger(result, ledger_digest(result))


def _scan(
    path: Path, schema: Schema, directory: Directory, pots: Numbered, rules: ColumnRules, problems: Problems
) -> tuple[list[Entries], Table | None]:
    """Return what was read by columns, and the rows that are left."""
    try:
        columns = open_columns(path, schema, ("account", "pot", rules.column))
        found = read_columns(columns, directory, pots, rules)
        return found.entries, columns.rows(found.left)
    except NotPlainError:
        return [], read_file(path, schema, problems)


def load_records(folder: Path, policy: Policy, market: Market, account: str, book: str) -> Pots:
    """Read the balances and positions of one account, as a customer keeps them; raise InputError.

    Rows of other accounts are a problem; there is no accounts file. The pots' users are empty.
    """
    problems = Problems()
    amounts = {
        name: Amounts(BookRules(item, policy, market), problems) for name, item in policy.books.items()
    }
    tables: Iterable[tuple[str, Schema, RowReader]] = (
        ("balances", balances_schema(policy), read_balances),
        ("positions", POSITIONS, read_positions),
    )
    for stem, schema, read in tables:
        if (table := read_table(folder, stem, schema, problems)) is not None:
            read(table, {account: book}, amounts, problems, strict=True, records=True)
    problems.raise_if_any()
    amounts[book].open(account)
    return amounts[book].pots({account: User("")})


POSITIONS = Schema(("account", "pot", "instrument", "quantity"), ("entry_cost",))


def balances_schema(policy: Policy) -> Schema:
    """Return the columns of balances: those of every book's pools are optional."""
    pools = sorted({pool for book in policy.books.values() for pool in book.pools})
    return Schema(("account", "pot", "asset", "held", "owed"), tuple(f"pledged_{pool}" for pool in pools))
