"""Every cheat against the proof of liabilities is refused for the expected reason, and passes without that check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from liability_cases import BN, FAST, shelf
from malicious import joint_rows
from malicious.book_cheats import NONE, Cheat, Weakness
from malicious.book_message_cheats import MESSAGE_CHEATS
from malicious.book_row_cheats import DIGIT_CHEATS, ROW_CHEATS, RULE_CHEATS
from malicious.book_statement_cheats import COMPONENT_CHEATS, STATEMENT_CHEATS
from malicious.book_step_cheats import STEP_CHEATS
from malicious.second_book_prover import LiabilitiesSteps, Rigged

from zkmargin.errors import VerificationError
from zkmargin.group.backend import Backend
from zkmargin.proofs import (
    booleanity_verifier,
    liabilities_statement,
    liabilities_verifier,
    product_verifier,
    split_verifier,
)
from zkmargin.proofs.liabilities_statement import LiabilitiesProof, LiabilitiesStatement
from zkmargin.transcript import Label, Protocol

CHEATS = [
    *DIGIT_CHEATS, *ROW_CHEATS, *RULE_CHEATS, *STEP_CHEATS, *COMPONENT_CHEATS, *STATEMENT_CHEATS, *MESSAGE_CHEATS,
]  # fmt: skip

# Where each check can be taken out alone: what it raises under `code` is swallowed, the rest stays.
CHECKS: dict[str, tuple[tuple[Any, str, str], ...]] = {
    "liabilities/infinity": ((liabilities_verifier, "check_list", "liabilities/infinity"),),
    "booleanity/infinity": ((booleanity_verifier, "check_commitment", "booleanity/infinity"),),
    "product/infinity": ((product_verifier, "check_points", "product/infinity"),),
    "product/V": ((product_verifier, "check_opening", "product/V"),),
    "product/W": ((product_verifier, "check_square", "product/W"),),
    "mask/equation": ((liabilities_verifier, "check_mask", "mask/equation"),),
    "row/A/equation": ((split_verifier, "_verify_part", "split/A/equation"),),
    "row/B/equation": ((split_verifier, "_verify_part", "split/B/equation"),),
}


def weaken(monkeypatch: pytest.MonkeyPatch, weak: Weakness) -> None:
    monkeypatch.setattr(liabilities_statement, "Transcript", weak.transcript)
    for check in weak.checks:
        for module, name, code in CHECKS[check]:
            monkeypatch.setattr(module, name, swallowing(getattr(module, name), code))
    if weak.joint:
        monkeypatch.setattr(liabilities_verifier, "check_rows", joint_rows.check_joint_rows)


def swallowing(check: Callable[..., None], code: str) -> Callable[..., None]:
    def lenient(*arguments: Any) -> None:
        try:
            check(*arguments)
        except VerificationError as error:
            if error.code != code:
                raise

    return lenient


def refusal(backend: Backend, statement: LiabilitiesStatement, proof: LiabilitiesProof) -> str:
    with pytest.raises(VerificationError) as error:
        liabilities_verifier.verify(backend, statement, proof)
    return error.value.code


def by_name(cheats: list[Cheat]) -> Any:
    return pytest.mark.parametrize("cheat", cheats, ids=lambda cheat: cheat.name)


@by_name(CHEATS)
def test_refused_for_the_expected_reason(cheat: Cheat) -> None:
    assert refusal(FAST, *cheat.build(FAST, NONE)) == cheat.code


@by_name([cheat for cheat in CHEATS if cheat.weakness])
def test_accepted_without_the_check(cheat: Cheat, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cheat.weakness
    statement, proof = cheat.build(FAST, cheat.weakness)
    weaken(monkeypatch, cheat.weakness)
    liabilities_verifier.verify(FAST, statement, proof)


@pytest.mark.slow
@by_name(CHEATS)
def test_the_same_over_bn254(cheat: Cheat, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(BN, *cheat.build(BN, NONE)) == cheat.code
    if cheat.weakness:
        statement, proof = cheat.build(BN, cheat.weakness)
        weaken(monkeypatch, cheat.weakness)
        liabilities_verifier.verify(BN, statement, proof)


def test_there_are_fifty_and_their_names_differ() -> None:
    assert len({cheat.name for cheat in CHEATS}) == len(CHEATS) >= 50


# --- labels

BOOK_LABELS = (
    Label.SNAP_DIGEST, Label.PROOF_BOOK, Label.PROOF_SHARD, Label.MASK_COMMIT, Label.MASK_SUM, Label.ROUND_POLY,
    Label.EVAL_V, Label.EVAL_W, Label.PROD_D1, Label.PROD_D2, Label.PROD_Z, Label.SPLIT_YA,
)  # fmt: skip
# These are bound a second time (V and W through the targets of lp/Y, Y_A as lp/Y) or determined by what was bound
# before (prod/z): leaving out the first time gives no cheat of its own.
BOUND_TWICE = {Label.EVAL_V, Label.EVAL_W, Label.PROD_Z, Label.SPLIT_YA}


class Recording(Rigged):
    """Writes down what is absorbed and drawn."""

    def __init__(self, protocol: Protocol, order: int) -> None:
        super().__init__(protocol, order)
        self.log: list[Label] = []
        self.change: tuple[int, bytes] | None = None
        self.drawn: list[int] = []

    def absorb(self, label: Label, payload: bytes) -> None:
        self.log.append(label)
        if self.change and self.change[0] == len(self.log) - 1:
            payload = self.change[1]
        super().absorb(label, payload)

    def challenge(self, label: Label) -> int:
        self.log.append(label)
        self.drawn.append(super().challenge(label))
        return self.drawn[-1]


def test_the_labels_of_a_proof_are_those_of_the_protocol_in_order() -> None:
    transcript = Recording(Protocol.BOOK, FAST.order)
    LiabilitiesSteps(FAST, shelf(), transcript).prove()
    linear = [Label.LP_FORM, Label.LP_COMMITMENT, Label.LP_Y, Label.LP_XI]
    fold, last = [Label.LP_L, Label.LP_R, Label.LP_E], [Label.LP_D, Label.LP_C, Label.LP_Z]
    assert transcript.log == [
        Label.SNAP_DIGEST, Label.PROOF_BOOK, Label.PROOF_SHARD, *[Label.BOOL_TAU] * 10,
        Label.MASK_COMMIT, Label.MASK_SUM, Label.MASK_OMEGA, *[Label.ROUND_POLY, Label.ROUND_RHO] * 10,
        Label.EVAL_V, Label.EVAL_W, Label.PROD_D1, Label.PROD_D2, Label.PROD_C, Label.PROD_Z,
        *linear, *last, Label.ROW_GAMMA, Label.SPLIT_YA, *linear, *last, *linear, *fold * 3, *last,
    ]  # fmt: skip


@pytest.mark.parametrize("label", BOOK_LABELS, ids=lambda label: label.value)
def test_every_label_moves_the_next_challenge(label: Label) -> None:
    honest = Recording(Protocol.BOOK, FAST.order)
    LiabilitiesSteps(FAST, shelf(), honest).prove()
    place = honest.log.index(label)
    before = sum(entry.value.startswith("?") for entry in honest.log[:place])
    other = Recording(Protocol.BOOK, FAST.order)
    other.change = (place, b"something else")
    LiabilitiesSteps(FAST, shelf(), other).prove()
    assert honest.drawn[:before] == other.drawn[:before]
    assert honest.drawn[before] != other.drawn[before]


def test_every_label_but_those_bound_twice_has_a_cheat_that_passes_without_it() -> None:
    omitted = {label for cheat in CHEATS if cheat.weakness for label in cheat.weakness.deaf}
    assert omitted == set(BOOK_LABELS) - BOUND_TWICE
