"""Self-test: attest a tiny exchange, verify, tamper, and insist that tampering is refused.

Everything runs as a user's command does, with the real curve and real proofs, in a temporary folder.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from Crypto.PublicKey import ECC

from zkmargin.attestation.audit import audit_attestation
from zkmargin.attestation.build import Snapshot, attest
from zkmargin.attestation.manifest import file_roles, read_manifest, write_attestation
from zkmargin.attestation.private import PrivateFolder
from zkmargin.attestation.report import Outcome
from zkmargin.bundle import Bundle, write_bundle
from zkmargin.bundle_verifier import Identity, verify_bundle
from zkmargin.claim_maker import make_claim, read_attestation
from zkmargin.claim_verifier import Expectation, verify_claim
from zkmargin.errors import ZkmarginError
from zkmargin.group.backend import Backend
from zkmargin.inputs.ledger import Ledger, Pots, User, ledger_digest
from zkmargin.inputs.market import Instrument, Market
from zkmargin.inputs.policy_file import parse_policy
from zkmargin.risk.table import build_risk_table
from zkmargin.secrets import KEY_BYTES, NonceKey
from zkmargin.signing import SigningKey
from zkmargin.sparse import sparse

POLICY = """
[exchange]
name = "Self-test"
quote = "USD"
circuit_version = 1
[units]
equity_quantum = "1"
margin_quantum = "1"
[book.spot]
model = "collateral"
settlement = "USD"
limits = { balance = "200" }
pad_to = 1
minimum_accounts = 4
"""
ONE = Fraction(1)
CLAIM, CONTEXT = "net value >= 100 USD", "self-test"
USER = User("somebody@example.org")


@dataclass(frozen=True)
class Attempt:
    """One step of the self-test: what was tried, and whether it ended as it must."""

    name: str
    passed: bool


def run_selftest(backend: Backend) -> Iterator[Attempt]:
    """Yield the steps as they are done; raise ZkmarginError if not even an attestation can be made."""
    with tempfile.TemporaryDirectory(prefix="zkmargin-selftest-") as name:
        yield from _Exchange(backend, Path(name)).steps()


def _inputs() -> tuple[Snapshot, Ledger]:
    policy = parse_policy(POLICY)
    dollar = Instrument("USD", "spot", "USD", "USD", ONE, ONE)
    market = Market(datetime(2026, 1, 1, tzinfo=UTC), {"USD": dollar}, {"USD": ONE}, {}, {}, {}, {"USD": ONE})
    values = {("held", "USD"): sparse([0, 1], [100, 7]), ("owed", "USD"): sparse([1], [9])}
    pots = {"spot": Pots("spot", (("1", "cross"), ("2", "cross")), values, (USER, User("other@example.org")))}
    return Snapshot(policy, market, build_risk_table(policy, market)), Ledger(pots, ledger_digest(pots))


class _Exchange:
    def __init__(self, backend: Backend, folder: Path) -> None:
        self.backend, self.folder = backend, folder
        self.key = SigningKey(ECC.generate(curve="Ed25519"))

    def steps(self) -> Iterator[Attempt]:
        snapshot, ledger = _inputs()
        attest(self.backend, snapshot, ledger, self.key, self.folder / "a", self.folder / "private")
        (bundle,) = PrivateFolder(self.folder / "private").bundles(["1"])
        yield Attempt(
            "an honest attestation is accepted", self._audit("a") not in (Outcome.FAILED, Outcome.UNDECIDED)
        )
        yield Attempt(
            "an honest bundle is accepted",
            self._verify(write_bundle(self.backend, bundle, self.key)) is Outcome.PASSED,
        )
        (leaf,) = bundle.leaves
        richer = replace(leaf, inputs=((("held", "USD"), 101),))
        changed = write_bundle(self.backend, replace(bundle, leaves=(richer,)), self.key)
        yield Attempt("a changed balance is refused", self._verify(changed) is Outcome.FAILED)
        claim = self._claim(bundle)
        yield Attempt("an honest claim is accepted", self._verify_claim(claim, CONTEXT) is Outcome.PASSED)
        other = self._verify_claim(claim, "another")
        yield Attempt("a claim for somebody else is refused", other is Outcome.FAILED)
        self._understate()
        yield Attempt("an understated total is refused", self._audit("b") is Outcome.FAILED)
        self._flip()
        yield Attempt("a flipped bit is refused", self._audit("a") is Outcome.FAILED)

    def _audit(self, name: str) -> Outcome:
        return audit_attestation(self.backend, self.folder / name, [self.key.public]).report.outcome

    def _verify(self, data: bytes) -> Outcome:
        result = verify_bundle(self.backend, data, self.folder / "a", [self.key.public], Identity(USER.id))
        return result.report.outcome

    def _claim(self, bundle: Bundle) -> bytes:
        nonces = NonceKey(os.urandom(KEY_BYTES)).source(self.backend.order)
        attested = read_attestation(self.folder / "a")
        return make_claim(self.backend, attested, [bundle], CLAIM, CONTEXT, nonces).to_bytes(self.backend)

    def _verify_claim(self, data: bytes, context: str) -> Outcome:
        expected = Expectation(CLAIM, context)
        return verify_claim(self.backend, data, self.folder / "a", [self.key.public], expected).report.outcome

    def _understate(self) -> None:
        """Publish one dollar less than is owed, signed again."""
        signed = read_manifest(self.folder / "a")
        header = signed.manifest.header
        (book,) = header.books
        totals = tuple((name, total - (name == "owed")) for name, total in book.totals)
        files = {role: signed.read(role) for role in file_roles(header)}
        write_attestation(
            self.folder / "b", replace(header, books=(replace(book, totals=totals),)), files, self.key
        )

    def _flip(self) -> None:
        """Flip one bit of the leaf list."""
        path = self.folder / "a" / read_manifest(self.folder / "a").manifest.files["leaves/spot"]
        data = bytearray(path.read_bytes())
        data[0] ^= 1
        path.write_bytes(bytes(data))


def backends_agree(one: Backend, other: Backend) -> bool:
    """Tell whether two backends give the same bytes for a sum of generators with random scalars."""
    scalars = [int.from_bytes(os.urandom(40), "big") % one.order for _ in range(8)]
    sums: Callable[[Backend], bytes] = lambda b: b.encode(b.msm(scalars, b.generators("GB", 0, 8)))  # noqa: E731
    return sums(one) == sums(other)


def require(attempts: list[Attempt]) -> None:
    """Raise ZkmarginError unless every attempt ended as it must."""
    for attempt in attempts:
        if not attempt.passed:
            raise ZkmarginError("selftest", f"self-test failed: not true that {attempt.name}")
