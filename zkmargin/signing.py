"""Ed25519 signatures of the exchange over attestations and bundles (RFC 8032; keys as PKCS#8 and SPKI PEM).

What is signed is prefixed with its purpose, so that a signature over one kind of document is none over another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa

from zkmargin.errors import UsageError, VerificationError
from zkmargin.files import PUBLIC_FILE, SECRET_FILE, check_new, read_bounded, write_atomic

ATTESTATION, BUNDLE = b"zkmargin/attestation/1\0", b"zkmargin/bundle/1\0"
KEY_BYTES, SIGNATURE_BYTES = 32, 64
_MAX_PEM = 4096


class SigningKey:
    """Secret Ed25519 key; it does not print and does not pickle."""

    __slots__ = ("_key",)

    def __init__(self, key: ECC.EccKey) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "<SigningKey>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signing key is not pickled")

    @property
    def public(self) -> bytes:
        """Return the public key, 32 bytes."""
        raw: bytes = self._key.public_key().export_key(format="raw")
        return raw

    def sign(self, purpose: bytes, message: bytes) -> bytes:
        """Return the signature, 64 bytes, over purpose and message."""
        signature: bytes = eddsa.new(self._key, "rfc8032").sign(purpose + message)
        return signature


def generate(path: Path) -> bytes:
    """Write a new key to `path` (0600) and its public half to `path`.pub; return the public key."""
    public_path = path.with_name(path.name + ".pub")
    for target in (path, public_path):
        check_new(target)
    key = ECC.generate(curve="Ed25519")
    write_atomic(path, key.export_key(format="PEM").encode() + b"\n", SECRET_FILE)
    write_atomic(public_path, key.public_key().export_key(format="PEM").encode() + b"\n", PUBLIC_FILE)
    return SigningKey(key).public


def load_signing_key(path: Path) -> SigningKey:
    """Read a secret key; raise UsageError if the file is none."""
    key = _import(path)
    if not key.has_private():
        raise UsageError("key", f"{path} holds no secret key", hint="make one with zkmargin keygen")
    return SigningKey(key)


def load_public_key(path: Path) -> bytes:
    """Read a public key, 32 bytes; raise UsageError if the file is none."""
    key = _import(path)
    if key.has_private():
        raise UsageError("key", f"{path} is a secret key", hint="trust the .pub file beside it")
    raw: bytes = key.export_key(format="raw")
    return raw


def _import(path: Path) -> ECC.EccKey:
    try:
        key = ECC.import_key(read_bounded(path, _MAX_PEM, "the key file"))
    except (ValueError, IndexError, TypeError):
        raise UsageError("key", f"{path} is not a key in PEM form") from None
    if key.curve != "Ed25519":
        raise UsageError("key", f"{path} is a key of {key.curve}", expected="Ed25519")
    return key


def check_signature(public_key: bytes, purpose: bytes, message: bytes, signature: bytes, what: str) -> None:
    """Raise VerificationError unless `signature` is that of `public_key` over purpose and message."""
    try:
        if len(public_key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
            raise ValueError
        eddsa.new(eddsa.import_public_key(public_key), "rfc8032").verify(purpose + message, signature)
    except ValueError:
        raise VerificationError("signature", f"the signature of {what} does not hold") from None


def is_trusted(public_key: bytes, trusted: Sequence[bytes]) -> bool:
    """Tell whether a key is among those that the verifier trusts."""
    return public_key in trusted


def fingerprint(public_key: bytes) -> str:
    """Return the key's SHA-256, in groups for reading aloud."""
    text = hashlib.sha256(public_key).hexdigest()[:32]
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))
