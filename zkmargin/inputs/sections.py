"""Read tables of a TOML document, noting what is missing, mistyped or unknown by its dotted name."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from zkmargin.inputs.decimals import BadNumberError, short_decimal
from zkmargin.inputs.problems import Problems, suggestion


class Section:
    """One table. Each method takes one key; what cannot be read is noted and replaced by a placeholder."""

    def __init__(self, file: str, path: str, table: dict[str, Any], problems: Problems) -> None:
        self.file = file
        self.path = path
        self._table = table
        self._seen: list[str] = []
        self._problems = problems

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def text(self, key: str, default: str | None = None) -> str:
        """Take a string."""
        return str(self._take(key, str, "text", default, ""))

    def integer(self, key: str, default: int | None = None) -> int:
        """Take an integer."""
        return int(self._take(key, int, "an integer", default, 1))

    def decimal(self, key: str, default: Fraction | None = None) -> Fraction:
        """Take an exact number, written as a string."""
        value = self._take(key, str, 'a decimal in quotes, such as "0.16"', default, "1")
        return value if isinstance(value, Fraction) else self.exact(key, value)

    def strings(self, key: str) -> tuple[str, ...]:
        """Take an array of strings, empty by default."""
        value = self._take(key, list, "an array of texts", [], [])
        if all(isinstance(item, str) for item in value):
            return tuple(value)
        self.fault(key, repr(value), "not an array of texts")
        return ()

    def section(self, key: str, *, required: bool = True) -> Section:
        """Take a table, empty if it is not there."""
        table = self._take(key, dict, "a table", None if required else {}, {})
        return Section(self.file, f"{self.path}.{key}" if self.path else key, table, self._problems)

    def table(self, key: str, table: dict[str, Any]) -> Section:
        """Return a table that stands in an array under a key."""
        return Section(self.file, f"{self.path}.{key}", table, self._problems)

    def names(self) -> tuple[str, ...]:
        """All keys in the order of the file, each counted as known."""
        self._seen.extend(self._table)
        return tuple(self._table)

    def raw(self, key: str) -> Any:
        """Take a value of any type, None if there is none."""
        self._seen.append(key)
        return self._table.get(key)

    def exact(self, key: str, text: Any) -> Fraction:
        """Read one decimal string that stands somewhere under a key."""
        if not isinstance(text, str):
            self.fault(key, repr(text), "not a decimal in quotes", f'write "{text}"')
            return Fraction(1)
        try:
            return short_decimal(text)
        except BadNumberError as error:
            self.fault(key, text, error.message, error.hint)
            return Fraction(1)

    def finish(self) -> None:
        """Note every key that nothing asked for."""
        for key in self._table:
            if key not in self._seen:
                self.fault(key, None, "unknown key", suggestion(key, self._seen))

    def fault(self, key: str, value: str | None, message: str, hint: str | None = None) -> None:
        """Note a problem of one key."""
        path = f"{self.path}.{key}" if self.path else key
        self._problems.add(self.file, None, path, value, message, hint)

    def _take(self, key: str, kind: type, what: str, default: Any, placeholder: Any) -> Any:
        value = self.raw(key)
        if value is None:
            if default is None:
                self.fault(key, None, "missing")
            return placeholder if default is None else default
        if not isinstance(value, kind) or isinstance(value, bool):
            self.fault(key, repr(value), f"not {what}")
            return placeholder
        return value
