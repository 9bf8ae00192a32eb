"""Derive's models inside attestations: honest books verify, no requirement can be lowered, no waiver used twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attestation import derived
from tests.attestation.exchange import BACKEND, new_key
from tests.attestation.test_account_rules import (
    OUTPUTS,
    Change,
    Row,
    cheating_report,
    customer,
    failed,
    verify_independently,
)
from zkmargin.attestation.audit import audit_attestation
from zkmargin.attestation.build import Snapshot, attest
from zkmargin.attestation.report import Outcome

MARCH = derived.MARCH
SKEW, NAKED = f"skew[{MARCH}, linear x 40]", f"naked shorts[{MARCH}, 1100]"
WORST, INITIAL = "worst case", "initial requirement, rounded up"
EXPIRY = f"BTC {MARCH}"
OPTIONS, FIRST = f"maintenance options[{EXPIRY}]", f"initial options[{EXPIRY}]"
LOSS, UNPAIRED = f"maximum loss[{EXPIRY}]", f"net short calls[{EXPIRY}]"
SCENARIOS = ("basis contingency", "+1/10 up", "-1/10 down", "+1 up x 1/10", "linear x 40")


def slacks(what: str, **values: int) -> Row:
    return {f"slack:{what} >= {name}": value for name, value in values.items()}


def required(number: int, quanta: int, **columns: int) -> Change:
    """Claim a requirement of the first two customers of a book."""

    def change(rows: list[Row]) -> None:
        equity = sorted((row for row in rows if any(row.values())), key=lambda row: -row["N"])[number]["E"]
        customer(number, R=quanta, surplus=equity - quanta, **columns)(rows)

    return change


def worst(skew: int, value: int, *slack: int) -> Row:
    """Alice's worst case, its slacks by scenario, and her skew loss."""
    named = dict(zip(SCENARIOS, slack, strict=True))
    return {f"max:{SKEW}": skew, f"max:{WORST}": value, **slacks(WORST, **named)}


def initial(quanta: int, slack: int) -> Row:
    """An initial requirement in margin quanta, and what its rounding leaves."""
    return {"I": 100 * quanta, f"max:{INITIAL}": quanta, f"slack:{INITIAL} >= sum": slack}


def better(value: int, *, isolated: int, loss: int) -> Row:
    """The options' requirement in standard margin, and its slacks."""
    return {
        f"max:{OPTIONS}": value,
        **slacks(OPTIONS, **{"better, isolated": isolated, "better, maximum loss": loss}),
    }


# Alice's worst case is the gain of a turned smile, 114; without it the basis contingency, 1, would be left. Bob sold
# 4 calls of 1,100 that nothing covers: 12 in R. Carol's call spread loses 200 at most, less 76 that she was paid. Dora
# sold a call: isolated 122, less its mark of 47.
CHEATS: dict[str, tuple[str, str, Change]] = {
    "a requirement lowered by one quantum": ("portfolio", "R", required(0, 14_000)),
    "one quantum less, and everything that follows from it": (
        "portfolio",
        f"{SKEW} >= gain, owed",
        required(
            0,
            14_000,
            **worst(113, 113, 112, 204, 118, 224, 0),
            **slacks(SKEW, **{"loss": 224, "gain, held": 1_450, "gain, owed": 0}),
            **initial(5_732, 9),
        ),
    ),
    "a skew gain waived on both sides": (
        "portfolio",
        f"{SKEW}, gain: at most 1 waived",
        required(
            0,
            2_800,
            **worst(0, 1, 0, 92, 6, 112, 1),
            **slacks(SKEW, **{"loss": 111, "gain, held": 1_337, "gain, owed": 188}),
            **{f"waive:{SKEW} >= gain, owed": 1},
            **initial(5_592, 9),
        ),
    ),
    "a naked short left off": (
        "portfolio",
        f"{NAKED} >= value",
        required(1, 21_600, **{f"max:{NAKED}": 0}, **initial(4_272, 9)),
    ),
    "an initial requirement lowered by one quantum": (
        "portfolio",
        f"{INITIAL} >= sum",
        customer(1, **initial(4_291, 0)),
    ),
    "a standard requirement lowered by one quantum": ("standard", "R", required(0, 12_300)),
    "isolated margin and maximum loss both waived": (
        "standard",
        f"{OPTIONS}, better: at most 1 waived",
        required(
            0, 0, **better(0, isolated=1_730, loss=18_206), **{f"waive:{OPTIONS} >= better, maximum loss": 1}
        ),
    ),
    "a maximum loss left off": (
        "standard",
        f"{LOSS} >= at 1100",
        required(
            0,
            0,
            **{f"max:{LOSS}": 0},
            **better(0, isolated=1_730, loss=76),
            **slacks(FIRST, **{"better, maximum loss": 2_200}),
        ),
    ),
    "a call sold that nothing pairs": (
        "standard",
        f"{UNPAIRED} >= value",
        required(
            1,
            0,
            **{
                f"max:{UNPAIRED}": 0,
                f"waive:{OPTIONS} >= better, isolated": 1,
                f"waive:{OPTIONS} >= better, maximum loss": 0,
            },
            **better(0, isolated=1_899, loss=47),
            **slacks(FIRST, **{"better, maximum loss": 219_630}),
        ),
    ),
}


def broken(snapshot: Snapshot, book: str, row: Row) -> set[str]:
    """Names of the equations that a row does not satisfy."""
    circuit = snapshot.compile()[book].circuit
    values = [row.get(name, 0) for name in (*OUTPUTS, *(column.name for column in circuit.columns))]
    return {
        equation.name for equation in circuit.equations if sum(c * values[at] for at, c in equation.terms)
    }


@pytest.mark.parametrize("book, rule, change", CHEATS.values(), ids=CHEATS)
def test_rows_that_claim_less(
    book: str, rule: str, change: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, ledger = derived.inputs(tmp_path)
    found: set[str] = set()

    def in_its_book(rows: list[Row]) -> None:
        if any(WORST in name for row in rows for name in row) == (book == "portfolio"):
            change(rows)
            found.update(*(broken(snapshot, book, row) for row in rows))

    report = cheating_report(tmp_path, (snapshot, ledger), in_its_book, monkeypatch)
    assert failed(report) == {f"account rules of {book}"}
    assert found == {rule}


def test_honest_books_pass(tmp_path: Path) -> None:
    key, inputs = new_key(), derived.inputs(tmp_path)
    attested = attest(BACKEND, *inputs, key, tmp_path / "attestation", tmp_path / "private")
    assert verify_independently(tmp_path / "attestation", inputs[0]) == attested.digest
    assert audit_attestation(BACKEND, tmp_path / "attestation", [key.public]).report.outcome is Outcome.PASSED
