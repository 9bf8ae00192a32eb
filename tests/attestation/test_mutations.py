"""Whatever byte, element or field of an attestation is altered, signed again or not: never verified, never a crash.

An altered one is shown false (1) or cannot be decided (3).
"""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attestation.exchange import BACKEND, Exchange, new_key
from tests.attestation.forging import (
    WRONG_TYPES,
    Element,
    Forgery,
    at,
    changes,
    containers,
    leaf_elements,
    other,
    replaced,
    routes,
    without_last,
)
from zkmargin import canonical
from zkmargin.attestation.manifest import MANIFEST, SIGNATURE, Manifest
from zkmargin.attestation.report import Outcome, Report
from zkmargin.errors import DecodeError, UndecidedError
from zkmargin.proofs.booleanity_statement import Cube
from zkmargin.proofs.linear_statement import fold_rounds

REFUSED = (Outcome.FAILED, Outcome.UNDECIDED)
BOOK = "spot"
JSON_ROLES = ("policy", "market", "risk")
BINARY = LEAVES, TOTALS, LIABILITIES = "leaves/spot", "totals/spot", "liabilities/spot/0"


@pytest.fixture
def forgery(exchange: Exchange) -> Forgery:
    return Forgery.of(exchange.attestation)


class Bench:
    """Audits altered attestations, each in a folder of its own."""

    def __init__(self, exchange: Exchange, folder: Path) -> None:
        self.exchange, self.folder, self.numbers = exchange, folder, itertools.count()

    def audit(self, forgery: Forgery) -> Report:
        return self.exchange.audit(forgery.write(self.folder / str(next(self.numbers)))).report

    def refused(self, forgery: Forgery, what: object) -> None:
        report = self.audit(forgery)
        assert report.outcome in REFUSED, (what, [(check.name, check.detail) for check in report.checks])

    def refused_signed(self, forgery: Forgery, what: object, *, root: bool = True) -> None:
        """Refused also when everything is digested and signed again."""
        forgery.digest_again(root=root)
        forgery.sign(self.exchange.key)
        self.refused(forgery, what)


@pytest.fixture
def bench(exchange: Exchange, tmp_path: Path) -> Bench:
    return Bench(exchange, tmp_path)


def test_the_forge_itself_changes_nothing(exchange: Exchange, forgery: Forgery, bench: Bench) -> None:
    """Taken apart, digested and signed again by the same key it is the honest attestation, to the byte."""
    forgery.digest_again()
    forgery.sign(exchange.key)
    again = forgery.write(bench.folder / "again")
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in exchange.attestation.iterdir()
    }
    assert exchange.audit(again).report.outcome not in REFUSED


# --- the manifest


def manifest_variants(manifest: object) -> Iterator[tuple[object, object]]:
    """Every field another one of its kind, every object and array without its last member."""
    for route in routes(manifest):
        yield route, replaced(manifest, route, other(at(manifest, route)))
    for route in containers(manifest):
        yield route, without_last(manifest, route)


def test_every_field_of_the_manifest(exchange: Exchange, forgery: Forgery, bench: Bench) -> None:
    for what, changed in manifest_variants(forgery.manifest):
        bench.refused(Forgery(changed, forgery.files, forgery.key, forgery.signature), what)


def test_every_field_of_the_manifest_signed_again(exchange: Exchange, forgery: Forgery, bench: Bench) -> None:
    """A file that is not listed is the one case that asserts nothing false: "not there", which is never VERIFIED."""
    for what, changed in manifest_variants(forgery.manifest):
        altered = Forgery(changed, forgery.files, b"", b"")
        altered.sign(exchange.key)
        if what == ("files",):
            assert bench.audit(altered).outcome is not Outcome.PASSED
        else:
            bench.refused(altered, what)


def test_fields_of_another_type_signed_again(exchange: Exchange, forgery: Forgery) -> None:
    """Parsing is exact: what is read back is what is written, so no byte of a manifest is without a meaning."""
    for route in [*routes(forgery.manifest), *containers(forgery.manifest)]:
        for wrong in WRONG_TYPES:
            changed = replaced(forgery.manifest, route, wrong)
            if changed == forgery.manifest:
                continue
            data = canonical.encode(changed)
            with contextlib.suppress(DecodeError, UndecidedError):
                assert Manifest.from_bytes(data).to_bytes() == data, (route, wrong)


@pytest.mark.parametrize("previous", [False, [], {}])
def test_no_second_way_to_write_that_nothing_precedes(forgery: Forgery, previous: object) -> None:
    forgery.header["previous"] = previous
    with pytest.raises(DecodeError):
        Manifest.from_bytes(canonical.encode(forgery.manifest))


