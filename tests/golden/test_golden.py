"""What verified once verifies for ever: attestations and bundles of earlier versions, read from this folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.attestation.exchange import ALICE, BACKEND, BOB
from tests.golden.make import CLAIMS, CONTEXT
from zkmargin.attestation.audit import audit_attestation
from zkmargin.attestation.manifest import read_manifest
from zkmargin.attestation.report import Outcome
from zkmargin.bundle_verifier import Identity, verify_bundle
from zkmargin.claim_verifier import Expectation, verify_claim
from zkmargin.signing import load_public_key

pytestmark = pytest.mark.core
V1 = Path(__file__).parent / "v1"
CAROL = Identity("carol@example.org")
CUSTOMERS = {
    "cleared": {"1": ALICE, "2": Identity("bob@example.org"), "3": CAROL},
    "charged": {"1": ALICE, "2": Identity("bob@example.org"), "3": CAROL},
    "derived": {"1": ALICE, "2": Identity("bob@example.org"), "3": CAROL, "4": Identity("dora@example.org")},
    "tiny": {"1": ALICE, "2": BOB, "3": Identity("30003")},
    "margined": {"1": ALICE, "2": Identity("bob@example.org"), "3": CAROL},
    "bracketed": {"1": ALICE, "2": Identity("bob@example.org"), "3": CAROL},
}
# The state of the header transcript: the same bytes must give it for ever.
DIGESTS: dict[str, str] = json.loads((V1 / "digests.json").read_text()) if V1.exists() else {}

needs_golden = pytest.mark.skipif(
    not V1.exists(), reason="SKIPPED: tests/golden/v1 is not made yet (python -m tests.golden.make)"
)


@needs_golden
@pytest.mark.parametrize("name", CUSTOMERS)
def test_the_audit_passes(name: str) -> None:
    trusted = [load_public_key(V1 / name / "exchange.pub")]
    report = audit_attestation(BACKEND, V1 / name / "attestation", trusted).report
    assert report.outcome is Outcome.PASSED, [c for c in report.checks if c.outcome is not Outcome.PASSED]


@needs_golden
@pytest.mark.parametrize("name", CUSTOMERS)
def test_the_snapshot_digest_is_the_same(name: str) -> None:
    header = read_manifest(V1 / name / "attestation").manifest.header
    assert header.digest(BACKEND.order).hex() == DIGESTS[name]


@needs_golden
@pytest.mark.parametrize(
    ("name", "account"), [(name, account) for name in CUSTOMERS for account in CUSTOMERS[name]]
)
def test_every_bundle_verifies(name: str, account: str) -> None:
    trusted = [load_public_key(V1 / name / "exchange.pub")]
    data = (V1 / name / f"bundle-{account}.json").read_bytes()
    identity = CUSTOMERS[name][account]
    report = verify_bundle(BACKEND, data, V1 / name / "attestation", trusted, identity).report
    assert report.outcome is Outcome.PASSED, [c for c in report.checks if c.outcome is not Outcome.PASSED]


@needs_golden
@pytest.mark.parametrize("ending", ["bin", "txt"])
@pytest.mark.parametrize("name", CLAIMS)
def test_every_claim_verifies(name: str, ending: str) -> None:
    trusted = [load_public_key(V1 / name / "exchange.pub")]
    account, form = CLAIMS[name]
    data = (V1 / name / f"claim-{account}.{ending}").read_bytes()
    for required, outcome in ((form, Outcome.PASSED), ("net value >= 1000000 USD", Outcome.FAILED)):
        expected = Expectation(required, CONTEXT)
        report = verify_claim(BACKEND, data, V1 / name / "attestation", trusted, expected).report
        assert report.outcome is outcome, report.checks


@needs_golden
def test_a_bundle_of_the_other_exchange_does_not() -> None:
    trusted = [load_public_key(V1 / "tiny" / "exchange.pub")]
    data = (V1 / "margined" / "bundle-1.json").read_bytes()
    assert (
        verify_bundle(BACKEND, data, V1 / "tiny" / "attestation", trusted, ALICE).report.outcome
        is Outcome.FAILED
    )
