"""Cheats against claims: a false form is refused however it is proven, and a true one where it does not belong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from claim_cases import ClaimCase, claim_case, form
from malicious.second_prover import LinearSteps
from malicious.second_ranges import RangeSteps
from malicious.test_range_cheats import FittedValue, NoBits, Truncated
from proof_cases import Deaf, SeededNonces

from zkmargin.errors import UsageError, VerificationError
from zkmargin.group import default_backend
from zkmargin.proofs import claim_prover, claim_statement, claim_verifier, range_prover
from zkmargin.proofs.claim_statement import ClaimProof, ClaimStatement, Form
from zkmargin.proofs.equations import residual
from zkmargin.proofs.linear_prover import LinearWitness
from zkmargin.proofs.range_prover import RangeWitness
from zkmargin.proofs.range_statement import RangeStatement
from zkmargin.transcript import Label, Protocol

BACKEND = default_backend()
ORDER = BACKEND.order
NET, EQUITY, REQUIREMENT, INITIAL = 900, 800, 500, 600
RICH, POOR = (NET, EQUITY, REQUIREMENT, INITIAL), (10, -11, 21, 25)
HEALTHY = form(equity=1, requirement=1)


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> list[Label]:
    """Labels that no claim's transcript hears; a test appends to it."""
    labels: list[Label] = []
    monkeypatch.setattr(claim_statement, "Transcript", lambda name, order: Deaf(name, order, labels))
    return labels


def honest(case: ClaimCase) -> ClaimProof:
    return claim_prover.prove(BACKEND, case.statement, case.openings, case.nonces(ORDER))


def forge(case: ClaimCase, values: Sequence[int], steps: type[RangeSteps] = RangeSteps) -> ClaimProof:
    """Prove that the forms have these values, linked as well as can be."""
    statement, nonces = case.statement, SeededNonces(ORDER)
    transcript = claim_statement.open_statement(BACKEND, statement)
    blindings = nonces.nonces(b"", b"", len(values))
    witness = RangeWitness(values, blindings)
    commitments = range_prover.commit(BACKEND, witness)
    claim_statement.absorb_values(BACKEND, transcript, commitments)
    links = []
    for leaf, opening in enumerate(case.openings):
        link = claim_statement.link_statement(BACKEND, statement, leaf, commitments)
        own = [blindings[j] for j in statement.forms_of(leaf)]
        known = LinearWitness(opening.outputs, opening.blinding, own)
        links.append(LinearSteps(BACKEND, transcript, link, known, nonces).prove())
    ranges = RangeStatement(commitments, statement.bits)
    return ClaimProof(commitments, tuple(links), steps(BACKEND, transcript, ranges, witness, nonces).prove())


def refused(statement: ClaimStatement, proof: ClaimProof) -> str:
    with pytest.raises(VerificationError) as error:
        claim_verifier.verify(BACKEND, statement, proof)
    return error.value.code


def failing(statement: ClaimStatement, proof: ClaimProof) -> list[str]:
    """Codes of all equations that do not hold."""
    _, equations = claim_verifier.follow(BACKEND, statement, proof)
    return [
        equation.code for equation in equations if not all(BACKEND.is_identity(residual(BACKEND, equation)))
    ]


def test_the_second_prover_sends_the_same_bytes() -> None:
    case = claim_case(BACKEND, [RICH, RICH], [HEALTHY, form(net=1, least=3), form(1, initial=1, equity=2)])
    values = [one.value(RICH) for one in case.statement.forms]
    assert forge(case, values).to_bytes(BACKEND) == honest(case).to_bytes(BACKEND)


# --- false forms


