"""All exceptions of zkmargin, and the exit code that a command gives each.

ZkmarginError
  +-- UsageError            2  usage or configuration
  |     +-- InputError         problems of input files, all of them, with file, row and column
  |     +-- PolicyError        the policy or the market cannot be used as it stands
  |     +-- CircuitError       a rule that a linear margin circuit cannot carry
  |           +-- CurvatureError   a convex term where only a concave one is sound, or the reverse
  +-- VerificationError     1  shown false: a signature, digest, root, total, proof or opening does not hold
  |     +-- DecodeError        bytes that are not the one encoding of any value
  +-- UndecidedError        3  cannot decide: missing, unreadable, of an unknown version
  +-- UnmetPolicyError      4  nothing false, but the verifier's own policy is not met

An exception that says "false" is raised, never returned: no caller can forget to look at a bool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class ZkmarginError(Exception):
    """Base of all errors; `code` is stable, the rest is for people."""

    exit_code = 70

    def __init__(
        self,
        code: str,
        message: str,
        *,
        expected: object = None,
        actual: object = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.expected = expected
        self.actual = actual
        self.hint = hint

    def __str__(self) -> str:
        text = self.message
        known = (("expected", self.expected), ("got", self.actual))
        if details := ", ".join(f"{word} {value}" for word, value in known if value is not None):
            text += f" ({details})"
        if self.hint:
            text += f"; {self.hint}"
        return text


class UsageError(ZkmarginError):
    """Wrong usage or configuration."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One fault of an input file. `row` counts from 1 with the header as row 1; None where the whole file is meant."""

    file: str
    row: int | None
    column: str | None
    value: str | None
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        place = self.file + (f":{self.row}" if self.row is not None else "")
        column = f" [{self.column}]" if self.column else ""
        value = f" {self.value!r}" if self.value is not None else ""
        return f"{place}{column}{value}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class InputError(UsageError):
    """Problems of input files: all of them, up to `limits.MAX_PROBLEMS`."""

    def __init__(self, problems: Sequence[Problem], truncated: int = 0) -> None:
        self.problems = tuple(problems)
        self.truncated = truncated
        more = f"\n... and {truncated} more" if truncated else ""
        super().__init__("input", "\n".join(map(str, self.problems)) + more)


class PolicyError(UsageError):
    """The policy or the market cannot be used as it stands."""


class CircuitError(UsageError):
    """A rule, a parameter or an account that a linear margin circuit cannot carry."""


class CurvatureError(CircuitError):
    """A convex term stands where only a concave one is sound, or the reverse."""


class VerificationError(ZkmarginError):
    """Shown false."""

    exit_code = 1


class DecodeError(VerificationError):
    """Bytes that are not the one encoding of any value."""


class UndecidedError(ZkmarginError):
    """Missing, unreadable or of an unknown version: neither true nor false."""

    exit_code = 3


class UnmetPolicyError(ZkmarginError):
    """Nothing false was found, but what the verifier demanded is not met."""

    exit_code = 4
