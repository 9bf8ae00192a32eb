"""Attesting: complete or not at all, deterministic, and nothing secret outside the private folder."""

from __future__ import annotations

import itertools
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.attestation import cleared, margined
from tests.attestation.exchange import ALICE, BACKEND, BOB, Exchange, inputs, new_key, open_exchange
from zkmargin.attestation.audit import audit_attestation
from zkmargin.attestation.book import BookSecrets, commit_book
from zkmargin.attestation.build import Snapshot, attest
from zkmargin.attestation.report import Outcome, Report
from zkmargin.bundle_verifier import Identity
from zkmargin.circuits.fill import Program
from zkmargin.circuits.witness import Witness
from zkmargin.errors import UnmetPolicyError, UsageError, ZkmarginError
from zkmargin.inputs import load_ledger
from zkmargin.inputs.ledger import Ledger
from zkmargin.margin.accounts import calculate_all
from zkmargin.secrets import EpochKey
from zkmargin.sparse import SparseValues


def outcomes(report: Report) -> dict[str, Outcome]:
    return {check.name: check.outcome for check in report.checks}


def test_audit_proves_everything_that_it_claims(exchange: Exchange) -> None:
    report = exchange.audit().report
    assert report.outcome is Outcome.PASSED
    assert {"tree of spot", "totals of spot", "account rules of spot"} <= set(outcomes(report))
    assert any(line.startswith("assets:") for line in report.not_proven)
    report.raise_unless_verified()


def test_audit_without_a_trusted_key_is_not_enough(exchange: Exchange) -> None:
    report = audit_attestation(BACKEND, exchange.attestation, []).report
    assert {name for name, outcome in outcomes(report).items() if outcome is not Outcome.PASSED} == {
        "trusted key"
    }
    with pytest.raises(UnmetPolicyError):
        report.raise_unless_verified()


def test_totals_are_those_of_the_ledger(exchange: Exchange) -> None:
    totals = dict(exchange.attested.header.books[0].totals)
    assert totals == {"deposits:USD": 110, "loans:USD": 5, "owed": 110, "bad_debt": 5, "shortfall": 5}


def test_every_customer_verifies(exchange: Exchange) -> None:
    for account, identity in (("1", ALICE), ("2", BOB), ("3", Identity("30003"))):
        result = exchange.verify(exchange.signed(exchange.bundle(account)), identity)
        assert result.report.outcome is Outcome.PASSED, result.report.checks
    assert len(exchange.bundle("2").leaves) == 2  # the isolated pot is a leaf of its own


def test_an_identity_that_the_exchange_assigned_is_said(exchange: Exchange) -> None:
    result = exchange.verify(exchange.signed(exchange.bundle("3")), Identity("30003"))
    detail = next(check.detail for check in result.report.checks if check.name == "identity")
    assert "a clash with another customer is not excluded" in detail


def test_operator_report_names_the_unhealthy(exchange: Exchange) -> None:
    report = json.loads((exchange.folder / "private" / "report.json").read_text())
    assert report["accounts"] == 3 and report["books"]["spot"]["pots"] == 4
    (unhealthy,) = report["books"]["spot"]["unhealthy"]
    assert (unhealthy["account"], unhealthy["bad_debt"], unhealthy["level"]) == ("3", "5", "liquidation")


@pytest.mark.parametrize("made", [inputs, margined.inputs, cleared.inputs])
def test_the_report_is_of_the_committed_rows_in_the_order_of_the_ledger(
    made: Callable[[Path], tuple[Snapshot, Ledger]], tmp_path: Path
) -> None:
    """Rows are filled once, in their places; figures are those of the calculator, pot by pot."""
    snapshot, ledger = made(tmp_path)
    compiled = snapshot.compile()
    expected = calculate_all(snapshot.policy, snapshot.table, ledger.pots, compiled)
    for name, pots in ledger.pots.items():
        book = snapshot.policy.books[name]
        secrets = BookSecrets.derive(EpochKey(bytes(32)), *[bytes(32)] * 3, book, pots, BACKEND.order)
        figures = commit_book(BACKEND, compiled[name], pots, secrets, b"").figures(book)
        for what in ("net", "equity", "requirement", "initial"):
            assert getattr(figures, what).tolist() == getattr(expected[name], what).tolist()
        assert figures.labels == pots.labels