@pytest.mark.parametrize("pair", ["a1", {"owed": "1", "5": "2"}])
def test_no_second_way_to_write_a_total(forgery: Forgery, pair: object) -> None:
    forgery.book["totals"][0] = pair
    with pytest.raises(DecodeError):
        Manifest.from_bytes(canonical.encode(forgery.manifest))


# --- the files


def split_kinds(n_bits: int, leaves: int) -> list[str]:
    """Y_A; LP_0 over the outputs; LP_k over the bits: L R .. D z .. z'."""
    k = fold_rounds(n_bits, leaves)
    kinds = ["packed", "packed", *5 * ["scalar"], *(2 * k + 1) * ["packed"]]
    return [*kinds, *(-(-n_bits >> k) + 1) * ["scalar"]]


def liabilities_kinds(n_bits: int, leaves: int) -> list[str]:
    """C_g; S_g and three values a round; V W; product proof; LP_0 over the mask; rows."""
    variables = Cube(n_bits, leaves).variables
    sumcheck = ["packed", *(1 + 3 * variables) * ["scalar"], "packed", "packed"]
    product = ["packed", "packed", *3 * ["scalar"]]
    mask = ["packed", *(3 * variables + 2) * ["scalar"]]
    return [*sumcheck, *product, *mask, *split_kinds(n_bits, leaves)]


def elements(exchange: Exchange, role: str) -> list[Element]:
    n_bits = exchange.snapshot.compile()[BOOK].circuit.n_bits
    leaves = exchange.attested.header.books[0].leaves
    if role == LEAVES:
        return leaf_elements(leaves)
    kinds = split_kinds(n_bits, leaves) if role == TOTALS else liabilities_kinds(n_bits, leaves)
    return [Element(32 * i, 32, kind) for i, kind in enumerate(kinds)]


def replace_elements(exchange: Exchange, bench: Bench, role: str, step: int) -> None:
    """By zero, the identity, its negative, its neighbour; digested and signed again, with the root of the new list."""
    forgery = Forgery.of(exchange.attestation)
    data, parts = forgery.files[role], elements(exchange, role)
    assert sum(part.size for part in parts) == len(data)
    cases = [(which, *change) for which in range(len(parts)) for change in changes(data, parts, which)]
    for which, name, changed in cases[::step]:
        forgery.files[role] = changed
        bench.refused_signed(forgery, (role, which, name))


@pytest.mark.parametrize("role", BINARY)
def test_elements_replaced(exchange: Exchange, bench: Bench, role: str) -> None:
    """An odd step: each of the changes is made to every kind of element. All of them in `make fuzz`."""
    replace_elements(exchange, bench, role, 11 if role == LIABILITIES else 5)


@pytest.mark.fuzz
@pytest.mark.parametrize("role", BINARY)
def test_every_element_replaced(exchange: Exchange, bench: Bench, role: str) -> None:
    replace_elements(exchange, bench, role, 1)


@pytest.mark.parametrize("role", BINARY)
def test_one_byte_of_every_element(exchange: Exchange, forgery: Forgery, bench: Bench, role: str) -> None:
    """Without a digest that fits the file is not even parsed; with one, its check refuses it."""
    data = forgery.files[role]
    step = 3 if role == LIABILITIES else 1  # three values a round
    for number, part in enumerate(elements(exchange, role)[::step]):
        place = part.start + part.size // 2
        forgery.files[role] = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        if number % 8 == 0:
            bench.refused(forgery, (role, place))
        bench.refused_signed(forgery, (role, place))
        forgery = Forgery.of(exchange.attestation)


@pytest.mark.parametrize("role", [*JSON_ROLES, *BINARY])
def test_every_length(exchange: Exchange, forgery: Forgery, bench: Bench, role: str) -> None:
    data = forgery.files[role]
    for changed in (
        b"",
        data[:1],
        data[:-1],
        data[:-32],
        data[:-160],
        data + b"\0",
        data + data[-32:],
        data + data,
    ):
        forgery.files[role] = changed
        bench.refused(forgery, (role, len(changed)))
        bench.refused_signed(forgery, (role, len(changed)))
        forgery = Forgery.of(exchange.attestation)


@pytest.mark.parametrize("role", JSON_ROLES)
def test_every_field_of_public_inputs(exchange: Exchange, forgery: Forgery, bench: Bench, role: str) -> None:
    """Raw; and digested, put into the header and signed again."""
    value = forgery.json(role)
    for route in routes(value):
        for new in (other(at(value, route)), ""):
            altered = Forgery.of(exchange.attestation)
            altered.put(role, replaced(value, route, new))
            if altered.files[role] == forgery.files[role]:
                continue
            bench.refused(altered, (role, route, new))
            bench.refused_signed(altered, (role, route, new), root=False)


