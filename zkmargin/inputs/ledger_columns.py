"""Balances and positions by columns: the rows in which everything is in order, in arrays.

A row that is odd in any way is left to `ledger_rows`, with all other rows of its pot: what is checked over
several rows, duplicates and sums of costs, is checked within a pot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from zkmargin.inputs.arrow_arrays import Integers, Mask
from zkmargin.inputs.columns import Batch, Columns, refusing
from zkmargin.inputs.directory import Directory
from zkmargin.inputs.ledger_rows import BookRules
from zkmargin.inputs.market import Market
from zkmargin.inputs.plain_csv import NotPlainError
from zkmargin.inputs.vector_decimals import LotSizes, Numbers, numbers
from zkmargin.inputs.vector_text import Numbered, known_names

_LARGEST = (1 << 62) - 1  # lots of one amount; larger ones are left to the row reader
_HALF = 31


@dataclass(frozen=True, repr=False)
class Entries:
    """Amounts of one kind: names[name[i]] of account and pot number i; zeros open a pot and are nothing else."""

    kind: str
    names: tuple[str, ...]
    accounts: Integers
    pots: Integers
    name: Integers
    values: Integers


@dataclass(frozen=True, repr=False)
class Found:
    """What was read, and the positions of the rows that were not."""

    entries: list[Entries]
    left: Integers


@dataclass(frozen=True, repr=False)
class _Rows:
    """Rows of a file: numbers of account, pot and name, values by column, and whether all is in order."""

    accounts: Integers
    pots: Integers
    name: Integers
    sound: Mask
    values: dict[str, Integers]

    def pick(self, rows: Any) -> _Rows:
        values = {key: value[rows] for key, value in self.values.items()}
        return _Rows(self.accounts[rows], self.pots[rows], self.name[rows], self.sound[rows], values)


@dataclass(frozen=True, repr=False)
class ColumnRules:
    """How one file is read.

    `names` are what `column` may hold; `read` takes a batch, `book * len(names) + name` and the name of every
    row and returns values by kind and which rows are in order; `costs` are limits by book and settlement asset.
    """

    column: str
    names: tuple[str, ...]
    read: Callable[[Batch, Integers, Integers], tuple[dict[str, Integers], Mask]]
    costs: _Costs | None = None


@dataclass(frozen=True, repr=False)
class _Costs:
    assets: tuple[str, ...]
    asset: Integers  # of every contract
    most: Integers  # by book * len(assets) + asset


def balance_rules(rules: Mapping[str, BookRules], market: Market) -> ColumnRules:
    """Read held, owed and pledged amounts of assets."""
    names = tuple(market.assets)
    sizes = LotSizes([market.instruments[name].lot for name in names])
    most = _table(rules, names, lambda rule, name: min(rule.most_held[name], _LARGEST))
    borrowable = _table(rules, names, lambda rule, name: name in rule.borrowable)
    taken = {
        pool: _table(rules, names, partial(_takes, pool))
        for pool in sorted({pool for rule in rules.values() for pool in rule.pools})
    }

    def read(batch: Batch, at: Integers, name: Integers) -> tuple[dict[str, Integers], Mask]:
        limit = most[at]
        values, sound = {}, np.ones(len(at), bool)
        for column in ("held", "owed"):
            values[column], fits = sizes.count(numbers(batch[column], sizes.finest), name)
            sound &= fits & (values[column] >= 0) & (values[column] <= limit)
        sound &= (values["owed"] == 0) | (borrowable[at] != 0)
        rest = values["held"].copy()
        for pool, takes in taken.items():
            if f"pledged_{pool}" in batch:
                part = numbers(batch[f"pledged_{pool}"], sizes.finest, optional=True)
                lots, fits = sizes.count(part, name)
                sound &= fits & (lots >= 0) & (lots <= limit) & ((lots == 0) | (takes[at] != 0))
                rest -= np.where(sound, lots, 0)
                sound &= rest >= 0
                values[f"pledged:{pool}"] = lots
        return values, sound

    return ColumnRules("asset", names, read)


def _takes(pool: str, rule: BookRules, asset: str) -> bool:
    return asset in rule.book.pools.get(pool, {})


def position_rules(rules: Mapping[str, BookRules], market: Market) -> ColumnRules:
    """Read positions and what they cost."""
    contracts, assets = market.contracts, tuple(market.assets)
    names = tuple(item.name for item in contracts)
    sizes = LotSizes([item.lot for item in contracts])
    cost_sizes = LotSizes([market.instruments[item.settlement].lot for item in contracts])
    most = _table(rules, names, lambda rule, name: min(rule.most_position.get(name, 0), _LARGEST))
    most_cost = _table(
        rules,
        names,
        lambda rule, name: min(rule.most_cost[market.instruments[name].settlement], _LARGEST),
    )

    def read(batch: Batch, at: Integers, name: Integers) -> tuple[dict[str, Integers], Mask]:
        quantity, sound = sizes.count(numbers(batch["quantity"], sizes.finest), name)
        sound &= (quantity != 0) & (np.abs(quantity) <= most[at])
        amount = Numbers.nothing(len(at), known=True)
        if "entry_cost" in batch:
            amount = numbers(batch["entry_cost"], cost_sizes.finest, optional=True)
        cost, fits = cost_sizes.count(amount, name)
        return {"position": quantity, "cost": cost}, sound & fits & (np.abs(cost) <= most_cost[at])

    asset = np.array([assets.index(item.settlement) for item in contracts] or [0], np.int64)
    limits = _table(rules, assets, lambda rule, name: min(rule.most_cost[name], _LARGEST))
    return ColumnRules("instrument", names, read, _Costs(assets, asset, limits))


def _table(
    rules: Mapping[str, BookRules], names: Sequence[str], entry: Callable[[BookRules, str], int]
) -> Integers:
    """Return entry(rule, name) at book * len(names) + name."""
    return np.array([int(entry(rule, name)) for rule in rules.values() for name in names] or [0], np.int64)


def read_columns(columns: Columns, directory: Directory, pots: Numbered, rules: ColumnRules) -> Found:
    """Read a file; raise NotPlainError where it cannot be read by columns at all."""
    with refusing():
        rows = _rows(columns, directory, pots, rules)
    span, names = len(pots.names), max(1, len(rules.names))
    if (len(directory) + 1) * max(1, span) * max(names, len(directory.order)) >= 1 << 62:
        raise NotPlainError
    pot = rows.accounts * span + rows.pots
    sound = rows.sound
    odd = [pot[~sound], _twice(pot[sound] * names + rows.name[sound]) // names]
    sums = None
    if rules.costs is not None:
        sums = _sums(rows.pick(sound) if not sound.all() else rows, pot[sound], rules.costs)
        books = directory.books[sums.accounts]
        beyond = np.abs(sums.values) > rules.costs.most[books * len(rules.costs.assets) + sums.name]
        odd.append((sums.accounts * span + sums.pots)[beyond])
    left = distinct(np.concatenate(odd))
    if len(left):
        sound = sound & ~np.isin(pot, left)
        rows = rows.pick(sound)
    entries = [
        Entries(kind, rules.names, rows.accounts, rows.pots, rows.name, values)
        for kind, values in rows.values.items()
        if kind != "cost"
    ]
    if sums is not None:
        entries.append(_without(sums, span, left))
    return Found(entries, np.flatnonzero(~sound))


def _rows(columns: Columns, directory: Directory, pots: Numbered, rules: ColumnRules) -> _Rows:
    at = {name: number for number, name in enumerate(rules.names)}
    found = []
    for batch in columns.batches():
        accounts = directory.numbers(batch["account"])
        pot, sound = pots.numbers(batch["pot"])
        name, books = known_names(batch[rules.column], at), directory.books[accounts]
        sound &= (name >= 0) & (books >= 0)
        name = np.where(sound, name, 0)
        values, fits = rules.read(batch, np.where(sound, books * len(rules.names) + name, 0), name)
        found.append(_Rows(accounts, pot, name, sound & fits, values))
    return _joined(found)


def _joined(parts: Sequence[_Rows]) -> _Rows:
    none = np.zeros(0, np.int64)
    kinds = parts[0].values if parts else ()
    return _Rows(
        np.concatenate([none, *(part.accounts for part in parts)]),
        np.concatenate([none, *(part.pots for part in parts)]),
        np.concatenate([none, *(part.name for part in parts)]),
        np.concatenate([none.astype(bool), *(part.sound for part in parts)]),
        {kind: np.concatenate([part.values[kind] for part in parts]) for kind in kinds},
    )


def distinct(keys: Integers) -> Integers:
    """Return the keys in order, each once."""
    ordered = np.sort(keys)
    once: Integers = ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(keys)]]
    return once


def _twice(keys: Integers) -> Integers:
    """Return the keys that stand more than once."""
    ordered = np.sort(keys)
    again: Integers = ordered[1:][ordered[1:] == ordered[:-1]]
    return again


def _sums(rows: _Rows, pot: Integers, costs: _Costs) -> Entries:
    """Sum costs per pot and settlement asset; a sum beyond 2^62 becomes one that is beyond every width."""
    asset, amounts = costs.asset[rows.name], rows.values.get("cost", np.zeros(0, np.int64))
    key = pot * len(costs.assets) + asset
    order = np.arange(len(key)) if np.all(key[1:] >= key[:-1]) else np.argsort(key, kind="stable")
    key, amounts = key[order], amounts[order]
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1])[: len(key)])
    at = order[first]
    if len(first):
        high = np.add.reduceat(amounts >> _HALF, first)
        low = np.add.reduceat(amounts & ((1 << _HALF) - 1), first)
        high, low = high + (low >> _HALF), low & ((1 << _HALF) - 1)
        small = np.abs(high) < 1 << _HALF
        amounts = np.where(small, (high << _HALF) + low, np.int64(1) << 62)
    return Entries("cost", costs.assets, rows.accounts[at], rows.pots[at], asset[at], amounts[: len(first)])


def _without(entries: Entries, span: int, pots: Integers) -> Entries:
    kept = ~np.isin(entries.accounts * span + entries.pots, pots)
    return Entries(
        entries.kind,
        entries.names,
        entries.accounts[kept],
        entries.pots[kept],
        entries.name[kept],
        entries.values[kept],
    )
