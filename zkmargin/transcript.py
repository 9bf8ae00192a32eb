"""Fiat-Shamir transcript: a SHA-256 hash chain, and the list of all labels, which is the protocol.

    start:      state = H(0x00 || len(name) || name)
    absorb:     state = H(0x01 || state || len(label) || label || len(payload) || payload)
    challenge:  block_j = H(0x02 || state || len(label) || label || j), j = 0, 1;
                value = block_0 || block_1 mod order;  state = H(0x03 || state || len(label) || label)
                draw again while the value is 0

H is SHA-256; lengths and j are 8 bytes, the two blocks 64 bytes big-endian. Everything that is sent is
absorbed, responses too. Drawing moves the state on, so that two challenges in a row differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import Enum
from functools import cache

from zkmargin.group.backend import SCALAR_BYTES, Backend, Points

START, ABSORB, BLOCK, STEP = b"\x00", b"\x01", b"\x02", b"\x03"
INTEGER_BYTES = 8


class Protocol(Enum):
    """Name of a transcript, one per kind of proof and protocol version."""

    SNAPSHOT = "zkm/v1/snapshot"
    BOOK = "zkm/v1/book"
    TOTALS = "zkm/v1/totals"
    SURPLUS = "zkm/v1/surplus"
    CLAIM = "zkm/v1/claim"


class Label(Enum):
    """Every label, in the order of the protocol; one that starts with "?" draws a challenge."""

    # header: everything public of all books; the final state is the snapshot digest
    SNAP_EXCHANGE = "snap/exchange"
    SNAP_ID = "snap/id"
    SNAP_TIME = "snap/time"
    SNAP_SUITE = "snap/suite"
    SNAP_POLICY = "snap/policy"
    SNAP_MARKET = "snap/market"
    SNAP_PREVIOUS = "snap/previous"
    SNAP_BOOKS = "snap/books"
    BOOK_ID = "book/id"
    BOOK_CIRCUIT = "book/circuit"
    BOOK_RISK = "book/risk"
    BOOK_LEAVES = "book/leaves"
    BOOK_SHAPE = "book/shape"
    BOOK_ROOT = "book/root"
    BOOK_TOTALS = "book/totals"
    # book: the proof of liabilities, one transcript a shard
    SNAP_DIGEST = "snap/digest"
    PROOF_BOOK = "proof/book"
    PROOF_SHARD = "proof/shard"
    BOOL_TAU = "?bool/tau"
    MASK_COMMIT = "mask/commit"
    MASK_SUM = "mask/sum"
    MASK_OMEGA = "?mask/omega"
    ROUND_POLY = "round/poly"
    ROUND_RHO = "?round/rho"
    EVAL_V = "eval/V"
    EVAL_W = "eval/W"
    PROD_D1 = "prod/D1"
    PROD_D2 = "prod/D2"
    PROD_C = "?prod/c"
    PROD_Z = "prod/z"
    ROW_GAMMA = "?row/gamma"
    SPLIT_YA = "split/YA"
    # totals: once per book
    TOTALS_DELTA = "?totals/delta"
    # surplus: hidden totals
    SURPLUS_RESERVES = "surplus/reserves"
    SURPLUS_U = "surplus/U"
    OPEN_D = "open/D"
    OPEN_C = "?open/c"
    OPEN_Z = "open/z"
    SURPLUS_DELTA = "?surplus/delta"
    # claim: one account to a third party
    CLAIM_LEAF = "claim/leaf"
    CLAIM_FORMS = "claim/forms"
    CLAIM_CONTEXT = "claim/context"
    CLAIM_V = "claim/V"
    # linear proof LP_k
    LP_FORM = "lp/form"
    LP_COMMITMENT = "lp/C"
    LP_Y = "lp/Y"
    LP_XI = "?lp/xi"
    LP_L = "lp/L"
    LP_R = "lp/R"
    LP_E = "?lp/e"
    LP_D = "lp/D"
    LP_C = "?lp/c"
    LP_Z = "lp/z"
    # aggregated range proof
    RANGE_DIMS = "range/dims"
    RANGE_V = "range/V"
    RANGE_A = "range/A"
    RANGE_S = "range/S"
    RANGE_Y = "?range/y"
    RANGE_Z = "?range/z"
    RANGE_T1 = "range/T1"
    RANGE_T2 = "range/T2"
    RANGE_X = "?range/x"
    RANGE_T = "range/t"
    RANGE_W = "?range/w"
    RANGE_L = "range/L"
    RANGE_R = "range/R"
    RANGE_E = "?range/e"
    RANGE_AB = "range/ab"


_PROTOCOLS, _LABELS = frozenset(Protocol), frozenset(Label)


class Transcript:
    """The running hash of one proof; prover and verifier drive it through the same calls.

    `order` is the order of the group, so that small test groups get challenges of their own field.
    """

    def __init__(self, protocol: Protocol, order: int) -> None:
        if order < 3:
            raise ValueError("a challenge needs a field with at least two non-zero elements")
        self._order = order
        if protocol not in _PROTOCOLS:
            raise ValueError(f"{protocol!r} is not the name of a transcript")
        name = protocol.value.encode()
        self._state = hashlib.sha256(START + _sized(name)).digest()

    @property
    def state(self) -> bytes:
        """Digest of everything so far, 32 bytes."""
        return self._state

    def absorb(self, label: Label, payload: bytes) -> None:
        """Bind a payload of any length; ValueError for the label of a challenge."""
        self._state = hashlib.sha256(
            ABSORB + self._state + _name(label, drawn=False) + _sized(payload)
        ).digest()

    def absorb_points(self, label: Label, backend: Backend, points: Points) -> None:
        """Bind points in their 64-byte encoding, infinity included: the decoder refuses it where it must."""
        self.absorb(label, backend.encode(points))

    def absorb_scalars(self, label: Label, scalars: Sequence[int]) -> None:
        """Bind canonical scalars, 32 bytes each; ValueError outside [0, order)."""
        if any(not 0 <= scalar < self._order for scalar in scalars):
            raise ValueError("scalar out of range: reduce it modulo the group order first")
        self.absorb(label, b"".join(scalar.to_bytes(SCALAR_BYTES, "big") for scalar in scalars))

    def absorb_integers(self, label: Label, values: Sequence[int]) -> None:
        """Bind counts, 8 bytes each; OverflowError outside [0, 2^64)."""
        self.absorb(label, b"".join(value.to_bytes(INTEGER_BYTES, "big") for value in values))

    def absorb_text(self, label: Label, text: str) -> None:
        """Bind a text in UTF-8."""
        self.absorb(label, text.encode())

    def challenge(self, label: Label) -> int:
        """Draw a scalar in [1, order), uniform to 2^-256; ValueError for a label that draws nothing."""
        name = _name(label, drawn=True)
        while True:
            wide = b"".join(
                hashlib.sha256(BLOCK + self._state + name + j.to_bytes(INTEGER_BYTES, "big")).digest()
                for j in (0, 1)
            )
            self._state = hashlib.sha256(STEP + self._state + name).digest()
            value = int.from_bytes(wide, "big") % self._order
            if value:
                return value

    def challenges(self, label: Label, count: int) -> list[int]:
        """Draw `count` scalars under one label."""
        return [self.challenge(label) for _ in range(count)]


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(INTEGER_BYTES, "big") + data


@cache
def _name(label: Label, *, drawn: bool) -> bytes:
    if label not in _LABELS:
        raise ValueError(f"{label!r} is not on the list of labels")
    text = label.value
    if text.startswith("?") != drawn:
        raise ValueError(f"label {text} {'is absorbed, not drawn' if drawn else 'draws a challenge'}")
    return _sized(text.encode())
