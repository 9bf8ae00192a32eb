"""What a third party checks: "is this true of an account of that snapshot, said to me, and recent enough?"

Snapshot digest, roots, policy and circuits come from the attestation, context and required forms from the verifier;
what the claim says of them is compared and then not used. Every leaf must lead to the root of its book, its book must
allow the forms, and the proof must hold for the verifier's own statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from zkmargin.attestation.header import Header
from zkmargin.attestation.public import PublicInputs, check_manifest, check_public_inputs
from zkmargin.attestation.report import Outcome, Report
from zkmargin.claim import Claim, check_context, read_claim
from zkmargin.claim_language import Unit, form_text, over_leaves, parse
from zkmargin.commitment import book_context
from zkmargin.errors import UnmetPolicyError, VerificationError
from zkmargin.group.backend import Backend
from zkmargin.inputs.market import time_text
from zkmargin.proofs import claim_verifier
from zkmargin.proofs.claim_statement import ClaimStatement, Form, Leaf
from zkmargin.tree import Node, check_inclusion
from zkmargin.wording import counted

PROOFS = "the attestation's proofs were not checked here; zkmargin audit does, or verify-claim --audit"
OWNER = "whose account it is: its maker had the bundle; so has the exchange, even of one that it invented"
OWNERS = "that the leaves are one customer's: only that their bundles were in one hand"
EMPTY = "that anything is in the account: of some leaf, all forms hold for an empty one; ask for a net value"
OTHERS = "other pots and accounts: the customer may have some that are not shown, and owe money there"
LATER = "anything after the snapshot: the account may have changed since"
LINKABLE = "unlinkability: claims about one leaf in one snapshot can be told to be about the same account"


@dataclass(frozen=True)
class Expectation:
    """What the verifier asks for.

    `required` is a claim as text, `context` the verifier's own; `places` the (book, index) that leaf after leaf must
    have, index None for any; `max_age` is the age of the snapshot that is still accepted at `now` (with a time zone);
    without it any snapshot will do that is not of the future at `now`, if that is given. UsageError for a context that
    is no label, ValueError for a maximum age without a time to hold it against.
    """

    required: str
    context: str
    places: Sequence[tuple[str, int | None]] = ()
    max_age: timedelta | None = None
    now: datetime | None = None

    def __post_init__(self) -> None:
        check_context(self.context)
        if self.max_age is not None and self.now is None:
            raise ValueError("a maximum age needs a time to hold it against")


@dataclass(frozen=True)
class ClaimResult:
    """The report, and what the claim is about once it could be read."""

    report: Report
    claim: Claim | None = None
    header: Header | None = None
    inputs: PublicInputs | None = None

    @property
    def forms(self) -> list[tuple[Leaf, str]]:
        """Return every form of the claim as text, with its leaf; none where something is shown false.

        They are proven if the report says so.
        """
        if self.claim is None or self.inputs is None or self.report.outcome is Outcome.FAILED:
            return []
        statement, unit = self.claim.statement, unit_of(self.inputs)
        return [(statement.leaves[form.leaf], form_text(form, unit)) for form in statement.forms]


def verify_claim(
    backend: Backend,
    data: bytes,
    attestation: Path,
    trusted: Sequence[bytes],
    expected: Expectation,
    *,
    audited: bool = False,
) -> ClaimResult:
    """Check a claim against an attestation; every fault is in the report.

    Raise UsageError for a required text that is no claim. Reads the manifest and the public inputs only; the report
    says that the attestation's proofs were not checked, unless the caller audits them too.
    """
    report = Report("claim")
    signed = check_manifest(report, attestation, trusted)
    claim = report.check("claim", lambda: read_claim(backend, data), "read, in its one form")
    inputs = check_public_inputs(report, signed) if signed else None
    header = signed.manifest.header if signed else None
    report.not_proven.extend(_not_proven(claim, audited=audited))
    if header is None or claim is None or inputs is None:
        return ClaimResult(report, claim, header, inputs)
    result = ClaimResult(report, claim, header, inputs)
    statement = replace(
        claim.statement, snapshot_digest=header.digest(backend.order), context=expected.context
    )
    _check_addressed(report, header, claim.statement, statement, expected)
    _check_age(report, inputs.market.time, expected)
    _check_required(report, claim.statement, inputs, expected)
    _check_proof(report, backend, header, inputs, statement, claim)
    return result


def unit_of(inputs: PublicInputs) -> Unit:
    """Return what the constants of a claim are read in."""
    return Unit(inputs.policy.quote, inputs.policy.equity_quantum)


def ratio_fault(statement: ClaimStatement, inputs: PublicInputs) -> str | None:
    """Say which form the circuit of its book refuses, or return None.

    Where something lowers R or I, a row may hold less than the rule gives, and a bound on it says nothing.
    """
    for form in statement.forms:
        book = statement.leaves[form.leaf].book
        if form.is_ratio and book in inputs.books and not inputs.books[book].circuit.ratio_claims:
            return f"the rules of book {book} lower a requirement, so nothing can be claimed of it"
    return None


def _not_proven(claim: Claim | None, *, audited: bool) -> list[str]:
    statement = claim.statement if claim else None
    said = {
        PROOFS: not audited,
        OWNER: True,
        OWNERS: statement is not None and len(statement.leaves) > 1,
        EMPTY: statement is not None and _holds_for_nothing(statement),
        OTHERS: True,
        LATER: True,
        LINKABLE: True,
    }
    return [line for line, applies in said.items() if applies]


def _holds_for_nothing(statement: ClaimStatement) -> bool:
    """Tell whether all that is claimed of some leaf is true of an account without balances and positions."""
    binding = {form.leaf for form in statement.forms if form.least > 0}
    return len(binding) < len(statement.leaves)


def _check_addressed(
    report: Report, header: Header, said: ClaimStatement, own: ClaimStatement, expected: Expectation
) -> None:
    """Compare what the claim says that it is about with what the verifier knows and wants."""
    report.check(
        "claim snapshot",
        lambda: _compare(
            "claim-snapshot",
            "the claim is about another snapshot",
            own.snapshot_digest.hex(),
            said.snapshot_digest.hex(),
        ),
        f"about the attestation of {header.exchange} at {header.time}",
    )
    report.check(
        "context",
        lambda: _compare(
            "claim-context", "the claim was made for another context", own.context, said.context
        ),
        f"made for you: {expected.context}",
    )
    if expected.places:
        report.check("leaves", lambda: _check_places(said.leaves, expected.places), "those that you named")


def _compare(code: str, message: str, expected: str, actual: str) -> None:
    if expected != actual:
        raise VerificationError(code, message, expected=expected, actual=actual)


def _check_places(leaves: Sequence[Leaf], places: Sequence[tuple[str, int | None]]) -> None:
    actual = [
        (leaf.book, None if place[1] is None else leaf.index)
        for leaf, place in zip(leaves, places, strict=False)
    ]
    if len(leaves) != len(places) or actual != list(places):
        raise VerificationError(
            "claim-leaf",
            "the claim is about other leaves",
            expected=", ".join(map(_place_text, places)),
            actual=", ".join(_place_text((leaf.book, leaf.index)) for leaf in leaves),
        )


def _place_text(place: tuple[str, int | None]) -> str:
    return place[0] if place[1] is None else f"{place[0]}/{place[1]}"


def _check_age(report: Report, taken: datetime, expected: Expectation) -> None:
    now, most = expected.now, expected.max_age
    if most is None:
        report.not_proven.append(
            f"that it is recent: it is of {time_text(taken)}, no maximum age was asked for"
        )
    if now is not None:
        what = "recent enough" if most is not None else "not of the future"
        detail = f"of {time_text(taken)}, {what} at {time_text(now)}"
        report.check("age", lambda: check_fresh(taken, now, most), detail)


def check_fresh(taken: datetime, now: datetime, most: timedelta | None) -> None:
    """Raise UnmetPolicyError for a snapshot of the future, or older than `most` at `now`."""
    future = taken > now
    if future or (most is not None and now - taken > most):
        raise UnmetPolicyError(
            "age",
            "the snapshot is of the future" if future else "the snapshot is too old",
            expected=("" if most is None else f"at most {most} ") + f"before {time_text(now)}",
            actual=time_text(taken),
        )


def _check_required(
    report: Report, said: ClaimStatement, inputs: PublicInputs, expected: Expectation
) -> None:
    written = parse(expected.required, unit_of(inputs))
    required = over_leaves(written, len(said.leaves))
    unit = unit_of(inputs)
    report.check(
        "forms",
        lambda: _check_forms(said.forms, required, unit),
        f"{counted(len(required), 'form')} that you asked for",
    )


def _check_forms(claimed: Sequence[Form], required: Sequence[Form], unit: Unit) -> None:
    if missing := [form for form in required if form not in claimed]:
        raise VerificationError(
            "claim-form",
            "the claim does not say what you asked for",
            expected=_forms_text(missing, unit),
            actual=_forms_text(claimed, unit),
        )


def _forms_text(forms: Sequence[Form], unit: Unit) -> str:
    return " and ".join(f"leaf {form.leaf + 1}: {form_text(form, unit)}" for form in forms)


def _check_proof(
    report: Report,
    backend: Backend,
    header: Header,
    inputs: PublicInputs,
    statement: ClaimStatement,
    claim: Claim,
) -> None:
    for leaf, path in zip(statement.leaves, claim.paths, strict=True):
        report.check(
            f"leaf {leaf.book}/{leaf.index}",
            partial(check_leaf, backend, header, leaf, path),
            "is in the root of its book",
        )
    report.check("rules", lambda: check_ratios(statement, inputs), "the circuits allow these forms")
    report.check(
        "proof",
        lambda: claim_verifier.verify(backend, statement, claim.proof),
        "every form holds for the committed account, revealing nothing else of it",
    )


def check_leaf(backend: Backend, header: Header, leaf: Leaf, path: Sequence[Node]) -> None:
    """Raise VerificationError unless the leaf is in the root of its book in the header."""
    book = header.book(leaf.book)
    context = book_context(header.exchange, header.snapshot_id, book.id)
    check_inclusion(backend, context, leaf.index, book.leaves, leaf.uid, leaf.a, leaf.b, path, book.root)


def check_ratios(statement: ClaimStatement, inputs: PublicInputs) -> None:
    """Raise VerificationError for a form that the circuit of its book refuses."""
    if fault := ratio_fault(statement, inputs):
        raise VerificationError("claim/ratio", fault)
