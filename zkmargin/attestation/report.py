"""What a verification looked at: every check by name, with its outcome, so that a verdict can say what it rests on."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from zkmargin.canonical import Json
from zkmargin.errors import UndecidedError, UnmetPolicyError, VerificationError, ZkmarginError

T = TypeVar("T")


class Outcome(enum.Enum):
    """Outcome of a check; the value is the exit code that it asks for."""

    PASSED = 0
    FAILED = 1
    UNDECIDED = 3
    UNMET = 4


_WORST_FIRST = (Outcome.FAILED, Outcome.UNDECIDED, Outcome.UNMET, Outcome.PASSED)
_WORDS = {
    Outcome.PASSED: "VERIFIED",
    Outcome.FAILED: "INVALID",
    Outcome.UNDECIDED: "CANNOT DECIDE",
    Outcome.UNMET: "NOT FULLY VERIFIED",
}


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the worst outcome; UNDECIDED if there is none at all."""
    return next((outcome for outcome in _WORST_FIRST if outcome in outcomes), Outcome.UNDECIDED)


@dataclass(frozen=True)
class Check:
    """One check: what it says when it passed, or what was expected and found when it did not."""

    name: str
    outcome: Outcome
    detail: str
    code: str = ""
    expected: str = ""
    actual: str = ""


@dataclass
class Report:
    """Checks in the order in which they were made, and what was deliberately not proven."""

    subject: str
    checks: list[Check] = field(default_factory=list)
    not_proven: list[str] = field(default_factory=list)

    def check(
        self, name: str, action: Callable[[], T], detail: str | Callable[[T], str] = "holds"
    ) -> T | None:
        """Run one check and record it; return its result, or None if it did not pass."""
        try:
            result = action()
        except VerificationError as error:
            self._record(name, Outcome.FAILED, error)
        except UndecidedError as error:
            self._record(name, Outcome.UNDECIDED, error)
        except UnmetPolicyError as error:
            self._record(name, Outcome.UNMET, error)
        else:
            self.passed(name, detail(result) if callable(detail) else detail)
            return result
        return None

    def passed(self, name: str, detail: str) -> None:
        """Record a check that holds."""
        self.checks.append(Check(name, Outcome.PASSED, detail))

    def unmet(self, name: str, detail: str) -> None:
        """Record something that nobody showed false, but that the verifier's policy asks for."""
        self.checks.append(Check(name, Outcome.UNMET, detail))

    def _record(self, name: str, outcome: Outcome, error: ZkmarginError) -> None:
        message = error.message + (f"; {error.hint}" if error.hint else "")
        expected, actual = ("" if value is None else str(value) for value in (error.expected, error.actual))
        self.checks.append(Check(name, outcome, message, error.code, expected, actual))

    @property
    def outcome(self) -> Outcome:
        """Return the worst outcome: false before undecided before unmet before passed."""
        return worst([check.outcome for check in self.checks])

    @property
    def verdict(self) -> str:
        """Return the verdict in words."""
        return _WORDS[self.outcome]

    def raise_unless_verified(self) -> None:
        """Raise the error of the worst check, unless all passed."""
        outcome = self.outcome
        if outcome is Outcome.PASSED:
            return
        kinds = {
            Outcome.FAILED: VerificationError,
            Outcome.UNDECIDED: UndecidedError,
            Outcome.UNMET: UnmetPolicyError,
        }
        worst = next((check for check in self.checks if check.outcome is outcome), None)
        if worst is None:
            raise UndecidedError("empty", f"{self.subject}: nothing was checked")
        raise kinds[outcome](
            worst.code or worst.name,
            f"{worst.name}: {worst.detail}",
            expected=worst.expected or None,
            actual=worst.actual or None,
        )

    def to_json(self) -> dict[str, Json]:
        """Return the report with a stable schema (docs/formats.md)."""
        return {
            "subject": self.subject,
            "verdict": self.verdict,
            "exit_code": self.outcome.value,
            "checks": [
                {
                    "name": check.name,
                    "outcome": check.outcome.name.lower(),
                    "detail": check.detail,
                    "code": check.code,
                    "expected": check.expected,
                    "actual": check.actual,
                }
                for check in self.checks
            ],
            "not_proven": list(self.not_proven),
        }
