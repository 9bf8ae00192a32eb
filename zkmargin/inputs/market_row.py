"""One row of a market table being read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from typing import TypeVar

from zkmargin.inputs.decimals import BadNumberError, decimal
from zkmargin.inputs.market import parse_time
from zkmargin.inputs.problems import Problems, suggestion

TIME_HINT = "UTC, such as 2026-01-30T08:00:00Z"

T = TypeVar("T")


class Row:
    """One row being read: every method notes its problem and returns a placeholder of the right type."""

    def __init__(self, file: str, number: int, problems: Problems) -> None:
        self._file = file
        self._number = number
        self._problems = problems

    def fault(self, column: str, value: str | None, message: str, hint: str | None = None) -> None:
        self._problems.add(self._file, self._number, column, value, message, hint)

    def decimal(self, column: str, text: str) -> Fraction:
        try:
            return decimal(text)
        except BadNumberError as error:
            self.fault(column, text, error.message, error.hint)
            return Fraction(1)

    def time(self, column: str, text: str) -> datetime | None:
        try:
            return parse_time(text)
        except ValueError:
            self.fault(column, text, "not a time", TIME_HINT)
            return None

    def choice(self, column: str, text: str, allowed: tuple[str, ...]) -> str:
        if text not in allowed:
            known = ", ".join(filter(None, allowed))
            self.fault(column, text, "unknown", suggestion(text, allowed) or f"one of {known}")
            return allowed[0]
        return text

    def optional(self, read: Callable[[str, str], T], column: str, text: str) -> T | None:
        return read(column, text) if text else None
