"""Forge attestations and bundles: change a part, digest and sign again as a dishonest exchange would."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.attestation.exchange import BACKEND
from zkmargin import canonical
from zkmargin.attestation.manifest import MANIFEST, MARKET, POLICY, RISK, SIGNATURE
from zkmargin.canonical import Json
from zkmargin.commitment import Leaves, book_context
from zkmargin.errors import ZkmarginError
from zkmargin.group.codec import INFINITY_COMPRESSED
from zkmargin.signing import ATTESTATION, BUNDLE, SigningKey
from zkmargin.tree import MerkleSumTree

Route = tuple[str | int, ...]
HEADER_DIGESTS = {POLICY: "policy", MARKET: "market"}


@dataclass
class Forgery:
    """An attestation taken apart: manifest as JSON, files by role."""

    manifest: Json
    files: dict[str, bytes]
    key: bytes
    signature: bytes
    surplus: dict[str, bytes] = field(default_factory=dict)

    @staticmethod
    def of(folder: Path) -> Forgery:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        signature = json.loads((folder / SIGNATURE).read_bytes())
        files = {role: (folder / name).read_bytes() for role, name in manifest["files"].items()}
        return Forgery(
            manifest, files, bytes.fromhex(signature["key"]), bytes.fromhex(signature["signature"])
        )

    @property
    def header(self) -> Json:
        return self.manifest["header"]

    @property
    def book(self) -> Json:
        return self.header["books"][0]

    def json(self, role: str) -> Json:
        return json.loads(self.files[role])

    def put(self, role: str, value: Json) -> None:
        self.files[role] = canonical.encode(value)

    def digest_again(self, *, header: bool = True, root: bool = True) -> None:
        """Write the digests of all files into the manifest, those of public inputs and the root into the header."""
        for role, data in self.files.items():
            digest = hashlib.sha256(data).hexdigest()
            self.manifest["files"][role] = digest
            if header and role in HEADER_DIGESTS:
                self.header[HEADER_DIGESTS[role]] = digest
            if header and role == RISK:
                for book in self.header["books"]:
                    book["risk"] = digest
        if root:
            for book in self.header["books"]:
                self._root_again(book)

    def _root_again(self, book: Json) -> None:
        """The root of the changed list, if it is one."""
        header = self.header
        try:
            leaves = Leaves.from_bytes(BACKEND, self.files[f"leaves/{book['id']}"], int(book["leaves"]))
        except (ZkmarginError, ValueError, KeyError):
            return
        tree = MerkleSumTree(
            BACKEND, book_context(header["exchange"], header["snapshot"]["id"], book["id"]), leaves
        )
        book["root"] = {"hash": tree.root.hash.hex(), "A": tree.root.a.hex(), "B": tree.root.b.hex()}

    def sign(self, key: SigningKey) -> None:
        self.key, self.signature = key.public, key.sign(ATTESTATION, canonical.encode(self.manifest))

    def write(self, target: Path, names: dict[str, str] | None = None) -> Path:
        """Write the folder as it stands; files under the names of the manifest, or of `names`."""
        target.mkdir()
        (target / MANIFEST).write_bytes(canonical.encode(self.manifest))
        (target / SIGNATURE).write_bytes(canonical.encode({"key": self.key, "signature": self.signature}))
        for role, data in self.files.items():
            name = (names or {}).get(role) or self.manifest["files"].get(role)
            if name is not None:
                (target / name).write_bytes(data)
        for name, data in self.surplus.items():
            (target / name).write_bytes(data)
        return target


def sign_bundle(body: Json, key: SigningKey) -> bytes:
    """A bundle of this body, signed as the exchange signs."""
    signature = key.sign(BUNDLE, canonical.encode(body))
    return canonical.encode({"body": body, "key": key.public, "signature": signature})


# --- every field of a JSON value, and what it may be replaced with


def routes(value: Json, here: Route = ()) -> Iterator[Route]:
    """Yield the way to every string and boolean."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from routes(item, (*here, key))
    else:
        yield here


def containers(value: Json, here: Route = ()) -> Iterator[Route]:
    """Yield the way to every object and array that is not empty."""
    if isinstance(value, dict | list) and value:
        yield here
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from containers(item, (*here, key))


def at(value: Json, route: Route) -> Json:
    for key in route:
        value = value[key]
    return value


def replaced(value: Json, route: Route, new: Json) -> Json:
    """A copy with another value there."""
    if not route:
        return new
    out = copy.deepcopy(value)
    at(out, route[:-1])[route[-1]] = new
    return out


def without_last(value: Json, route: Route) -> Json:
    """A copy in which an object or array lacks its last member."""
    out = copy.deepcopy(value)
    holder = at(out, route)
    del holder[list(holder)[-1] if isinstance(holder, dict) else -1]
    return out


def other(value: Json) -> Json:
    """A value of the same type and shape: the least change that means something else."""
    if isinstance(value, bool):
        return not value
    try:
        return str(int(value) + 1)
    except ValueError:
        pass
    if len(value) >= 32 and set(value) <= set("0123456789abcdef"):
        return value[:-1] + "0123456789abcdef"[int(value[-1], 16) ^ 1]
    return value[:-1] + ("Y" if value[-1:] != "Y" else "X")


WRONG_TYPES: tuple[Json, ...] = ("", True, [], {}, "-1", "00", "x", ["1", "2"], "9" * 80)


# --- elements of binary files


@dataclass(frozen=True)
class Element:
    """A group element, scalar or hash inside a file."""

    start: int
    size: int
    kind: str

    def of(self, data: bytes) -> bytes:
        return data[self.start : self.start + self.size]

    def put(self, data: bytes, new: bytes) -> bytes:
        return data[: self.start] + new + data[self.start + self.size :]


def leaf_elements(count: int) -> list[Element]:
    return [
        Element(160 * leaf + start, size, kind)
        for leaf in range(count)
        for start, size, kind in ((0, 32, "hash"), (32, 64, "point"), (96, 64, "point"))
    ]


def changes(data: bytes, elements: list[Element], which: int) -> Iterator[tuple[str, bytes]]:
    """Element `which` replaced by zero, the identity, its negative and its neighbour of the same kind."""
    element = elements[which]
    same = [item for item in elements if item.kind == element.kind]
    neighbour = same[(same.index(element) + 1) % len(same)].of(data)
    new = {"zero": bytes(element.size), "neighbour": neighbour, "negative": negative(element, data)}
    if element.kind == "packed":
        new["identity"] = INFINITY_COMPRESSED
    for name, value in new.items():
        if value != element.of(data):
            yield name, element.put(data, value)


def negative(element: Element, data: bytes) -> bytes:
    value = element.of(data)
    match element.kind:
        case "scalar":
            return (-int.from_bytes(value, "big") % BACKEND.order).to_bytes(32, "big")
        case "point":
            return BACKEND.encode(BACKEND.negate(BACKEND.decode(value, infinity=True)))
        case "packed":
            return BACKEND.compress(BACKEND.negate(BACKEND.decompress(value, infinity=True)))
    return bytes(255 - byte for byte in value)
