"""How a report of checks is shown: every check, the verdict, and what was not proven."""

from __future__ import annotations

from fractions import Fraction

from zkmargin.attestation.report import Check, Outcome, Report
from zkmargin.cli.output import say

_SIGNS = {Outcome.PASSED: "ok  ", Outcome.FAILED: "FAIL", Outcome.UNDECIDED: "??  ", Outcome.UNMET: "open"}
_STYLES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.UNDECIDED: "yellow",
    Outcome.UNMET: "yellow",
}


def show_report(report: Report) -> None:
    """Write the report for people."""
    for check in report.checks:
        say(
            f"{_SIGNS[check.outcome]} {check.name}: {check.detail}{_difference(check)}", _style(check.outcome)
        )
    for line in report.not_proven:
        say(f"not proven: {line}")
    say(f"{report.subject}: {report.verdict}", _STYLES[report.outcome])


def _style(outcome: Outcome) -> str | None:
    return None if outcome is Outcome.PASSED else _STYLES[outcome]


def _difference(check: Check) -> str:
    if not check.expected and not check.actual:
        return ""
    return f" [expected {check.expected or '-'}, got {check.actual or '-'}]"


def money(quanta: int, quantum: Fraction) -> str:
    """Write an amount of equity quanta in quote currency: cents, rounded half up, and separators. For people only."""
    cents = abs(quanta * quantum) * 100
    rounded = (2 * cents.numerator + cents.denominator) // (2 * cents.denominator)
    whole, part = divmod(rounded, 100)
    return f"{'-' if quanta < 0 and rounded else ''}{whole:,}.{part:02}"
