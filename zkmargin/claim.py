"""A claim as a file or a text: what one customer shows to one verifier, about one snapshot (docs/formats.md).

    "ZKMC" 0x01 || snapshot digest (32) || bits (1) || sized context (2 + ..)
    leaves (1), each:   sized book (1 + ..) || index (4) || uid_commit (32) || A (32) || B (32)
                        || levels (1), each: hash, sum A, sum B (96)
    forms (1), each:    leaf (1) || nu (5) || al (4) || be (4) || io (4) || x (13)      integers; nu and x signed
    proof:              V of every form, LP_0 of every leaf, range proof

Integers are big-endian, points compressed. The text is "ZKMC1:" and the bytes in base45, which a QR code holds
compactly. What is said of snapshot, context and forms is there to be compared with what the verifier knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkmargin import base45, limits
from zkmargin.errors import DecodeError, UndecidedError, UsageError
from zkmargin.group.backend import COMPRESSED_BYTES, POINT_BYTES, Backend
from zkmargin.inputs.texts import identifier_fault, label_fault
from zkmargin.proofs.claim_statement import BITS, ClaimProof, ClaimStatement, Form, Leaf, check_statement
from zkmargin.tree import Node

MAGIC, VERSION = b"ZKMC", 1
TEXT_PREFIX = "ZKMC1:"

_HASH_BYTES = 32
_FORM_WIDTHS = ((1, False), (5, True), (4, False), (4, False), (4, False), (13, True))


@dataclass(frozen=True)
class Claim:
    """What is claimed, the path of every leaf to its book's root, and the proof."""

    statement: ClaimStatement
    paths: tuple[tuple[Node, ...], ...]
    proof: ClaimProof

    def to_bytes(self, backend: Backend) -> bytes:
        """Encode; see the module. OverflowError for a statement that may not be claimed."""
        statement = self.statement
        leaves = zip(statement.leaves, self.paths, strict=True)
        return b"".join(
            (
                MAGIC + bytes([VERSION]) + statement.snapshot_digest + bytes([statement.bits]),
                _sized(statement.context, 2),
                bytes([len(statement.leaves)]),
                *(_leaf_bytes(backend, leaf, path) for leaf, path in leaves),
                bytes([len(statement.forms)]),
                *map(_form_bytes, statement.forms),
                self.proof.to_bytes(backend),
            )
        )

    def to_text(self, backend: Backend) -> str:
        """Encode for a QR code or a message."""
        return TEXT_PREFIX + base45.encode(self.to_bytes(backend))


def check_context(context: str) -> None:
    """Raise UsageError for a context that is no label of at most 256 bytes: it must read the same to both sides."""
    if fault := label_fault(context):
        raise UsageError(
            "context", f"the context is no label: {fault}", hint="what the verifier told you, to the letter"
        )


def read_claim(backend: Backend, data: bytes) -> Claim:
    """Read a claim, bytes or text.

    Raise UndecidedError for another version, DecodeError for anything but the one encoding, VerificationError for a
    statement that may not be claimed.
    """
    if len(data) > limits.MAX_CLAIM_BYTES:
        raise DecodeError("claim", "the claim is too large")
    if data.startswith(TEXT_PREFIX.encode()):
        data = base45.decode(data.decode("ascii", "replace").rstrip("\r\n")[len(TEXT_PREFIX) :])
    reader = _Reader(data)
    _check_version(reader)
    snapshot, bits = reader.take(_HASH_BYTES), reader.number(1)
    context = reader.text(2, limits.MAX_TEXT)
    placed = [_read_leaf(backend, reader) for _ in range(reader.count(1, limits.MAX_FORMS))]
    forms = [_read_form(reader) for _ in range(reader.count(1, limits.MAX_FORMS))]
    if bits not in BITS:
        raise DecodeError("claim", "the claim is malformed: unknown bit width", expected=BITS, actual=bits)
    proof = ClaimProof.from_bytes(backend, reader.rest(), len(placed), len(forms), bits)
    statement = ClaimStatement(snapshot, tuple(leaf for leaf, _ in placed), tuple(forms), context, bits)
    check_statement(statement)
    return Claim(statement, tuple(path for _, path in placed), proof)


