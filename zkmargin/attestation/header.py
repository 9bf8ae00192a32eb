"""The header: everything public of all books of a snapshot, and the digest that every proof begins with.

The header transcript absorbs it in the order of docs/protocol.md; its final state is the snapshot digest. Prover and
verifier share this module, so that they cannot disagree about what was said.
"""

from __future__ import annotations

from dataclasses import dataclass

from zkmargin import limits
from zkmargin.canonical import Json
from zkmargin.errors import DecodeError, UndecidedError, VerificationError
from zkmargin.transcript import Label, Protocol, Transcript
from zkmargin.tree import Node, depth_of

SUITE = "BN254G1/XMD:SHA-256_SVDW_RO_/SHA-256/Ed25519/1"
SHARD_LOG2 = 20  # leaves of a shard, log2, unless the book is smaller
_TOTAL_BYTES = 32
_PUBLISHED = b"\x00"


@dataclass(frozen=True)
class BookHeader:
    """What is public of one book.

    `leaves` is M, padding included; `totals` are signed integers in the circuit's order of published forms.
    """

    id: str
    circuit: bytes
    risk: bytes
    leaves: int
    shard_log2: int
    root: Node
    totals: tuple[tuple[str, int], ...]

    @property
    def shards(self) -> int:
        """Number of shards: subtrees of 2^shard_log2 leaves that are not wholly empty."""
        return -(-self.leaves >> self.shard_log2)


@dataclass(frozen=True)
class Header:
    """What is public of a snapshot; `policy` and `market` are digests, `previous` a snapshot digest or empty."""

    exchange: str
    snapshot_id: str
    time: str
    policy: bytes
    market: bytes
    previous: bytes
    books: tuple[BookHeader, ...]

    def book(self, book_id: str) -> BookHeader:
        """Return the book of that id, or raise VerificationError."""
        for book in self.books:
            if book.id == book_id:
                return book
        raise VerificationError("book", "the attestation has no such book", actual=book_id)

    def digest(self, order: int) -> bytes:
        """Return the snapshot digest: the final state of the header transcript. `order` is that of the group."""
        transcript = Transcript(Protocol.SNAPSHOT, order)
        transcript.absorb_text(Label.SNAP_EXCHANGE, self.exchange)
        transcript.absorb_text(Label.SNAP_ID, self.snapshot_id)
        transcript.absorb_text(Label.SNAP_TIME, self.time)
        transcript.absorb_text(Label.SNAP_SUITE, SUITE)
        transcript.absorb(Label.SNAP_POLICY, self.policy)
        transcript.absorb(Label.SNAP_MARKET, self.market)
        transcript.absorb(Label.SNAP_PREVIOUS, self.previous)
        transcript.absorb_integers(Label.SNAP_BOOKS, [len(self.books)])
        for book in self.books:
            _absorb_book(transcript, book)
        return transcript.state


def _absorb_book(transcript: Transcript, book: BookHeader) -> None:
    transcript.absorb_text(Label.BOOK_ID, book.id)
    transcript.absorb(Label.BOOK_CIRCUIT, book.circuit)
    transcript.absorb(Label.BOOK_RISK, book.risk)
    transcript.absorb_integers(Label.BOOK_LEAVES, [book.leaves])
    transcript.absorb_integers(Label.BOOK_SHAPE, [book.shard_log2])
    transcript.absorb(Label.BOOK_ROOT, book.root.to_bytes())
    totals = b"".join(
        _PUBLISHED + total.to_bytes(_TOTAL_BYTES, "big", signed=True) for _, total in book.totals
    )
    transcript.absorb(Label.BOOK_TOTALS, len(book.totals).to_bytes(8, "big") + totals)


def shard_log2(leaves: int) -> int:
    """Return the shard size, log2, of a book of that many leaves."""
    return min(SHARD_LOG2, depth_of(leaves))


def header_json(header: Header) -> dict[str, Json]:
    """Return the header as the manifest holds it."""
    return {
        "exchange": header.exchange,
        "snapshot": {"id": header.snapshot_id, "time": header.time},
        "suite": SUITE,
        "policy": header.policy,
        "market": header.market,
        "previous": header.previous,
        "books": [
            {
                "id": book.id,
                "circuit": book.circuit,
                "risk": book.risk,
                "leaves": book.leaves,
                "shard_log2": book.shard_log2,
                "root": {"hash": book.root.hash, "A": book.root.a, "B": book.root.b},
                "totals": [[name, total] for name, total in book.totals],
            }
            for book in header.books
        ],
    }


def header_from_json(data: Json) -> Header:
    """Read a header back; raise DecodeError unless it is exactly what header_json writes."""
    try:
        snapshot = _exact_keys(data["snapshot"], {"id", "time"})
        header = Header(
            exchange=_text(data["exchange"]),
            snapshot_id=_text(snapshot["id"]),
            time=_text(snapshot["time"]),
            policy=_bytes(data["policy"], 32),
            market=_bytes(data["market"], 32),
            previous=_bytes(data["previous"], 32) if data["previous"] else b"",
            books=tuple(_book_from_json(book) for book in _list(data["books"], limits.MAX_BOOKS)),
        )
        suite = _text(data["suite"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DecodeError("header", f"the manifest's header is malformed: {type(error).__name__}") from None
    if suite != SUITE:
        raise UndecidedError("suite", "the attestation is of an unknown suite", expected=SUITE, actual=suite)
    _exact_keys(data, set(header_json(header)))
    ids = [book.id for book in header.books]
    if not ids or ids != sorted(set(ids), key=str.encode):
        raise DecodeError("header", "the books of a header stand once each, in the order of their ids")
    return header


def _book_from_json(data: Json) -> BookHeader:
    _exact_keys(data, {"id", "circuit", "risk", "leaves", "shard_log2", "root", "totals"})
    root = _exact_keys(data["root"], {"hash", "A", "B"})
    leaves, log2 = _natural(data["leaves"]), _natural(data["shard_log2"])
    if not 1 <= leaves <= limits.MAX_ACCOUNTS or log2 > depth_of(leaves):
        raise ValueError
    if leaves > limits.MAX_SHARDS << log2:  # every shard is a file: a header may not ask for billions
        raise ValueError
    return BookHeader(
        id=_text(data["id"]),
        circuit=_bytes(data["circuit"], 32),
        risk=_bytes(data["risk"], 32),
        leaves=leaves,
        shard_log2=log2,
        root=Node(_bytes(root["hash"], 32), _bytes(root["A"], 64), _bytes(root["B"], 64)),
        totals=tuple(
            (_text(name), _total(total)) for name, total in _list(data["totals"], limits.MAX_TOTALS)
        ),
    )


def _exact_keys(data: Json, keys: set[str]) -> Json:
    if not isinstance(data, dict) or set(data) != keys:
        raise DecodeError("header", "a part of the manifest has missing or surplus entries")
    return data


def _list(data: Json, most: int) -> list[Json]:
    if not isinstance(data, list) or len(data) > most:
        raise ValueError
    return data


def _text(data: Json) -> str:
    if not isinstance(data, str) or len(data.encode()) > limits.MAX_TEXT:
        raise ValueError
    return data


def _bytes(data: Json, count: int) -> bytes:
    value = bytes.fromhex(_text(data))
    if len(value) != count or value.hex() != data:
        raise ValueError
    return value


def _natural(data: Json) -> int:
    value = _total(data)
    if value < 0:
        raise ValueError
    return value


def _total(data: Json) -> int:
    text = _text(data)
    value = int(text)
    if str(value) != text or value.bit_length() >= 8 * _TOTAL_BYTES:
        raise ValueError
    return value
