"""A tiny exchange: one spot book of three words a row, three customers, eight leaves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from Crypto.PublicKey import ECC

from zkmargin.attestation.audit import AuditResult, audit_attestation
from zkmargin.attestation.build import Attested, Snapshot, attest
from zkmargin.attestation.private import PrivateFolder
from zkmargin.bundle import Bundle, write_bundle
from zkmargin.bundle_verifier import BundleResult, Identity, verify_bundle
from zkmargin.group.backend import Backend
from zkmargin.group.bn254 import Bn254
from zkmargin.group.generators import GeneratorStore
from zkmargin.group.reference import ReferenceBackend
from zkmargin.inputs.ledger import Ledger
from zkmargin.inputs.ledger_files import load_ledger
from zkmargin.inputs.market_files import load_market
from zkmargin.risk.table import build_risk_table
from zkmargin.signing import SigningKey

BACKEND: Backend = ReferenceBackend(Bn254(GeneratorStore(None)))

POLICY = """
[exchange]
name = "{exchange}"
quote = "USD"
circuit_version = 1
[units]
equity_quantum = "1"
margin_quantum = "1"
[book.spot]
model = "collateral"
settlement = "USD"
limits = {{ balance = "200" }}
levels = {{ call = "1.1", liquidation = "1.0" }}
pad_to = 4
minimum_accounts = 8
"""
FILES = {
    "market/instruments.csv": "instrument,kind,underlying,settlement,lot,tick\nUSD,spot,USD,USD,1,1\n",
    "market/prices.csv": "time,kind,name,value\n{time},spot,USD,1\n",
    "ledger/accounts.csv": (
        "account,user,user_nonce,book\n"
        "1,alice@example.org,,spot\n"
        "2,bob@example.org,00112233445566778899aabbccddeeff,spot\n"
        "3,30003,,spot\n"
    ),
    "ledger/balances.csv": (
        "account,pot,asset,held,owed\n1,cross,USD,100,0\n2,cross,USD,{bob},0\n2,isolated,USD,3,0\n3,cross,USD,0,5\n"
    ),
    "ledger/positions.csv": "account,pot,instrument,quantity\n",
}
ALICE = Identity("alice@example.org")
BOB = Identity("bob@example.org", bytes.fromhex("00112233445566778899aabbccddeeff"))


def new_key() -> SigningKey:
    return SigningKey(ECC.generate(curve="Ed25519"))


@dataclass(frozen=True)
class Exchange:
    """An exchange that attested once; `folder` holds market, ledger, attestation and private folder."""

    folder: Path
    key: SigningKey
    snapshot: Snapshot
    ledger: Ledger
    attested: Attested

    @property
    def attestation(self) -> Path:
        return self.folder / "attestation"

    @property
    def private(self) -> PrivateFolder:
        return PrivateFolder(self.folder / "private")

    def bundle(self, account: str) -> Bundle:
        (bundle,) = self.private.bundles([account])
        return bundle

    def signed(self, bundle: Bundle) -> bytes:
        return write_bundle(BACKEND, bundle, self.key)

    def audit(self, attestation: Path | None = None, **options: object) -> AuditResult:
        return audit_attestation(BACKEND, attestation or self.attestation, [self.key.public], **options)  # type: ignore[arg-type]

    def verify(self, data: bytes, identity: Identity, **options: object) -> BundleResult:
        return verify_bundle(BACKEND, data, self.attestation, [self.key.public], identity, **options)  # type: ignore[arg-type]


def inputs(
    folder: Path,
    *,
    exchange: str = "Tiny",
    time: str = "2026-01-01T00:00:00Z",
    bob: int = 7,
    previous: bytes = b"",
) -> tuple[Snapshot, Ledger]:
    for name, text in {**FILES, "market/policy.toml": POLICY}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(exchange=exchange, time=time, bob=bob))
    policy, market = load_market(folder / "market")
    snapshot = Snapshot(policy, market, build_risk_table(policy, market), previous)
    return snapshot, load_ledger(folder / "ledger", policy, market)


def open_exchange(folder: Path, key: SigningKey | None = None, **changes: object) -> Exchange:
    """Write the files, attest them."""
    snapshot, ledger = inputs(folder, **changes)  # type: ignore[arg-type]
    key = key or new_key()
    attested = attest(BACKEND, snapshot, ledger, key, folder / "attestation", folder / "private")
    return Exchange(folder, key, snapshot, ledger, attested)
