"""The totals' proof of one book: honest runs, its bytes, and the bounds that come before the algebra."""

from dataclasses import replace

import numpy as np
import pytest
from malicious.second_prover import TotalsSteps
from proof_cases import (
    TINY_BOOK,
    SeededNonces,
    bit_words,
    column,
    tiny_book,
    tiny_circuit,
    tiny_row,
)
from toy_groups import FreeModule, names

from zkmargin.errors import DecodeError, VerificationError
from zkmargin.group.bn254 import Bn254
from zkmargin.group.reference import ReferenceBackend
from zkmargin.proofs import linear_verifier, split_verifier, totals_prover, totals_verifier
from zkmargin.proofs.split_statement import split_bytes
from zkmargin.proofs.totals_prover import bit_sums, root_witness
from zkmargin.proofs.totals_statement import totals_proof_from_bytes
from zkmargin.secrets import EpochKey

BN = ReferenceBackend(Bn254())
BOOK = tiny_book(BN)
PROOF = totals_prover.prove(BN, BOOK.statement, BOOK.witness, SeededNonces(BN.order))


def refused(statement, proof) -> str:  # type: ignore[no-untyped-def]
    with pytest.raises(VerificationError) as error:
        totals_verifier.verify(BN, statement, proof)
    return error.value.code


def test_the_tiny_book_folds() -> None:
    assert (BOOK.statement.circuit.n_bits, BOOK.statement.rounds) == (40, 2)
    assert dict(zip(BOOK.statement.circuit.published, BOOK.statement.totals, strict=True)) == {
        "position:X": 0, "deposits:USD": 44, "loans:USD": 10, "owed": 40, "bad_debt": 6, "shortfall": 10,
        "requirement": 22,
    }  # fmt: skip


def test_honest_totals_verify() -> None:
    totals_verifier.verify(BN, BOOK.statement, PROOF)


def test_the_second_prover_sends_the_same_bytes() -> None:
    assert TotalsSteps(BN, BOOK).prove().to_bytes(BN) == PROOF.to_bytes(BN)


@pytest.mark.parametrize("accounts", [((0, 0),), ((0, 0),) * 3, ((-7, 15),), TINY_BOOK * 4])
def test_honest_totals_of_other_books(accounts: tuple[tuple[int, int], ...]) -> None:
    book = tiny_book(BN, accounts)
    proof = totals_prover.prove(BN, book.statement, book.witness, SeededNonces(BN.order))
    totals_verifier.verify(BN, book.statement, proof)


def test_honest_totals_over_the_free_module(monkeypatch: pytest.MonkeyPatch) -> None:
    # In so small a field infinity is an honest message, and no total is small.
    for module, check in ((linear_verifier, "check_points"), (split_verifier, "check_target")):
        monkeypatch.setattr(module, check, lambda *_: None)
    monkeypatch.setattr(totals_verifier, "check_range", lambda *_: None)
    free = ReferenceBackend(FreeModule(13, names(H=1, F=1, GN=1, GE=1, GR=1, GI=1, GB=40)))
    for seed in range(5):
        book = tiny_book(free, seed=seed)
        proof = totals_prover.prove(free, book.statement, book.witness, SeededNonces(13, seed))
        totals_verifier.verify(free, book.statement, proof)
        wrong = book.published(owed=1)
        proof = totals_prover.prove(free, wrong.statement, wrong.witness, SeededNonces(13, seed))
        with pytest.raises(VerificationError):
            totals_verifier.verify(free, wrong.statement, proof)


def test_nonces_of_an_epoch_key_repeat_the_bytes_and_no_nonce() -> None:
    nonces = EpochKey(bytes(range(32))).nonce().source(BN.order)
    first = totals_prover.prove(BN, BOOK.statement, BOOK.witness, nonces)
    totals_verifier.verify(BN, BOOK.statement, first)
    again = totals_prover.prove(BN, BOOK.statement, BOOK.witness, nonces)
    assert again.to_bytes(BN) == first.to_bytes(BN)
    other = replace(BOOK.statement, snapshot_digest=bytes(32))
    elsewhere = totals_prover.prove(BN, other, BOOK.witness, nonces).to_bytes(BN)
    data = first.to_bytes(BN)
    assert not {data[at : at + 32] for at in range(0, len(data), 32)} & {
        elsewhere[at : at + 32] for at in range(0, len(elsewhere), 32)
    }


# --- bytes


