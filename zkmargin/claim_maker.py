"""Make a claim from bundles: open every leaf against the attestation, then prove the forms over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zkmargin import limits
from zkmargin.attestation.header import Header
from zkmargin.attestation.manifest import read_manifest
from zkmargin.attestation.public import PublicInputs, check_public_inputs
from zkmargin.attestation.report import Report
from zkmargin.bundle import Bundle, BundleLeaf
from zkmargin.bundle_verifier import OpenedLeaf, check_snapshot, open_leaf
from zkmargin.claim import Claim, check_context
from zkmargin.claim_language import Unit, WrittenForm, form_text, over_leaves, parse
from zkmargin.claim_verifier import ratio_fault, unit_of
from zkmargin.errors import UsageError
from zkmargin.group.backend import Backend
from zkmargin.proofs import claim_prover
from zkmargin.proofs.claim_prover import LeafOpening
from zkmargin.proofs.claim_statement import ClaimStatement, Form, Leaf
from zkmargin.proofs.linear_prover import NonceSource


@dataclass(frozen=True)
class PublicAttestation:
    """Header and public inputs of an attestation, recomputed."""

    header: Header
    inputs: PublicInputs

    @property
    def unit(self) -> Unit:
        """Return what the constants of a claim are read in."""
        return unit_of(self.inputs)


def read_attestation(attestation: Path) -> PublicAttestation:
    """Read an attestation for its customer; raise an error unless its signature holds and its public inputs agree."""
    signed = read_manifest(attestation)
    signed.check_signature()
    report = Report("attestation")
    inputs = check_public_inputs(report, signed)
    report.raise_unless_verified()
    if inputs is None:
        raise UsageError("attestation", "the attestation's public inputs are not all there")
    return PublicAttestation(signed.manifest.header, inputs)


def make_claim(
    backend: Backend,
    attested: PublicAttestation,
    bundles: Sequence[Bundle],
    text: str,
    context: str,
    nonces: NonceSource,
    *,
    pots: Sequence[str] = (),
    bits: int = 64,
) -> Claim:
    """Prove a claim over the leaves of some bundles (of these pots only, if any are named).

    Leaves are numbered in the order of bundles and of the pots in them. `nonces` must rest on fresh randomness. Raise
    UsageError for a text that is no claim, a form that does not hold or that the book refuses, VerificationError for a
    bundle that does not belong to the attestation.
    """
    check_context(context)
    written = parse(text, attested.unit)
    chosen = _choose(bundles, pots)
    opened = [_open(backend, attested, bundle, leaf) for bundle, leaf in chosen]
    digest = attested.header.digest(backend.order)
    forms = _forms(written, [leaf for _, leaf in chosen])
    leaves = tuple(
        Leaf(leaf.book, leaf.index, found.uid, found.a, found.b)
        for (_, leaf), found in zip(chosen, opened, strict=True)
    )
    statement = ClaimStatement(digest, leaves, forms, context, bits)
    if fault := ratio_fault(statement, attested.inputs):
        raise UsageError("claim-ratio", fault)
    openings = [LeafOpening(found.outputs, leaf.a) for (_, leaf), found in zip(chosen, opened, strict=True)]
    try:
        proof = claim_prover.prove(backend, statement, openings, nonces)
    except UsageError as error:
        raise _in_words(error, attested.unit) from None
    return Claim(statement, tuple(leaf.path for _, leaf in chosen), proof)


def _in_words(error: UsageError, unit: Unit) -> UsageError:
    """Return the prover's refusal with the form as it is written."""
    form = error.actual
    if not isinstance(form, Form):
        return error
    text = f"leaf {form.leaf + 1}: {form_text(form, unit)}"
    return UsageError(error.code, error.message, actual=text, hint=error.hint)


def _choose(bundles: Sequence[Bundle], pots: Sequence[str]) -> list[tuple[Bundle, BundleLeaf]]:
    """Return the leaves that a claim is about."""
    found = [(bundle, leaf) for bundle in bundles for leaf in bundle.leaves]
    if missing := set(pots) - {leaf.pot for _, leaf in found}:
        known = ", ".join(sorted({leaf.pot for _, leaf in found}))
        raise UsageError(
            "pot", "no such pot in the bundles", expected=known, actual=", ".join(sorted(missing))
        )
    chosen = [(bundle, leaf) for bundle, leaf in found if not pots or leaf.pot in pots]
    if not 1 <= len(chosen) <= limits.MAX_FORMS:
        raise UsageError(
            "claim-leaves",
            "a claim is about a bounded number of leaves",
            expected=f"1 to {limits.MAX_FORMS}",
            actual=len(chosen),
            hint="choose with --pot",
        )
    if len({(leaf.book, leaf.index) for _, leaf in chosen}) < len(chosen):
        raise UsageError(
            "claim-leaves", "one leaf stands twice in the bundles", hint="name every bundle once"
        )
    return chosen


def _open(backend: Backend, attested: PublicAttestation, bundle: Bundle, leaf: BundleLeaf) -> OpenedLeaf:
    header = attested.header
    check_snapshot(backend, header, bundle)
    book = header.book(leaf.book)
    return open_leaf(backend, header, book, attested.inputs, bundle.account, leaf, bundle.user)


def _forms(written: Sequence[WrittenForm], leaves: Sequence[BundleLeaf]) -> tuple[Form, ...]:
    """Return the forms in order; refuse leaves that no form is about: they would be shown for nothing."""
    forms = over_leaves(written, len(leaves))
    if len(forms) > limits.MAX_FORMS:
        raise UsageError(
            "claim-forms",
            "too many forms over all leaves together",
            expected=f"at most {limits.MAX_FORMS}",
            actual=len(forms),
        )
    if forms[-1].leaf >= len(leaves):
        raise UsageError(
            "claim-leaf", "there is no such leaf", expected=f"1 to {len(leaves)}", actual=forms[-1].leaf + 1
        )
    for number, leaf in enumerate(leaves):
        if all(form.leaf != number for form in forms):
            raise UsageError(
                "claim-leaf",
                f"no form is about leaf {number + 1}, the pot {leaf.pot}",
                hint="choose with --pot",
            )
    return tuple(forms)
