"""The chain of snapshots: an attestation names the one before, and an auditor who holds that one checks it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from malicious.dishonest import Lies, cheat, failed, removed

from tests.attestation.exchange import ALICE, Exchange, inputs, new_key, open_exchange
from tests.attestation.forging import Forgery
from zkmargin.attestation import audit
from zkmargin.attestation.header import SUITE
from zkmargin.attestation.manifest import Manifest
from zkmargin.attestation.report import Outcome
from zkmargin.errors import UndecidedError

Patch = pytest.MonkeyPatch
TOMORROW = "2026-01-02T00:00:00Z"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    return open_exchange(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory, first: Exchange) -> Exchange:
    folder = tmp_path_factory.mktemp("second")
    return open_exchange(folder, first.key, time=TOMORROW, previous=first.attested.digest)


def verdicts(exchange: Exchange, previous: Path) -> list[str]:
    return failed(exchange.audit(previous=previous).report)


def test_a_chain(first: Exchange, second: Exchange) -> None:
    report = second.audit(previous=first.attestation).report
    assert report.outcome is first.audit().report.outcome
    detail = next(check.detail for check in report.checks if check.name == "previous")
    assert detail == "follows the attestation given"


def test_what_is_said_without_the_previous_one(first: Exchange, second: Exchange) -> None:
    for exchange, text in ((first, "the first of its chain"), (second, "not compared (--previous)")):
        details = [check.detail for check in exchange.audit().report.checks if check.name == "previous"]
        assert len(details) == 1
        assert text in details[0]


def follows(patch: Patch, folder: Path, before: Exchange, **changes: object) -> Exchange:
    """A successor whose exchange says that it follows `before`."""
    honest = inputs(folder, previous=before.attested.digest, **changes)  # type: ignore[arg-type]
    return cheat(patch, folder, Lies(), honest, before.key)


@pytest.mark.parametrize(
    "changes",
    [{}, {"time": "2025-12-31T23:59:59Z"}, {"time": TOMORROW, "exchange": "Other"}],
    ids=["the same time", "an earlier time", "another exchange"],
)
def test_successors_that_are_none(
    first: Exchange, tmp_path: Path, monkeypatch: Patch, changes: dict[str, object]
) -> None:
    """They name the digest of what they claim to follow, and still do not follow it."""
    cheating = follows(monkeypatch, tmp_path, first, **changes)
    assert verdicts(cheating, first.attestation) == ["previous"]
    with removed(monkeypatch, lambda patch: patch.setattr(audit, "_check_previous", lambda *_: None)):
        assert verdicts(cheating, first.attestation) == []


def test_another_predecessor(first: Exchange, second: Exchange, tmp_path: Path) -> None:
    """A fork: two attestations of one snapshot, of which the successor follows one."""
    fork = open_exchange(tmp_path, first.key, bob=8)
    assert verdicts(second, fork.attestation) == ["previous"]
    assert verdicts(first, second.attestation) == ["previous"]
    assert verdicts(second, second.attestation) == ["previous"]


def test_a_predecessor_of_an_untrusted_key(tmp_path: Path) -> None:
    before = open_exchange(tmp_path / "before")
    after = open_exchange(tmp_path / "after", new_key(), time=TOMORROW, previous=before.attested.digest)
    assert verdicts(after, before.attestation) == ["previous"]


def test_a_predecessor_altered(first: Exchange, second: Exchange, tmp_path: Path) -> None:
    forgery = Forgery.of(first.attestation)
    forgery.book["totals"][0][1] = "111"
    assert verdicts(second, forgery.write(tmp_path / "unsigned")) == ["previous"]
    forgery.sign(first.key)
    assert verdicts(second, forgery.write(tmp_path / "signed")) == ["previous"]


def test_a_predecessor_that_cannot_be_read(second: Exchange, tmp_path: Path) -> None:
    assert second.audit(previous=tmp_path / "nothing").report.outcome is Outcome.UNDECIDED


def test_the_previous_digest_altered(first: Exchange, second: Exchange, tmp_path: Path) -> None:
    """It is in the header, hence in the snapshot digest that every proof begins with."""
    for number, previous in enumerate(("", "00" * 32)):
        forgery = Forgery.of(second.attestation)
        forgery.header["previous"] = previous
        forgery.sign(second.key)
        report = second.audit(forgery.write(tmp_path / str(number))).report
        assert "totals of spot" in failed(report)
    moved = replace(second, folder=first.folder)
    assert "bundle snapshot" in failed(moved.verify(second.signed(second.bundle("1")), ALICE).report)


def test_an_unknown_suite_is_undecided(exchange: Exchange) -> None:
    """Another suite may be right: this release cannot tell."""
    data = (exchange.attestation / "manifest.json").read_bytes()
    with pytest.raises(UndecidedError, match="unknown suite"):
        Manifest.from_bytes(data.replace(SUITE.encode(), SUITE.encode()[:-1] + b"2"))


def test_an_unknown_circuit_version_is_undecided(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zkmargin.attestation.public.CIRCUIT_VERSIONS", (2,))
    report = exchange.audit().report
    assert report.outcome is Outcome.UNDECIDED
    assert (
        next(check for check in report.checks if check.outcome is Outcome.UNDECIDED).code == "circuit-version"
    )