def test_public_files_name_no_customer(exchange: Exchange) -> None:
    published = b"".join(path.read_bytes() for path in exchange.attestation.iterdir())
    for secret in (b"alice", b"bob@", b"30003", (exchange.folder / "private" / "epoch.key").read_bytes()):
        assert secret not in published
    assert len(exchange.attested.header.books[0].totals) and exchange.attested.header.books[0].leaves == 8


def test_private_folder_is_closed(exchange: Exchange) -> None:
    folder = exchange.folder / "private"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_same_inputs_same_folder_same_bytes(tmp_path: Path) -> None:
    first = open_exchange(tmp_path)
    attest(BACKEND, first.snapshot, first.ledger, first.key, tmp_path / "again", tmp_path / "private")
    files = {path.name: path.read_bytes() for path in first.attestation.iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()}


def test_other_inputs_are_refused_in_a_used_private_folder(tmp_path: Path) -> None:
    first = open_exchange(tmp_path)
    snapshot, ledger = inputs(tmp_path, bob=8)
    with pytest.raises(UsageError, match="belongs to another snapshot"):
        attest(BACKEND, snapshot, ledger, first.key, tmp_path / "second", tmp_path / "private")
    assert not (tmp_path / "second").exists()


def test_a_new_epoch_key_blinds_anew(tmp_path: Path) -> None:
    one, two = open_exchange(tmp_path / "a"), open_exchange(tmp_path / "b")
    a, b = one.bundle("1").leaves[0], two.bundle("1").leaves[0]
    assert {a.a, a.b, a.salt} & {b.a, b.b, b.salt} == set()


def test_blindings_change_with_the_input_under_one_epoch_key(tmp_path: Path) -> None:
    from zkmargin.attestation.book import BookSecrets
    from zkmargin.secrets import EpochKey

    snapshot, ledger = inputs(tmp_path)
    book, pots = snapshot.policy.books["spot"], ledger.pots["spot"]

    def secrets(ledger_digest: bytes, policy: bytes, risk: bytes) -> set[int]:
        made = BookSecrets.derive(EpochKey(b"k" * 32), ledger_digest, policy, risk, book, pots, BACKEND.order)
        return {*made.a, *made.b}

    digest = b"0" * 32
    base = secrets(digest, digest, digest)
    for changed in ((b"1" * 32, digest, digest), (digest, b"1" * 32, digest), (digest, digest, b"1" * 32)):
        assert not base & secrets(*changed)
    assert len(base) == 16  # a and b of eight leaves, padding included, all different


def test_another_circuit_is_another_input(exchange: Exchange) -> None:
    """The same files under a compiler that changed: no blinding may meet two rows."""
    compiled = exchange.snapshot.compile()
    before = exchange.snapshot.input_digest(exchange.ledger, compiled)
    book = compiled["spot"]
    other = replace(book, circuit=replace(book.circuit, name="another"))
    assert exchange.snapshot.input_digest(exchange.ledger, {"spot": other}) != before


def test_existing_target_is_not_touched(exchange: Exchange) -> None:
    before = sorted(exchange.attestation.iterdir())
    with pytest.raises(UsageError, match="exists already"):
        attest(
            BACKEND,
            exchange.snapshot,
            exchange.ledger,
            exchange.key,
            exchange.attestation,
            exchange.folder / "private",
        )
    assert sorted(exchange.attestation.iterdir()) == before


def test_a_readable_private_folder_is_refused(tmp_path: Path) -> None:
    snapshot, ledger = inputs(tmp_path)
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(UsageError, match="can be read by others"):
        attest(BACKEND, snapshot, ledger, new_key(), tmp_path / "attestation", tmp_path / "open")


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    from zkmargin.files import locked

    snapshot, ledger = inputs(tmp_path)
    (tmp_path / "private").mkdir(mode=0o700)
    with locked(tmp_path / "private"), pytest.raises(UsageError, match="in use by another run"):
        attest(BACKEND, snapshot, ledger, new_key(), tmp_path / "attestation", tmp_path / "private")


ROOT = Path(__file__).resolve().parents[2]
WRITES = range(12)


