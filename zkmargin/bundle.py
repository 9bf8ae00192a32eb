"""The bundle: what one customer holds, and how it is encoded.

Canonical JSON, signed by the exchange: all leaves of one account, each with its inputs, blindings, salt and path. No
computed value, no circuit, no root: those the customer knows from the attestation. A bundle is a bearer secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from zkmargin import canonical, limits
from zkmargin.canonical import Json
from zkmargin.errors import DecodeError, UndecidedError
from zkmargin.group.backend import Backend, Points
from zkmargin.inputs.ledger import InputKey, Pots, User
from zkmargin.signing import BUNDLE, SigningKey, check_signature
from zkmargin.sparse import sparse
from zkmargin.tree import Node

FORMAT = "zkmargin/bundle/1"
SALT_BYTES, NONCE_BYTES = 32, 16


@dataclass(frozen=True, repr=False)
class BundleLeaf:
    """One pot: where its leaf stands, what it holds in lots, and what opens its commitments."""

    book: str
    pot: str
    index: int
    inputs: tuple[tuple[InputKey, int], ...]
    a: int
    b: int
    salt: bytes
    path: tuple[Node, ...]

    def pots(self, account: str, user: User) -> Pots:
        """Return the inputs as a book of one row."""
        values = {key: sparse([0], [amount]) for key, amount in self.inputs}
        return Pots(self.book, ((account, self.pot),), values, (user,))


@dataclass(frozen=True, repr=False)
class Bundle:
    """All leaves of one account in one snapshot; `user` is the identity as the exchange recorded it."""

    snapshot: bytes
    account: str
    user: User
    leaves: tuple[BundleLeaf, ...]


@dataclass(frozen=True, repr=False)
class SignedBundle:
    """A bundle as read, and the key that claims to have signed it."""

    bundle: Bundle
    public_key: bytes
    signature: bytes
    body: bytes = field(repr=False)

    def check_signature(self) -> None:
        """Raise VerificationError unless the key inside signed this bundle."""
        check_signature(self.public_key, BUNDLE, self.body, self.signature, "the bundle")


def write_bundle(backend: Backend, bundle: Bundle, key: SigningKey) -> bytes:
    """Encode and sign."""
    body = _body(backend, bundle)
    signature = key.sign(BUNDLE, canonical.encode(body))
    return canonical.encode({"body": body, "key": key.public, "signature": signature})


def _body(backend: Backend, bundle: Bundle) -> Json:
    return {
        "format": FORMAT,
        "snapshot": bundle.snapshot,
        "account": bundle.account,
        "user": {"id": bundle.user.id, "nonce": bundle.user.nonce},
        "leaves": [
            {
                "book": leaf.book,
                "pot": leaf.pot,
                "index": leaf.index,
                "inputs": [[*key, amount] for key, amount in leaf.inputs],
                "a": leaf.a.to_bytes(32, "big"),
                "b": leaf.b.to_bytes(32, "big"),
                "salt": leaf.salt,
                "path": _siblings(backend, leaf.path),
            }
            for leaf in bundle.leaves
        ],
    }


def _siblings(backend: Backend, path: Sequence[Node]) -> list[list[bytes]]:
    """Return (hash, sum A, sum B) of every node, points compressed: all of a path at once."""
    packed = backend.compress(backend.decode(b"".join(node.a + node.b for node in path), infinity=True))
    return [
        [node.hash, packed[64 * i : 64 * i + 32], packed[64 * i + 32 : 64 * i + 64]]
        for i, node in enumerate(path)
    ]


def read_bundle(backend: Backend, data: bytes) -> SignedBundle:
    """Parse strictly; raise DecodeError for anything that write_bundle would not write."""
    if len(data) > limits.MAX_JSON_BYTES:
        raise DecodeError("bundle", "the bundle is too large")
    value = canonical.decode(data, "the bundle")
    try:
        _keys(value, "body", "key", "signature")
        if value["body"]["format"] != FORMAT:
            raise UndecidedError(
                "format",
                "the bundle is of an unknown format",
                expected=FORMAT,
                actual=value["body"]["format"],
            )
        bundle = _parse(backend, value["body"])
        key, signature = bytes.fromhex(value["key"]), bytes.fromhex(value["signature"])
        again = canonical.encode({"body": _body(backend, bundle), "key": key, "signature": signature})
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise DecodeError("bundle", f"the bundle is malformed ({type(error).__name__})") from None
    if again != data:
        raise DecodeError("bundle", "the bundle is not in its one canonical form")
    return SignedBundle(bundle, key, signature, canonical.encode(value["body"]))


def _parse(backend: Backend, body: Json) -> Bundle:
    _keys(body, "format", "snapshot", "account", "user", "leaves")
    _keys(body["user"], "id", "nonce")
    nonce = _hex(body["user"]["nonce"], NONCE_BYTES) if body["user"]["nonce"] else b""
    return Bundle(
        snapshot=_hex(body["snapshot"], 32),
        account=_text(body["account"]),
        user=User(_text(body["user"]["id"]), nonce),
        leaves=tuple(_parse_leaf(backend, leaf) for leaf in _sequence(body["leaves"], limits.MAX_POTS)),
    )


def _parse_leaf(backend: Backend, leaf: Json) -> BundleLeaf:
    _keys(leaf, "book", "pot", "index", "inputs", "a", "b", "salt", "path")
    inputs = tuple(
        ((_text(kind), _text(name)), int(amount))
        for kind, name, amount in _sequence(leaf["inputs"], limits.MAX_INSTRUMENTS)
    )
    names = [key for key, _ in inputs]
    if names != sorted(set(names)) or any(amount == 0 for _, amount in inputs):
        raise ValueError("inputs stand once each, in order, without zeros")
    return BundleLeaf(
        book=_text(leaf["book"]),
        pot=_text(leaf["pot"]),
        index=int(leaf["index"]),
        inputs=inputs,
        a=_scalar(backend, leaf["a"]),
        b=_scalar(backend, leaf["b"]),
        salt=_hex(leaf["salt"], SALT_BYTES),
        path=tuple(_parse_node(backend, node) for node in _sequence(leaf["path"], limits.MAX_DEPTH)),
    )


def _parse_node(backend: Backend, node: Json) -> Node:
    hashed, a, b = node
    return Node(_hex(hashed, 32), *(_point(backend, _hex(part, 32)) for part in (a, b)))


def _point(backend: Backend, packed: bytes) -> bytes:
    point: Points = backend.decompress(packed, infinity=True)
    return backend.encode(point)


def _scalar(backend: Backend, text: Json) -> int:
    value = int.from_bytes(_hex(text, 32), "big")
    if value >= backend.order:
        raise ValueError("scalar out of range")
    return value


def _keys(value: Json, *names: str) -> None:
    if not isinstance(value, dict) or set(value) != set(names):
        raise ValueError("missing or surplus entries")


def _sequence(value: Json, most: int) -> Sequence[Json]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError("not a list, or too long")
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str) or len(value.encode()) > limits.MAX_TEXT:
        raise ValueError("not a text, or too long")
    return value


def _hex(value: Json, count: int) -> bytes:
    data = bytes.fromhex(_text(value))
    if len(data) != count:
        raise ValueError("wrong length")
    return data
