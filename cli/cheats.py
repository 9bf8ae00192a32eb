"""What a dishonest exchange could try, for the demo: it holds the signing key and signs whatever it likes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from zkmargin import canonical
from zkmargin.attestation.header import Header
from zkmargin.attestation.manifest import MARKET, file_roles, read_manifest, write_attestation
from zkmargin.bundle import Bundle
from zkmargin.inputs.ledger import Ledger, Pots
from zkmargin.signing import SigningKey
from zkmargin.sparse import SparseValues

Change = Callable[[Header, dict[str, bytes]], Header]


def forge(attestation: Path, target: Path, key: SigningKey, change: Change) -> None:
    """Write a copy of an attestation with something changed, every digest made to fit, signed again."""
    signed = read_manifest(attestation)
    header = signed.manifest.header
    files = {role: signed.read(role) for role in file_roles(header)}
    write_attestation(target, change(header, files), files, key)


def understate(book_id: str, name: str, by: int) -> Change:
    """Lower one published total."""

    def change(header: Header, files: dict[str, bytes]) -> Header:
        books = tuple(
            replace(book, totals=tuple((n, t - by if n == name else t) for n, t in book.totals))
            if book.id == book_id
            else book
            for book in header.books
        )
        return replace(header, books=books)

    return change


def reprice(instrument: str, factor: int) -> Change:
    """Multiply one published mark, after the risk table was made."""

    def change(header: Header, files: dict[str, bytes]) -> Header:
        market = canonical.decode(files[MARKET], MARKET)
        market["mark"][instrument] = canonical.fraction_text(factor * Fraction(market["mark"][instrument]))
        files[MARKET] = canonical.encode(market)
        return replace(header, market=hashlib.sha256(files[MARKET]).digest())

    return change


def without(ledger: Ledger, account: str) -> Ledger:
    """Return a ledger from which an account has vanished."""
    pots = {name: _without(content, account) for name, content in ledger.pots.items()}
    return Ledger(pots, hashlib.sha256(ledger.digest + account.encode()).digest())


def _without(pots: Pots, account: str) -> Pots:
    keep = [row for row, (name, _) in enumerate(pots.labels) if name != account]
    place = {row: new for new, row in enumerate(keep)}
    values = {}
    for key, column in pots.values.items():
        chosen = [i for i, row in enumerate(column.rows.tolist()) if row in place]
        rows = column.rows[chosen]
        for i, row in enumerate(rows.tolist()):
            rows[i] = place[row]
        values[key] = SparseValues(rows, column.values[chosen])
    return Pots(
        pots.book,
        tuple(pots.labels[row] for row in keep),
        {key: column for key, column in values.items() if len(column)},
        tuple(pots.users[row] for row in keep),
    )


def enlarge(bundle: Bundle) -> tuple[Bundle, str]:
    """Double the first position of a bundle; return it and the instrument's name."""
    leaf = next(leaf for leaf in bundle.leaves if any(key[0] == "position" for key, _ in leaf.inputs))
    name = next(key[1] for key, _ in leaf.inputs if key[0] == "position")
    inputs = tuple((key, 2 * lots if key == ("position", name) else lots) for key, lots in leaf.inputs)
    leaves = tuple(replace(leaf, inputs=inputs) if other is leaf else other for other in bundle.leaves)
    return replace(bundle, leaves=leaves), name


def disguise(bundle: Bundle, account: str, like: Bundle) -> Bundle:
    """Show one customer's leaf to another one as if it were theirs."""
    return replace(bundle, account=account, user=like.user)