def test_bytes_come_back() -> None:
    data = PROOF.to_bytes(BN)
    # Y_A, LP_0 over four outputs, LP_2 over 40 bits
    assert len(data) == 32 + 32 * (1 + 5) + 32 * (5 + 11) == split_bytes(40, 2)
    again = totals_proof_from_bytes(BN, data, BOOK.statement.circuit, BOOK.statement.accounts)
    totals_verifier.verify(BN, BOOK.statement, again)
    assert again.to_bytes(BN) == data


@pytest.mark.parametrize(
    "change", [lambda d: d[:-1], lambda d: d + b"\x00", lambda d: b"", lambda d: d + d[-32:]]
)
def test_other_lengths_are_refused(change) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DecodeError) as error:
        totals_proof_from_bytes(BN, change(PROOF.to_bytes(BN)), BOOK.statement.circuit, 5)
    assert error.value.code == "split/length"


@pytest.mark.parametrize("accounts", [0, -1, 2**32 + 1])
def test_other_numbers_of_leaves_are_refused_before_anything_is_read(accounts: int) -> None:
    with pytest.raises(DecodeError) as error:
        totals_proof_from_bytes(BN, PROOF.to_bytes(BN), BOOK.statement.circuit, accounts)
    assert error.value.code == "totals/accounts"


def test_every_element_of_the_proof_is_bound() -> None:
    data = PROOF.to_bytes(BN)
    infinity = BN.compress(BN.identity(1))
    other = BN.compress(BN.generators("GB", 0, 1))
    points = {0, 1, 7, 8, 9, 10, 11}  # Y_A; D; L R L R D
    for at in range(len(data) // 32):
        element = data[32 * at : 32 * at + 32]
        changed = (
            [infinity, other] if at in points else [(int.from_bytes(element, "big") ^ 1).to_bytes(32, "big")]
        )
        for new in changed:
            with pytest.raises(VerificationError):
                _read_and_verify(data[: 32 * at] + new + data[32 * at + 32 :])


def _read_and_verify(data: bytes) -> None:
    proof = totals_proof_from_bytes(BN, data, BOOK.statement.circuit, 5)
    totals_verifier.verify(BN, BOOK.statement, proof)


# --- bounds


def test_a_total_at_its_reach_is_let_through_to_the_algebra() -> None:
    statement = replace(BOOK.statement, totals=[5 * 30, *BOOK.statement.totals[1:]])
    assert refused(statement, PROOF) == "split/B/equation"
    statement = replace(BOOK.statement, totals=[5 * 30 + 1, *BOOK.statement.totals[1:]])
    assert refused(statement, PROOF) == "totals/reach"
    statement = replace(BOOK.statement, totals=[-5 * 30 - 1, *BOOK.statement.totals[1:]])
    assert refused(statement, PROOF) == "totals/reach"


@pytest.mark.parametrize("total", [BN.order, -BN.order, (BN.order + 1) // 2, -(BN.order + 1) // 2])
def test_a_total_that_is_not_small_is_refused(total: int) -> None:
    assert (
        refused(replace(BOOK.statement, totals=[total, *BOOK.statement.totals[1:]]), PROOF) == "totals/range"
    )


@pytest.mark.parametrize("totals", [[], BOOK.statement.totals[:-1], [*BOOK.statement.totals, 0]])
def test_wrong_counts_are_refused(totals: list[int]) -> None:
    assert refused(replace(BOOK.statement, totals=totals), PROOF) == "totals/count"


@pytest.mark.parametrize("accounts", [0, 2**32 + 1])
def test_wrong_numbers_of_leaves_are_refused(accounts: int) -> None:
    assert refused(replace(BOOK.statement, accounts=accounts), PROOF) == "totals/accounts"


# --- the witness


def test_bit_sums_count_rows() -> None:
    circuit = tiny_circuit()
    columns = [tiny_row(*account)[1] for account in TINY_BOOK]
    sums = bit_sums(bit_words(columns, circuit), circuit.n_bits)
    for name in ("long", "cash", "owed", "shortfall"):
        index = column(name) - 4
        start, width = circuit.offsets[index], circuit.columns[index].width
        assert sum(sums[start + bit] << bit for bit in range(width)) == sum(row[index] for row in columns)


def test_root_witness_needs_one_blinding_a_row() -> None:
    words = bit_words([tiny_row(1, 1)[1]], tiny_circuit())
    with pytest.raises(ValueError, match="same number of rows"):
        root_witness(np.zeros((1, 4), dtype=np.int64), words, 40, [1], [1, 2], BN.order)
