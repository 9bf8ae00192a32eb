"""The independent verifier of claims says what the main one says, on golden claims and on every mutation of them."""

from __future__ import annotations

import ast
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from claim_cases import often

from tests.golden.make import CLAIMS, CONTEXT
from tests.golden.test_golden import V1
from zkmargin import independent_claims
from zkmargin.attestation.manifest import read_manifest
from zkmargin.claim import read_claim
from zkmargin.claim_verifier import check_leaf
from zkmargin.errors import VerificationError, ZkmarginError
from zkmargin.group import default_backend
from zkmargin.independent_verifier import RefusedError
from zkmargin.proofs import claim_verifier

BACKEND = default_backend()
NAMES = list(CLAIMS)


def header(name: str):  # type: ignore[no-untyped-def]
    return json.loads((V1 / name / "attestation/manifest.json").read_text())["header"]


def golden(name: str) -> bytes:
    return (V1 / name / f"claim-{CLAIMS[name][0]}.bin").read_bytes()


def independently(name: str, data: bytes, context: str = CONTEXT) -> bool:
    try:
        return bool(independent_claims.verify_claim(header(name), data, context))
    except RefusedError:
        return False


def mainly(name: str, data: bytes, context: str = CONTEXT) -> bool:
    """What decides in verify_claim, without policy and forms that were asked for."""
    known = read_manifest(V1 / name / "attestation").manifest.header
    try:
        claim = read_claim(BACKEND, data)
        digest = known.digest(BACKEND.order)
        if (claim.statement.snapshot_digest, claim.statement.context) != (digest, context):
            return False
        for leaf, path in zip(claim.statement.leaves, claim.paths, strict=True):
            check_leaf(BACKEND, known, leaf, path)
        claim_verifier.verify(BACKEND, claim.statement, claim.proof)
    except ZkmarginError:
        return False
    return True


@pytest.mark.parametrize("name", NAMES)
def test_both_accept(name: str) -> None:
    assert independently(name, golden(name))
    assert mainly(name, golden(name))
    proven = independent_claims.verify_claim(header(name), golden(name), CONTEXT)
    claim = read_claim(BACKEND, golden(name))
    assert len(proven) == len(claim.statement.forms) == 2


@pytest.mark.parametrize("name", NAMES)
def test_both_refuse_another_context_and_exchange(name: str) -> None:
    others = [(other, golden(name), CONTEXT) for other in NAMES if other != name]
    for case in ((name, golden(name), "another"), *others):
        assert not independently(*case)
        assert not mainly(*case)


def test_both_say_the_same_of_mutations() -> None:
    name, rng = "tiny", random.Random(1)
    data = golden(name)
    for at in rng.sample(range(len(data)), often(60, 12)):
        changed = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        assert independently(name, changed) == mainly(name, changed) is False, at
    for cut in (data[:-1], data[:-32], data + bytes(32), data[:5], b"", data[1:]):
        assert not independently(name, cut)
        assert not mainly(name, cut)


HEALTHY = (0, 0, 1, 1, 0, 0)  # leaf, nu, al, be, io, x
UNLAWFUL = {
    "none": [],
    "twice": [HEALTHY, HEALTHY],
    "out of order": [HEALTHY, (0, 0, 1, 0, 0, 0)],
    "seventeen": [(0, 1, 0, 0, 0, x) for x in range(17)],
    "of no leaf": [HEALTHY, (1, 0, 1, 1, 0, 0)],
    "about nothing": [(0, 0, 0, 0, 0, 5)],
    "a multiple": [(0, 0, 2, 2, 0, 0)],
    "a wide factor": [(0, 1 << 32, 1, 0, 0, 0)],
    "a wide constant": [(0, 1, 0, 0, 0, 1 << 100)],
}


@pytest.mark.parametrize("forms", UNLAWFUL.values(), ids=UNLAWFUL)
def test_unlawful_forms(forms: list[independent_claims.Form]) -> None:
    leaf = independent_claims.Leaf("book", 3, bytes(32), None, None, [])
    independent_claims.check_forms([HEALTHY], [leaf])
    with pytest.raises(RefusedError):
        independent_claims.check_forms(forms, [leaf])
    with pytest.raises(RefusedError):
        independent_claims.check_forms([HEALTHY], [leaf, leaf])


def test_unlawful_forms_refuse_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RefusedError("order")

    assert independently("tiny", golden("tiny"))
    monkeypatch.setattr(independent_claims, "check_forms", refuse)
    assert not independently("tiny", golden("tiny"))


def test_both_refuse_what_is_well_formed_but_moved() -> None:
    """Parts of two true claims put together."""
    name = "tiny"
    claim = read_claim(BACKEND, golden(name))
    proof, links = claim.proof, claim.proof.links
    swapped = BACKEND.gather(proof.values, [1, 0])
    changes = [
        replace(proof, values=swapped),
        replace(proof, ranges=replace(proof.ranges, t1=proof.ranges.t2, t2=proof.ranges.t1)),
        replace(proof, ranges=replace(proof.ranges, left=proof.ranges.right, right=proof.ranges.left)),
        replace(proof, links=(replace(links[0], mask=BACKEND.negate(links[0].mask)),)),
        replace(proof, ranges=replace(proof.ranges, last=proof.ranges.last[::-1])),
    ]
    for change in changes:
        data = replace(claim, proof=change).to_bytes(BACKEND)
        assert not independently(name, data)
        assert not mainly(name, data)
    statement = claim.statement
    for form in (
        replace(statement.forms[1], least=statement.forms[1].least - 1),
        replace(statement.forms[1], net=2),
    ):
        moved = replace(claim, statement=replace(statement, forms=(statement.forms[0], form)))
        assert not independently(name, moved.to_bytes(BACKEND))
        with pytest.raises(VerificationError):
            claim_verifier.verify(BACKEND, moved.statement, moved.proof)


def test_it_shares_no_code() -> None:
    source = ast.parse(Path(independent_claims.__file__).read_text())
    modules = {node.module for node in ast.walk(source) if isinstance(node, ast.ImportFrom)}
    assert modules == {"__future__", "math", "typing", "zkmargin.independent_verifier"}
