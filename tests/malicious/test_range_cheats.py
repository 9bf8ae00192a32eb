"""Cheats against range proofs: each is refused, by the one check or absorbed label without which it would pass.

All statements here are false (or second forms of a true one) by construction: the tests know every opening.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from claim_cases import range_case
from malicious.second_ranges import RangeSteps
from proof_cases import gen, transcript, weighted

from zkmargin.errors import VerificationError
from zkmargin.group.bn254 import Bn254
from zkmargin.group.reference import ReferenceBackend
from zkmargin.proofs import range_verifier
from zkmargin.proofs.equations import Equation, check_equations, merge_weights, residual
from zkmargin.proofs.range_prover import RangeWitness
from zkmargin.proofs.range_statement import RangeProof, RangeStatement
from zkmargin.transcript import Label

BN = ReferenceBackend(Bn254())
ORDER = BN.order
BITS = 4
TOO_LARGE = 1 << BITS

Labels = tuple[Label, ...]
Cheat = Callable[[Labels], tuple[RangeStatement, RangeProof]]


def with_f(point, amount: int):  # type: ignore[no-untyped-def]
    return BN.add(point, weighted(BN, ([amount], gen(BN, "F"))))


def run(steps: type[RangeSteps], deaf: Labels = (), values: Sequence[int] = (TOO_LARGE,), bits: int = BITS):  # type: ignore[no-untyped-def]
    case = range_case(BN, values, bits)
    return case.statement, steps(BN, transcript(BN, deaf), case.statement, case.witness).prove()


def accepted(statement: RangeStatement, proof: RangeProof, deaf: Labels = ()) -> None:
    range_verifier.verify(BN, transcript(BN, deaf), statement, proof)


def refused(statement: RangeStatement, proof: RangeProof) -> str:
    with pytest.raises(VerificationError) as error:
        accepted(statement, proof)
    return error.value.code


def failing(statement: RangeStatement, proof: RangeProof) -> list[str]:
    """Codes of all equations that do not hold."""
    challenges = range_verifier.replay(BN, transcript(BN), statement, proof)
    found = range_verifier.equations(BN, statement, proof, challenges)
    return [equation.code for equation in found if not all(BN.is_identity(residual(BN, equation)))]


# --- false values


class NoBits(RangeSteps):
    """The first digit holds the whole value."""

    def digits(self) -> list[int]:
        padded = [*self.witness.values, *[0] * (self.statement.padded_count - self.statement.count)]
        return [digit for value in padded for digit in (value, *[0] * (self.bits - 1))]


class FittedValue(NoBits):
    """The same, and t is what the commitments ask for instead of <l, r>."""

    def opened(self, value: int, blinding: int, mu: int) -> tuple[int, int, int]:
        self.excess = value - self.fitted_value()
        return self.fitted_value(), blinding, mu


class Truncated(RangeSteps):
    """The digits of the value mod 2^n: bits, but of another value."""


FALSE_VALUES = [[TOO_LARGE], [-1], [ORDER // 2], [3, TOO_LARGE], [TOO_LARGE, 0, 5]]


@pytest.mark.parametrize("values", FALSE_VALUES)
@pytest.mark.parametrize(
    ("steps", "code"),
    [(NoBits, "range/poly"), (Truncated, "range/poly"), (FittedValue, "range/product")],
    ids=lambda item: getattr(item, "__name__", item),
)
def test_a_value_outside_is_refused_by_one_equation(
    values: list[int], steps: type[RangeSteps], code: str
) -> None:
    statement, proof = run(steps, values=values)
    assert refused(statement, proof) == code
    assert failing(statement, proof) == [code]


def test_the_same_steps_prove_a_value_inside() -> None:
    for steps in (RangeSteps, Truncated):
        accepted(*run(steps, values=[TOO_LARGE - 1, 0]))


class OtherComplement(RangeSteps):
    """a_R is not a_L - 1."""

    def complements(self) -> list[int]:
        return [digit - 1 + (place == 2) for place, digit in enumerate(self.a_left)]


def test_digits_whose_complement_is_another_one() -> None:
    assert refused(*run(OtherComplement, values=[5])) == "range/poly"


@pytest.mark.parametrize("family", ["GN", "BG", "GB"])
def test_a_commitment_with_a_foreign_component(family: str) -> None:
    """So that V_j is an allowed target of linear proofs."""
    case = range_case(BN, [5], BITS)
    foreign = BN.add(case.statement.commitments, gen(BN, family))
    statement = replace(case.statement, commitments=foreign)
    proof = RangeSteps(BN, transcript(BN), statement, case.witness).prove()
    assert refused(statement, proof) == "range/poly"


# --- one cheat per label: it knows its challenges because the transcript does not hear the label


class LateA(NoBits):
    """A is chosen after y and z: a_R makes the one sum fit that stands for all conditions."""

    def point_a(self, honest):  # type: ignore[no-untyped-def]
        return gen(BN, "F")  # anything

    def after_z(self) -> None:
        self.x, self.t_coefficients = 0, (0, 0)
        l0, _, r0, _ = self.polynomials()
        missing = self.fitted_value() - self.backend.inner(l0, r0)
        self.a_right[0] += missing * pow(l0[0], -1, ORDER)
        self.a = self.vector(self.a_left, self.a_right, self.alpha)


class LateS(FittedValue):
    """S is chosen at the end: it takes what r must have more so that <l, r> is the fitted t."""

    def fold(self) -> tuple[int, int]:
        more = -self.excess * pow(self.l[0], -1, ORDER) % ORDER
        self.r[0] = (self.r[0] + more) % ORDER
        self.s = BN.add(self.s, weighted(BN, ([more * pow(self.x, -1, ORDER)], gen(BN, "BH"))))
        return super().fold()


class LateT1(NoBits):
    """T1 takes the difference between t and what the commitments ask for."""

    power = 1

    def opened(self, value: int, blinding: int, mu: int) -> tuple[int, int, int]:
        name = f"t{self.power}"
        excess = value - self.fitted_value()
        moved = with_f(getattr(self, name), excess * pow(self.x, -self.power, ORDER))
        setattr(self, name, moved)
        return value, blinding, mu


class LateT2(LateT1):
    power = 2


class LateL(FittedValue):
    """The last L takes the difference between <l, r> and the fitted t."""

    def late_round(self, e: int) -> None:
        if len(self.left) == self.statement.rounds:
            self.left[-1] = with_f(self.left[-1], e * self.w * self.excess)


class LateR(FittedValue):
    def late_round(self, e: int) -> None:
        if len(self.right) == self.statement.rounds:
            self.right[-1] = with_f(self.right[-1], pow(e, -1, ORDER) * self.w * self.excess)


def late_commitments(deaf: Labels) -> tuple[RangeStatement, RangeProof]:
    """V_1 and V_2 are moved after z so that their weighted sum stays."""
    case = range_case(BN, [5, 9], BITS)
    steps = RangeSteps(BN, transcript(BN, deaf), case.statement, case.witness)
    proof = steps.prove()
    v = case.statement.commitments
    moved = BN.concat([with_f(v[:1], -steps.z * TOO_LARGE), with_f(v[1:], TOO_LARGE)])
    return replace(case.statement, commitments=moved), proof


def late_value(deaf: Labels) -> tuple[RangeStatement, RangeProof]:
    """t is chosen after the weights of the merge: only its component on F is wrong, and two equations become one."""
    case = range_case(BN, [TOO_LARGE], BITS)
    steps = NoBits(BN, transcript(BN, deaf), case.statement, case.witness)
    proof = steps.prove()
    of_poly, of_product = merge_weights([steps.transcript.state], 2, ORDER)
    excess = proof.value - steps.fitted_value()
    change = -of_poly * excess * pow(of_poly - of_product * steps.w, -1, ORDER)
    return case.statement, replace(proof, value=(proof.value + change) % ORDER)


LABEL_CHEATS: dict[Label, Cheat] = {
    Label.RANGE_V: late_commitments,
    Label.RANGE_A: lambda deaf: run(LateA, deaf),
    Label.RANGE_S: lambda deaf: run(LateS, deaf),
    Label.RANGE_T1: lambda deaf: run(LateT1, deaf),
    Label.RANGE_T2: lambda deaf: run(LateT2, deaf),
    Label.RANGE_T: late_value,
    Label.RANGE_L: lambda deaf: run(LateL, deaf),
    Label.RANGE_R: lambda deaf: run(LateR, deaf),
}
# n and m follow from range/V and from the number of rounds, so that range/dims binds them a second time.
BOUND_TWICE = {Label.RANGE_DIMS}


def test_the_dimensions_stay_bound_without_their_label() -> None:
    deaf = tuple(BOUND_TWICE)
    statement, proof = run(RangeSteps, deaf, values=[5, 9])
    accepted(statement, proof, deaf)
    for bits in (2, 8):
        with pytest.raises(VerificationError) as error:
            accepted(replace(statement, bits=bits), proof, deaf)
        assert error.value.code == "range/shape"
    more = BN.concat([statement.commitments, statement.commitments])
    with pytest.raises(VerificationError) as error:
        accepted(RangeStatement(more, 2), proof, deaf)  # the same N
    assert error.value.code.startswith("range/p")


@pytest.mark.parametrize("label", LABEL_CHEATS, ids=lambda label: label.value)
def test_each_label_refuses_a_cheat_that_passes_without_it(label: Label) -> None:
    cheat = LABEL_CHEATS[label]
    assert refused(*cheat(())) in ("range/poly", "range/product")
    accepted(*cheat((label,)), deaf=(label,))


def last_scalars(deaf: Labels) -> tuple[list[bytes], list[Equation]]:
    """a and b of two proofs are changed after the weights so that the faults cancel; the first statement is false.

    With N = 1 there is one equation on BG, one on BH and one on F for four unknowns.
    """
    cases = [range_case(BN, [2], 1), range_case(BN, [1], 1, seed=2)]
    kinds = (FittedValue, RangeSteps)
    runs = [
        kind(BN, transcript(BN, deaf), case.statement, case.witness)
        for kind, case in zip(kinds, cases, strict=True)
    ]
    proofs = [steps.prove() for steps in runs]
    _, q1, _, q2 = merge_weights([steps.transcript.state for steps in runs], 4, ORDER)
    (a1, b1), (a2, b2) = (proof.last for proof in proofs)
    w1, w2 = (steps.w for steps in runs)
    alpha1 = 3
    alpha2 = -q1 * alpha1 * pow(q2, -1, ORDER) % ORDER
    constant = q1 * w1 * alpha1 * b1 + q2 * w2 * alpha2 * b2 + q1 * w1 * runs[0].excess
    beta1 = -constant * pow(q1 * w1 * (a1 + alpha1) - q1 * w2 * (a2 + alpha2), -1, ORDER) % ORDER
    beta2 = -q1 * beta1 * pow(q2, -1, ORDER) % ORDER
    changed = [(a1 + alpha1, b1 + beta1), (a2 + alpha2, b2 + beta2)]
    states, equations = [], []
    for case, proof, (a, b) in zip(cases, proofs, changed, strict=True):
        heard = transcript(BN, deaf)
        late = replace(proof, last=(a % ORDER, b % ORDER))
        drawn = range_verifier.replay(BN, heard, case.statement, late)
        states.append(heard.state)
        equations += range_verifier.equations(BN, case.statement, late, drawn)
    return states, equations


def test_merged_proofs_must_hear_their_last_scalars() -> None:
    with pytest.raises(VerificationError):
        check_equations(BN, *last_scalars(()))
    weights = merge_weights(last_scalars((Label.RANGE_AB,))[0], 4, ORDER)
    states, equations = last_scalars((Label.RANGE_AB,))
    assert weights == merge_weights(states, 4, ORDER)
    check_equations(BN, states, equations)


def test_every_absorbed_label_of_the_range_proof_has_its_cheat() -> None:
    absorbed = {label for label in Label if label.value.startswith("range/")}
    assert absorbed == set(LABEL_CHEATS) | BOUND_TWICE | {Label.RANGE_AB}


def test_nothing_to_check_is_no_verdict() -> None:
    for states, equations in (([], []), ([bytes(32)], [])):
        with pytest.raises(ValueError):
            check_equations(BN, states, equations)


def test_weights_depend_on_every_state_and_differ() -> None:
    states = [bytes([i]) * 32 for i in range(3)]
    weights = merge_weights(states, 5, ORDER)
    assert len(set(weights)) == 5
    for i in range(3):
        other = [*states[:i], b"x" * 32, *states[i + 1 :]]
        assert not set(weights) & set(merge_weights(other, 5, ORDER))
    assert all(merge_weights([b"s" * 32], 50, 3))


# --- one cheat per check


class Unblinded(RangeSteps):
    """S = infinity: l and r are laid open."""

    def draw(self, count: int) -> list[int]:
        return [0] * count if count > 2 else super().draw(count)

    def point_a(self, honest):  # type: ignore[no-untyped-def]
        self.alpha = 1  # S alone is infinity
        return self.vector(self.a_left, self.a_right, self.alpha)


def test_infinity_is_refused_though_the_equations_hold() -> None:
    statement, proof = run(Unblinded, values=[5])
    assert failing(statement, proof) == []
    assert refused(statement, proof) == "range/infinity"


def test_a_commitment_at_infinity_is_not_the_provers_to_give() -> None:
    case = range_case(BN, [5, 0], BITS)
    witness = RangeWitness([5, 0], [case.witness.blindings[0], 0])
    padded = BN.concat([case.statement.commitments[:1], BN.identity(1)])
    statement = replace(case.statement, commitments=padded)
    proof = RangeSteps(BN, transcript(BN), statement, witness).prove()
    assert failing(statement, proof) == []
    assert refused(statement, proof) == "range/infinity"


@pytest.mark.parametrize("name", ["value", "value_blinding", "blinding", "last"])
def test_a_second_form_of_a_scalar_is_refused(name: str) -> None:
    statement, proof = run(RangeSteps, values=[5])
    held = getattr(proof, name)
    for more in (ORDER, -ORDER):
        other = (held[0] + more, held[1]) if name == "last" else held + more
        assert refused(statement, replace(proof, **{name: other})) == "range/scalar"


SHAPES: dict[str, Callable[[RangeProof], RangeProof]] = {
    "no A": lambda p: replace(p, a=p.a[:0]),
    "two S": lambda p: replace(p, s=BN.concat([p.s, p.s])),
    "a round less": lambda p: replace(p, left=p.left[1:], right=p.right[1:]),
    "a round more": lambda p: replace(p, left=BN.concat([p.left, p.a]), right=BN.concat([p.right, p.a])),
    "an L less": lambda p: replace(p, left=p.left[1:]),
    "no rounds": lambda p: replace(p, left=p.left[:0], right=p.right[:0]),
    "three last scalars": lambda p: replace(p, last=(*p.last, 0)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_other_numbers_of_messages_are_refused(name: str) -> None:
    statement, proof = run(RangeSteps, values=[5])
    assert refused(statement, SHAPES[name](proof)) == "range/shape"


@pytest.mark.parametrize("name", ["a", "s", "t1", "t2", "left", "right"])
@pytest.mark.parametrize("change", ["identity", "negated", "moved"])
def test_every_point_is_bound(name: str, change: str) -> None:
    statement, proof = run(RangeSteps, values=[5])
    held = getattr(proof, name)
    first = {
        "identity": BN.identity(1),
        "negated": BN.negate(held[:1]),
        "moved": with_f(held[:1], 1),
    }[change]
    refused(statement, replace(proof, **{name: BN.concat([first, held[1:]])}))


@pytest.mark.parametrize("name", ["value", "value_blinding", "blinding"])
@pytest.mark.parametrize("amount", ["zero", "one more"])
def test_every_scalar_is_bound(name: str, amount: str) -> None:
    statement, proof = run(RangeSteps, values=[5])
    other = 0 if amount == "zero" else (getattr(proof, name) + 1) % ORDER
    refused(statement, replace(proof, **{name: other}))
    for last in ((0, proof.last[1]), (proof.last[0], 0), proof.last[::-1]):
        refused(statement, replace(proof, last=last))


def test_a_proof_of_zeros_is_refused() -> None:
    case = range_case(BN, [5], BITS)
    none = BN.identity(1)
    rounds = BN.identity(case.statement.rounds)
    assert (
        refused(case.statement, RangeProof(none, none, none, none, 0, 0, 0, rounds, rounds, (0, 0)))
        == "range/infinity"
    )
