"""The manifest: header and file digests in canonical JSON, signed, and the directory that holds them all.

    manifest.json    header and digests
    signature.json   public key and Ed25519 signature over the bytes of manifest.json
    <sha-256>        every other file, named by its digest in lower-case hex

Which files there are is the code's knowledge (`file_roles`): a role that the manifest does not list is "not there"
and one that the code does not know is refused.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from zkmargin import canonical, limits
from zkmargin.attestation.header import Header, header_from_json, header_json
from zkmargin.commitment import LEAF_BYTES
from zkmargin.errors import DecodeError, UndecidedError, UnmetPolicyError, VerificationError
from zkmargin.files import new_directory, read_bounded, write_new
from zkmargin.signing import ATTESTATION, SigningKey, check_signature

FORMAT = "zkmargin/attestation/1"
MANIFEST, SIGNATURE = "manifest.json", "signature.json"
POLICY, MARKET, RISK = "policy", "market", "risk"


def leaves_role(book: str) -> str:
    """Name the file of a book's leaf list."""
    return f"leaves/{book}"


def totals_role(book: str) -> str:
    """Name the file of a book's totals' proof."""
    return f"totals/{book}"


def liabilities_role(book: str, shard: int) -> str:
    """Name the file of the proof of liabilities of one shard of a book."""
    return f"liabilities/{book}/{shard}"


def file_roles(header: Header) -> list[str]:
    """Return the roles of all files that an attestation with this header has."""
    roles = [POLICY, MARKET, RISK]
    for book in header.books:
        roles += [leaves_role(book.id), totals_role(book.id)]
        roles += [liabilities_role(book.id, shard) for shard in range(book.shards)]
    return roles


@dataclass(frozen=True)
class Manifest:
    """Header and the SHA-256 digest (hex) of each file, by role."""

    header: Header
    files: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """Encode in canonical JSON."""
        return canonical.encode(
            {"format": FORMAT, "header": header_json(self.header), "files": dict(self.files)}
        )

    @staticmethod
    def from_bytes(data: bytes) -> Manifest:
        """Parse strictly; raise DecodeError for anything that to_bytes would not write."""
        value = canonical.decode(data, "the manifest")
        if not isinstance(value, dict) or "format" not in value:
            raise DecodeError("manifest", "the manifest has no format")
        if value["format"] != FORMAT:
            raise UndecidedError(
                "format", "the manifest is of an unknown format", expected=FORMAT, actual=value["format"]
            )
        if set(value) != {"format", "header", "files"} or not isinstance(value["header"], dict):
            raise DecodeError("manifest", "the manifest has missing or surplus entries")
        header = header_from_json(value["header"])
        files = value["files"]
        if not isinstance(files, dict) or not set(files) <= set(file_roles(header)):
            raise DecodeError("manifest", "the manifest lists files that this format does not have")
        if not all(isinstance(name, str) and _is_digest(name) for name in files.values()):
            raise DecodeError("manifest", "a file of the manifest is not named by a digest")
        manifest = Manifest(header, files)
        if manifest.to_bytes() != data:
            raise DecodeError("manifest", "the manifest is not in its one canonical form")
        return manifest


def _is_digest(name: str) -> bool:
    return len(name) == 64 and set(name) <= set("0123456789abcdef")


@dataclass(frozen=True)
class SignedManifest:
    """A manifest as read: its exact bytes, and the key that claims to have signed them."""

    folder: Path
    manifest: Manifest
    data: bytes
    public_key: bytes
    signature: bytes

    def check_signature(self) -> None:
        """Raise VerificationError unless the key inside signed these bytes."""
        check_signature(self.public_key, ATTESTATION, self.data, self.signature, "the attestation")

    def read(self, role: str) -> bytes:
        """Return a file's bytes.

        Raise UnmetPolicyError if the manifest does not list it, UndecidedError if it is listed but cannot be read,
        VerificationError if its digest is another one.
        """
        name = self.manifest.files.get(role)
        if name is None:
            raise UnmetPolicyError("not-listed", f"the attestation lists no {role}")
        data = read_bounded(self.folder / name, self._most(role), role)
        actual = hashlib.sha256(data).hexdigest()
        if actual != name:
            raise VerificationError("file-digest", f"{role} was changed", expected=name, actual=actual)
        return data

    def _most(self, role: str) -> int:
        """Bound a file before it is read: only a leaf list may be large, as large as the header says."""
        lists = (LEAF_BYTES * b.leaves for b in self.manifest.header.books if leaves_role(b.id) == role)
        return min(max(limits.MAX_JSON_BYTES, *lists, 0), limits.MAX_FILE_BYTES)

    def check_folder(self) -> None:
        """Raise VerificationError if the folder holds anything but the manifest's files."""
        known = {MANIFEST, SIGNATURE, *self.manifest.files.values()}
        try:
            with os.scandir(self.folder) as entries:
                found = [(entry.name, entry.is_file(follow_symlinks=False)) for entry in entries]
        except OSError as error:
            raise UndecidedError("unreadable", f"the folder cannot be listed: {error.strerror}") from None
        for name, regular in sorted(found):
            if name not in known or not regular:
                raise VerificationError("surplus-file", "the attestation holds a foreign entry", actual=name)


def read_manifest(folder: Path) -> SignedManifest:
    """Read manifest and signature of an attestation; raise UndecidedError or DecodeError."""
    if not os.path.isdir(folder):  # never raises, unlike Path.is_dir
        raise UndecidedError("unreadable", "the attestation is no directory", actual=folder)
    data = read_bounded(folder / MANIFEST, limits.MAX_JSON_BYTES, "the manifest")
    signature = canonical.decode(read_bounded(folder / SIGNATURE, 4096, "the signature"), "the signature")
    try:
        key, mark = bytes.fromhex(signature["key"]), bytes.fromhex(signature["signature"])
        if signature != {"key": key.hex(), "signature": mark.hex()}:
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise DecodeError("signature", "the signature file is malformed") from None
    return SignedManifest(folder, Manifest.from_bytes(data), data, key, mark)


def write_attestation(target: Path, header: Header, files: Mapping[str, bytes], key: SigningKey) -> None:
    """Write an attestation directory as a whole, signed; raise UsageError if `target` exists."""
    digests = {role: hashlib.sha256(data).hexdigest() for role, data in files.items()}
    manifest = Manifest(header, digests).to_bytes()
    signature = {"key": key.public, "signature": key.sign(ATTESTATION, manifest)}
    with new_directory(target) as folder:
        for name, data in {digests[role]: data for role, data in files.items()}.items():
            write_new(folder / name, data)
        write_new(folder / MANIFEST, manifest)
        write_new(folder / SIGNATURE, canonical.encode(signature))
