"""Cheats against the totals' proof: each is refused, and without the check or label that refuses it, it passes."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from malicious.second_prover import LinearSteps, SplitSteps, TotalsSteps
from proof_cases import (
    TINY_BOOK,
    Book,
    Deaf,
    R,
    SeededNonces,
    bit_words,
    column,
    gen,
    linear_case,
    target,
    tiny_book,
    tiny_circuit,
    transcript,
    weighted,
)

from zkmargin.circuits.circuit import Circuit, Column
from zkmargin.errors import DecodeError, VerificationError
from zkmargin.group.backend import Backend
from zkmargin.group.bn254 import Bn254
from zkmargin.group.reference import ReferenceBackend
from zkmargin.proofs import (
    forms,
    linear_statement,
    linear_verifier,
    split_verifier,
    totals_statement,
    totals_verifier,
)
from zkmargin.proofs.linear_prover import LinearWitness
from zkmargin.proofs.linear_statement import LinearStatement
from zkmargin.proofs.split_statement import OUTPUT_FAMILIES, SplitProof, SplitStatement
from zkmargin.proofs.totals_statement import TotalsStatement, totals_proof_from_bytes
from zkmargin.transcript import Label, Transcript

BN = ReferenceBackend(Bn254())
ORDER = BN.order
BOOK = tiny_book(BN)


def accepted(statement: TotalsStatement, proof: SplitProof) -> None:
    totals_verifier.verify(BN, statement, proof)


def refused(statement: TotalsStatement, proof: SplitProof) -> str:
    with pytest.raises(VerificationError) as error:
        accepted(statement, proof)
    return error.value.code


def honest(book: Book, deaf: Sequence[Label] = ()) -> SplitProof:
    return TotalsSteps(BN, book, deaf).prove()


def without(monkeypatch: pytest.MonkeyPatch, module: object, *checks: str) -> None:
    for check in checks:
        monkeypatch.setattr(module, check, lambda *_: None)


def deafen(monkeypatch: pytest.MonkeyPatch, *labels: Label) -> None:
    monkeypatch.setattr(totals_statement, "Transcript", functools.partial(Deaf, deaf=labels))


# --- totals that are not those of the root


@pytest.mark.parametrize("name", ["owed", "shortfall", "position_X", "requirement"])
@pytest.mark.parametrize("by", [1, -1])
def test_a_total_off_by_one(name: str, by: int, monkeypatch: pytest.MonkeyPatch) -> None:
    book = BOOK.published(**{name: by})
    proof = honest(book)
    assert refused(book.statement, proof) == "split/B/equation"
    without(monkeypatch, linear_verifier, "check_equation")
    accepted(book.statement, proof)


def test_two_totals_off_that_cancel_in_the_plain_sum() -> None:
    book = BOOK.published(owed=-3, bad_debt=3)
    assert refused(book.statement, honest(book)) == "split/B/equation"


@pytest.mark.parametrize("by", [ORDER, -ORDER])
def test_a_total_that_is_congruent_but_not_small(by: int, monkeypatch: pytest.MonkeyPatch) -> None:
    book = BOOK.published(shortfall=by)
    proof = honest(book)
    assert refused(book.statement, proof) == "totals/range"
    without(monkeypatch, totals_verifier, "check_range")
    assert refused(book.statement, proof) == "totals/reach"  # the second line of defence in a lawful circuit
    without(monkeypatch, totals_verifier, "check_reach")
    accepted(book.statement, proof)


def test_range_alone_refuses_where_the_reach_is_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = (1 << 252) // 34
    book = tiny_book(BN, circuit=tiny_circuit({"huge": ((column("cash"), huge), (column("debt"), -huge))}))
    book = replace(
        book, statement=replace(book.statement, accounts=5, totals=[book.statement.totals[0] - ORDER])
    )
    proof = honest(book)
    assert refused(book.statement, proof) == "totals/range"
    without(monkeypatch, totals_verifier, "check_range")
    accepted(book.statement, proof)


def test_a_total_beyond_what_columns_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row whose lowest 'bit' of cash holds 1,000: the sums are consistent, but no row of bits reaches them."""
    bits = list(BOOK.witness.bits)
    bits[BOOK.statement.circuit.offsets[2]] += 1_000
    shifted = BN.add(
        BOOK.statement.sum_b, weighted(BN, ([1_000], _bit_generator(BOOK.statement.circuit, "cash")))
    )
    book = BOOK.published(deposits_USD=1_000)
    book = Book(replace(book.statement, sum_b=shifted), replace(book.witness, bits=bits))
    proof = honest(book)
    assert refused(book.statement, proof) == "totals/reach"
    without(monkeypatch, totals_verifier, "check_reach")
    accepted(book.statement, proof)


