"""What every command shares: text for people to stderr, data to stdout, progress on a terminal only."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from zkmargin.errors import InputError, ZkmarginError
from zkmargin.inputs.decimals import decimal_text
from zkmargin.wording import counted

json_option = click.option("--json", "as_json", is_flag=True, help="Write one JSON object to stdout.")

MAX_LINE = 100_000  # characters of a table's row

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # control, format (bidirectional too), surrogates, separators


def escape(text: str) -> str:
    """Return text of a file as it may be shown: controls escaped, on one line, or it could write a verdict itself."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode("ascii")


def console() -> Console:
    """Return the console for people: stderr, colours only on a terminal and without NO_COLOR."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def say(text: str, style: str | None = None) -> None:
    """Write a line for people."""
    console().print(escape(text), style=style)


def emit(text: str) -> None:
    """Write data, line by line."""
    for line in text.split("\n"):
        click.echo(escape(line))


def emit_json(value: dict[str, Any]) -> None:
    """Write one JSON object with sorted keys; exact numbers are decimal strings."""
    click.echo(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=True, default=_plain))


def _plain(value: object) -> str:
    if isinstance(value, Fraction):
        return decimal_text(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(type(value).__name__)


def emit_table(columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[str] = ()) -> None:
    """Write rows as aligned text to stdout; columns named in `numeric` are aligned right."""
    table = Table(box=None, pad_edge=False, header_style=None)
    for column in columns:
        table.add_column(column, justify="right" if column in numeric else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(escape, row))
    width = Console(width=MAX_LINE).measure(table).maximum  # a narrow terminal must not cut figures
    Console(file=sys.stdout, highlight=False, markup=False, width=max(width, 20)).print(table)


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that reports steps done out of `total`; shown with an ETA, on a terminal only."""
    shown = console()
    if not shown.is_terminal:
        yield lambda _steps: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=shown, transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda steps: bar.advance(task, steps)


def report_error(error: ZkmarginError, *, as_json: bool) -> None:
    """Explain an error: to people on stderr, with `as_json` also as data on stdout."""
    title = type(error).__name__.removesuffix("Error").lower()
    for line in str(error).split("\n"):
        say(f"{title}: {line}", style="red")
    if as_json:
        emit_json({"error": _error_json(error), "exit_code": error.exit_code})


def _error_json(error: ZkmarginError) -> dict[str, Any]:
    result: dict[str, Any] = {"code": error.code, "message": error.message}
    for name in ("expected", "actual", "hint"):
        if (value := getattr(error, name)) is not None:
            result[name] = str(value)
    if isinstance(error, InputError):
        result["message"] = counted(len(error.problems) + error.truncated, "problem")
        result["truncated"] = error.truncated
        result["problems"] = [
            {name: value for name, value in vars(problem).items() if value is not None}
            for problem in error.problems
        ]
    return result
