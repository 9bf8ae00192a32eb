"""Collect the problems of input files, so that a user sees all of them at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from zkmargin import limits
from zkmargin.errors import InputError, Problem

Fault = tuple[str, str | None, str, str | None]
"""A problem of a policy: dotted name, value, message, hint."""

_SHOWN = 80  # characters of a value that are shown


class Problems:
    """A list of problems that keeps the first `limits.MAX_PROBLEMS` and counts the rest."""

    def __init__(self) -> None:
        self._kept: list[Problem] = []
        self.count = 0

    def add(
        self,
        file: str,
        row: int | None,
        column: str | None,
        value: str | None,
        message: str,
        hint: str | None = None,
    ) -> None:
        """Note one problem; long values are cut."""
        shown = value if value is None or len(value) <= _SHOWN else value[:_SHOWN] + "..."
        self.extend([Problem(file, row, column, shown, message, hint)])

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note several problems."""
        for problem in problems:
            self.count += 1
            if len(self._kept) < limits.MAX_PROBLEMS:
                self._kept.append(problem)

    def raise_if_any(self) -> None:
        """Raise InputError with everything noted, if anything was."""
        if self.count:
            raise InputError(self._kept, self.count - len(self._kept))


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """Return a hint that names the closest of the known names, if one is close."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else None
