"""Keys and all that is derived from them: blindings, salts, leaf positions, nonces.

    epoch key (32 random bytes, new in every snapshot)
      purpose key   = HMAC(epoch key, "zkm/v1/" || purpose)            blinding a, blinding b, salt,
      position, nonce
        scalar      = HMAC(key, message || 0x00) || HMAC(key, message || 0x01), 64 bytes big-endian mod order
        blinding    : message = context || leaf name
        salt        = HMAC(key, context || leaf name)
        nonce i     : message = transcript state || witness digest || i
        permutation : words of HMAC(key, context || i), i = 0, 1, ...

HMAC is HMAC-SHA-256, i is 8 bytes big-endian. The context holds digests of all inputs, of the policy and
of the risk table: another input means other blindings, even under the same epoch key. A key comes in as
an argument; nothing here draws randomness. Python promises no constant time for the arithmetic; secrets
here do not print and do not pickle, so that no log or traceback holds one by accident.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from zkmargin.hashing import mac_scalars, macs
from zkmargin.sparse import Rows

KEY_BYTES = 32
DIGEST_BYTES = 32
INTEGER_BYTES = 8
WORD_BITS = 64  # of the stream that drives the permutation
BLOCKS = 256  # of the stream, made together
_FOUR_WORDS = struct.Struct(">4Q")
REAL, PADDING = b"\x01", b"\x00"


class Secret:
    """32 bytes without a printable form, a hash or a pickle; compared in constant time."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        if len(value) != KEY_BYTES:
            raise ValueError(f"a {type(self).__name__} has {KEY_BYTES} bytes")
        self._value = bytes(value)

    def reveal(self) -> bytes:
        """Return the bytes: for the private folder, never for a log or a message."""
        return self._value

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is neither pickled nor copied")

    def __getstate__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} does not give away its state")

    def _mac(self, message: bytes) -> bytes:
        return hmac.digest(self._value, message, "sha256")

    def _scalar(self, message: bytes, order: int) -> int:
        """Return a scalar within 2^-256 of uniform."""
        return int.from_bytes(self._mac(message + b"\x00") + self._mac(message + b"\x01"), "big") % order


class BlindingKey(Secret):
    """Key of the blindings of one of the two commitments of a leaf."""

    __slots__ = ()

    def blindings(self, context: bytes, leaves: Sequence[bytes], order: int) -> list[int]:
        """Return one blinding a leaf name, in [0, order). `context` is that of `book_secrets_context`."""
        _check_digest(context)
        return mac_scalars(self._value, context, leaves, order)


class SaltKey(Secret):
    """Key of the salts in identity commitments."""

    __slots__ = ()

    def salts(self, context: bytes, leaves: Sequence[bytes]) -> list[bytes]:
        """Return one salt of 32 bytes a leaf name."""
        _check_digest(context)
        return macs(self._value, context, leaves)


class PositionKey(Secret):
    """Key of the permutation of a book's leaves."""

    __slots__ = ()

    def permutation(self, context: bytes, count: int) -> Rows:
        """Return a permutation of [0, count), uniform up to the KDF: leaf k stands at index `permutation[k]`.

        Fisher-Yates from the last place down: the entry of place i changes with that of a uniform place
        in [0, i]. A 64-bit word w of the key stream is refused at or above the largest multiple of i + 1,
        else w mod (i + 1).
        """
        _check_digest(context)
        places = list(range(count))
        words = self._words(context)
        for last in range(count - 1, 0, -1):
            size = last + 1
            limit = (1 << WORD_BITS) // size * size
            word = next(words)
            while word >= limit:
                word = next(words)
            chosen = word % size
            places[last], places[chosen] = places[chosen], places[last]
        return np.array(places, dtype=np.int64)

    def _words(self, context: bytes) -> Iterator[int]:
        """Yield the key stream, four big-endian words of 64 bits a block."""
        for first in itertools.count(step=BLOCKS):
            numbers = [block.to_bytes(INTEGER_BYTES, "big") for block in range(first, first + BLOCKS)]
            for data in macs(self._value, context, numbers):
                yield from _FOUR_WORDS.unpack(data)


class NonceKey(Secret):
    """Key of the prover's nonces."""

    __slots__ = ()

    def source(self, order: int) -> NonceSource:
        """Return the nonces of the field of this order."""
        return NonceSource(self, order)

    def nonce(self, state: bytes, witness: bytes, counter: int, order: int) -> int:
        """Return one nonce; see `NonceSource`."""
        return self._scalar(state + witness + counter.to_bytes(INTEGER_BYTES, "big"), order)


@dataclass(frozen=True)
class NonceSource:
    """Nonces as a function of all that was said and of what is proven.

    A run that is repeated gives the same bytes, and no nonce meets two challenges: whatever the prover
    sends moves the transcript on. So ask once per transcript state and witness, for as many nonces as
    that step needs.
    """

    key: NonceKey = field(repr=False)
    order: int

    def nonces(self, state: bytes, witness: bytes, count: int) -> list[int]:
        """Return `count` scalars in [0, order) for a transcript state and the digest of the whole witness."""
        _check_digest(state)
        _check_digest(witness)
        return [self.key.nonce(state, witness, counter, self.order) for counter in range(count)]


class EpochKey(Secret):
    """The root of all secrets of one snapshot, 32 bytes from the operating system; never used for two snapshots."""

    __slots__ = ()

    def blinding_a(self) -> BlindingKey:
        """Return the key of the blindings of account commitments."""
        return BlindingKey(self._purpose("blinding a"))

    def blinding_b(self) -> BlindingKey:
        """Return the key of the blindings of book commitments."""
        return BlindingKey(self._purpose("blinding b"))

    def salt(self) -> SaltKey:
        """Return the key of the salts."""
        return SaltKey(self._purpose("salt"))

    def position(self) -> PositionKey:
        """Return the key of leaf positions."""
        return PositionKey(self._purpose("position"))

    def nonce(self) -> NonceKey:
        """Return the key of the prover's nonces."""
        return NonceKey(self._purpose("nonce"))

    def _purpose(self, name: str) -> bytes:
        return self._mac(b"zkm/v1/" + name.encode())


def book_secrets_context(inputs: bytes, policy: bytes, risk: bytes, book: str) -> bytes:
    """Return the context of a book's derivations: 32 bytes, of three digests of 32 bytes and the book's id.

    The book is part of it because one account may have a pot of the same name in two books: equal
    blindings there would let the difference of two commitments show.
    """
    for digest in (inputs, policy, risk):
        _check_digest(digest)
    return hashlib.sha256(b"zkm/v1/secrets" + inputs + policy + risk + _sized(book.encode())).digest()


def leaf_name(account: str, pot: str) -> bytes:
    """Return the name of a customer's leaf within its book."""
    return REAL + _sized(account.encode()) + _sized(pot.encode())


def padding_name(number: int) -> bytes:
    """Return the name of a padding leaf within its book."""
    return PADDING + number.to_bytes(INTEGER_BYTES, "big")


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(INTEGER_BYTES, "big") + data


def _check_digest(data: bytes) -> None:
    if len(data) != DIGEST_BYTES:
        raise ValueError(f"a digest has {DIGEST_BYTES} bytes, not {len(data)}")
