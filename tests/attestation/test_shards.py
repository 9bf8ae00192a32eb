"""A book in several shards: one proof each, all of them wanted, and the same bytes whatever does the work."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.attestation.exchange import BACKEND, Exchange, open_exchange
from tests.attestation.forging import Forgery
from zkmargin.attestation.audit import audit_attestation
from zkmargin.attestation.report import Outcome, Report
from zkmargin.signing import generate

ROOT = Path(__file__).resolve().parents[2]
FIRST, SECOND = "liabilities/spot/0", "liabilities/spot/1"


@pytest.fixture(scope="module")
def sharded(tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    """Eight leaves in two shards of four."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zkmargin.attestation.header.SHARD_LOG2", 2)
        return open_exchange(tmp_path_factory.mktemp("sharded"))


def audited(sharded: Exchange, forgery: Forgery, target: Path) -> Report:
    forgery.digest_again()
    forgery.sign(sharded.key)
    forgery.write(target)
    return audit_attestation(BACKEND, target, [sharded.key.public]).report


def test_every_shard_has_its_proof(sharded: Exchange) -> None:
    (book,) = sharded.attested.header.books
    assert (book.leaves, book.shard_log2, book.shards) == (8, 2, 2)
    assert sharded.audit().report.outcome is Outcome.PASSED


def test_shards_do_not_serve_for_each_other(sharded: Exchange, tmp_path: Path) -> None:
    forgery = Forgery.of(sharded.attestation)
    forgery.files[FIRST], forgery.files[SECOND] = forgery.files[SECOND], forgery.files[FIRST]
    report = audited(sharded, forgery, tmp_path / "swapped")
    assert [check.name for check in report.checks if check.outcome is Outcome.FAILED] == [
        "account rules of spot"
    ]


def test_one_proof_does_not_serve_for_two_shards(sharded: Exchange, tmp_path: Path) -> None:
    forgery = Forgery.of(sharded.attestation)
    forgery.files[SECOND] = forgery.files[FIRST]
    assert audited(sharded, forgery, tmp_path / "repeated").outcome is Outcome.FAILED


ATTEST = """
import sys
from pathlib import Path
from tests.attestation.exchange import inputs
from zkmargin.attestation.build import attest
from zkmargin.group import default_backend
from zkmargin.signing import load_signing_key
folder = Path(sys.argv[1])
snapshot, ledger = inputs(folder)
attest(default_backend(), snapshot, ledger, load_signing_key(folder / "key"), folder / sys.argv[2], folder / "private")
"""


@pytest.mark.skipif(
    find_spec("zkmargin._kernels") is None, reason="only the native module has worker threads"
)
def test_the_number_of_workers_does_not_show(tmp_path: Path) -> None:
    generate(tmp_path / "key")
    published = []
    for workers in ("1", "2", "5"):
        environment = {**os.environ, "RAYON_NUM_THREADS": workers}
        command = [sys.executable, "-c", ATTEST, str(tmp_path), f"attestation-{workers}"]
        subprocess.run(command, check=True, cwd=ROOT, env=environment)
        folder = tmp_path / f"attestation-{workers}"
        published.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert published[0] == published[1] == published[2]
