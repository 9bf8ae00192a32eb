"""`zkmargin demo`: a small exchange attests, a customer and an auditor verify, a lender too, and cheats are caught."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from zkmargin.attestation.audit import audit_attestation
from zkmargin.attestation.build import Attested, Snapshot, attest
from zkmargin.attestation.private import PrivateFolder
from zkmargin.attestation.report import Outcome, Report
from zkmargin.bundle import Bundle, write_bundle
from zkmargin.bundle_verifier import Identity, verify_bundle
from zkmargin.claim_maker import make_claim, read_attestation
from zkmargin.claim_verifier import Expectation, verify_claim
from zkmargin.cli import cheats
from zkmargin.cli.output import say
from zkmargin.cli.verdict import money
from zkmargin.errors import ZkmarginError
from zkmargin.files import new_directory
from zkmargin.group import Backend, default_backend
from zkmargin.inputs import load_ledger, load_market
from zkmargin.inputs.example import write_example
from zkmargin.inputs.ledger import Ledger
from zkmargin.margin.accounts import calculate_all
from zkmargin.risk.table import build_risk_table
from zkmargin.secrets import KEY_BYTES, NonceKey
from zkmargin.signing import SigningKey, generate, load_signing_key
from zkmargin.wording import counted

CLAIM, LENDER = "equity >= 1.5 * requirement", "lender.example/loan-1"
REFERENCE_ACCOUNTS, NATIVE_ACCOUNTS = 200, 2000


@dataclass(frozen=True)
class Stage:
    """Where the demo plays: the exchange's inputs, its key, and the folder of everything that is written."""

    backend: Backend
    folder: Path
    key: SigningKey
    snapshot: Snapshot
    ledger: Ledger

    @property
    def attestation(self) -> Path:
        return self.folder / "attestation"

    @property
    def private(self) -> PrivateFolder:
        return PrivateFolder(self.folder / "private")

    def audit(self, attestation: Path) -> Report:
        return audit_attestation(self.backend, attestation, [self.key.public]).report

    def bundle(self, account: str) -> Bundle:
        (bundle,) = self.private.bundles([account])
        return bundle

    def verify_claim(self, data: bytes, context: str) -> Report:
        expected = Expectation(CLAIM, context)
        return verify_claim(self.backend, data, self.attestation, [self.key.public], expected).report

    def verify(self, bundle: Bundle, identity: Identity, attestation: Path | None = None) -> Report:
        data = write_bundle(self.backend, bundle, self.key)
        where = attestation or self.attestation
        return verify_bundle(self.backend, data, where, [self.key.public], identity).report


@click.command()
@click.option(
    "--accounts", type=click.IntRange(min=20), help="Number of accounts [default: by speed of the backend]."
)
@click.option("--keep", type=click.Path(path_type=Path), help="Keep all files in this new directory.")
def command(accounts: int | None, keep: Path | None) -> None:
    """Play a small exchange from example data: attest, verify a customer, audit, claim, and catch cheats."""
    backend = default_backend()
    count = accounts or (REFERENCE_ACCOUNTS if backend.name.startswith("reference") else NATIVE_ACCOUNTS)
    if keep is not None:
        with new_directory(keep, 0o700) as folder:
            _play(backend, folder, count)
        say(f"everything is in {keep}")
        return
    with tempfile.TemporaryDirectory(prefix="zkmargin-demo-") as temporary:
        _play(backend, Path(temporary), count)


def _play(backend: Backend, folder: Path, accounts: int) -> None:
    say(f"zkmargin demo, backend: {backend.name}")
    stage = _open(backend, folder, accounts)
    attested = _attest(stage)
    who = _customer(stage)
    _verify(stage, who)
    _audit(stage, attested)
    _claim(stage)
    _cheat(stage, who)
    say("done: an honest snapshot verified, and every cheat was caught by a check that names it")


