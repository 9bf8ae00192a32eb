"""What a customer checks: "am I counted, with my real numbers, and is my margin as I see it?"

For each leaf of the bundle: the canonical witness is computed from the customer's inputs and the public risk table,
every equation of the circuit is evaluated on it, both commitments and the identity commitment are computed again, and
leaf and path must lead to the root of the signed header. Equality is what counts: an understated equity is not caught
anywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zkmargin.attestation.header import BookHeader, Header
from zkmargin.attestation.public import PublicInputs, check_manifest, check_public_inputs
from zkmargin.attestation.report import Report
from zkmargin.bundle import Bundle, BundleLeaf, SignedBundle, read_bundle
from zkmargin.circuits.witness import check_row
from zkmargin.commitment import book_context, uid_commitment
from zkmargin.errors import UnmetPolicyError, UsageError, VerificationError
from zkmargin.group.backend import Backend, Points
from zkmargin.inputs.ledger import InputKey, User
from zkmargin.margin.accounts import BookMargin, calculate
from zkmargin.tree import check_inclusion
from zkmargin.wording import counted

PROOFS = "the attestation's proofs were not checked here; zkmargin audit does, or verify --audit"
RECORDS = "your rows: not compared with your records (--records); compare what is printed here yourself"

Records = Mapping[tuple[str, InputKey], int]
"""What the customer knows of the account: lots by pot and input, zeros left out."""


@dataclass(frozen=True)
class Identity:
    """Who the customer is, in the customer's own words; None where not given."""

    user: str | None = None
    nonce: bytes | None = None


@dataclass(frozen=True, repr=False)
class OpenedLeaf:
    """The margin of a pot (a book of one row), and its leaf as it stands in the tree."""

    margin: BookMargin
    uid: bytes
    a: Points
    b: Points

    @property
    def outputs(self) -> tuple[int, int, int, int]:
        """Return N, E, R, I in equity quanta."""
        pot = self.margin.pot(0)
        return pot.net, pot.equity, pot.requirement, pot.initial


@dataclass(frozen=True, repr=False)
class BundleResult:
    """The report, what the bundle says once it could be read, and what was shown of it.

    `verified`: the leaves that are counted as they stand, each with its margin (a book of one row).
    """

    report: Report
    bundle: Bundle | None = None
    header: Header | None = None
    inputs: PublicInputs | None = None
    verified: tuple[tuple[BundleLeaf, BookMargin], ...] = ()


def verify_bundle(
    backend: Backend,
    data: bytes,
    attestation: Path,
    trusted: Sequence[bytes],
    identity: Identity,
    records: Records | None = None,
    *,
    audited: bool = False,
) -> BundleResult:
    """Check a bundle against an attestation; every fault is in the report, nothing is raised for one.

    Reads the manifest and the public inputs only. `records` are compared with the bundle exactly, if given. The report
    says that the attestation's proofs were not checked, unless the caller audits them too.
    """
    report = Report("bundle")
    report.not_proven.extend(
        line for line, known in ((PROOFS, audited), (RECORDS, records is not None)) if not known
    )
    signed = check_manifest(report, attestation, trusted)
    opened = report.check("bundle", lambda: read_bundle(backend, data), "read, in canonical form")
    inputs = check_public_inputs(report, signed) if signed else None
    if signed is None or opened is None or inputs is None:
        return BundleResult(report, opened.bundle if opened else None)
    header, bundle = signed.manifest.header, opened.bundle
    report.check(
        "bundle signature", lambda: _check_signature(opened, signed.public_key), "by the attestation's key"
    )
    report.check(
        "bundle snapshot", lambda: check_snapshot(backend, header, bundle), "belongs to this attestation"
    )
    user = _check_identity(report, bundle, identity)
    count = counted(len(bundle.leaves), "distinct leaf", "distinct leaves")
    report.check("leaves", lambda: _check_distinct(bundle), f"{count} of this account")
    margins = [_check_leaf(report, backend, header, inputs, bundle, leaf, user) for leaf in bundle.leaves]
    if records is not None:
        _check_records(report, bundle, records)
    opened_leaves = zip(bundle.leaves, margins, strict=True)
    verified = tuple((leaf, margin) for leaf, margin in opened_leaves if margin is not None)
    return BundleResult(report, bundle, header, inputs, verified)


def _check_signature(opened: SignedBundle, key: bytes) -> None:
    opened.check_signature()
    if opened.public_key != key:
        raise VerificationError(
            "bundle-key",
            "the bundle is signed by another key",
            expected=key.hex(),
            actual=opened.public_key.hex(),
        )


def check_snapshot(backend: Backend, header: Header, bundle: Bundle) -> None:
    """Raise VerificationError unless the bundle belongs to the snapshot of this header."""
    digest = header.digest(backend.order)
    if bundle.snapshot != digest:
        raise VerificationError(
            "bundle-snapshot",
            "the bundle belongs to another snapshot",
            expected=digest.hex(),
            actual=bundle.snapshot.hex(),
        )


