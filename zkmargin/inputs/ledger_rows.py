"""Rows of balances and positions: parse, check against the book's rules, collect by pot and kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from zkmargin.inputs.decimals import BadNumberError, decimal_text, lots
from zkmargin.inputs.eligibility import may_hold, may_owe
from zkmargin.inputs.ledger import CROSS, InputKey, Pots, User
from zkmargin.inputs.market import Instrument, Market
from zkmargin.inputs.models import MODELS
from zkmargin.inputs.policy import BookPolicy, Policy
from zkmargin.inputs.problems import Problems, suggestion
from zkmargin.inputs.tables import Table
from zkmargin.inputs.texts import label_fault
from zkmargin.inputs.widths import balance_bits, cost_bits, position_bits
from zkmargin.sparse import sparse

Pot = tuple[str, str]  # account, label


class BookRules:
    """What one book may hold: the largest amount of each input in lots, and what may be owed or pledged."""

    def __init__(self, book: BookPolicy, policy: Policy, market: Market) -> None:
        self.book = book
        self.pools = tuple(book.pools)
        self.assets = {name: market.instruments[name] for name in market.assets}
        self.contracts = {item.name: item for item in market.contracts}
        self.borrowable = {name for name in self.assets if may_owe(policy, book, name)}
        self.most_held = {name: (1 << balance_bits(book, market, name)) - 1 for name in self.assets}
        self.most_cost = {name: (1 << cost_bits(book, market, name)) - 1 for name in self.assets}
        self.most_position = {
            name: (1 << position_bits(book, market, item)) - 1
            for name, item in self.contracts.items()
            if may_hold(book, item)
        }


class Amounts:
    """The amounts of one book, collected row by row."""

    def __init__(self, rules: BookRules, problems: Problems) -> None:
        self.rules = rules
        self.labels: set[Pot] = set()
        self.values: dict[InputKey, dict[Pot, int]] = defaultdict(dict)
        self._accounts: set[str] = set()
        self._problems = problems

    def add(self, key: InputKey, pot: Pot, amount: int) -> None:
        """Add to what a pot has of one kind; zero opens the pot only."""
        self.labels.add(pot)
        self._accounts.add(pot[0])
        if amount:
            self.values[key][pot] = self.values[key].get(pot, 0) + amount

    def open(self, account: str) -> None:
        """Give an account without any row its cross pot: it is a leaf too."""
        if account not in self._accounts:
            self.labels.add((account, CROSS))

    def pots(self, users: Mapping[str, User]) -> Pots:
        """Return everything in columns."""
        labels = tuple(sorted(self.labels))  # code points sort as their UTF-8 bytes
        at = {label: row for row, label in enumerate(labels)}
        columns = {
            key: sparse([at[pot] for pot in entries], list(entries.values()))
            for key, entries in sorted(self.values.items())
            if any(entries.values())
        }
        return Pots(self.rules.book.id, labels, columns, tuple(users[account] for account, _ in labels))


@dataclass(frozen=True)
class _Line:
    """One row and where to note its problems."""

    table: Table
    number: int
    problems: Problems

    def fault(self, column: str, value: str | None, message: str, hint: str | None = None) -> None:
        self.problems.add(self.table.file, self.number, column, value, message, hint)

    def lots(self, column: str, text: str, instrument: Instrument, most: int, *, signed: bool = False) -> int:
        """Read an amount in lots, 0 where it cannot be read; `most` bounds its size."""
        try:
            count = lots(text, instrument.lot)
        except BadNumberError as error:
            self.fault(column, text, error.message, error.hint)
            return 0
        if count < 0 and not signed:
            self.fault(column, text, "negative", "what is owed has a column of its own")
        elif abs(count) > most:
            largest = decimal_text(most * instrument.lot)
            self.fault(
                column, text, "beyond the width of its column", f"at most {largest}; see limits in the policy"
            )
        return count


class RowReader(Protocol):
    """Reads the rows of one file into the amounts of their books, noting problems."""

    def __call__(
        self,
        table: Table,
        books: Mapping[str, str],
        amounts: Mapping[str, Amounts],
        problems: Problems,
        *,
        strict: bool,
        records: bool = False,
    ) -> None: ...


def read_balances(
    table: Table,
    books: Mapping[str, str],
    amounts: Mapping[str, Amounts],
    problems: Problems,
    *,
    strict: bool,
    records: bool = False,
) -> None:
    """Read rows of balances into the amounts of their books."""
    pledges = tuple(name for name in table.columns if name.startswith("pledged_"))
    for line, book, pot, asset, fields in _lines(
        table, "asset", ("held", "owed", *pledges), books, problems, strict, records
    ):
        target = amounts[book]
        instrument = target.rules.assets.get(asset)
        if instrument is None:
            line.fault("asset", asset, "unknown asset", suggestion(asset, target.rules.assets))
            continue
        before, most = problems.count, target.rules.most_held[asset]
        held = line.lots("held", fields[0], instrument, most)
        owed = line.lots("owed", fields[1], instrument, most)
        if owed and asset not in target.rules.borrowable:
            message = f"the book {book!r} has no price_range for {asset!r}"
            if not MODELS[target.rules.book.model].shocks:
                message = f"the book {book!r} lends no {asset!r}"
            line.fault("owed", fields[1], message, "it cannot be owed")
        target.add(("held", asset), pot, held)
        target.add(("owed", asset), pot, owed)
        pledged = 0
        for column, text in zip(pledges, fields[2:], strict=True):
            if part := line.lots(column, text or "0", instrument, most):
                pledged += part
                _add_pledge(line, target, column, pot, asset, part)
        if pledged > held and problems.count == before:
            shown = decimal_text(pledged * instrument.lot)
            line.fault(
                pledges[0], shown, "more pledged than held", f"{fields[0]} held; pledges are part of it"
            )


def _add_pledge(line: _Line, target: Amounts, column: str, pot: Pot, asset: str, part: int) -> None:
    pool, rules = column.removeprefix("pledged_"), target.rules
    if pool not in rules.pools:
        line.fault(column, None, f"the book {rules.book.id!r} has no pool {pool!r}")
    elif asset not in rules.book.pools[pool]:
        line.fault(
            column, None, f"the pool {pool!r} takes no {asset!r}", 'tiers [["0", "0"]] would take it at 0'
        )
    else:
        target.add((f"pledged:{pool}", asset), pot, part)


def read_positions(
    table: Table,
    books: Mapping[str, str],
    amounts: Mapping[str, Amounts],
    problems: Problems,
    *,
    strict: bool,
    records: bool = False,
) -> None:
    """Read rows of positions into the amounts of their books; costs are summed per settlement asset."""
    last: dict[tuple[str, Pot, str], _Line] = {}
    columns = ("quantity", "entry_cost")
    for line, book, pot, name, fields in _lines(
        table, "instrument", columns, books, problems, strict, records
    ):
        target = amounts[book]
        instrument = target.rules.contracts.get(name)
        if instrument is None:
            spot = name in target.rules.assets
            hint = "spot belongs into balances" if spot else suggestion(name, target.rules.contracts)
            line.fault("instrument", name, "not a contract" if spot else "unknown instrument", hint)
            continue
        if name not in target.rules.most_position:
            _refuse_position(line, target.rules.book, name)
            continue
        before = problems.count
        quantity = line.lots("quantity", fields[0], instrument, target.rules.most_position[name], signed=True)
        if quantity == 0 and problems.count == before:
            line.fault("quantity", fields[0], "a position of 0", "leave the row out")
        asset = instrument.settlement
        most = target.rules.most_cost[asset]
        cost = line.lots("entry_cost", fields[1] or "0", target.rules.assets[asset], most, signed=True)
        target.add(("position", name), pot, quantity)
        target.add(("cost", asset), pot, cost)
        last[book, pot, asset] = line
    _check_costs(amounts, last)


def _refuse_position(line: _Line, book: BookPolicy, name: str) -> None:
    if MODELS[book.model].trades:
        hint = f"its model, {book.model}, has no margin rule for it"
        line.fault("instrument", name, f"the book {book.id!r} takes no positions in it", hint)
    else:
        line.fault(
            "instrument", name, f"the book {book.id!r} takes no positions", f"its model is {book.model}"
        )


def _check_costs(amounts: Mapping[str, Amounts], last: Mapping[tuple[str, Pot, str], _Line]) -> None:
    """Costs that fit one by one may not fit in sum; the pot's last row is named."""
    for (book, pot, asset), line in last.items():
        total = amounts[book].values[("cost", asset)].get(pot, 0)
        if abs(total) > amounts[book].rules.most_cost[asset]:
            shown = decimal_text(total * amounts[book].rules.assets[asset].lot)
            line.fault(
                "entry_cost", shown, f"the pot's costs in {asset!r} are beyond the width of their column"
            )


def _lines(
    table: Table,
    name_column: str,
    value_columns: tuple[str, ...],
    books: Mapping[str, str],
    problems: Problems,
    strict: bool,
    records: bool,
) -> Iterator[tuple[_Line, str, Pot, str, tuple[str, ...]]]:
    """Yield the rows whose account, pot and key are sound, with their book."""
    seen: set[tuple[str, str, str]] = set()
    for number, (account, pot, name, *values) in table.rows("account", "pot", name_column, *value_columns):
        line = _Line(table, number, problems)
        if fault := label_fault(pot):
            line.fault("pot", pot, fault, f'"{CROSS}" or a label')
        if (account, pot, name) in seen:
            line.fault(name_column, name, f"the {name_column} stands twice in this pot")
            continue
        seen.add((account, pot, name))
        book = books.get(account)
        if book is not None:
            yield line, book, (account, pot), name, tuple(values)
        elif records:
            line.fault("account", account, "not the bundle's account")
        elif strict:
            line.fault("account", account, "not in the accounts file")