@contextmanager
def _step(title: str) -> Iterator[None]:
    say("")
    say(f"== {title}", "bold")
    started = time.perf_counter()
    yield
    say(f"   ({time.perf_counter() - started:.1f} s)")


def _open(backend: Backend, folder: Path, accounts: int) -> Stage:
    with _step(f"1. An exchange with {accounts} accounts"):
        write_example(folder, accounts)
        policy, market = load_market(folder / "market")
        ledger = load_ledger(folder / "ledger", policy, market)
        generate(folder / "exchange.key")
        key = load_signing_key(folder / "exchange.key")
        snapshot = Snapshot(policy, market, build_risk_table(policy, market))
        underlyings = sorted({item.underlying for item in market.contracts})
        say(
            f"   {counted(len(market.contracts), 'contract')} on {', '.join(underlyings)}; "
            f"books: {', '.join(policy.books)}"
        )
        for name, margin in calculate_all(policy, snapshot.table, ledger.pots, snapshot.compile()).items():
            short = int((~margin.healthy).sum())
            broke = int((margin.bad_debt > 0).sum())
            say(
                f"   book {name}: {counted(len(margin), 'pot')}, {short} below the maintenance requirement, "
                f"{broke} with bad debt"
            )
    return Stage(backend, folder, key, snapshot, ledger)


def _attest(stage: Stage) -> Attested:
    with _step(
        "2. The exchange attests: commit to every account, sum up, prove totals and account rules, sign"
    ):
        attested = attest(
            stage.backend,
            stage.snapshot,
            stage.ledger,
            stage.key,
            stage.attestation,
            stage.folder / "private",
        )
        size = sum(path.stat().st_size for path in stage.attestation.iterdir())
        say(
            f"   published: {size / 1024:.0f} KiB, no name, no position; snapshot digest {attested.digest.hex()[:16]}…"
        )
    return attested


def _customer(stage: Stage) -> str:
    """Pick a customer with a position and an isolated pot, if there is one."""
    pots = stage.ledger.pots["portfolio"]
    isolated = [account for account, pot in pots.labels if pot != "cross"]
    traders = [
        pots.labels[row][0]
        for (kind, _), column in pots.values.items()
        if kind == "position"
        for row in column.rows
    ]
    return next((account for account in isolated if account in set(traders)), traders[0])


def _verify(stage: Stage, account: str) -> None:
    with _step(f"3. The customer of account {account} verifies: am I counted, with my real numbers?"):
        bundle = stage.bundle(account)
        report = stage.verify(bundle, _identity(bundle))
        for check in report.checks:
            if check.name.startswith(("leaf", "identity")):
                say(f"   ok  {check.name}: {check.detail}")
        _expect(report, Outcome.PASSED)
        say(
            f"   {report.verdict}: {counted(len(bundle.leaves), 'leaf', 'leaves')}, each counted in the signed root"
        )


def _audit(stage: Stage, attested: Attested) -> None:
    policy = stage.snapshot.policy
    with _step("4. An auditor checks the attestation, knowing nobody's account"):
        report = stage.audit(stage.attestation)
        for check in report.checks:
            if check.name.startswith(("tree", "totals", "risk table recomputed", "circuit", "account")):
                say(
                    f"   {'ok  ' if check.outcome is Outcome.PASSED else 'open'} {check.name}: {check.detail}"
                )
        for book in attested.header.books:
            totals = dict(book.totals)
            say(
                f"   {book.id}: owed to customers {money(totals['owed'], policy.equity_quantum)} {policy.quote}, "
                f"shortfall {money(totals['shortfall'], policy.equity_quantum)}, "
                f"bad debt {money(totals['bad_debt'], policy.equity_quantum)}"
            )
        if report.outcome in (Outcome.FAILED, Outcome.UNDECIDED):
            report.raise_unless_verified()
        say(f"   {report.verdict}")


