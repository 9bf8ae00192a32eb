"""Strict reading of canonical JSON objects: every key is taken once, nothing is left over."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, Self

from zkmargin import canonical, limits
from zkmargin.errors import DecodeError

_FRACTION = re.compile(r"(-?[0-9]+)(?:/([0-9]+))?", re.ASCII)
_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)


class Fields:
    """The members of one JSON object, taken by name; each method raises DecodeError for a wrong type."""

    def __init__(self, value: canonical.Json, what: str) -> None:
        if not isinstance(value, dict):
            raise DecodeError("json", f"{what} is not an object")
        self._left = dict(value)
        self._what = what

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None and self._left:
            raise DecodeError("json", f"{self._what} has unknown members: {', '.join(sorted(self._left))}")

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def take(self, key: str) -> Any:
        """Take a member of any type."""
        if key not in self._left:
            raise DecodeError("json", f"{self._what} has no member {key!r}")
        return self._left.pop(key)

    def text(self, key: str) -> str:
        """Take a string."""
        value = self.take(key)
        if not isinstance(value, str):
            raise DecodeError("json", f"{self._what}.{key} is not text")
        return value

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """Take one of a few strings."""
        value = self.text(key)
        if value not in allowed:
            raise DecodeError("json", f"{self._what}.{key} is none of {', '.join(allowed)}", actual=value)
        return value

    def boolean(self, key: str) -> bool:
        """Take true or false."""
        value = self.take(key)
        if not isinstance(value, bool):
            raise DecodeError("json", f"{self._what}.{key} is not true or false")
        return value

    def integer(self, key: str) -> int:
        """Take an integer, written as a decimal string."""
        return integer(self.text(key), f"{self._what}.{key}")

    def fraction(self, key: str) -> Fraction:
        """Take an exact number, written "5" or "5/4"."""
        return fraction(self.text(key), f"{self._what}.{key}")

    def mapping(self, key: str) -> dict[str, Any]:
        """Take an object."""
        value = self.take(key)
        if not isinstance(value, dict):
            raise DecodeError("json", f"{self._what}.{key} is not an object")
        return value

    def items(self, key: str) -> list[Any]:
        """Take an array."""
        value = self.take(key)
        if not isinstance(value, list):
            raise DecodeError("json", f"{self._what}.{key} is not an array")
        return value

    def fractions(self, key: str) -> dict[str, Fraction]:
        """Take an object of exact numbers."""
        return {
            name: fraction(value, f"{self._what}.{key}.{name}") for name, value in self.mapping(key).items()
        }


def fraction(value: Any, what: str) -> Fraction:
    """Read "5" or "5/4" in lowest terms, the one text of that number."""
    match = _FRACTION.fullmatch(value) if isinstance(value, str) else None
    if match is None or len(value) > 2 * limits.MAX_DECIMAL_DIGITS or (match[2] and not int(match[2])):
        raise DecodeError("json", f"{what} is not an exact number", actual=value)
    number = Fraction(int(match[1]), int(match[2] or 1))
    if canonical.fraction_text(number) != value:
        raise DecodeError("json", f"{what} is not in lowest terms", actual=value)
    return number


def integer(value: Any, what: str) -> int:
    """Read the one decimal string of an integer."""
    if not isinstance(value, str) or len(value) > limits.MAX_DECIMAL_DIGITS or not _INTEGER.fullmatch(value):
        raise DecodeError("json", f"{what} is not an integer", actual=value)
    if str(int(value)) != value:
        raise DecodeError("json", f"{what} is not the one text of that integer", actual=value)
    return int(value)


def strings(value: Any, count: int, what: str) -> list[str]:
    """Read an array of exactly `count` strings."""
    if not isinstance(value, list) or len(value) != count or not all(isinstance(item, str) for item in value):
        raise DecodeError("json", f"{what} is not an array of {count} texts")
    return value
