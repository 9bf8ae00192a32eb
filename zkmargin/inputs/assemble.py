"""Put a ledger's rows, read by columns and one by one, together: pots in order, sparse columns of amounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from zkmargin.inputs.arrow_arrays import Integers, from_texts
from zkmargin.inputs.directory import Directory
from zkmargin.inputs.ledger import CROSS, InputKey, Pots, Users
from zkmargin.inputs.ledger_columns import Entries, distinct
from zkmargin.inputs.ledger_rows import Amounts
from zkmargin.inputs.vector_text import Numbered
from zkmargin.sparse import SparseValues, Values, sparse


def assemble(
    directory: Directory, pots: Numbered, entries: Sequence[Entries], amounts: Mapping[str, Amounts]
) -> dict[str, Pots]:
    """Return the pots of every book; nothing may have been wrong with the ledger."""
    layout = _Layout(directory, pots, entries, amounts)
    columns: dict[str, dict[InputKey, SparseValues]] = {book: {} for book in directory.order}
    for part in entries:
        for number, name, rows, values in layout.columns(part):
            columns[directory.order[number]][part.kind, part.names[name]] = SparseValues(rows, values)
    for number, book in enumerate(directory.order):
        for key, found in amounts[book].values.items():
            column = layout.column(number, found)
            columns[book][key] = _merged(columns[book].get(key), column)
    users = directory.users()
    names, ids, nonces = map(_objects, (directory.names.to_pylist(), users.ids, users.nonces))
    result = {}
    for number, book in enumerate(directory.order):
        held = {key: column for key, column in sorted(columns[book].items()) if len(column)}
        accounts, labels = layout.of_book(number)
        labelled = tuple(zip(names[accounts].tolist(), labels, strict=True))
        owners = Users(tuple(ids[accounts].tolist()), tuple(nonces[accounts].tolist()))
        result[book] = Pots(book, labelled, held, owners)
    return result


def _objects(column: Sequence[object]) -> Values:
    out = np.empty(len(column), dtype=object)
    out[:] = column
    return out


class _Layout:
    """Where every pot stands: pots are numbered over all books in the order of account and label."""

    def __init__(
        self,
        directory: Directory,
        pots: Numbered,
        entries: Sequence[Entries],
        amounts: Mapping[str, Amounts],
    ) -> None:
        self._directory, self._pots = directory, pots
        cross = pots.number(CROSS)
        by_row = [self._numbers(list(part.labels)) for part in amounts.values()]
        self._labels = sorted(pots.names)  # code points sort as their UTF-8 bytes
        self._rank = np.empty(len(pots.names), np.int64)
        self._rank[[pots.at[label] for label in self._labels]] = np.arange(len(self._labels))
        found = [(part.accounts, part.pots) for part in entries] + by_row
        without = np.ones(len(directory), bool)
        for accounts, _ in found:
            without[accounts] = False
        alone = np.flatnonzero(without)
        found.append((alone, np.full(len(alone), cross)))
        self._keys = distinct(np.concatenate([self._key(*pair) for pair in found]))
        self._accounts = self._keys // len(self._labels)
        self._books = directory.books[self._accounts]
        self._row = np.empty(len(self._keys), np.int64)
        for book in range(len(directory.order)):
            here = np.flatnonzero(self._books == book)
            self._row[here] = np.arange(len(here))

    def of_book(self, book: int) -> tuple[Integers, list[str]]:
        """Return the accounts and labels of a book's pots."""
        here = self._books == book
        ranks = (self._keys[here] % len(self._labels)).tolist()
        return self._accounts[here], [self._labels[rank] for rank in ranks]

    def columns(self, part: Entries) -> Iterator[tuple[int, int, Integers, Integers]]:
        """Yield book, name, rows and values of every column of one kind."""
        kept = part.values != 0
        accounts, pots, name, values = (
            array if kept.all() else array[kept]
            for array in (part.accounts, part.pots, part.name, part.values)
        )
        place = np.searchsorted(self._keys, self._key(accounts, pots))
        group = self._books[place] * len(part.names) + name
        order = np.argsort(group * len(self._keys) + place)
        group, rows, values = group[order], self._row[place[order]], values[order]
        ends = np.append(np.flatnonzero(group[1:] != group[:-1]) + 1, len(group)) if len(group) else ()
        start = 0
        for end in ends:
            book, which = divmod(int(group[start]), len(part.names))
            yield book, which, rows[start:end], values[start:end]
            start = end

    def column(self, book: int, found: Mapping[tuple[str, str], int]) -> SparseValues:
        """Return the column of amounts that were read row by row."""
        accounts, pots = self._numbers(list(found))
        place = np.searchsorted(self._keys, self._key(accounts, pots))
        return sparse(self._row[place], list(found.values()))

    def _key(self, accounts: Integers, pots: Integers) -> Integers:
        return accounts * len(self._labels) + self._rank[pots]

    def _numbers(self, labels: Sequence[tuple[str, str]]) -> tuple[Integers, Integers]:
        names = from_texts([account for account, _ in labels])
        pots = np.array([self._pots.number(pot) for _, pot in labels], np.int64)
        return self._directory.numbers(names), pots


def _merged(first: SparseValues | None, second: SparseValues) -> SparseValues:
    """Put two columns without a common row together."""
    if first is None or not len(first):
        return second
    rows = np.concatenate([first.rows, second.rows])
    order = np.argsort(rows)
    return SparseValues(rows[order], np.concatenate([first.values, second.values])[order])
