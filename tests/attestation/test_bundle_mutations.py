"""Whatever is altered in a bundle, signed again by the exchange or not: never verified, never a crash.

There is no byte in a bundle that no check binds.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attestation.exchange import ALICE, BACKEND, BOB, Exchange, new_key
from tests.attestation.forging import (
    WRONG_TYPES,
    at,
    containers,
    other,
    replaced,
    routes,
    sign_bundle,
    without_last,
)
from zkmargin import canonical
from zkmargin.attestation.report import Outcome, Report
from zkmargin.bundle import read_bundle
from zkmargin.bundle_verifier import Identity
from zkmargin.canonical import Json
from zkmargin.errors import UndecidedError, VerificationError
from zkmargin.group.codec import INFINITY_COMPRESSED
from zkmargin.signing import ATTESTATION

REFUSED = (Outcome.FAILED, Outcome.UNDECIDED)


@pytest.fixture
def body(exchange: Exchange) -> Json:
    """Bob's bundle, with two leaves and a nonce, as JSON."""
    return json.loads(exchange.signed(exchange.bundle("2")))["body"]


def report(exchange: Exchange, data: bytes, identity: Identity = BOB, **options: object) -> Report:
    return exchange.verify(data, identity, **options).report


def refused(exchange: Exchange, body: Json, what: object = "", identity: Identity = BOB) -> list[str]:
    """Signed by the exchange itself and still refused; return the names of what failed."""
    result = report(exchange, sign_bundle(body, exchange.key), identity)
    assert result.outcome in REFUSED, (what, [(check.name, check.detail) for check in result.checks])
    return [check.name for check in result.checks if check.outcome in REFUSED]


def parses(data: bytes) -> bool:
    """Whether it is a bundle at all; if not, it is refused by a typed error."""
    try:
        read_bundle(BACKEND, data)
    except (VerificationError, UndecidedError):
        return False
    return True


def test_the_forge_itself_changes_nothing(exchange: Exchange, body: Json) -> None:
    assert sign_bundle(body, exchange.key) == exchange.signed(exchange.bundle("2"))
    assert report(exchange, sign_bundle(body, exchange.key)).outcome is Outcome.PASSED


def test_every_field(exchange: Exchange, body: Json) -> None:
    for route in routes(body):
        changed = replaced(body, route, other(at(body, route)))
        assert refused(exchange, changed, route)
        signed = json.loads(sign_bundle(body, exchange.key))
        stale = canonical.encode({**signed, "body": changed})
        assert report(exchange, stale).outcome in REFUSED, route


def test_every_member_left_out(exchange: Exchange, body: Json) -> None:
    """But a whole pot: that a leaf is missing only the customer can tell (test_attestation_bundles)."""
    for route in containers(body):
        if route != ("leaves",):
            assert refused(exchange, without_last(body, route), route)


def test_fields_of_another_type(exchange: Exchange, body: Json) -> None:
    for route in [*routes(body), *containers(body)]:
        for wrong in WRONG_TYPES:
            changed = replaced(body, route, wrong)
            if changed != body and parses(sign_bundle(changed, exchange.key)):
                assert refused(exchange, changed, (route, wrong))


def test_every_element_replaced(exchange: Exchange, body: Json) -> None:
    """Blindings, hashes and sums of the path by zero, the identity, their negative and their neighbour."""
    leaf, neighbour = body["leaves"]
    for name in ("a", "b"):
        negative = (-int(leaf[name], 16) % BACKEND.order).to_bytes(32, "big").hex()
        beyond = (int(leaf[name], 16) + BACKEND.order).to_bytes(32, "big").hex()
        for value in ("00" * 32, negative, neighbour[name], beyond, leaf["b" if name == "a" else "a"]):
            refused(exchange, replaced(body, ("leaves", 0, name), value), (name, value))
    for height, node in enumerate(leaf["path"]):
        for part in range(3):
            values = ["00" * 32, INFINITY_COMPRESSED.hex(), neighbour["path"][height][part], node[part - 1]]
            if part:
                point = BACKEND.decompress(bytes.fromhex(node[part]), infinity=True)
                values.append(BACKEND.compress(BACKEND.negate(point)).hex())
            for value in values:
                if value != node[part]:
                    refused(
                        exchange, replaced(body, ("leaves", 0, "path", height, part), value), (height, part)
                    )


