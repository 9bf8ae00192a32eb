"""claim and verify-claim: exit codes, what is said, what is written."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from zkmargin.attestation.manifest import read_manifest
from zkmargin.claim import read_claim
from zkmargin.group import default_backend

Call = Callable[..., int]
CONTEXT = ("--context", "lender.example, loan 17")
RATIO = "equity >= 1.5 * requirement"


@pytest.fixture(scope="module")
def claim(attested: Path, zkmargin: Call) -> Path:
    out = attested / "one.claim"
    where = ("--attestation", attested / "attestation")
    assert zkmargin("claim", attested / "one.bundle", RATIO, *where, *CONTEXT, "-o", out) == 0
    return out


@pytest.fixture
def verify(attested: Path, zkmargin: Call) -> Call:
    def call(claim: Path, required: str = RATIO, *more: object, context: tuple[str, str] = CONTEXT) -> int:
        where = ("--attestation", attested / "attestation", "--trust", attested / "key.pub")
        return zkmargin("verify-claim", claim, *where, *context, "--require", required, *more)

    return call


def test_a_claim_is_accepted_and_says_what_it_proves(
    claim: Path, verify: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(claim, "equity >= 150% of requirement") == 0
    said = capsys.readouterr().err
    assert "claim: VERIFIED" in said
    assert f"at 2026-01-30T08:00:00Z: {RATIO}" in said
    assert "not proven: the attestation's proofs were not checked here" in said
    assert "about the attestation of Example at 2026-01-30T08:00:00Z" in said


def test_the_audit_can_be_made_with_it(claim: Path, verify: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(claim, RATIO, "--audit", "--json") == 0
    out, said = capsys.readouterr()
    assert "were not checked here" not in said
    assert json.loads(out)["audit"]["verdict"] == "VERIFIED"
    assert json.loads(out)["forms"][0]["form"] == RATIO


@pytest.mark.parametrize(("damage", "code"), [("tree", 1), ("proof", 3)])
def test_a_claim_is_no_better_than_its_audit(
    claim: Path, attested: Path, zkmargin: Call, tmp_path: Path, damage: str, code: int,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Whoever reads the first verdict only, of people's text or of JSON, must not take it for the whole."""
    copy = tmp_path / "attestation"
    shutil.copytree(attested / "attestation", copy)
    role = "leaves/portfolio" if damage == "tree" else "liabilities/portfolio/0"
    victim = copy / read_manifest(copy).manifest.files[role]
    if damage == "tree":
        victim.write_bytes(bytes(victim.stat().st_size))
    else:
        victim.unlink()
    where = ("--attestation", copy, "--trust", attested / "key.pub", *CONTEXT, "--require", RATIO)
    assert zkmargin("verify-claim", claim, *where) == 0
    capsys.readouterr()
    assert zkmargin("verify-claim", claim, *where, "--audit", "--json") == code
    out, said = capsys.readouterr()
    assert json.loads(out)["exit_code"] == code
    assert "VERIFIED" not in said and "proven of" not in said
    bundle = ("verify", attested / "one.bundle", *where[:4], "--id", "user000000@example.com")
    assert zkmargin(*bundle) == 0
    capsys.readouterr()
    assert zkmargin(*bundle, "--audit", "--json") == code
    out, said = capsys.readouterr()
    assert json.loads(out)["exit_code"] == code
    assert "VERIFIED" not in said


@pytest.mark.parametrize(
    ("code", "more"),
    [
        (4, ("--max-age", "1d", "--at", "2026-02-01T00:00:00Z")),
        (0, ("--max-age", "2d", "--at", "2026-02-01T00:00:00Z")),
        (4, ("--max-age", "2d", "--at", "2026-01-01T00:00:00Z")),
        (4, ("--at", "2026-01-01T00:00:00Z")),
        (0, ("--at", "2036-01-01T00:00:00Z")),
        (1, ("--leaf", "spot")),
        (0, ("--leaf", "portfolio")),
        (1, ("--leaf", "portfolio", "--leaf", "portfolio")),
        (1, ("--leaf", "portfolio/99")),
        (2, ("--leaf", "portfolio/x")),
        (2, ("--leaf", "portfolio/")),
        (2, ("--max-age", "soon")),
    ],
)
def test_exit_codes(claim: Path, verify: Call, code: int, more: tuple[str, ...]) -> None:
    assert verify(claim, RATIO, *more) == code