@pytest.mark.parametrize("fails_at", WRITES)
def test_a_full_disk_leaves_no_attestation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    """Whatever write fails: no attestation, no temporary folder, and the next run succeeds in the same folders."""
    snapshot, ledger = inputs(tmp_path)
    key, left, real = new_key(), [fails_at], os.fsync

    def fsync(handle: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space"):
        attest(BACKEND, snapshot, ledger, key, tmp_path / "attestation", tmp_path / "private")
    monkeypatch.undo()
    assert {path.name for path in tmp_path.iterdir()} <= {"market", "ledger", "private"}
    attest(BACKEND, snapshot, ledger, key, tmp_path / "attestation", tmp_path / "private")
    assert (tmp_path / "attestation" / "manifest.json").exists()


DYING = """
import os, signal, sys
from pathlib import Path
from tests.attestation import cleared, margined
from tests.attestation.exchange import open_exchange
left = [int(sys.argv[2])]
def dying(real):
    def rename(source, target):
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        real(source, target)
    return rename
os.rename, os.replace = dying(os.rename), dying(os.replace)
open_exchange(Path(sys.argv[1]))
"""


def killed_at(step: int, folder: Path) -> bool:
    """Attest in a process that is killed (signal 9) at its `step`-th rename; tell whether it got that far."""
    command = [sys.executable, "-c", DYING, str(folder), str(step)]
    code = subprocess.run(command, check=False, cwd=ROOT).returncode
    assert code in (0, -signal.SIGKILL)
    return code != 0


def test_killed_at_any_durable_write(tmp_path: Path) -> None:
    """Kill -9 before any rename leaves no attestation, and the next run in the same folders completes."""
    for step in itertools.count():
        folder = tmp_path / str(step)
        folder.mkdir()
        if not killed_at(step, folder):
            break
        assert not (folder / "attestation").exists()
        snapshot, ledger = inputs(folder)
        attest(BACKEND, snapshot, ledger, new_key(), folder / "attestation", folder / "private")
        files = {path.name for path in (folder / "private").iterdir()}
        assert not any(name.endswith(".partial") for name in files)
    assert step == 8  # epoch key and its note, openings (2), tree, report, snapshot; at last the attestation


def test_a_vanished_market_is_said(tmp_path: Path) -> None:
    snapshot, _ = inputs(tmp_path)
    (tmp_path / "ledger" / "balances.csv").unlink()
    with pytest.raises(ZkmarginError, match="balances"):
        load_ledger(tmp_path / "ledger", snapshot.policy, snapshot.market)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes into read-only folders")
def test_a_read_only_folder_leaves_nothing(tmp_path: Path) -> None:
    snapshot, ledger = inputs(tmp_path)
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    with pytest.raises(OSError, match="ermission"):
        attest(BACKEND, snapshot, ledger, new_key(), shut / "attestation", tmp_path / "private")
    assert not list(shut.iterdir())


def test_secrets_are_never_readable_by_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even while they are written: every file of the private folder is made with its mode."""
    modes: dict[str, int] = {}
    real = os.open

    def spy(path: object, flags: int, mode: int = 0o777, **options: object) -> int:
        if flags & os.O_CREAT:
            modes[Path(str(path)).parent.name] = modes.get(Path(str(path)).parent.name, 0) | mode
        return real(path, flags, mode, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", spy)
    old = os.umask(0)
    try:
        open_exchange(tmp_path)
    finally:
        os.umask(old)
    assert modes["private"] == 0o600
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "private").iterdir()} == {0o600}


def test_a_bundle_whose_row_breaks_an_equation_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same faulty witness on both sides: commitments agree, and only the equations themselves tell."""
    honest = Program.run

    def faulty(program: Program, values: object, rows: int, *names: object) -> Witness:
        witness = honest(program, values, rows, *names)  # type: ignore[arg-type]
        names = [column.name for column in witness.circuit.columns]
        owed = names.index("owed")
        column = witness.auxiliary[owed]
        changed = SparseValues(column.rows, column.values + 1)
        return replace(witness, auxiliary={**witness.auxiliary, owed: changed})

    monkeypatch.setattr(Program, "run", faulty)
    exchange = open_exchange(tmp_path)
    report = exchange.verify(exchange.signed(exchange.bundle("1")), ALICE).report
    assert [check.code for check in report.checks if check.outcome is Outcome.FAILED] == ["equation"]