def _bit_generator(circuit: Circuit, name: str):  # type: ignore[no-untyped-def]
    return BN.generators("GB", circuit.offsets[column(name) - 4], 1)


def test_a_book_that_publishes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    circuit = replace(BOOK.statement.circuit, published={})
    book = replace(BOOK, statement=replace(BOOK.statement, circuit=circuit, totals=[]))
    steps = TotalsSteps(BN, book)
    proof = steps.prove()
    assert refused(book.statement, proof) == "totals/count"
    without(monkeypatch, totals_verifier, "check_count")
    # A true statement about nothing, which a report could sell as "totals proven".
    accepted(book.statement, proof)


@pytest.mark.parametrize("drop", [0, 3, 6])
def test_a_total_left_out(drop: int) -> None:
    names = list(BOOK.statement.circuit.published)
    fewer = {n: f for n, f in BOOK.statement.circuit.published.items() if n != names[drop]}
    totals = [t for i, t in enumerate(BOOK.statement.totals) if i != drop]
    small = replace(BOOK.statement, circuit=replace(BOOK.statement.circuit, published=fewer), totals=totals)
    proof = honest(replace(BOOK, statement=small))
    accepted(small, proof)  # of the prover's own circuit ...
    assert (
        refused(replace(BOOK.statement, totals=totals), proof) == "totals/count"
    )  # ... not of the verifier's


def test_totals_in_another_order() -> None:
    book = replace(BOOK, statement=replace(BOOK.statement, totals=BOOK.statement.totals[::-1]))
    assert refused(book.statement, honest(book)).startswith("split/")


# --- replay


def test_the_proof_of_another_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    later = replace(BOOK.statement, snapshot_digest=hashlib.sha256(b"next").digest())
    assert refused(later, honest(BOOK)) == "split/A/equation"
    deafen(monkeypatch, Label.SNAP_DIGEST)
    accepted(later, honest(BOOK, (Label.SNAP_DIGEST,)))


