"""Books of brackets and of pledges inside attestations: honest ones verify, no customer can take another tier."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attestation import bracketed
from tests.attestation.exchange import BACKEND, new_key
from tests.attestation.test_account_rules import (
    Change,
    cheating_report,
    customer,
    failed,
    verify_independently,
)
from zkmargin.attestation.build import attest

PERP, LOAN = "brackets PERP", "haircut BTC in loan"


def tiers(name: str, *values: tuple[int, int, int]) -> dict[str, int]:
    """Columns of a group: bit, part and slack of each tier, and the bit of them all."""
    columns = {f"on:{name}": min(1, sum(bit for bit, _, _ in values))}
    for t, (bit, part, slack) in enumerate(values):
        columns |= {f"tier:{name}.{t}": bit, f"part:{name}.{t}": part}
        columns |= {f"slack:{name}: tier {t} holds its part": slack}
    return columns


NO_TIER = ((0, 0, 0), (0, 0, 0))
CHEATS: dict[str, tuple[str, Change]] = {
    "a requirement lowered by one quantum": ("perp", customer(0, R=24_999, surplus=485_001)),
    "an initial requirement lowered by one quantum": ("perp", customer(0, I=79_999)),
    "initial rates as if they were marginal": ("perp", customer(0, I=50_000)),
    "four lots in the tier that ends at two": (
        "perp",
        customer(0, **tiers(PERP, (1, 1, 0), (0, 0, 0)), R=20_000, I=40_000, surplus=490_000),
    ),
    "a position without a tier": (
        "perp",
        customer(0, **tiers(PERP, *NO_TIER), R=0, I=0, surplus=510_000),
    ),
    "first lots without a charge": ("perp", customer(1, R=5_000, surplus=90_000)),
    "two tiers at once": ("perp", customer(1, **tiers(PERP, (1, 1, 0), (1, 0, 12)))),
    "three bitcoin in the first haircut tier": (
        "spot",
        customer(0, **tiers(LOAN, (1, 3, 0), (0, 0, 0)), E=120_000, surplus=120_000),
    ),
    "a pledge without a haircut": (
        "spot",
        customer(0, **tiers(LOAN, *NO_TIER), E=150_000, surplus=150_000),
    ),
}


@pytest.mark.parametrize("book, change", CHEATS.values(), ids=CHEATS)
def test_rows_that_break_a_rule(
    book: str, change: Callable[[list[dict[str, int]]], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_its_book(rows: list[dict[str, int]]) -> None:
        if any(name.startswith("position") for row in rows for name in row) == (book == "perp"):
            change(rows)

    report = cheating_report(tmp_path, bracketed.inputs(tmp_path), in_its_book, monkeypatch)
    assert failed(report) == {f"account rules of {book}"}


def test_unaltered_rows_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = cheating_report(tmp_path, bracketed.inputs(tmp_path), lambda rows: None, monkeypatch)
    assert failed(report) == set()


def test_the_independent_verifier_accepts_both_books(tmp_path: Path) -> None:
    snapshot, ledger = bracketed.inputs(tmp_path)
    attested = attest(BACKEND, snapshot, ledger, new_key(), tmp_path / "attestation", tmp_path / "private")
    assert verify_independently(tmp_path / "attestation", snapshot) == attested.digest
