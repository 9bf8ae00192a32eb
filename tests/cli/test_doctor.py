"""doctor: says what is installed and insists that cheats are refused."""

from __future__ import annotations

import json

import pytest

from zkmargin import selftest
from zkmargin.cli.main import run


def test_doctor_runs_the_self_test(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    out, err = capsys.readouterr()
    assert "self-test passed" in err and "native kernels" in out and "additions" in out
    assert out.count(" ok") == 8


def test_doctor_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert len(value["selftest"]) == 8 and all(step["name"] and step["passed"] for step in value["selftest"])
    assert value["facts"]["backend"] and not any(" " in name for name in value["facts"])


@pytest.mark.parametrize(
    "checks",
    [
        ["zkmargin.bundle_verifier.check_inclusion"],
        ["zkmargin.proofs.claim_verifier.verify", "zkmargin.claim_verifier._compare"],
        ["zkmargin.proofs.totals_verifier.verify", "zkmargin.proofs.liabilities_verifier.verify_all"],
    ],
)
def test_a_verifier_that_accepts_everything_is_reported(
    checks: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for check in checks:
        monkeypatch.setattr(check, lambda *arguments: None)
    assert run(["doctor"]) == 70
    assert "self-test failed" in capsys.readouterr().err


def test_backends_that_differ_are_noticed() -> None:
    from toy_groups import Zp

    from zkmargin.group.reference import ReferenceBackend

    class Wrong(ReferenceBackend[int]):
        def encode(self, points: object) -> bytes:
            return b"x"

    assert selftest.backends_agree(ReferenceBackend(Zp(11)), ReferenceBackend(Zp(11)))
    assert not selftest.backends_agree(ReferenceBackend(Zp(11)), Wrong(Zp(11)))
