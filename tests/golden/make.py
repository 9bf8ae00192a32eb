"""Make the golden files: `python -m tests.golden.make` from the project's root, once per format version.

What is in `v1` was made once and must verify for ever. A change of format makes a folder `v2` beside it; it never
touches what is in `v1`. A new model adds an exchange beside the others.
"""

from __future__ import annotations

import json
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from Crypto.PublicKey import ECC

from tests.attestation import bracketed, charged, cleared, derived, exchange, margined
from zkmargin.attestation.build import Snapshot, attest
from zkmargin.attestation.private import PrivateFolder
from zkmargin.bundle import read_bundle, write_bundle
from zkmargin.claim_maker import make_claim, read_attestation
from zkmargin.inputs.ledger import Ledger
from zkmargin.secrets import KEY_BYTES, NonceKey
from zkmargin.signing import SigningKey

HERE = Path(__file__).parent
VERSION = "v1"
EXCHANGES: dict[str, Callable[[Path], tuple[Snapshot, Ledger]]] = {
    "bracketed": bracketed.inputs,
    "charged": charged.inputs,
    "cleared": cleared.inputs,
    "derived": derived.inputs,
    "margined": margined.inputs,
    "tiny": exchange.inputs,
}


def make(folder: Path, snapshot: Snapshot, ledger: Ledger) -> str:
    """Attest, write every customer's bundle and the public key, throw the secrets away; return the snapshot digest."""
    pair = ECC.generate(curve="Ed25519")
    key = SigningKey(pair)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as private:
        attested = attest(exchange.BACKEND, snapshot, ledger, key, folder / "attestation", Path(private))
        for bundle in PrivateFolder(Path(private)).bundles():
            (folder / f"bundle-{bundle.account}.json").write_bytes(
                write_bundle(exchange.BACKEND, bundle, key)
            )
    (folder / "exchange.pub").write_bytes(pair.public_key().export_key(format="PEM").encode() + b"\n")
    return attested.digest.hex()


CLAIMS = {  # account and form, by exchange; made from the golden bundles
    "derived": ("1", "equity >= 1 * initial requirement and equity >= 40 * requirement"),
    "tiny": ("1", "net value >= 100 USD and net value <= 100 USD"),
    "margined": ("1", "equity >= 1.5 * requirement and net value >= 4000 USD"),
}
CONTEXT = "golden.example"


def make_claims(version: Path, names: Iterable[str]) -> None:
    """Write a claim beside the bundles of some exchanges, as bytes and as text."""
    backend = exchange.BACKEND
    for name in names:
        account, form = CLAIMS[name]
        folder = version / name
        bundle = read_bundle(backend, (folder / f"bundle-{account}.json").read_bytes()).bundle
        nonces = NonceKey(secrets.token_bytes(KEY_BYTES)).source(backend.order)
        claim = make_claim(backend, read_attestation(folder / "attestation"), [bundle], form, CONTEXT, nonces)
        for ending, data in (("bin", claim.to_bytes(backend)), ("txt", claim.to_text(backend).encode())):
            with (folder / f"claim-{account}.{ending}").open("xb") as file:
                file.write(data)


def main() -> None:
    """Make the folders that are not there yet, one per exchange; the others must verify for ever."""
    missing = [name for name in EXCHANGES if not (HERE / VERSION / name).exists()]
    if not missing:
        sys.exit(f"{HERE / VERSION} is complete: it must verify for ever, so it is not made again")
    path = HERE / VERSION / "digests.json"
    digests = json.loads(path.read_text()) if path.exists() else {}
    with tempfile.TemporaryDirectory() as files:
        for name in missing:
            digests[name] = make(HERE / VERSION / name, *EXCHANGES[name](Path(files) / name))
    make_claims(HERE / VERSION, [name for name in CLAIMS if name in missing])
    path.write_text(json.dumps(digests, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
