"""Types of command-line parameters."""

from __future__ import annotations

from datetime import datetime

import click

from zkmargin.inputs.market import parse_time


def utc_time(text: str) -> datetime:
    """Read the value of a time option."""
    try:
        return parse_time(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a time in UTC, such as 2026-01-30T08:00:00Z") from None
