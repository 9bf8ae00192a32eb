"""Cheats against LP_k: each is refused, and for each check or absorbed label, leaving it out lets its cheat through.

All statements here are false (or second forms of a true one) by construction: the tests know every opening.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from malicious.second_prover import LinearSteps
from proof_cases import SeededNonces, commit, gen, linear_case, target, transcript, weighted

from zkmargin.errors import VerificationError
from zkmargin.group.bn254 import Bn254
from zkmargin.group.reference import ReferenceBackend
from zkmargin.proofs import linear_verifier
from zkmargin.proofs.linear_prover import LinearWitness
from zkmargin.proofs.linear_statement import LinearProof, LinearStatement
from zkmargin.proofs.linear_verifier import replay, residual
from zkmargin.transcript import Label, Transcript

BN = ReferenceBackend(Bn254())
ORDER = BN.order
FALSE_BY = 1  # how much the target of a false statement is too high

Labels = tuple[Label, ...]
Cheat = Callable[[Labels], tuple[LinearStatement, LinearProof]]


def false_case(rounds: int) -> tuple[LinearStatement, LinearWitness]:
    """C opens to x, the target says <x,u> + 1."""
    case = linear_case(BN, 4, rounds)
    w = case.witness
    value = BN.inner(w.vector, case.statement.forms[0]) + FALSE_BY
    return replace(case.statement, targets=target(BN, value, w.target_blindings[0])), w


def with_f(point, amount: int):  # type: ignore[no-untyped-def]
    """Add amount * F to a point."""
    return BN.add(point, weighted(BN, ([amount], gen(BN, "F"))))


# --- one cheat per label: it knows its challenges because the transcript does not hear the label


class FitMask(LinearSteps):
    """D is chosen after c so that the one equation holds, whatever the statement."""

    def finish(self) -> LinearProof:
        self.send(Label.LP_D, gen(BN, "F"))  # anything
        c = self.transcript.challenge(Label.LP_C)
        z, z_blinding = [3] * len(self.x), 5
        self.transcript.absorb_scalars(Label.LP_Z, [*z, z_blinding])
        p = weighted(BN, ([1], self.statement.commitment), ([self.xi], self.statement.targets))
        mask = BN.add(self.commit(z, self.points, self.u, z_blinding), weighted(BN, ([-c], p)))
        return LinearProof(BN.identity(0), BN.identity(0), mask, tuple(z), z_blinding)


def fitted_mask(deaf: Labels) -> tuple[LinearStatement, LinearProof]:
    statement, witness = false_case(0)
    return statement, FitMask(BN, transcript(BN, deaf), statement, witness).prove()


class FitLeft(LinearSteps):
    """L repairs, after e, what the target has too much: P gets e^-1 L."""

    def late(self, e: int) -> None:
        self.left[-1] = with_f(self.left[-1], -e * self.xi * FALSE_BY)


class FitRight(LinearSteps):
    """R repairs it: P gets e R."""

    def late(self, e: int) -> None:
        self.right[-1] = with_f(self.right[-1], -pow(e, -1, ORDER) * self.xi * FALSE_BY)


def fitted_side(steps: type[LinearSteps]) -> Cheat:
    def cheat(deaf: Labels) -> tuple[LinearStatement, LinearProof]:
        statement, witness = false_case(1)
        return statement, steps(BN, transcript(BN, deaf), statement, witness).prove()

    return cheat


class ShiftedMask(LinearSteps):
    """D carries one F too much; who chooses C or Y after c makes it fit."""

    def mask_point(self, honest):  # type: ignore[no-untyped-def]
        return with_f(honest, 1)

    def answer(self, c: int, d, d_blinding: int):  # type: ignore[no-untyped-def]
        self.shift = pow(c * self.xi, -1, ORDER)  # what <x,u> must have more than the target
        self.fit()
        return super().answer(c, d, d_blinding)

    def fit(self) -> None:
        """Change what the transcript did not hear."""


class LateCommitment(ShiftedMask):
    """C opens to an x that was chosen after c."""

    def fit(self) -> None:
        self.x[0] = (self.x[0] + self.shift * pow(self.u[0], -1, ORDER)) % ORDER


class LateTarget(ShiftedMask):
    """Y is chosen after c."""

    def fit(self) -> None:
        self.y = BN.inner(self.x, self.u) - self.shift


def late_commitment(deaf: Labels) -> tuple[LinearStatement, LinearProof]:
    case = linear_case(BN, 4, 0)
    steps = LateCommitment(BN, transcript(BN, deaf), case.statement, case.witness)
    proof = steps.prove()
    assert BN.inner(steps.x, steps.u) != BN.inner(
        case.witness.vector, steps.u
    )  # the target is that of another x
    late = commit(BN, steps.x, case.witness.blinding, case.statement.generators)
    return replace(case.statement, commitment=late), proof


def late_target(deaf: Labels) -> tuple[LinearStatement, LinearProof]:
    case = linear_case(BN, 4, 0)
    steps = LateTarget(BN, transcript(BN, deaf), case.statement, case.witness)
    proof = steps.prove()
    assert steps.y % ORDER != BN.inner(steps.x, steps.u)
    return replace(case.statement, targets=target(BN, steps.y, case.witness.target_blindings[0])), proof


def late_form(deaf: Labels) -> tuple[LinearStatement, LinearProof]:
    """The form is bent after the responses, along a direction that z does not see but x does."""
    case = linear_case(BN, 4, 0)
    proof = LinearSteps(BN, transcript(BN, deaf), case.statement, case.witness).prove()
    z, u = proof.responses, case.statement.forms[0]
    bent = ((u[0] + z[1]) % ORDER, (u[1] - z[0]) % ORDER, *u[2:])
    assert BN.inner(bent, case.witness.vector) != BN.inner(u, case.witness.vector)
    return replace(case.statement, forms=(bent,)), proof


LABEL_CHEATS: dict[Label, Cheat] = {
    Label.LP_FORM: late_form,
    Label.LP_COMMITMENT: late_commitment,
    Label.LP_Y: late_target,
    Label.LP_L: fitted_side(FitLeft),
    Label.LP_R: fitted_side(FitRight),
    Label.LP_D: fitted_mask,
}


@pytest.mark.parametrize("label", LABEL_CHEATS, ids=lambda label: label.value)
def test_each_label_refuses_a_cheat_that_passes_without_it(label: Label) -> None:
    cheat = LABEL_CHEATS[label]
    with pytest.raises(VerificationError) as error:
        linear_verifier.verify(BN, transcript(BN), *cheat(()))
    assert error.value.code == "linear/equation"
    linear_verifier.verify(BN, transcript(BN, (label,)), *cheat((label,)))


def merged_check(heard: Transcript, first, second) -> bool:  # type: ignore[no-untyped-def]
    """Check two proofs with one equation, under a weight drawn after both: lawful only if responses are heard."""
    equations = [residual(BN, *case, replay(BN, heard, *case)) for case in (first, second)]
    weight = heard.challenge(Label.LP_XI)
    return all(BN.is_identity(weighted(BN, ([1], equations[0]), ([weight], equations[1]))))


def merge_cheat(deaf: Labels) -> tuple[tuple[LinearStatement, LinearProof], ...]:
    """Responses are changed after the weight so that the faults of two proofs cancel; the first statement is false."""
    statement, witness = false_case(0)
    other = linear_case(BN, 4, 0, seed=8)
    heard = transcript(BN, deaf)
    one, two = (
        LinearSteps(BN, heard, s, w) for s, w in ((statement, witness), (other.statement, other.witness))
    )
    proofs = [one.prove(), two.prove()]
    weight = heard.challenge(Label.LP_XI)
    c = _schnorr(deaf, statement, proofs[0])
    # z_1 + v and z_2 - v / weight cancel on every G; on F they leave v_0 (xi_1 u_1[0] - xi_2 u_2[0]) = c xi_1
    v = c * one.xi * FALSE_BY * pow(one.xi * one.u[0] - two.xi * two.u[0], -1, ORDER) % ORDER
    steps = (v, -v * pow(weight, -1, ORDER))
    changed = [
        replace(proof, responses=((proof.responses[0] + step) % ORDER, *proof.responses[1:]))
        for proof, step in zip(proofs, steps, strict=True)
    ]
    return (statement, changed[0]), (other.statement, changed[1])


def _schnorr(deaf: Labels, statement: LinearStatement, proof: LinearProof) -> int:
    return replay(BN, transcript(BN, deaf), statement, proof).schnorr


def test_a_later_weight_must_hear_the_responses() -> None:
    assert not merged_check(transcript(BN), *merge_cheat(()))
    assert merged_check(transcript(BN, (Label.LP_Z,)), *merge_cheat((Label.LP_Z,)))


def test_every_absorbed_label_of_the_linear_proof_has_its_cheat() -> None:
    absorbed = {label for label in Label if label.value.startswith("lp/")}
    assert absorbed == set(LABEL_CHEATS) | {Label.LP_Z}


# --- one cheat per check


class NoMask(LinearSteps):
    """All nonces of the last step 0: D is infinity and the responses are c x."""

    def mask_nonces(self, count: int) -> list[int]:
        return [0] * count


def accepted(statement: LinearStatement, proof: LinearProof) -> None:
    linear_verifier.verify(BN, transcript(BN), statement, proof)


def refused(statement: LinearStatement, proof: LinearProof) -> str:
    with pytest.raises(VerificationError) as error:
        accepted(statement, proof)
    return error.value.code


def without(monkeypatch: pytest.MonkeyPatch, *checks: str) -> None:
    for check in checks:
        monkeypatch.setattr(linear_verifier, check, lambda *_: None)


def test_a_false_statement_needs_the_equation(monkeypatch: pytest.MonkeyPatch) -> None:
    statement, witness = false_case(1)
    proof = LinearSteps(BN, transcript(BN), statement, witness).prove()
    assert refused(statement, proof) == "linear/equation"
    without(monkeypatch, "check_equation")
    accepted(statement, proof)


def test_infinity_as_mask_lays_the_witness_open(monkeypatch: pytest.MonkeyPatch) -> None:
    case = linear_case(BN, 4, 0)
    proof = NoMask(BN, transcript(BN), case.statement, case.witness).prove()
    assert refused(case.statement, proof) == "linear/infinity"
    without(monkeypatch, "check_points")
    accepted(case.statement, proof)
    c = _schnorr((), case.statement, proof)
    assert [z * pow(c, -1, ORDER) % ORDER for z in proof.responses] == case.witness.vector


def test_infinity_as_a_round_message_is_refused() -> None:
    case = linear_case(BN, 4, 1)
    proof = LinearSteps(BN, transcript(BN), case.statement, case.witness).prove()
    for message in ("left", "right"):
        assert refused(case.statement, replace(proof, **{message: BN.identity(1)})) == "linear/infinity"


def test_k_is_the_verifiers() -> None:
    case = linear_case(BN, 8, 2)
    longer = replace(case.statement, rounds=1)  # one round less, twice as many responses
    proof = LinearSteps(BN, transcript(BN), longer, case.witness).prove()
    assert refused(case.statement, proof) == "linear/shape"
    accepted(replace(case.statement, rounds=len(proof.left)), proof)  # a verifier that reads k off the proof


@pytest.mark.parametrize(
    "change",
    [
        lambda proof: replace(proof, left=BN.identity(0), right=BN.identity(0)),
        lambda proof: replace(proof, left=BN.concat([proof.left, proof.left])),
        lambda proof: replace(proof, right=BN.identity(0)),
        lambda proof: replace(proof, mask=BN.identity(0)),
        lambda proof: replace(proof, mask=BN.concat([proof.mask, proof.mask])),
        lambda proof: replace(proof, responses=proof.responses[:-1]),
        lambda proof: replace(proof, responses=(*proof.responses, 0)),
        lambda proof: replace(proof, responses=()),
    ],
)
def test_other_counts_are_refused(change) -> None:  # type: ignore[no-untyped-def]
    case = linear_case(BN, 4, 1)
    proof = LinearSteps(BN, transcript(BN), case.statement, case.witness).prove()
    assert refused(case.statement, change(proof)) == "linear/shape"


def test_swapped_sides_are_refused() -> None:
    case = linear_case(BN, 4, 1)
    proof = LinearSteps(BN, transcript(BN), case.statement, case.witness).prove()
    assert refused(case.statement, replace(proof, left=proof.right, right=proof.left)) == "linear/equation"


@pytest.mark.parametrize("offset", [ORDER, -ORDER])
def test_responses_are_canonical(offset: int, monkeypatch: pytest.MonkeyPatch) -> None:
    case = linear_case(BN, 4, 0)
    proof = LinearSteps(BN, transcript(BN), case.statement, case.witness).prove()
    first = replace(proof, responses=(proof.responses[0] + offset, *proof.responses[1:]))
    second = replace(proof, blinding_response=proof.blinding_response + offset)
    assert refused(case.statement, first) == "linear/scalar"
    assert refused(case.statement, second) == "linear/scalar"
    # Without the check, a transcript that reduces what it absorbs makes two proofs of one.
    without(monkeypatch, "check_scalars")
    heard = Transcript.absorb_scalars
    monkeypatch.setattr(
        Transcript, "absorb_scalars", lambda t, label, values: heard(t, label, [v % ORDER for v in values])
    )
    accepted(case.statement, first)


# --- what the caller must check


def test_a_target_outside_the_span_of_f_and_h_makes_another_target_lie() -> None:
    """Two targets: a G component of the first, and one of the second, shift x; the second target's value is wrong.

    With Y_1 = .. + <w1,G>, Y_2 = .. + <w2,G> the extracted vector is x + xi w1 + xi^2 w2. The powers of xi fit
    if t_1 = <x,u1>, t_2 = <x,u2> + <w1,u1>, <w2,u1> + <w1,u2> = 0 and <w2,u2> = 0.
    """
    x, b, ys = [3, 4, 5], 11, [7, 8]
    us = ((1, 0, 0), (0, 1, 0))
    w1, w2 = (100, 1, 0), (-1, 0, 0)
    points = gen(BN, "GB", 3)
    lie = BN.inner(x, us[1]) + 100
    targets = BN.concat(
        [
            BN.add(target(BN, BN.inner(x, us[0]), ys[0]), weighted(BN, (w1, points))),
            BN.add(target(BN, lie, ys[1]), weighted(BN, (w2, points))),
        ]
    )
    statement = LinearStatement(commit(BN, x, b, points), targets, us, points, 0)

    class Shifted(LinearSteps):
        def open(self) -> None:
            super().open()
            self.x = [(a + self.xi * p + self.xi**2 * q) % ORDER for a, p, q in zip(x, w1, w2, strict=True)]

    proof = Shifted(BN, transcript(BN), statement, LinearWitness(x, b, ys), SeededNonces(ORDER)).prove()
    accepted(
        statement, proof
    )  # so targets are tied to span(F,H) by the caller: split, openings, range proofs
    assert lie != BN.inner(x, us[1])
