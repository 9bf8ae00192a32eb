"""Expected shortfall, closing costs and sensitivities inside attestations: honest books verify, nothing less does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attestation import cleared
from tests.attestation.exchange import BACKEND, new_key
from tests.attestation.test_account_rules import (
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
from zkmargin.inputs.ledger import Ledger

ES, LONG = "expected shortfall joint", "liquidity PERP long"


def required(number: int, quanta: int, **columns: int) -> Change:
    """Claim a requirement of the first customers: 5,000 USD of alice, 900 of bob, 2,760 of carol."""
    equity = (500_000, 90_000)[number]
    return customer(number, R=quanta, I=quanta, surplus=equity - quanta, **columns)


def desk(quanta: int, **columns: int) -> Change:
    """Claim a requirement of carol, who is alone in her book."""
    rounded = {
        "max:requirement, rounded up": quanta // 100,
        "max:initial requirement, rounded up": quanta // 100,
    }
    return customer(0, R=quanta, I=quanta, surplus=276_000 - quanta, **rounded, **columns)


CHEATS: dict[str, tuple[str, Change]] = {
    "a requirement lowered by one quantum": ("cleared", required(0, 16_499)),
    "a mean of the worst two that is one day's": ("cleared", required(0, 11_500, **{f"es:{ES}": 100})),
    "the worst day left out": (
        "cleared",
        required(0, 6_500, **{f"es:{ES}": 50, f"excess:{ES}.mon": 0}),
    ),
    "a threshold below every loss, without excesses": (
        "cleared",
        required(
            0,
            1_500,
            **{f"es:{ES}": 0, f"threshold:{ES}.down": 200, f"excess:{ES}.mon": 0, f"excess:{ES}.tue": 0},
        ),
    ),
    "a long closed at the best bid alone": (
        "cleared",
        required(
            0, 16_000, **{f"tier:{LONG}.0": 1, f"tier:{LONG}.1": 0, f"part:{LONG}.0": 2, f"part:{LONG}.1": 0}
        ),
    ),
    "a short that pays nothing to be closed": (
        "cleared",
        required(
            1,
            15_000,
            **{f"{what}:liquidity PERP short{end}": 0 for what, end in (("on", ""), ("tier", ".1"))},
        ),
    ),
    "a requirement of sensitivities lowered by one quantum": ("desk", desk(28_300)),
    "a short gamma forgiven": ("desk", desk(25_400, **{"max:short gamma BTC": 0})),
    "a norm shorter than its legs": ("desk", desk(15_000, **{"norm:delta.2.0": 56})),
    "a negative delta without its size": (
        "desk",
        desk(20_000, **{"size:delta.delta 1": 0, "norm:delta.2.0": 106}),
    ),
}


@pytest.mark.parametrize("book, change", CHEATS.values(), ids=CHEATS)
def test_rows_that_claim_less(
    book: str, change: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_its_book(rows: list[Row]) -> None:
        if any("gamma" in name for row in rows for name in row) == (book == "desk"):
            change(rows)

    report = cheating_report(tmp_path, cleared.inputs(tmp_path), in_its_book, monkeypatch)
    assert failed(report) == {f"account rules of {book}"}


LEG_CHEATS: dict[str, Change] = {
    "a requirement lowered by one quantum": required(0, 14_999),
    "a leg charged less than its expected shortfall": required(0, 14_900, **{"max:alone": 149}),
    "legs of two units of which one is charged": required(1, 15_000, **{"max:alone": 150}),
    "a leg that nobody charges": required(0, 0, **{"max:alone": 0}),
    "a leg that is not there": required(0, 0, **{"max:alone": 0, "alone[PERP].long.1": 0}),
    "a leg against a position": required(
        0, 0, **{"max:alone": 0, "alone[PERP].long.1": 0, "position[PERP].long.1": 1}
    ),
}


@pytest.mark.parametrize("change", LEG_CHEATS.values(), ids=LEG_CHEATS)
def test_legs_that_claim_less(change: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_its_book(rows: list[Row]) -> None:
        if any("alone" in name for row in rows for name in row):
            change(rows)

    report = cheating_report(tmp_path, cleared.legs(tmp_path), in_its_book, monkeypatch)
    assert failed(report) == {"account rules of cleared"}


@pytest.mark.parametrize("made", [cleared.inputs, cleared.legs])
def test_honest_books_pass(made: Callable[[Path], tuple[Snapshot, Ledger]], tmp_path: Path) -> None:
    key, inputs = new_key(), made(tmp_path)
    attested = attest(BACKEND, *inputs, key, tmp_path / "attestation", tmp_path / "private")
    assert verify_independently(tmp_path / "attestation", inputs[0]) == attested.digest
    assert audit_attestation(BACKEND, tmp_path / "attestation", [key.public]).report.outcome is Outcome.PASSED