def _claim(stage: Stage) -> None:
    account, pot = _healthy(stage)
    with _step(f"5. The customer of account {account} proves to a lender: {CLAIM}"):
        nonces = NonceKey(secrets.token_bytes(KEY_BYTES)).source(stage.backend.order)
        attested, bundle = read_attestation(stage.attestation), stage.bundle(account)
        claim = make_claim(stage.backend, attested, [bundle], CLAIM, LENDER, nonces, pots=[pot])
        data = claim.to_bytes(stage.backend)
        report = stage.verify_claim(data, LENDER)
        _expect(report, Outcome.PASSED)
        say(f"   {LENDER}: {report.verdict}, {len(data)} bytes; no position and no balance is in them")
        report = stage.verify_claim(data, "another.example/7")
        _expect(report, Outcome.FAILED)
        check = next(check for check in report.checks if check.outcome is Outcome.FAILED)
        say(f"   shown to another.example/7: {report.verdict} by [{check.name}]: {check.detail}")


def _healthy(stage: Stage) -> tuple[str, str]:
    """Pick a pot of which the claim is true, with a requirement, and hence positions."""
    policy, table, pots = stage.snapshot.policy, stage.snapshot.table, stage.ledger.pots
    margin = calculate_all(policy, table, pots)["portfolio"]
    able = (2 * margin.equity >= 3 * margin.requirement) & (margin.requirement > 0)
    return margin.labels[int(able.nonzero()[0][0])]


def _cheat(stage: Stage, account: str) -> None:
    with _step("6. The exchange cheats, and signs whatever it likes"):
        _leave_out(stage, account)
        _change_position(stage, account)
        _lower_total(stage)
        _alter_price(stage)


def _leave_out(stage: Stage, account: str) -> None:
    mine = stage.bundle(account)
    pots = stage.ledger.pots["portfolio"]
    other = next(name for name, _ in pots.labels if name != account)
    crooked = stage.folder / "without-customer"
    attest(
        stage.backend,
        stage.snapshot,
        cheats.without(stage.ledger, account),
        stage.key,
        crooked,
        stage.folder / "private-without-customer",
    )
    (foreign,) = PrivateFolder(stage.folder / "private-without-customer").bundles([other])
    shown = cheats.disguise(foreign, account, mine)
    _caught(
        f"leaves account {account} out and shows its owner somebody else's leaf",
        stage.verify(shown, _identity(mine), crooked),
    )


def _change_position(stage: Stage, account: str) -> None:
    honest = stage.bundle(account)
    changed, name = cheats.enlarge(honest)
    _caught(f"shows account {account} twice its position in {name}", stage.verify(changed, _identity(honest)))


def _lower_total(stage: Stage) -> None:
    target = stage.folder / "understated"
    cheats.forge(stage.attestation, target, stage.key, cheats.understate("portfolio", "owed", 10**9))
    _caught("publishes 1,000 less than it owes", stage.audit(target))


def _alter_price(stage: Stage) -> None:
    name = next(item.name for item in stage.snapshot.market.contracts if item.kind == "perpetual")
    target = stage.folder / "repriced"
    cheats.forge(stage.attestation, target, stage.key, cheats.reprice(name, 2))
    _caught(f"publishes twice the mark of {name}", stage.audit(target))


def _identity(bundle: Bundle) -> Identity:
    return Identity(bundle.user.id, bundle.user.nonce or None)


def _caught(what: str, report: Report) -> None:
    _expect(report, Outcome.FAILED)
    check = next(check for check in report.checks if check.outcome is Outcome.FAILED)
    say(f"   it {what}")
    say(f"      {report.verdict} by [{check.name}]: {check.detail}")


def _expect(report: Report, outcome: Outcome) -> None:
    """Stop with an error at another verdict than the expected one: the demo itself must not lie."""
    if report.outcome is not outcome:
        show = "; ".join(
            f"{check.name}: {check.detail}" for check in report.checks if check.outcome is not outcome
        )
        raise ZkmarginError("demo", f"unexpected verdict {report.verdict}: {show}")
