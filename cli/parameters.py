"""Types of command-line parameters."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from zkmargin import limits
from zkmargin.inputs.market import parse_time
from zkmargin.inputs.policy_rules import duration
from zkmargin.inputs.texts import identifier_fault


def utc_time(text: str) -> datetime:
    """Read the value of a time option."""
    try:
        return parse_time(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a time in UTC, such as 2026-01-30T08:00:00Z") from None


def age(text: str) -> timedelta:
    """Read the value of an age option."""
    found = duration(text)
    if found is None:
        raise click.BadParameter(f'{text!r} is not an age, such as "90s", "5m", "2h" or "1d"')
    return found


def leaf_place(text: str) -> tuple[str, int | None]:
    """Read a book, or a book and the index of a leaf in it."""
    book, slash, index = text.partition("/")
    lawful = index.isascii() and index.isdecimal() and len(index) <= len(str(limits.MAX_ACCOUNTS))
    if identifier_fault(book) or (slash and not lawful):
        raise click.BadParameter(f"{text!r} is neither BOOK nor BOOK/INDEX")
    return book, int(index) if slash else None
