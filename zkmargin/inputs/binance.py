"""Import Binance's proof-of-solvency files: a CSV of accounts and one of asset prices and collateral tiers.

Format and rule: github.com/binance/zkmerkle-proof-of-solvency. Per asset X, `e_X` is held, `d_X` owed, and `vl_X`,
`m_X`, `pm_X` are pledged for loans, margin and portfolio margin; net columns and totals are not read. A debt is covered
by the pledges' values at marginal tiers "[from-to:percent,...]"; value beyond the last tier counts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from pathlib import Path

from zkmargin.inputs.account_rows import ACCOUNTS
from zkmargin.inputs.binance_assets import POOLS, Asset, read_assets
from zkmargin.inputs.binance_market import QUOTE, write_binance_market
from zkmargin.inputs.decimals import BadNumberError, decimal_text, scaled
from zkmargin.inputs.ledger import CROSS
from zkmargin.inputs.policy_rules import tier_value
from zkmargin.inputs.problems import Problems
from zkmargin.inputs.table_writer import write_table
from zkmargin.inputs.tables import Table, read_csv

BOOK = "spot"
# Pools in the order in which a pledge beyond the holding is cut, with the prefix of their columns.
PREFIXES = {"portfolio": "pm_", "margin": "m_", "loan": "vl_"}


@dataclass(frozen=True)
class Cut:
    """A pledge that was cut to the holding."""

    file: str
    row: int
    account: str
    asset: str
    pool: str
    pledged: Fraction
    kept: Fraction


@dataclass(frozen=True, repr=False)
class ImportReport:
    """What was imported: number of accounts, `short` of which owe more than their pledges cover, and all cuts."""

    accounts: int
    short: int
    cuts: tuple[Cut, ...]


@dataclass(repr=False)
class Holding:
    """What one account has of one asset, in units."""

    held: Fraction
    owed: Fraction
    pledged: dict[str, Fraction]


@dataclass(repr=False)
class Customer:
    """One row of the accounts file."""

    file: str
    row: int
    id: str
    holdings: dict[str, Holding] = field(default_factory=dict)


def import_binance(files: Sequence[Path], folder: Path, time: datetime) -> ImportReport:
    """Write `market` and `ledger` into an existing empty folder, from account files and one asset file in any order.

    Every row becomes an account, also an empty one and one that owes more than it has. Raise InputError.
    """
    problems = Problems()
    tables = [table for path in files if (table := _read(path, problems)) is not None]
    problems.raise_if_any()
    assets = read_assets([table for table in tables if "rn" not in table.columns], problems)
    people = [table for table in tables if "rn" in table.columns]
    if not people:
        problems.add(
            str(files[0].name), None, None, None, "no accounts file among them", "its columns begin rn,id"
        )
    problems.raise_if_any()
    customers = [customer for table in people for customer in _customers(table, assets, problems)]
    _check_unique(customers, problems)
    problems.raise_if_any()
    cuts = tuple(cut for customer in customers for cut in _cut(customer))
    for name in ("market", "ledger"):
        (folder / name).mkdir()
    write_binance_market(folder / "market", assets, _largest(customers), time)
    _write_ledger(folder / "ledger", customers)
    short = sum(_owes_more(customer, assets) for customer in customers)
    return ImportReport(len(customers), short, cuts)


def _read(path: Path, problems: Problems) -> Table | None:
    try:
        return read_csv(path, None, problems)
    except OSError as error:
        problems.add(path.name, None, None, None, f"cannot be read: {error.strerror}")
        return None


def _customers(table: Table, assets: dict[str, Asset], problems: Problems) -> Iterator[Customer]:
    held = [name.removeprefix("e_") for name in table.columns if name.startswith("e_")]
    columns = ["id"]
    for asset in held:
        columns += [f"e_{asset}", f"d_{asset}", *(f"{prefix}{asset}" for prefix in PREFIXES.values())]
        if asset not in assets:
            problems.add(table.file, 1, f"e_{asset}", None, "an asset without a price in the asset file")
    for column in columns:
        if column not in table.columns:
            problems.add(table.file, 1, column, None, "the column is missing")
    if problems.count:
        return
    for number, (account, *texts) in table.rows(*columns):
        customer = Customer(table.file, number, account)
        for place, asset in enumerate(held):
            names, values = columns[5 * place + 1 :], texts[5 * place : 5 * place + 5]
            amounts = [
                _amount(table.file, number, *pair, asset=assets[asset], problems=problems)
                for pair in zip(names, values, strict=False)
            ]
            if any(amounts):
                customer.holdings[asset] = Holding(
                    amounts[0], amounts[1], dict(zip(PREFIXES, amounts[2:], strict=True))
                )
        yield customer


def _amount(file: str, row: int, column: str, text: str, *, asset: Asset, problems: Problems) -> Fraction:
    """Read one amount and note how many decimals the asset needs."""
    try:
        mantissa, decimals = scaled(text)
    except BadNumberError as error:
        problems.add(file, row, column, text, error.message, error.hint)
        return Fraction(0)
    if mantissa < 0:
        problems.add(file, row, column, text, "negative")
    asset.decimals = max(asset.decimals, decimals)
    return Fraction(mantissa, 10**decimals)


def _check_unique(customers: list[Customer], problems: Problems) -> None:
    seen: set[str] = set()
    for customer in customers:
        if customer.id in seen:
            problems.add(customer.file, customer.row, "id", customer.id, "the account stands twice")
        seen.add(customer.id)


def _cut(customer: Customer) -> Iterator[Cut]:
    """Cut what is pledged beyond the holding: portfolio first, then margin, then loan."""
    for asset, holding in customer.holdings.items():
        surplus = sum(holding.pledged.values()) - holding.held
        for pool in PREFIXES:
            pledged = holding.pledged[pool]
            if surplus > 0 < pledged:
                kept = max(Fraction(0), pledged - surplus)
                surplus -= pledged - kept
                holding.pledged[pool] = kept
                yield Cut(customer.file, customer.row, customer.id, asset, pool, pledged, kept)


def _owes_more(customer: Customer, assets: dict[str, Asset]) -> bool:
    """Tell whether debts are worth more than the pledges count for."""
    covered = owed = Fraction(0)
    for name, holding in customer.holdings.items():
        asset = assets[name]
        owed += holding.owed * asset.price
        for pool, amount in holding.pledged.items():
            covered += tier_value(asset.tiers[pool], amount * asset.price)
    return owed > covered


def _largest(customers: list[Customer]) -> dict[str, Fraction]:
    """Return the largest amount held or owed of each asset."""
    largest: dict[str, Fraction] = {}
    for customer in customers:
        for name, holding in customer.holdings.items():
            largest[name] = max(largest.get(name, Fraction(0)), holding.held, holding.owed)
    return largest


def _write_ledger(folder: Path, customers: list[Customer]) -> None:
    pledges = tuple(f"pledged_{pool}" for pool in POOLS)
    header = ("account", "pot", "asset", "held", "owed", *pledges)
    write_table(folder, "accounts", ACCOUNTS.names, ((c.id, c.id, BOOK, "") for c in customers))
    write_table(folder, "balances", header, (row for c in customers for row in _balances(c)))
    write_table(folder, "positions", ("account", "pot", "instrument", "quantity"), ())


def _balances(customer: Customer) -> Iterator[tuple[str, ...]]:
    for asset, holding in customer.holdings.items():
        amounts = (holding.held, holding.owed, *(holding.pledged[pool] for pool in POOLS))
        yield customer.id, CROSS, asset, *map(decimal_text, amounts)


__all__ = ["QUOTE", "Cut", "ImportReport", "import_binance"]