BAD_INPUTS: dict[str, list[list[object]]] = {
    "one lot more": [["held", "USD", "8"]],
    "one lot less": [["held", "USD", "6"]],
    "none": [],
    "a loan instead": [["owed", "USD", "7"]],
    "a loan beside it": [["held", "USD", "7"], ["owed", "USD", "1"]],
    "held less owed is the same": [["held", "USD", "8"], ["owed", "USD", "1"]],
    "negative held": [["held", "USD", "-7"]],
    "unsorted": [["owed", "USD", "1"], ["held", "USD", "7"]],
    "twice": [["held", "USD", "7"], ["held", "USD", "7"]],
    "zero": [["held", "USD", "7"], ["owed", "USD", "0"]],
    "minus zero": [["held", "USD", "7"], ["owed", "USD", "-0"]],
    "leading zero": [["held", "USD", "07"]],
    "plus": [["held", "USD", "+7"]],
    "digits of another script": [["held", "USD", "٧"]],
    "a fraction": [["held", "USD", "7/1"]],
    "beyond its width": [["held", "USD", str(1 << 8)]],
    "wraps 64 bits": [["held", "USD", str((1 << 64) + 7)]],
    "wraps the group order": [["held", "USD", str(BACKEND.order + 7)]],
    "huge": [["held", "USD", "9" * 200]],
    "minus huge": [["held", "USD", "-" + "9" * 200]],
    "too long for an int": [["held", "USD", "9" * 5000]],
    "a position in a spot book": [["held", "USD", "7"], ["position", "USD", "1"]],
    "an unknown kind": [["held", "USD", "7"], ["holds", "USD", "1"]],
    "an internal kind": [["unpledged", "USD", "7"]],
    "an internal kind beside it": [["held", "USD", "7"], ["unpledged", "USD", "7"]],
    "pledged to no pool": [["held", "USD", "7"], ["pledged:", "USD", "1"]],
    "pledged to an unknown pool": [["held", "USD", "7"], ["pledged:loan", "USD", "1"]],
    "pledged more than held": [["held", "USD", "7"], ["pledged:loan", "USD", "8"]],
    "an unknown asset": [["held", "BTC", "7"]],
    "an empty name": [["held", "", "7"]],
    "a cost": [["cost", "USD", "1"], ["held", "USD", "7"]],
    "four members": [["held", "USD", "7", "7"]],
    "a text": ["abc"],
}


@pytest.mark.parametrize("what", BAD_INPUTS)
def test_inputs(exchange: Exchange, body: Json, what: str) -> None:
    assert refused(exchange, replaced(body, ("leaves", 0, "inputs"), BAD_INPUTS[what]))


@pytest.mark.parametrize(
    "index", ["-1", "8", "15", str(7 + (1 << 3)), str(1 << 64), str(-(1 << 64)), "07", "1e0"]
)
def test_indices(exchange: Exchange, body: Json, index: str) -> None:
    assert refused(exchange, replaced(body, ("leaves", 0, "index"), index))


def test_paths_of_other_lengths(exchange: Exchange, body: Json) -> None:
    path = body["leaves"][0]["path"]
    for wrong in ([], path[:-1], path[1:], [*path, path[-1]], path * 11, path[::-1]):
        assert refused(exchange, replaced(body, ("leaves", 0, "path"), wrong))


Change = Callable[[Json], object]
STRUCTURES: dict[str, tuple[Change, str]] = {
    "no leaf": (lambda body: body["leaves"].clear(), "leaves"),
    "a leaf twice": (lambda body: body["leaves"].append(body["leaves"][0]), "leaves"),
    "a pot twice": (lambda body: body["leaves"][1].update(pot="cross"), "leaves"),
    "a leaf twice under two names": (
        lambda body: body["leaves"].append({**copy.deepcopy(body["leaves"][0]), "pot": "more"}),
        "leaves",
    ),
    "a pot in two books": (
        lambda body: body["leaves"].append(
            {**copy.deepcopy(body["leaves"][0]), "book": "other", "index": "0"}
        ),
        "leaves",
    ),
    "leaves swapped": (
        lambda body: [
            leaf.update(pot=pot) for leaf, pot in zip(body["leaves"], ("isolated", "cross"), strict=True)
        ],
        "leaf spot/cross",
    ),
    "another account": (lambda body: body.update(account="1"), "leaf spot/cross"),
    "another snapshot": (lambda body: body.update(snapshot="00" * 32), "bundle snapshot"),
    "a later format": (lambda body: body.update(format="zkmargin/bundle/2"), "bundle"),
}


@pytest.mark.parametrize("what", STRUCTURES)
def test_structures(exchange: Exchange, body: Json, what: str) -> None:
    change, check = STRUCTURES[what]
    change(body)
    assert check in refused(exchange, body)


def test_a_later_format_is_undecided(exchange: Exchange, body: Json) -> None:
    with pytest.raises(UndecidedError):
        read_bundle(BACKEND, sign_bundle({**body, "format": "zkmargin/bundle/2"}, exchange.key))


def test_the_recorded_identity_is_bound(exchange: Exchange, body: Json) -> None:
    """It is shown to the customer and kept as evidence: it may not differ from the one that the leaf holds."""
    assert "identity" in refused(exchange, replaced(body, ("user", "id"), "mallory@example.org"))
    assert "identity" in refused(exchange, replaced(body, ("user", "nonce"), ""))
    assert "identity" in refused(exchange, replaced(body, ("user", "nonce"), "ff" * 16))
    alice = json.loads(exchange.signed(exchange.bundle("1")))["body"]
    assert refused(exchange, replaced(alice, ("user", "nonce"), "ff" * 16), identity=ALICE)


