"""The proof of liabilities of one shard: statement, transcript and bytes (docs/protocol.md, section 7).

    every leaf (A_i, B_i) opens to outputs N, E, R, I and to bits that satisfy every equation of the circuit

    1-3  booleanity   tau, the mask, the sumcheck: leaves c = eq (b(rho)^2 - b(rho)) + omega g(rho)
    4    evaluation   v = b(rho): V = v F + s_v H, W = v^2 F + s_w H, product proof
    5    mask         LP_0 over GM of C_g with (1, rho_1, rho_1^2, rho_1^3, ...), T = omega^-1 (c F - eq (W - V))
    6    rows         draw gamma; A* = sum eq(rho_i, i) A_i, B* likewise; split proof of the form
                      u = a_eval + sum_e gamma^e a_e  with target V:  the row's bits take the value v at
                      (rho_b, rho_w), and every equation, taken at the random combination of rows, is 0

Own transcript: snap/digest proof/book proof/shard, then 1-6. A book of M leaves in shards of 2^s has exactly
ceil(M / 2^s) of these proofs; k and L come from the circuit and from the shard's own count of leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkmargin.circuits.circuit import Circuit
from zkmargin.errors import DecodeError
from zkmargin.group.backend import COMPRESSED_BYTES, SCALAR_BYTES, Backend, Points
from zkmargin.group.multilinear import eq_table
from zkmargin.limits import MAX_ACCOUNTS
from zkmargin.proofs import forms
from zkmargin.proofs.booleanity_statement import (
    BIT_VARIABLES,
    VALUES_PER_ROUND,
    WORD_BITS,
    BooleanityClaim,
    BooleanityProof,
    Cube,
    mask_form,
    mask_size,
)
from zkmargin.proofs.forms import SpreadForm
from zkmargin.proofs.linear_statement import (
    LinearProof,
    LinearStatement,
    decode_scalars,
    fold_rounds,
    proof_bytes,
)
from zkmargin.proofs.product_statement import PRODUCT_BYTES, ProductProof, ProductStatement
from zkmargin.proofs.split_statement import SplitProof, SplitStatement, split_bytes
from zkmargin.transcript import Label, Protocol, Transcript
from zkmargin.tree import Node

INTEGER_BYTES = 8


@dataclass(frozen=True)
class Shard:
    """A subtree of 2^s leaves: its number, its first leaf, how many leaves it has, its root."""

    index: int
    first: int
    count: int
    root: Node

    def to_bytes(self) -> bytes:
        """Encode as index, first leaf, count (8 bytes each) and root (hash, sum A, sum B: 160 bytes)."""
        numbers = (self.index, self.first, self.count)
        return b"".join(n.to_bytes(INTEGER_BYTES, "big") for n in numbers) + self.root.to_bytes()


@dataclass(frozen=True)
class LiabilitiesStatement:
    """One shard of a book: digest of the header (32 bytes), book id, circuit, shard, its points A and B in leaf order.

    Prover and verifier take everything here from the header, the leaf list and the circuit that they compiled.
    """

    snapshot_digest: bytes
    book: str
    circuit: Circuit
    shard: Shard
    a: Points
    b: Points

    @property
    def cube(self) -> Cube:
        """The index variables of the sumcheck."""
        return Cube(self.circuit.n_bits, self.shard.count)

    @property
    def rounds(self) -> int:
        """k of the linear proof over the bits."""
        return fold_rounds(self.circuit.n_bits, self.shard.count)


@dataclass(frozen=True)
class LiabilitiesProof:
    """C_g, S_g and rounds; V, W; product proof; LP_0 of the mask; split proof of the rows."""

    booleanity: BooleanityProof
    evaluation: ProductStatement
    product: ProductProof
    mask: LinearProof
    row: SplitProof

    def to_bytes(self, backend: Backend) -> bytes:
        """Encode as C_g, S_g, 3L values, V, W, product (160 bytes), LP_0 of the mask, split proof of the rows.

        Points and scalars take 32 bytes each: 32 (6L + 12) bytes and the split proof, see `liabilities_bytes`.
        """
        scalars = [self.booleanity.mask_sum, *(x for values in self.booleanity.rounds for x in values)]
        return b"".join(
            (
                backend.compress(self.booleanity.mask_commitment),
                *(scalar.to_bytes(SCALAR_BYTES, "big") for scalar in scalars),
                backend.compress(self.evaluation.v),
                backend.compress(self.evaluation.w),
                self.product.to_bytes(backend),
                self.mask.to_bytes(backend),
                self.row.to_bytes(backend),
            )
        )


def liabilities_from_bytes(backend: Backend, data: bytes, circuit: Circuit, count: int) -> LiabilitiesProof:
    """Decode the one encoding of a proof for a shard of `count` leaves of this circuit.

    DecodeError for a count that no shard has, a wrong length, infinity, a point off the curve or a scalar that is not
    canonical.
    """
    if not 1 <= count <= MAX_ACCOUNTS:
        raise DecodeError("liabilities/count", "wrong number of leaves in a shard", actual=count)
    cube, k = Cube(circuit.n_bits, count), fold_rounds(circuit.n_bits, count)
    sizes = _sizes(cube, k)
    if len(data) != sum(sizes):
        raise DecodeError(
            "liabilities/length",
            "wrong length of a proof of liabilities",
            expected=sum(sizes),
            actual=len(data),
        )
    parts, at = [], 0
    for size in sizes:
        parts.append(data[at : at + size])
        at += size
    commitment, scalars, evaluation, product, mask, row = parts
    mask_sum, *values = decode_scalars(scalars, backend.order)
    v_and_w = backend.decompress(evaluation)
    return LiabilitiesProof(
        booleanity=BooleanityProof(
            backend.decompress(commitment),
            mask_sum,
            tuple(zip(values[::3], values[1::3], values[2::3], strict=True)),
        ),
        evaluation=ProductStatement(v_and_w[:1], v_and_w[1:]),
        product=ProductProof.from_bytes(backend, product),
        mask=LinearProof.from_bytes(backend, mask, 0, mask_size(cube)),
        row=SplitProof.from_bytes(backend, row, circuit.n_bits, k),
    )


def liabilities_bytes(circuit: Circuit, count: int) -> int:
    """Return the length of the encoded proof of a shard of `count` leaves."""
    return sum(_sizes(Cube(circuit.n_bits, count), fold_rounds(circuit.n_bits, count)))


def _sizes(cube: Cube, k: int) -> tuple[int, ...]:
    """C_g; S_g and the rounds; V and W; product; mask; rows."""
    return (
        COMPRESSED_BYTES,
        SCALAR_BYTES * (1 + VALUES_PER_ROUND * cube.variables),
        2 * COMPRESSED_BYTES,
        PRODUCT_BYTES,
        proof_bytes(0, mask_size(cube)),
        split_bytes(cube.n_bits, k),
    )


def shard_ranges(leaves: int, log2_size: int) -> list[tuple[int, int]]:
    """Return (first leaf, count) of each of the ceil(leaves / 2^log2_size) shards of a book."""
    size = 1 << log2_size
    return [(first, min(size, leaves - first)) for first in range(0, leaves, size)]


def shard_statements(
    snapshot_digest: bytes,
    book: str,
    circuit: Circuit,
    log2_size: int,
    roots: Sequence[Node],
    a: Points,
    b: Points,
) -> list[LiabilitiesStatement]:
    """Return the statements of all shards of a book: `a`, `b` its whole list, `roots` the nodes of height log2_size.

    Raise ValueError for another number of roots than shards.
    """
    statements = []
    for index, ((first, count), root) in enumerate(zip(shard_ranges(len(a), log2_size), roots, strict=True)):
        part = slice(first, first + count)
        shard = Shard(index, first, count, root)
        statements.append(LiabilitiesStatement(snapshot_digest, book, circuit, shard, a[part], b[part]))
    return statements


def open_liabilities(backend: Backend, statement: LiabilitiesStatement) -> Transcript:
    """Start the transcript: snapshot, book, shard."""
    transcript = Transcript(Protocol.BOOK, backend.order)
    transcript.absorb(Label.SNAP_DIGEST, statement.snapshot_digest)
    transcript.absorb_text(Label.PROOF_BOOK, statement.book)
    transcript.absorb(Label.PROOF_SHARD, statement.shard.to_bytes())
    return transcript


def mask_statement(
    backend: Backend, commitment: Points, claim: BooleanityClaim, evaluation: ProductStatement
) -> LinearStatement:
    """Return step 5: C_g opens to a mask whose value at rho makes the claim true."""
    order = backend.order
    inverse = pow(claim.omega, -1, order)
    weight = claim.eq * inverse % order
    target = backend.msm(
        [claim.value * inverse % order, weight, -weight % order],
        backend.concat([backend.generators("F", 0, 1), evaluation.v, evaluation.w]),
    )
    form = mask_form(claim.rho, order)
    return LinearStatement(commitment, target, (form,), backend.generators("GM", 0, len(form)), 0)


def row_statement(
    backend: Backend,
    transcript: Transcript,
    statement: LiabilitiesStatement,
    claim: BooleanityClaim,
    combined: tuple[Points, Points],
    v: Points,
) -> SplitStatement:
    """Draw gamma and return step 6; `combined` is (A*, B*), v is V."""
    gamma = transcript.challenge(Label.ROW_GAMMA)
    form = row_form(statement, claim.rho, gamma, backend)
    return SplitStatement(combined[0], combined[1], v, form, statement.rounds)


def row_form(statement: LiabilitiesStatement, rho: Sequence[int], gamma: int, backend: Backend) -> SpreadForm:
    """Return u = a_eval + sum_{e = 1..n_eq} gamma^e a_e over outputs and bits."""
    order, equations = backend.order, statement.circuit.equations
    weights = backend.powers(gamma, len(equations) + 1)[1:]
    joined = forms.combine(
        ((weight, equation.terms) for weight, equation in zip(weights, equations, strict=True)), order
    )
    sums = forms.spread(joined, statement.circuit, order)
    return SpreadForm(sums.a, tuple(backend.combine(sums.b, 1, eval_form(statement.cube, rho, order))))


def eval_form(cube: Cube, rho: Sequence[int], order: int) -> list[int]:
    """Return a_eval[t] = eq(rho_b, t & 15) eq(rho_w, t >> 4): on the rows combined by eq(rho_i, i) it is b(rho)."""
    in_word, of_word, _ = cube.parts(rho)
    low, high = eq_table(in_word, order), eq_table(of_word, order, cube.n_words)
    return [low[t % WORD_BITS] * high[t >> BIT_VARIABLES] % order for t in range(cube.n_bits)]


def row_weights(cube: Cube, rho: Sequence[int], order: int) -> list[int]:
    """Return eq(rho_i, i) for every leaf of the shard."""
    return eq_table(cube.parts(rho)[2], order, cube.rows)