def test_the_proof_of_another_book(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(BOOK.statement, book="other")
    assert refused(other, honest(BOOK)) == "split/A/equation"
    deafen(monkeypatch, Label.PROOF_BOOK)
    accepted(other, honest(BOOK, (Label.PROOF_BOOK,)))


def test_root_sums_of_another_book() -> None:
    other = tiny_book(BN, TINY_BOOK[:3], seed=9).statement
    proof = honest(BOOK)
    assert refused(replace(BOOK.statement, sum_a=other.sum_a), proof) == "split/A/equation"
    assert refused(replace(BOOK.statement, sum_b=other.sum_b), proof) == "split/B/equation"


def test_totals_chosen_after_delta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two totals of wide columns, wrong by e_0 + delta e_1 = 0 mod r with both e within reach."""
    published = {"owed": ((4, 1),), "bad_debt": ((5, 1),)}
    wide = replace(tiny_circuit(published), columns=(Column("owed", 128), Column("bad_debt", 128)))
    words = bit_words([[10, 20]], wide)
    sum_b = BN.commit_bits(words, wide.n_bits, [7])
    zero = BN.commit_outputs(np.zeros((1, 4), dtype=np.int64), [6])
    statement = TotalsStatement(bytes(32), "wide", wide, 1, [10, 20], zero, sum_b)
    bits = [10 >> t & 1 for t in range(128)] + [20 >> t & 1 for t in range(128)]
    book = Book(statement, replace(BOOK.witness, outputs=[0] * 4, bits=bits, blinding_a=6, blinding_b=7))

    def cheat(deaf: Sequence[Label]) -> tuple[TotalsStatement, SplitProof]:
        proof = honest(book, deaf)
        heard = Deaf(totals_statement.Protocol.TOTALS, ORDER, deaf)
        heard.absorb(Label.SNAP_DIGEST, statement.snapshot_digest)
        heard.absorb_text(Label.PROOF_BOOK, statement.book)
        e0, e1 = _small_combination(heard.challenge(Label.TOTALS_DELTA))
        # Other totals make another header, so another digest.
        header = hashlib.sha256(f"{e0} {e1}".encode()).digest()
        return replace(statement, snapshot_digest=header, totals=[10 + e0, 20 + e1]), proof

    assert refused(*cheat(())).startswith("split/")
    deafen(monkeypatch, Label.SNAP_DIGEST)
    false, proof = cheat((Label.SNAP_DIGEST,))
    assert false.totals != statement.totals
    accepted(false, proof)


def _small_combination(delta: int) -> tuple[int, int]:
    """Return e_0, e_1 of about sqrt(r) with e_0 + delta e_1 = 0 mod r, by the extended Euclidean algorithm."""
    old, new, old_factor, factor = ORDER, delta, 0, 1
    while new > math.isqrt(ORDER):
        quotient = old // new
        old, new = new, old - quotient * new
        old_factor, factor = factor, old_factor - quotient * factor
    return new, -factor


# --- outputs moved between A and B


class Joint(SplitSteps):
    """What a protocol without the split would send: one linear proof over A + B (k = 0)."""

    def prove(self) -> SplitProof:
        w = self.witness
        witness = LinearWitness([*w.outputs, *w.bits], w.blinding_a + w.blinding_b, [0])
        proof = LinearSteps(
            BN, self.transcript, joint_statement(BN, self.statement), witness, self.nonces
        ).prove()
        return SplitProof(gen(BN, "F"), proof, proof)


class JointTotals(TotalsSteps):
    split = Joint


def joint_statement(backend: Backend, split: SplitStatement) -> LinearStatement:
    generators = [gen(backend, family) for family in OUTPUT_FAMILIES]
    return LinearStatement(
        backend.add(split.a, split.b),
        split.target,
        ((*split.form.a, *split.form.b),),
        backend.concat([*generators, gen(backend, "GB", len(split.form.b))]),
        0,
    )


def verify_joint(backend: Backend, heard: Transcript, statement: SplitStatement, proof: SplitProof) -> None:
    linear_verifier.verify(backend, heard, joint_statement(backend, statement), proof.a)


def moved_requirement() -> Book:
    """A says R = 22 + 500; 500 is taken back on GR inside B; the total says 22."""
    gr = gen(BN, OUTPUT_FAMILIES[R])
    statement = replace(
        BOOK.statement,
        sum_a=BN.add(BOOK.statement.sum_a, weighted(BN, ([500], gr))),
        sum_b=BN.add(BOOK.statement.sum_b, weighted(BN, ([-500], gr))),
    )
    return replace(BOOK, statement=statement)


def test_a_requirement_moved_between_a_and_b(monkeypatch: pytest.MonkeyPatch) -> None:
    book = moved_requirement()
    outputs = list(book.witness.outputs)
    outputs[R] += 500
    opened = replace(book, witness=replace(book.witness, outputs=outputs))
    for tried in (book, opened):  # with the sums' R, with A's R
        assert refused(tried.statement, honest(tried)) in {"split/A/equation", "split/B/equation"}
    monkeypatch.setattr(split_verifier, "verify", verify_joint)
    accepted(book.statement, JointTotals(BN, book).prove())


class ForeignTarget(SplitSteps):
    """Y_A carries w = GE, along which no published form looks; P of A carries xi w, which A's own proof lets pass."""

    def target_a(self, blinding: int):  # type: ignore[no-untyped-def]
        return BN.add(super().target_a(blinding), gen(BN, "GE"))

    class part_a(LinearSteps):  # noqa: N801
        def open(self) -> None:
            super().open()
            self.x[1] = (self.x[1] + self.xi) % ORDER


class ForeignTotals(TotalsSteps):
    split = ForeignTarget


def test_a_split_target_outside_the_span(monkeypatch: pytest.MonkeyPatch) -> None:
    proof = ForeignTotals(BN, BOOK).prove()
    assert (
        refused(BOOK.statement, proof) == "split/B/equation"
    )  # A's part holds; B's has no GE to answer with
    only_a = split_verifier._verify_part
    monkeypatch.setattr(
        split_verifier, "_verify_part", lambda part, *rest: only_a(part, *rest) if part == "A" else None
    )
    accepted(BOOK.statement, proof)


class ShiftedMask(LinearSteps):
    """D is one F too high, so that after c another target fits."""

    def mask_point(self, honest):  # type: ignore[no-untyped-def]
        return BN.add(honest, gen(BN, "F"))

    def answer(self, c: int, d, d_blinding: int):  # type: ignore[no-untyped-def]
        self.shift = pow(c * self.xi, -1, ORDER)
        return super().answer(c, d, d_blinding)


@pytest.mark.parametrize(
    ("deaf", "passes"),
    [((), False), ((Label.SPLIT_YA,), False), ((Label.LP_Y,), False), ((Label.SPLIT_YA, Label.LP_Y), True)],
)
def test_the_split_target_is_bound_twice(deaf: Sequence[Label], passes: bool) -> None:
    """split/YA and lp/Y both bind Y_A before A's challenges: only where both are not heard it can be chosen late."""
    w, form = BOOK.witness, forms.spread({R: 1}, BOOK.statement.circuit, ORDER)
    split = SplitStatement(BOOK.statement.sum_a, BOOK.statement.sum_b, gen(BN, "F"), form, 2)
    early, blinding = target(BN, w.outputs[R], 3), 3
    spoken = transcript(BN, deaf)
    spoken.absorb_points(Label.SPLIT_YA, BN, early)
    witness = LinearWitness(w.outputs, w.blinding_a, [blinding])
    steps = ShiftedMask(BN, spoken, split.part_a(BN, early), witness)
    proof = steps.prove()
    late = target(BN, w.outputs[R] - steps.shift, blinding)
    heard = transcript(BN, deaf)
    heard.absorb_points(Label.SPLIT_YA, BN, late)
    if passes:
        linear_verifier.verify(BN, heard, split.part_a(BN, late), proof)
    else:
        with pytest.raises(VerificationError):
            linear_verifier.verify(BN, heard, split.part_a(BN, late), proof)


# --- messages


class OpenTarget(SplitSteps):
    """No blinding in Y_A."""

    def target_blinding(self) -> int:
        return 0


class OpenTotals(TotalsSteps):
    split = OpenTarget


def test_infinity_as_split_target(monkeypatch: pytest.MonkeyPatch) -> None:
    circuit = tiny_circuit({"owed": ((column("owed"), 1),)})  # no output in any form: Y_A is s_A H
    book = tiny_book(BN, circuit=circuit)
    proof = OpenTotals(BN, book).prove()
    assert refused(book.statement, proof) == "split/infinity"
    without(monkeypatch, split_verifier, "check_target")
    accepted(book.statement, proof)


def test_a_split_target_is_one_point() -> None:
    proof = honest(BOOK)
    for target_a in (BN.identity(0), BN.concat([proof.target_a, proof.target_a])):
        assert refused(BOOK.statement, replace(proof, target_a=target_a)) == "split/shape"


def test_a_scalar_has_one_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    data = honest(BOOK).to_bytes(BN)
    second = data[:-32] + (int.from_bytes(data[-32:], "big") + ORDER).to_bytes(32, "big")
    with pytest.raises(DecodeError) as error:
        totals_proof_from_bytes(BN, second, BOOK.statement.circuit, 5)
    assert error.value.code == "scalar/range"
    strict = linear_statement.decode_scalars
    monkeypatch.setattr(
        linear_statement,
        "decode_scalars",
        lambda data, order: [value % order for value in strict(data, 1 << 256)],
    )
    accepted(BOOK.statement, totals_proof_from_bytes(BN, second, BOOK.statement.circuit, 5))


def test_k_is_not_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals_statement, "fold_rounds", lambda *_: 0)
    proof = honest(BOOK)
    accepted(BOOK.statement, proof)
    data = proof.to_bytes(BN)
    monkeypatch.undo()
    assert refused(BOOK.statement, proof) == "split/B/shape"
    with pytest.raises(DecodeError):
        totals_proof_from_bytes(BN, data, BOOK.statement.circuit, 5)


def test_parts_do_not_swap() -> None:
    book = tiny_book(BN)
    proof = honest(book)
    assert refused(book.statement, replace(proof, a=proof.b, b=proof.a)) == "split/A/shape"


def test_a_linear_proof_of_something_else() -> None:
    case = linear_case(BN, 40, 2)
    other = LinearSteps(BN, transcript(BN), case.statement, case.witness, SeededNonces(ORDER)).prove()
    assert refused(BOOK.statement, replace(honest(BOOK), b=other)) == "split/B/equation"
