"""Open interest that raises initial rates: what a policy states is held against what is proven."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attestation import bracketed
from tests.attestation.exchange import BACKEND, new_key
from tests.attestation.margined import load
from zkmargin.attestation import build
from zkmargin.attestation.audit import audit_attestation
from zkmargin.attestation.build import Snapshot, attest
from zkmargin.attestation.report import Outcome, Report
from zkmargin.errors import InputError, PolicyError
from zkmargin.inputs.ledger import Ledger

TABLE = '[book.perp.open_interest]\nPERP = { low = "0", high = "100000", value = "%s" }\n\n[book.spot]'


def stated(folder: Path, value: str, publish: str = '"open_interest"') -> tuple[Snapshot, Ledger]:
    """The bracketed exchange, in which one customer is long 4 contracts at 1,000, and what its policy says of that."""
    policy = bracketed.POLICY.replace("[book.spot]", TABLE % value, 1).replace('"requirement"', publish)
    return load(folder, {**bracketed.FILES, "market/policy.toml": policy})


def audited(folder: Path, snapshot: Snapshot, ledger: Ledger) -> Report:
    key = new_key()
    attest(BACKEND, snapshot, ledger, key, folder / "attestation", folder / "private")
    return audit_attestation(BACKEND, folder / "attestation", [key.public]).report


def test_a_statement_that_is_high_enough(tmp_path: Path) -> None:
    snapshot, ledger = stated(tmp_path, "4000")
    report = audited(tmp_path, snapshot, ledger)
    assert report.outcome is Outcome.PASSED
    assert "open interest" in [check.name for check in report.checks]
    initial = snapshot.compile()["perp"].fill(ledger.pots["perp"]).outputs[0, 3]
    assert initial == 400_000 * (0.2 + 0.8 * 0.04)  # 4 % of the way from 20 % to 100 %


def test_a_statement_that_is_too_low_is_not_attested(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"PERP is higher .*at most 3999, got 4000.*state 4000 or more"):
        audited(tmp_path, *stated(tmp_path, "3999"))
    assert not (tmp_path / "attestation").exists()


def test_what_is_sold_counts_where_less_is_bought(tmp_path: Path) -> None:
    """The other side of 7 contracts sold and 4 bought is in no book: 7 are open."""
    positions = bracketed.FILES["ledger/positions.csv"].replace("PERP,-2,-2050", "PERP,-5,-5125")
    for folder, value, open_ in (("low", "6999", False), ("high", "7000", True)):
        policy = bracketed.POLICY.replace("[book.spot]", TABLE % value, 1)
        policy = policy.replace('"requirement"', '"open_interest"')
        files = {**bracketed.FILES, "market/policy.toml": policy, "ledger/positions.csv": positions}
        snapshot, ledger = load(tmp_path / folder, files)
        if open_:
            assert audited(tmp_path / folder, snapshot, ledger).outcome is Outcome.PASSED
        else:
            with pytest.raises(PolicyError, match="at most 6999, got 7000"):
                audited(tmp_path / folder, snapshot, ledger)


def test_an_exchange_that_attests_it_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "require_open_interest", lambda *_: None)
    report = audited(tmp_path, *stated(tmp_path, "3999"))
    failed = [(check.name, check.code) for check in report.checks if check.outcome is not Outcome.PASSED]
    assert failed == [("open interest", "open-interest")]


def test_what_is_stated_must_be_published(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        stated(tmp_path, "4000", publish="")
    assert [(p.column, p.message) for p in caught.value.problems] == [
        ("book.perp.open_interest", "stated and not published")
    ]