def test_forms_are_not_repeated_where_something_is_false(
    claim: Path, verify: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    for code, more in ((1, ("--leaf", "spot")), (4, ("--at", "2026-01-01T00:00:00Z")), (0, ())):
        capsys.readouterr()
        assert verify(claim, RATIO, *more, "--json") == code
        assert ("forms" in json.loads(capsys.readouterr().out)) == (code != 1)


def test_other_things_are_refused(
    claim: Path, verify: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(claim, context=("--context", "lender.example, loan 18")) == 1
    said = capsys.readouterr().err
    assert "[expected lender.example, loan 18, got lender.example, loan 17]" in said
    assert "proven of" not in said
    assert verify(claim, "equity >= 1.6 * requirement") == 1
    assert f"got leaf 1: {RATIO}" in capsys.readouterr().err
    assert verify(claim, "equity <= requirement") == 2
    assert verify(tmp_path / "nothing") == 3
    assert verify(claim, context=("--context", "")) == 2
    (tmp_path / "cut").write_bytes(claim.read_bytes()[:-1])
    assert verify(tmp_path / "cut") == 1
    (tmp_path / "version").write_bytes(claim.read_bytes()[:4] + b"\2" + claim.read_bytes()[5:])
    assert verify(tmp_path / "version") == 3


def test_a_claim_cannot_write_a_verdict_of_its_own(
    claim: Path, verify: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backend, path = default_backend(), tmp_path / "claim"
    read = read_claim(backend, claim.read_bytes())
    context = "x]\nclaim: VERIFIED\nproven of portfolio/5: net value >= 9000000 USD"
    path.write_bytes(replace(read, statement=replace(read.statement, context=context)).to_bytes(backend))
    assert verify(path) == 1
    lines = capsys.readouterr().err.splitlines()
    assert not [line for line in lines if line.startswith(("claim: VERIFIED", "proven of"))]


def test_without_a_key_to_trust(claim: Path, attested: Path, zkmargin: Call) -> None:
    where = ("--attestation", attested / "attestation", *CONTEXT, "--require", RATIO)
    assert zkmargin("verify-claim", claim, *where) == 4
    assert zkmargin("verify-claim", claim, *where[2:], "--attestation", attested / "nowhere") == 3


def test_a_text_for_a_code(attested: Path, zkmargin: Call, verify: Call, tmp_path: Path) -> None:
    where = ("--attestation", attested / "attestation", *CONTEXT)
    out = tmp_path / "claim.txt"
    assert zkmargin("claim", attested / "one.bundle", RATIO, *where, "--text", "-o", out) == 0
    assert out.read_text().startswith("ZKMC1:")
    assert verify(out) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (2, ("equity >= 1000 * requirement",)),
        (2, ("equity <= requirement",)),
        (2, (RATIO, "--pot", "isolated-1")),
        (2, (RATIO, "--bits", "32")),
        (2, ("nonsense",)),
        (2, ()),
    ],
)
def test_what_is_not_claimed(
    attested: Path, zkmargin: Call, tmp_path: Path, code: int, arguments: tuple[str, ...]
) -> None:
    out = tmp_path / "claim"
    where = ("--attestation", attested / "attestation", *CONTEXT, "-o", out)
    assert zkmargin("claim", attested / "one.bundle", *arguments, *where) == code
    assert not out.exists()


def test_a_false_form_is_named(
    attested: Path, zkmargin: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--attestation", attested / "attestation", *CONTEXT, "-o", tmp_path / "claim")
    assert zkmargin("claim", attested / "one.bundle", f"{RATIO} and net >= 9000000 USD", *where) == 2
    assert "does not hold for this account (got leaf 1: net value >= 9000000 USD)" in capsys.readouterr().err


def test_nothing_is_overwritten_and_no_bundle_is_quoted(
    attested: Path, claim: Path, zkmargin: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--attestation", attested / "attestation", *CONTEXT)
    before = claim.read_bytes()
    assert zkmargin("claim", attested / "one.bundle", RATIO, *where, "-o", claim) == 2
    assert claim.read_bytes() == before
    said = "".join(capsys.readouterr())
    assert "lots" not in said and "user0" not in said


def test_two_claims_differ_and_share_nothing_but_the_leaf(
    attested: Path, claim: Path, zkmargin: Call, tmp_path: Path
) -> None:
    where = ("--attestation", attested / "attestation", *CONTEXT)
    assert zkmargin("claim", attested / "one.bundle", RATIO, *where, "-o", tmp_path / "again") == 0
    one, two = claim.read_bytes(), (tmp_path / "again").read_bytes()
    assert len(one) == len(two)
    proof = len(one) - 896
    assert one[:proof] == two[:proof]
    chunks = [{data[at : at + 32] for at in range(proof, len(data), 32)} for data in (one, two)]
    assert not chunks[0] & chunks[1]


def test_several_pots(attested: Path, zkmargin: Call, tmp_path: Path, verify: Call) -> None:
    where = ("--attestation", attested / "attestation", *CONTEXT)
    out = tmp_path / "claim"
    text = "equity >= requirement and leaf 2: net value >= 700 USD"
    assert zkmargin("claim", attested / "two.bundle", text, *where, "-o", out) == 0
    assert verify(out, text) == 0
    assert verify(out, "net value >= 100 USD") == 1
