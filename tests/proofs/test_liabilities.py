"""The proof of liabilities of a shard: honest books of all shapes, its bytes, the two provers against each other."""

import hashlib
import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from liability_cases import (
    BN,
    FAST,
    Shelf,
    account,
    commit_shelf,
    honest_rows,
    shelf,
    shelf_circuit,
    tree_of,
    words_of,
)
from malicious.second_book_prover import LiabilitiesSteps
from proof_cases import SeededNonces

from zkmargin.circuits.circuit import Circuit, Column, Deficits, Equation
from zkmargin.errors import DecodeError, VerificationError
from zkmargin.group.backend import Backend
from zkmargin.proofs import liabilities_prover, liabilities_verifier
from zkmargin.proofs.liabilities_prover import LiabilitiesWitness
from zkmargin.proofs.liabilities_statement import (
    LiabilitiesProof,
    liabilities_bytes,
    liabilities_from_bytes,
    shard_ranges,
    shard_statements,
)

BOOK = shelf(BN)
CIRCUIT = BOOK.statement.circuit
PROOF = liabilities_prover.prove(BN, BOOK.statement, BOOK.witness, SeededNonces(BN.order))
DATA = PROOF.to_bytes(BN)
GOLDEN = "c6dc6eda463a813b1a9f4878a87a606e1619eff6f3bdd8059519a1e17eb48c8a"


def prove(backend: Backend, book: Shelf, seed: int = 1) -> LiabilitiesProof:
    return liabilities_prover.prove(backend, book.statement, book.witness, SeededNonces(backend.order, seed))


def refused(data: bytes) -> VerificationError:
    with pytest.raises(VerificationError) as error:
        read_and_verify(data)
    return error.value


def read_and_verify(data: bytes) -> None:
    liabilities_verifier.verify(BN, BOOK.statement, liabilities_from_bytes(BN, data, CIRCUIT, 5))


def test_the_honest_book_is_accepted() -> None:
    liabilities_verifier.verify(BN, BOOK.statement, PROOF)


def test_its_size() -> None:
    # L = 4 + 3 + 3 rounds; 32 (6 L + 12); Y_A; LP_0 over 4 outputs; LP_3 over 91 bits
    assert CIRCUIT.n_bits == 91
    assert len(DATA) == 32 * 72 + 32 + 32 * 6 + 32 * (7 + 13) == liabilities_bytes(CIRCUIT, 5)


@pytest.mark.parametrize("backend", [BN, FAST], ids=lambda backend: backend.name[:20])
def test_both_provers_send_the_same_bytes(backend: Backend) -> None:
    book = shelf(backend)
    assert LiabilitiesSteps(backend, book).prove().to_bytes(backend) == prove(backend, book).to_bytes(backend)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8, 9, 130])
def test_books_of_other_sizes(count: int) -> None:
    book = shelf(FAST, (honest_rows() * count)[:count])
    proof = prove(FAST, book)
    again = liabilities_from_bytes(FAST, proof.to_bytes(FAST), CIRCUIT, count)
    liabilities_verifier.verify(FAST, book.statement, again)


def test_a_book_of_empty_accounts() -> None:
    book = shelf(BN, [account()] * 3)
    liabilities_verifier.verify(BN, book.statement, prove(BN, book))


def test_a_long_list_is_combined_over_the_generators() -> None:
    book = shelf(FAST, honest_rows() * 19)
    assert book.statement.shard.count > CIRCUIT.n_bits
    assert LiabilitiesSteps(FAST, book).prove().to_bytes(FAST) == prove(FAST, book).to_bytes(FAST)


def test_its_bytes_are_those_of_the_first_version() -> None:
    """Another label, order, encoding or generator shows here: then the protocol's version must change too."""
    assert hashlib.sha256(DATA).hexdigest() == GOLDEN


@pytest.mark.skipif(
    importlib.util.find_spec("zkmargin._kernels") is None, reason="no native module in this build"
)
def test_the_native_backend_sends_the_same_bytes() -> None:
    from zkmargin.group.native import NativeBackend

    native = NativeBackend()
    book = shelf(native)
    assert prove(native, book).to_bytes(native) == DATA
    again = liabilities_from_bytes(native, DATA, CIRCUIT, 5)
    liabilities_verifier.verify(native, book.statement, again)
    with pytest.raises(VerificationError):
        liabilities_verifier.verify(native, replace(book.statement, book="other"), again)


# --- random circuits and books


@st.composite
def random_shelves(draw: st.DrawFn) -> Shelf:
    """Random widths, rows and equations that hold: a column as a sum of others is the equation's last one."""
    widths = draw(st.lists(st.integers(1, 20), min_size=1, max_size=8))
    factors = [
        draw(st.lists(st.integers(-9, 9), min_size=len(widths), max_size=len(widths))) for _ in range(4)
    ]
    count = draw(st.integers(1, 6))
    rows = [[draw(st.integers(0, (1 << w) - 1)) for w in widths] for _ in range(count)]
    circuit = Circuit(
        version=1,
        name="random",
        columns=tuple(Column(f"c{i}", w) for i, w in enumerate(widths)),
        equations=tuple(
            Equation(str(o), ((o, -1), *((4 + j, f) for j, f in enumerate(factor) if f)))
            for o, factor in enumerate(factors)
        ),
        inputs=(),
        deficits=Deficits(0, 0, 0, 0),
        published={},
    )
    outputs = [[sum(f * x for f, x in zip(factor, row, strict=True)) for factor in factors] for row in rows]
    bits = [[x >> b & 1 for x, w in zip(row, widths, strict=True) for b in range(w)] for row in rows]
    return commit_shelf(FAST, circuit, outputs, bits)


