"""Write a realistic, reproducible exchange: a MARKET and a LEDGER folder, the same for the same arguments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from zkmargin import limits
from zkmargin.errors import UsageError
from zkmargin.inputs.account_rows import ACCOUNTS
from zkmargin.inputs.control import CONTROL
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.example_accounts import Account, Exchange
from zkmargin.inputs.example_market import DEFAULT_CONTRACTS, example_market, write_market
from zkmargin.inputs.market import Market
from zkmargin.inputs.table_writer import Format, write_table

POOLS = ("loan", "margin")
BALANCES = ("account", "pot", "asset", "held", "owed", *(f"pledged_{pool}" for pool in POOLS))
POSITIONS = ("account", "pot", "instrument", "quantity", "entry_cost")


def write_example(
    folder: Path, accounts: int, *, seed: int = 0, form: Format = "csv", contracts: int = DEFAULT_CONTRACTS
) -> None:
    """Write `market` and `ledger` into an existing empty folder.

    `accounts` from 1, `contracts` besides spot from 9. Raise UsageError for other numbers.
    """
    if not 1 <= accounts <= limits.MAX_ACCOUNTS:
        raise UsageError("usage", f"1 to {limits.MAX_ACCOUNTS} accounts", actual=accounts)
    market = example_market(contracts)
    for name in ("market", "ledger"):
        (folder / name).mkdir()
    write_market(folder / "market", market, form)
    everyone = list(Exchange(market, seed).accounts(accounts))
    rows = ((a.id, a.user, a.book, a.nonce) for a in everyone)
    write_table(folder / "ledger", "accounts", ACCOUNTS.names, rows, form)
    write_table(folder / "ledger", "balances", BALANCES, _balances(everyone, market), form)
    write_table(folder / "ledger", "positions", POSITIONS, _positions(everyone, market), form)
    write_table(folder / "ledger", "control", CONTROL.names, _control(everyone, market), form)


def _balances(everyone: Sequence[Account], market: Market) -> Iterator[tuple[str, ...]]:
    lot = {name: market.instruments[name].lot for name in market.assets}
    for account in everyone:
        for pot, asset in sorted({*account.held, *account.owed}):
            amounts = [account.held[pot, asset], account.owed[pot, asset]]
            amounts += [account.pledged[pool, pot, asset] for pool in POOLS]
            if any(amounts):
                yield account.id, pot, asset, *(decimal_text(amount * lot[asset]) for amount in amounts)


def _positions(everyone: Sequence[Account], market: Market) -> Iterator[tuple[str, ...]]:
    for account in everyone:
        for (pot, name), lots in sorted(account.positions.items()):
            item = market.instruments[name]
            cost = account.costs[pot, name] * market.instruments[item.settlement].lot
            yield account.id, pot, name, decimal_text(lots * item.lot), decimal_text(cost)


def _control(everyone: Sequence[Account], market: Market) -> Iterator[tuple[str, str]]:
    totals: Counter[str] = Counter()
    for account in everyone:
        for sign, amounts in ((1, account.held), (-1, account.owed), (1, account.positions)):
            for (_, name), lots in amounts.items():
                totals[name] += sign * lots
    for name, item in market.instruments.items():
        yield name, decimal_text(totals[name] * item.lot)