@pytest.mark.parametrize("role", JSON_ROLES)
def test_members_missing_from_public_inputs(
    exchange: Exchange, forgery: Forgery, bench: Bench, role: str
) -> None:
    value = forgery.json(role)
    for route in containers(value):
        altered = Forgery.of(exchange.attestation)
        altered.put(role, without_last(value, route))
        bench.refused_signed(altered, (role, route), root=False)


# --- manifest and signature as bytes


def byte_variants(data: bytes) -> Iterator[bytes]:
    yield from (
        b"",
        data[:-1],
        data + b"\n",
        b" " + data,
        b"\xef\xbb\xbf" + data,
        data[: len(data) // 2],
        data + data,
    )


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURE])
def test_lengths_of_manifest_and_signature(
    exchange: Exchange, forgery: Forgery, bench: Bench, name: str
) -> None:
    target = forgery.write(bench.folder / "copy")
    data = (target / name).read_bytes()
    for changed in byte_variants(data):
        (target / name).write_bytes(changed)
        assert exchange.audit(target).report.outcome in REFUSED, changed


def test_the_signature(exchange: Exchange, forgery: Forgery, bench: Bench) -> None:
    """Every byte of it, its order added (the other root of malleability), another key with the same signature."""
    honest = forgery.signature
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(honest[32:], "little")
    variants = [honest[:i] + bytes([honest[i] ^ 1]) + honest[i + 1 :] for i in range(0, 64, 21)]
    variants += [
        honest[:32] + (s + order).to_bytes(32, "little"),
        bytes(64),
        b"",
        honest[:-1],
        honest + b"\0",
    ]
    for signature in variants:
        forgery.signature = signature
        bench.refused(forgery, signature.hex())
    forgery.signature, forgery.key = honest, new_key().public
    bench.refused(forgery, "key")
    for key in (
        b"",
        bytes(32),
        b"\x01" + bytes(31),
        b"\xff" * 32,
        forgery.key[:-1],
    ):  # the identity is 01 00 ..
        forgery.key = key
        bench.refused(forgery, key.hex())


def test_signature_file_is_exact(exchange: Exchange, forgery: Forgery, bench: Bench) -> None:
    target = forgery.write(bench.folder / "copy")
    value = json.loads((target / SIGNATURE).read_bytes())
    upper = {**value, "key": value["key"].upper()}
    for changed in (upper, {**value, "more": ""}, {"key": value["key"]}, [], "x", {**value, "key": True}):
        (target / SIGNATURE).write_bytes(canonical.encode(changed))
        assert exchange.audit(target).report.outcome in REFUSED, changed


# --- long runs: `make fuzz`


@pytest.mark.fuzz
def test_every_byte_of_every_file(exchange: Exchange, forgery: Forgery, bench: Bench) -> None:
    target = forgery.write(bench.folder / "copy")
    for path in sorted(target.iterdir()):
        data = path.read_bytes()
        for place in range(len(data)):
            for flip in (1, 0x80):
                path.write_bytes(data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :])
                outcome = exchange.audit(target).report.outcome
                assert outcome in REFUSED, (path.name, place, flip)
        path.write_bytes(data)
    assert exchange.audit(target).report.outcome not in REFUSED


@pytest.mark.fuzz
def test_every_byte_of_every_file_signed_again(exchange: Exchange, bench: Bench) -> None:
    honest = Forgery.of(exchange.attestation)
    for role, data in honest.files.items():
        for place in range(len(data)):
            for flip in (1, 0x80):
                altered = Forgery.of(exchange.attestation)
                altered.files[role] = data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :]
                bench.refused_signed(altered, (role, place, flip))
            for folder in bench.folder.iterdir():
                shutil.rmtree(folder)


@pytest.mark.fuzz
def test_every_truncation(exchange: Exchange, forgery: Forgery, bench: Bench) -> None:
    target = forgery.write(bench.folder / "copy")
    for path in sorted(target.iterdir()):
        data = path.read_bytes()
        for length in range(len(data)):
            path.write_bytes(data[:length])
            assert exchange.audit(target).report.outcome in REFUSED, (path.name, length)
        path.write_bytes(data)


def test_the_tiny_exchange_is_tiny(exchange: Exchange) -> None:
    assert exchange.snapshot.compile()[BOOK].circuit.n_words <= 8
    assert BACKEND.name