@given(random_shelves(), st.integers(0, 2**32))
def test_random_books_are_proven_alike_by_both_provers(book: Shelf, seed: int) -> None:
    proof = prove(FAST, book, seed)
    liabilities_verifier.verify(FAST, book.statement, proof)
    second = LiabilitiesSteps(FAST, book, nonces=SeededNonces(FAST.order, seed)).prove()
    assert second.booleanity == replace(proof.booleanity, mask_commitment=second.booleanity.mask_commitment)
    assert second.to_bytes(FAST) == proof.to_bytes(FAST)


@given(random_shelves(), st.data())
def test_any_single_violated_equation_is_refused(book: Shelf, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(book.outputs) - 1))
    output = data.draw(st.integers(0, 3))
    by = data.draw(st.integers(-5, 5).filter(bool))
    outputs = [list(values) for values in book.outputs]
    outputs[row][output] += by
    wrong = commit_shelf(FAST, book.statement.circuit, outputs, book.bits)
    with pytest.raises(VerificationError) as error:
        liabilities_verifier.verify(FAST, wrong.statement, prove(FAST, wrong))
    assert error.value.code == "row/B/equation"


@given(random_shelves(), st.data())
def test_any_single_bit_that_is_none_is_refused(book: Shelf, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(book.bits) - 1))
    place = data.draw(st.integers(0, book.statement.circuit.n_bits - 1))
    digit = data.draw(st.sampled_from([2, -1, 3, (FAST.order + 1) // 2, FAST.order - 2]))
    bits = [list(values) for values in book.bits]
    bits[row][place] = digit % FAST.order
    wrong = commit_shelf(FAST, replace(book.statement.circuit, equations=()), book.outputs, bits)
    with pytest.raises(VerificationError) as error:
        liabilities_verifier.verify(FAST, wrong.statement, LiabilitiesSteps(FAST, wrong).prove())
    assert error.value.code == "mask/equation"


# --- shards


@pytest.mark.parametrize(
    ("leaves", "log2", "expected"),
    [(1, 0, [(0, 1)]), (5, 2, [(0, 4), (4, 1)]), (8, 2, [(0, 4), (4, 4)]), (5, 20, [(0, 5)])],
)
def test_shard_ranges(leaves: int, log2: int, expected: list[tuple[int, int]]) -> None:
    assert shard_ranges(leaves, log2) == expected


def test_parts_of_a_witness_prove_their_shards() -> None:
    book = shelf(FAST, (honest_rows() * 3)[:11])
    roots = tree_of(FAST, book.statement.a, book.statement.b).nodes(2)
    statements = shard_statements(
        book.statement.snapshot_digest, "shelf", CIRCUIT, 2, roots, book.statement.a, book.statement.b
    )
    assert [(s.shard.index, s.shard.first, s.shard.count) for s in statements] == [
        (0, 0, 4),
        (1, 4, 4),
        (2, 8, 3),
    ]
    proofs = []
    for index, statement in enumerate(statements):
        part = slice(statement.shard.first, statement.shard.first + statement.shard.count)
        witness = book.witness.part(statement.shard.first, statement.shard.count)
        assert witness.digest() == Shelf(
            statement, book.outputs[part], book.bits[part], book.blindings_a[part], book.blindings_b[part]
        ).witness.digest()  # fmt: skip
        proofs.append(liabilities_prover.prove(FAST, statement, witness, SeededNonces(FAST.order, index)))
    liabilities_verifier.verify_all(FAST, statements, proofs)
    for other in (proofs[:-1], [*proofs, proofs[-1]], []):
        with pytest.raises(VerificationError) as error:
            liabilities_verifier.verify_all(FAST, statements, other)
        assert error.value.code == "liabilities/shards"
    with pytest.raises(VerificationError):
        liabilities_verifier.verify_all(FAST, statements, [proofs[1], proofs[0], proofs[2]])
    with pytest.raises(ValueError, match="shorter"):
        shard_statements(bytes(32), "shelf", CIRCUIT, 2, roots[:2], book.statement.a, book.statement.b)


@pytest.mark.parametrize(("log2", "count"), [(0, 11), (1, 6), (3, 2), (4, 1)])
def test_the_roots_of_shards_are_nodes_of_the_tree(log2: int, count: int) -> None:
    book = shelf(FAST, (honest_rows() * 3)[:11])
    tree = tree_of(FAST, book.statement.a, book.statement.b)
    nodes = tree.nodes(log2)
    assert len(nodes) == count
    assert log2 < 4 or nodes == [tree.root]
    assert log2 == 4 or tree.path(0)[log2] == nodes[1]


def test_no_shard_at_all_is_no_proof() -> None:
    with pytest.raises(VerificationError) as error:
        liabilities_verifier.verify_all(FAST, [], [])
    assert error.value.code == "liabilities/shards"


# --- bytes


def test_bytes_come_back() -> None:
    again = liabilities_from_bytes(BN, DATA, CIRCUIT, 5)
    assert again.to_bytes(BN) == DATA
    liabilities_verifier.verify(BN, BOOK.statement, again)


@pytest.mark.parametrize("cut", range(0, len(DATA), 97))
def test_truncated_bytes_are_refused(cut: int) -> None:
    assert refused(DATA[:cut]).code == "liabilities/length"


def test_surplus_bytes_are_refused() -> None:
    assert refused(DATA + bytes(1)).code == "liabilities/length"
    assert refused(DATA + DATA[-32:]).code == "liabilities/length"


@pytest.mark.parametrize("count", [0, -1, 2**32 + 1])
def test_no_shard_has_that_many_leaves(count: int) -> None:
    with pytest.raises(DecodeError) as error:
        liabilities_from_bytes(BN, DATA, CIRCUIT, count)
    assert error.value.code == "liabilities/count"


@pytest.mark.parametrize("count", [4, 9, 200])
def test_another_count_means_another_length(count: int) -> None:
    with pytest.raises(DecodeError) as error:
        liabilities_from_bytes(BN, DATA, CIRCUIT, count)
    assert error.value.code == "liabilities/length"


def other_elements(at: int) -> list[bytes]:
    """What may stand for one element: one bit flipped, infinity, 0, the negative, the next element, the order added."""
    element = DATA[32 * at : 32 * at + 32]
    number = int.from_bytes(element, "big")
    return [
        (number ^ 1).to_bytes(32, "big"),
        BN.compress(BN.identity(1)),
        bytes(32),
        ((BN.order - number) % BN.order).to_bytes(32, "big"),
        (number ^ 1 << 254).to_bytes(32, "big"),
        (DATA + DATA)[32 * at + 32 : 32 * at + 64],
        (number + BN.order).to_bytes(33, "big")[-32:],
    ]


@pytest.mark.parametrize("at", range(len(DATA) // 32))
def test_every_element_is_bound(at: int) -> None:
    refused(DATA[: 32 * at] + other_elements(at)[0] + DATA[32 * at + 32 :])


@pytest.mark.slow
@pytest.mark.parametrize("at", range(len(DATA) // 32))
def test_every_element_is_bound_whatever_replaces_it(at: int) -> None:
    for candidate in other_elements(at):
        refused(DATA[: 32 * at] + candidate + DATA[32 * at + 32 :])


@pytest.mark.fuzz
@pytest.mark.slow
def test_every_byte_is_bound() -> None:
    for at in range(len(DATA)):
        for mask in (1, 0x80):
            refused(DATA[:at] + bytes([DATA[at] ^ mask]) + DATA[at + 1 :])


# --- what a caller gets wrong


def test_counts_that_do_not_fit_are_a_programming_error() -> None:
    w = BOOK.witness
    for witness in (
        replace(w, outputs=w.outputs[:4]),
        replace(w, blindings_a=w.blindings_a[:4]),
        replace(w, blindings_b=[*w.blindings_b, 1]),
        replace(w, words=words_of(BOOK.bits[:4])),
        replace(w, words=replace(w.words, columns=w.words.columns[:-1])),
    ):
        with pytest.raises(ValueError, match="leaf of the shard"):
            liabilities_prover.prove(BN, BOOK.statement, witness, SeededNonces(BN.order))


def test_a_witness_does_not_print_and_each_part_changes_its_digest() -> None:
    witness = LiabilitiesWitness(words_of([[1, 0, 1]]), np.array([[12345] * 4]), [12345], [12345])
    assert "12345" not in repr(witness)
    digests = {
        w.digest()
        for w in (
            witness,
            replace(witness, words=words_of([[1, 1, 1]])),
            replace(witness, outputs=np.array([[12345, 12345, 12345, 0]])),
            replace(witness, blindings_a=[1]),
            replace(witness, blindings_b=[1]),
        )
    }
    assert len(digests) == 5
    assert replace(witness, outputs=witness.outputs.astype(object)).digest() == witness.digest()
    large = replace(witness, outputs=np.array([[1 << 90, -(1 << 90), 0, 1]], dtype=object))
    assert large.digest() not in digests


def test_nonces_never_meet_two_states() -> None:
    nonces = SeededNonces(BN.order)
    liabilities_prover.prove(BN, BOOK.statement, BOOK.witness, nonces)
    assert len(set(nonces.calls)) == len(nonces.calls) == 10


def test_the_circuit_is_the_verifier_s() -> None:
    other = replace(BOOK.statement, circuit=shelf_circuit(R={"R": -1, "worst": 2}))
    with pytest.raises(VerificationError) as error:
        liabilities_verifier.verify(BN, other, PROOF)
    assert error.value.code == "row/B/equation"