def _check_version(reader: _Reader) -> None:
    if reader.take(len(MAGIC)) != MAGIC:
        raise DecodeError("claim", "this is no claim")
    version = reader.number(1)
    if version != VERSION:
        raise UndecidedError("format", "the claim is of an unknown version", expected=VERSION, actual=version)


def _leaf_bytes(backend: Backend, leaf: Leaf, path: Sequence[Node]) -> bytes:
    points = backend.compress(backend.concat([leaf.a, leaf.b]))
    head = _sized(leaf.book, 1) + leaf.index.to_bytes(4, "big") + leaf.uid + points
    sums = backend.compress(backend.decode(b"".join(node.a + node.b for node in path), infinity=True))
    pair = 2 * COMPRESSED_BYTES
    nodes = b"".join(node.hash + sums[pair * i : pair * (i + 1)] for i, node in enumerate(path))
    return head + bytes([len(path)]) + nodes


def _read_leaf(backend: Backend, reader: _Reader) -> tuple[Leaf, tuple[Node, ...]]:
    book, index, uid = reader.text(1, limits.MAX_TEXT), reader.number(4), reader.take(_HASH_BYTES)
    if identifier_fault(book):
        raise DecodeError("claim", "a book of the claim has no lawful id")
    points = backend.decompress(reader.take(2 * COMPRESSED_BYTES), infinity=False)
    nodes = [
        reader.take(_HASH_BYTES + 2 * COMPRESSED_BYTES) for _ in range(reader.count(0, limits.MAX_DEPTH))
    ]
    packed = backend.decompress(b"".join(node[_HASH_BYTES:] for node in nodes), infinity=True)
    sums = backend.encode(packed)
    return Leaf(book, index, uid, points[:1], points[1:]), tuple(
        Node(node[:_HASH_BYTES], sums[at : at + POINT_BYTES], sums[at + POINT_BYTES : at + 2 * POINT_BYTES])
        for node, at in zip(nodes, range(0, len(sums), 2 * POINT_BYTES), strict=True)
    )


def _form_bytes(form: Form) -> bytes:
    numbers = (form.leaf, form.net, form.equity, form.requirement, form.initial, form.least)
    return b"".join(
        number.to_bytes(width, "big", signed=signed)
        for number, (width, signed) in zip(numbers, _FORM_WIDTHS, strict=True)
    )


def _read_form(reader: _Reader) -> Form:
    return Form(*(reader.number(width, signed=signed) for width, signed in _FORM_WIDTHS))


def _sized(text: str, width: int) -> bytes:
    data = text.encode()
    return len(data).to_bytes(width, "big") + data


class _Reader:
    """Takes parts of a byte string from its start; DecodeError beyond the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        part = self._data[self._at : self._at + count]
        if len(part) != count:
            raise DecodeError("claim", "the claim ends too early")
        self._at += count
        return part

    def number(self, width: int, *, signed: bool = False) -> int:
        """Return an integer of that many bytes."""
        return int.from_bytes(self.take(width), "big", signed=signed)

    def count(self, least: int, most: int) -> int:
        """Return a number of things, one byte; DecodeError outside [least, most]."""
        count = self.number(1)
        if not least <= count <= most:
            raise DecodeError(
                "claim", "wrong number of parts in a claim", expected=f"{least} to {most}", actual=count
            )
        return count

    def text(self, width: int, most: int) -> str:
        """Return a text behind its length of `width` bytes."""
        length = self.number(width)
        try:
            if length > most:
                raise ValueError
            return self.take(length).decode()
        except ValueError:
            raise DecodeError("claim", "a text of the claim is malformed or too long") from None

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self._data) - self._at)