@pytest.mark.parametrize(
    "false",
    [
        HEALTHY,
        form(equity=1, least=-10),
        form(net=1, least=11),
        form(net=-1, least=-9),
        form(equity=2, requirement=3),
        form(equity=2**32 - 1, requirement=2**32 - 2, initial=1, net=1 - 2**32),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("steps", "code"), [(NoBits, "range/poly"), (Truncated, "range/poly"), (FittedValue, "range/product")]
)
def test_a_false_form_is_refused_to_be_made_and_forced_to_verify(
    false: Form, steps: type[RangeSteps], code: str
) -> None:
    case = claim_case(BACKEND, [POOR], [false])
    with pytest.raises(UsageError) as error:
        honest(case)
    assert error.value.code == "claim-false"
    proof = forge(case, [false.value(POOR)], steps)
    assert refused(case.statement, proof) == code
    assert failing(case.statement, proof) == [code]


@pytest.mark.parametrize("amount", [32, 33, 2**63])
def test_a_value_that_is_not_linked_to_the_leaf(amount: int) -> None:
    case = claim_case(BACKEND, [POOR], [HEALTHY])
    proof = forge(case, [HEALTHY.value(POOR) + amount])
    assert refused(case.statement, proof) == "claim/link"
    assert failing(case.statement, proof) == ["claim/link"]


def test_the_proof_of_a_richer_leaf() -> None:
    rich, poor = claim_case(BACKEND, [RICH], [HEALTHY]), claim_case(BACKEND, [POOR], [HEALTHY])
    proof = honest(rich)
    claim_verifier.verify(BACKEND, rich.statement, proof)
    assert refused(poor.statement, proof) == "claim/link"
    mixed = replace(rich.statement.leaves[0], a=poor.statement.leaves[0].a)
    assert refused(replace(rich.statement, leaves=(mixed,)), proof) == "claim/link"


def test_one_true_and_one_false_leaf() -> None:
    case = claim_case(BACKEND, [RICH, POOR], [HEALTHY, replace(HEALTHY, leaf=1)])
    values = [HEALTHY.value(RICH), HEALTHY.value(RICH)]
    assert failing(case.statement, forge(case, values)) == ["claim/link"]
    swapped = claim_case(BACKEND, [POOR, RICH], [HEALTHY, replace(HEALTHY, leaf=1)])
    assert refused(swapped.statement, honest(claim_case(BACKEND, [RICH, RICH], case.statement.forms)))


def test_two_forms_swapped() -> None:
    forms = [form(net=1, least=3), form(net=1, least=5)]
    case = claim_case(BACKEND, [RICH], forms)
    proof = honest(case)
    values = BACKEND.gather(proof.values, [1, 0])
    assert refused(case.statement, replace(proof, values=values)) == "claim/link"
    assert refused(replace(case.statement, forms=case.statement.forms[::-1]), proof) == "claim/forms"


@pytest.mark.parametrize("change", [{"least": 4}, {"least": 2}, {"equity": 2}, {"net": -1}, {"initial": 1}])
def test_another_form_than_the_proven_one(change: dict[str, int]) -> None:
    proven = form(net=1, equity=1, requirement=1, least=3)
    case = claim_case(BACKEND, [RICH], [proven])
    other = replace(case.statement, forms=(replace(proven, **change),))
    assert refused(other, honest(case)) in ("claim/link", "range/poly")


# --- forms that may not be claimed: the proof would hold

FIVE_ELEVENTHS = 5 * pow(-11, -1, ORDER) % ORDER
UNLAWFUL = {
    "a coefficient that wraps: al E = 5 for E = -11": form(equity=FIVE_ELEVENTHS),
    "a coefficient of 2^32": form(equity=2**32, requirement=1, least=-(2**60)),
    "a net coefficient of -2^32": form(net=-(2**32), equity=1, least=-(2**60)),
    "a requirement counted in favour": form(equity=1, requirement=-1),
    "an initial requirement counted in favour": form(equity=1, initial=-1),
    "equity bounded from above": form(equity=-1, least=-1000),
    "a constant that wraps": form(equity=1, least=-ORDER - 20),
    "a constant of 2^100": form(equity=1, least=-(2**100)),
    "no figure at all": form(least=-5),
    "not in lowest terms": form(equity=2, least=-1000),
}


@pytest.mark.parametrize("name", UNLAWFUL)
def test_unlawful_forms_are_refused_though_every_equation_holds(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlawful = UNLAWFUL[name]
    case = claim_case(BACKEND, [POOR], [unlawful], bits=128)
    with monkeypatch.context() as without:
        without.setattr(claim_statement, "forms_bytes", lambda forms: repr(forms).encode())
        proof = forge(case, [unlawful.value(POOR) % ORDER], Truncated)
        assert refused(case.statement, proof) == "claim/forms"
        without.setattr(claim_verifier, "check_statement", lambda _: None)
        claim_verifier.verify(BACKEND, case.statement, proof)


STATEMENTS = {
    "no form": ("claim/forms", {"forms": ()}),
    "one form twice": ("claim/forms", {"forms": (HEALTHY, HEALTHY)}),
    "forms out of order": ("claim/forms", {"forms": (form(net=1), HEALTHY)}),
    "seventeen forms": ("claim/forms", {"forms": tuple(form(net=1, least=i) for i in range(17))}),
    "a form over no leaf": ("claim/forms", {"forms": (HEALTHY, replace(HEALTHY, leaf=1))}),
    "a form over a leaf below": ("claim/forms", {"forms": (replace(HEALTHY, leaf=-1), HEALTHY)}),
    "no leaf": ("claim/leaves", {"leaves": ()}),
    "8 bits": ("claim/bits", {"bits": 8}),
    "256 bits": ("claim/bits", {"bits": 256}),
    "no bits": ("claim/bits", {"bits": 0}),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_statements_that_may_not_be_claimed(name: str) -> None:
    code, change = STATEMENTS[name]
    case = claim_case(BACKEND, [RICH], [HEALTHY])
    statement, proof = replace(case.statement, **change), honest(case)  # type: ignore[arg-type]
    assert refused(statement, proof) == code
    with pytest.raises(VerificationError):
        claim_prover.prove(BACKEND, statement, case.openings, case.nonces(ORDER))


def test_one_leaf_twice_and_a_leaf_without_a_form() -> None:
    case = claim_case(BACKEND, [RICH, RICH], [HEALTHY, replace(HEALTHY, leaf=1)])
    proof, (one, two) = honest(case), case.statement.leaves
    assert refused(replace(case.statement, leaves=(one, one)), proof) == "claim/leaves"
    assert refused(replace(case.statement, forms=(HEALTHY,)), proof) == "claim/forms"
    assert refused(replace(case.statement, leaves=(two, one)), proof) == "claim/link"


def test_other_numbers_of_values_and_links() -> None:
    case = claim_case(BACKEND, [RICH, RICH], [HEALTHY, replace(HEALTHY, leaf=1)])
    proof = honest(case)
    for other in (
        replace(proof, links=proof.links[:1]),
        replace(proof, links=proof.links * 2),
        replace(proof, links=()),
        replace(proof, values=proof.values[:1]),
        replace(proof, values=BACKEND.concat([proof.values, proof.values])),
    ):
        assert refused(case.statement, other) == "claim/shape"


# --- labels of the claim


def other_statements(statement: ClaimStatement) -> dict[Label, ClaimStatement]:
    """The claim moved to where it does not belong; only the label's absorption tells."""
    leaf = statement.leaves[0]
    return {
        Label.SNAP_DIGEST: replace(statement, snapshot_digest=b"\1" * 32),
        Label.CLAIM_LEAF: replace(statement, leaves=(replace(leaf, book="other", index=7, uid=bytes(32)),)),
        Label.CLAIM_CONTEXT: replace(statement, context="another lender"),
    }


# Forms stand in lp/form and lp/Y too; every V in lp/Y and range/V.
BOUND_TWICE = {Label.CLAIM_FORMS, Label.CLAIM_V}


@pytest.mark.parametrize(
    "label", [Label.SNAP_DIGEST, Label.CLAIM_LEAF, Label.CLAIM_CONTEXT], ids=lambda label: label.value
)
def test_a_claim_is_not_moved_elsewhere(label: Label, deaf: list[Label]) -> None:
    case = claim_case(BACKEND, [RICH], [HEALTHY])
    moved = other_statements(case.statement)[label]
    assert refused(moved, honest(case)) == "claim/link"
    deaf.append(label)
    claim_verifier.verify(BACKEND, moved, honest(case))


def test_forms_and_values_stay_bound_without_their_labels(deaf: list[Label]) -> None:
    deaf += [Label.CLAIM_FORMS, Label.CLAIM_V]
    case = claim_case(BACKEND, [RICH], [form(net=1, least=3), form(net=1, least=5)])
    proof, (first, second) = honest(case), case.statement.forms
    claim_verifier.verify(BACKEND, case.statement, proof)
    for forms in ((first, replace(second, least=6)), (replace(first, net=-1), second)):
        assert refused(replace(case.statement, forms=forms), proof) == "claim/link"
    values = proof.values
    moved = BACKEND.concat([values[:1], BACKEND.add(values[1:], BACKEND.generators("F", 0, 1))])
    for other in (moved, BACKEND.gather(values, [1, 0]), BACKEND.gather(values, [0, 0])):
        assert refused(case.statement, replace(proof, values=other)) == "claim/link"


def test_every_absorbed_label_of_the_claim_has_its_cheat() -> None:
    absorbed = {label for label in Label if label.value.startswith("claim/")} | {Label.SNAP_DIGEST}
    moved = other_statements(claim_case(BACKEND, [RICH], [HEALTHY]).statement)
    assert absorbed == set(moved) | BOUND_TWICE


def test_the_transcript_is_the_claims_own() -> None:
    case = claim_case(BACKEND, [RICH], [HEALTHY])
    transcript = claim_statement.open_statement(BACKEND, case.statement)
    again = Deaf(Protocol.CLAIM, ORDER)
    leaf = case.statement.leaves[0]
    place = (4).to_bytes(8, "big") + b"book" + bytes(8)
    again.absorb(Label.SNAP_DIGEST, bytes(32))
    again.absorb(Label.CLAIM_LEAF, place + leaf.uid + BACKEND.encode(leaf.a) + BACKEND.encode(leaf.b))
    numbers = b"".join(n.to_bytes(33, "big", signed=True) for n in (0, 0, 1, 1, 0, 0))
    again.absorb(Label.CLAIM_FORMS, (1).to_bytes(8, "big") + numbers)
    again.absorb_text(Label.CLAIM_CONTEXT, "lender")
    assert transcript.state == again.state


# --- many claims at once


def test_one_false_claim_among_many_is_named() -> None:
    cases = [claim_case(BACKEND, [RICH], [HEALTHY], seed=seed) for seed in range(5)]
    proofs = [honest(case) for case in cases]
    statements = [case.statement for case in cases]
    claim_verifier.verify_all(BACKEND, statements, proofs)
    poor = claim_case(BACKEND, [POOR], [HEALTHY])
    for steps, code in ((NoBits, "range/poly"), (FittedValue, "range/product")):
        bad = forge(poor, [HEALTHY.value(POOR)], steps)
        for place in (0, 3, 5):
            with pytest.raises(VerificationError) as error:
                claim_verifier.verify_all(
                    BACKEND,
                    [*statements[:place], poor.statement, *statements[place:]],
                    [*proofs[:place], bad, *proofs[place:]],
                )
            assert error.value.code == code
    with pytest.raises(VerificationError):
        claim_verifier.verify_all(BACKEND, statements, [*proofs[1:], proofs[0]])


@pytest.mark.parametrize("counts", [(0, 0), (1, 0), (0, 1), (2, 1)])
def test_no_claims_are_no_verified_claims(counts: tuple[int, int]) -> None:
    case = claim_case(BACKEND, [RICH], [HEALTHY])
    with pytest.raises(ValueError):
        claim_verifier.verify_all(BACKEND, [case.statement] * counts[0], [honest(case)] * counts[1])


def test_openings_are_one_a_leaf() -> None:
    case = claim_case(BACKEND, [RICH], [HEALTHY])
    for openings in ([], case.openings * 2):
        with pytest.raises(ValueError):
            claim_prover.prove(BACKEND, case.statement, openings, case.nonces(ORDER))


def test_secrets_do_not_print() -> None:
    case = claim_case(BACKEND, [(123456789, *RICH[1:])], [HEALTHY])
    assert "123456789" not in repr(case.openings)
    assert "123456789" not in repr(RangeWitness([123456789], [123456789]))