def _check_identity(report: Report, bundle: Bundle, identity: Identity) -> User:
    """Return the identity to recompute with: the customer's own, the recorded one where the customer gave none."""
    recorded = bundle.user
    own = User(
        recorded.id if identity.user is None else identity.user,
        recorded.nonce if identity.nonce is None else identity.nonce,
    )
    if identity.nonce is None and recorded.nonce:
        report.check("nonce", _missing_nonce)
    if own != recorded:
        report.check("identity", lambda: _another_identity(own, recorded))
    elif identity.user is None:
        report.unmet("identity", "you gave no identity of your own (--id); the exchange's record was used")
    elif not own.nonce and not _self_chosen(own.id):
        detail = (
            "your own id; identity assigned by the exchange, a clash with another customer is not excluded"
        )
        report.passed("identity", detail)
    else:
        report.passed("identity", "your own id and nonce" if own.nonce else "your own id")
    return own


def _another_identity(own: User, recorded: User) -> None:
    """Refuse a record that is not the customer's: it is evidence, so it may not differ from what the leaf holds."""
    if own.id != recorded.id:
        raise VerificationError(
            "identity", "the bundle names another customer", expected=own.id, actual=recorded.id
        )
    raise VerificationError("identity", "the bundle records another nonce than yours")


def _missing_nonce() -> None:
    raise UnmetPolicyError("nonce", "the leaf holds a nonce, and you gave none of your own (--nonce)")


def _self_chosen(user: str) -> bool:
    """Tell whether an id looks like one that the exchange does not assign: an e-mail address or a name."""
    return "@" in user or " " in user


def _check_distinct(bundle: Bundle) -> None:
    if not bundle.leaves:
        raise VerificationError("no-leaves", "the bundle holds no leaf")
    places = [(leaf.book, leaf.index) for leaf in bundle.leaves]
    pots = [leaf.pot for leaf in bundle.leaves]  # an account is in one book
    if len(set(places)) != len(places) or len(set(pots)) != len(pots):
        raise VerificationError("repeated-leaf", "the bundle shows one leaf or one pot twice")
    if len({leaf.book for leaf in bundle.leaves}) != 1:  # or the laxer of two books could margin a pot
        raise VerificationError("two-books", "the bundle shows one account in two books")


def _check_leaf(
    report: Report,
    backend: Backend,
    header: Header,
    inputs: PublicInputs,
    bundle: Bundle,
    leaf: BundleLeaf,
    user: User,
) -> BookMargin | None:
    name = f"leaf {leaf.book}/{leaf.pot}"

    def action() -> BookMargin:
        book = header.book(leaf.book)
        return open_leaf(backend, header, book, inputs, bundle.account, leaf, user).margin

    return report.check(
        name, action, "your numbers give this leaf, every equation of the circuit holds, it is in the root"
    )


def open_leaf(
    backend: Backend,
    header: Header,
    book: BookHeader,
    inputs: PublicInputs,
    account: str,
    leaf: BundleLeaf,
    user: User,
) -> OpenedLeaf:
    """Recompute one leaf from its inputs and check it against the root; return what it opens to.

    Raise VerificationError if the inputs do not fit the circuit, an equation fails, or the leaf is another one.
    """
    compiled = inputs.books[book.id]
    pots = leaf.pots(account, user)
    try:
        witness = compiled.fill(pots)
        margin = calculate(inputs.policy, inputs.table, pots, compiled)
    except UsageError as error:
        raise VerificationError("inputs", f"the bundle's inputs are none of this book: {error}") from None
    check_row(compiled.circuit, witness.row(0))
    pot = margin.pot(0)
    if [pot.net, pot.equity, pot.requirement, pot.initial] != [int(value) for value in witness.outputs[0]]:
        raise VerificationError("calculator", "calculator and circuit disagree on this pot; please report it")
    a = backend.commit_outputs(witness.outputs, [leaf.a])
    b = backend.commit_bits(witness.words(), compiled.circuit.n_bits, [leaf.b])
    context = book_context(header.exchange, header.snapshot_id, book.id)
    uid = uid_commitment(context, user.id, account, leaf.pot, user.nonce, leaf.salt)
    check_inclusion(backend, context, leaf.index, book.leaves, uid, a, b, leaf.path, book.root)
    return OpenedLeaf(margin, uid, a, b)


def _check_records(report: Report, bundle: Bundle, records: Records) -> None:
    mine = {key: amount for key, amount in records.items() if amount}
    theirs = {(leaf.pot, key): amount for leaf in bundle.leaves for key, amount in leaf.inputs}
    report.check(
        "records", lambda: _compare(mine, theirs), "equal to your records, nothing missing, nothing more"
    )


def _compare(mine: Mapping[tuple[str, InputKey], int], theirs: Mapping[tuple[str, InputKey], int]) -> None:
    for pot, key in sorted({*mine, *theirs}):
        expected, actual = mine.get((pot, key), 0), theirs.get((pot, key), 0)
        if expected != actual:
            raise VerificationError(
                "records",
                f"the bundle differs from your records in {pot}: {key[0]} {key[1]}, in lots",
                expected=expected,
                actual=actual,
            )