def test_identities_of_the_customer(exchange: Exchange, body: Json) -> None:
    data = sign_bundle(body, exchange.key)
    for wrong in (ALICE, Identity("bob@example.org", bytes(16)), Identity("Bob@example.org", BOB.nonce)):
        assert report(exchange, data, wrong).outcome is Outcome.FAILED
    for unsure in (Identity(), Identity("bob@example.org"), Identity(None, BOB.nonce)):
        assert report(exchange, data, unsure).outcome is Outcome.UNMET
    assert report(exchange, data, Identity(None, bytes(16))).outcome is Outcome.FAILED


# --- who signed


def test_signatures(exchange: Exchange, body: Json) -> None:
    data = json.loads(sign_bundle(body, exchange.key))
    for signature in (
        "",
        "00" * 64,
        data["signature"][:-2],
        data["signature"] + "00",
        data["signature"].upper(),
    ):
        assert report(exchange, canonical.encode({**data, "signature": signature})).outcome in REFUSED
    for key in ("", "00" * 32, "01" + "00" * 31, new_key().public.hex(), data["key"].upper()):
        assert report(exchange, canonical.encode({**data, "key": key})).outcome in REFUSED


def test_another_key_altogether(exchange: Exchange, body: Json) -> None:
    result = report(exchange, sign_bundle(body, new_key()))
    assert [check.code for check in result.checks if check.outcome in REFUSED] == ["bundle-key"]


def test_a_signature_for_an_attestation_is_none_for_a_bundle(exchange: Exchange, body: Json) -> None:
    signature = exchange.key.sign(ATTESTATION, canonical.encode(body))
    data = canonical.encode({"body": body, "key": exchange.key.public, "signature": signature})
    assert report(exchange, data).outcome is Outcome.FAILED


# --- bytes


def test_lengths(exchange: Exchange, body: Json) -> None:
    data = sign_bundle(body, exchange.key)
    for wrong in (b"", data[:1], data[:-1], data[: len(data) // 2], data + b"\n", b" " + data, data + data):
        assert report(exchange, wrong).outcome in REFUSED


def test_one_byte_in_every_hundred(exchange: Exchange, body: Json) -> None:
    flip_bytes(exchange, sign_bundle(body, exchange.key), 101)


@pytest.mark.fuzz
def test_every_byte(exchange: Exchange, body: Json) -> None:
    flip_bytes(exchange, sign_bundle(body, exchange.key), 1)


@pytest.mark.fuzz
def test_every_truncation(exchange: Exchange, body: Json) -> None:
    data = sign_bundle(body, exchange.key)
    for length in range(len(data)):
        assert report(exchange, data[:length]).outcome in REFUSED, length


def flip_bytes(exchange: Exchange, data: bytes, step: int) -> None:
    """As it is, and, where the result still is a bundle, signed again."""
    for place in range(0, len(data), step):
        for flip in (1, 0x80):
            wrong = data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :]
            if parses(wrong):
                assert report(exchange, wrong).outcome in REFUSED, (place, flip)
                if json.loads(wrong)["body"] != json.loads(data)["body"]:
                    refused(exchange, json.loads(wrong)["body"], (place, flip))


# --- the attestation beside it


def test_an_altered_attestation_verifies_no_bundle(exchange: Exchange, tmp_path: Path, body: Json) -> None:
    """Manifest and public inputs are all that a customer reads: each of them missing or altered."""
    data = sign_bundle(body, exchange.key)
    manifest = json.loads((exchange.attestation / "manifest.json").read_bytes())
    names = [
        "manifest.json",
        "signature.json",
        *(manifest["files"][role] for role in ("policy", "market", "risk")),
    ]
    for name in names:
        for number, content in enumerate((None, b"", b"{}", (exchange.attestation / name).read_bytes()[:-1])):
            folder = tmp_path / f"{name}-{number}"
            shutil.copytree(exchange.attestation, folder)
            (folder / name).unlink()
            if content is not None:
                (folder / name).write_bytes(content)
            result = type(exchange)(
                tmp_path, exchange.key, exchange.snapshot, exchange.ledger, exchange.attested
            )
            shutil.rmtree(tmp_path / "attestation", ignore_errors=True)
            folder.rename(tmp_path / "attestation")
            assert report(result, data).outcome in REFUSED, (name, number)


def test_no_trusted_key_is_no_verdict(exchange: Exchange, body: Json) -> None:
    from zkmargin.bundle_verifier import verify_bundle

    data = sign_bundle(body, exchange.key)
    assert verify_bundle(BACKEND, data, exchange.attestation, [], BOB).report.outcome is Outcome.UNMET
    stranger = [new_key().public]
    assert verify_bundle(BACKEND, data, exchange.attestation, stranger, BOB).report.outcome is Outcome.FAILED
