"""Aggregated range proof (Bulletproof): statement, transcript and bytes (docs/protocol.md, section 11).

    P knows v_j, g_j with   V_j = v_j F + g_j H   and   0 <= v_j < 2^n   for j = 1..m

    V_j       commitments                    n     bits of every range, a power of two
    BG, BH    vector generators              m     number of commitments; m' is m padded to a power of two, N = n m'
    F, H      value and blinding             a     bits of all values: a_L in {0,1}^N, a_R = a_L - 1
    y, z      join the N + m conditions      x     evaluates l(X), r(X), t(X) = <l(X), r(X)>
    w         U = w F, the base of <l, r>    e     folds l and r, once a round, log2 N rounds

What is padded has V = infinity and v = 0; the verifier inserts it. Prover and verifier share this module:

    absorb range/dims range/V range/A range/S, draw y, z; absorb range/T1 range/T2, draw x; absorb range/t, draw w;
    log2 N times: absorb range/L range/R, draw e; absorb range/ab

Buenz, Bootle, Boneh, Poelstra, Wuille, Maxwell 2018, "Bulletproofs", sections 4.2 and 4.3, with their inner product
argument. Vectors fold as in LP_k: l <- l_low + e l_high, r <- r_low + e^-1 r_high.

# Soundness
A range proof shows V_j to lie in span(F,H), so that V_j is an allowed target of linear proofs. 2^n must be far below
the order: numbers in the range and their negatives must not meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from zkmargin import limits
from zkmargin.errors import DecodeError
from zkmargin.group.backend import COMPRESSED_BYTES, SCALAR_BYTES, Backend, Points
from zkmargin.proofs.linear_statement import decode_scalars, interleave, part
from zkmargin.transcript import Label, Transcript

MAX_BITS, MAX_COUNT = 128, limits.MAX_FORMS
MESSAGES, OPENINGS, FINAL = 4, 3, 2  # A S T1 T2; t tau_x mu; a b


@dataclass(frozen=True)
class RangeStatement:
    """V_1..V_m and n."""

    commitments: Points
    bits: int

    @property
    def count(self) -> int:
        """Return m, the number of commitments."""
        return len(self.commitments)

    @property
    def padded_count(self) -> int:
        """Return m', the power of two from m on."""
        return 1 << (self.count - 1).bit_length()

    @property
    def size(self) -> int:
        """Return N = n m', the length of the vectors."""
        return self.bits * self.padded_count

    @property
    def rounds(self) -> int:
        """Return log2 N."""
        return self.size.bit_length() - 1


@dataclass(frozen=True)
class RangeProof:
    """A, S, T1, T2; t = t(x), its blinding tau_x, the blinding mu of A + x S; all L and R; the last l and r."""

    a: Points
    s: Points
    t1: Points
    t2: Points
    value: int
    value_blinding: int
    blinding: int
    left: Points
    right: Points
    last: tuple[int, int]

    @property
    def messages(self) -> tuple[Points, ...]:
        """Return A, S, T1, T2, all L, all R."""
        return (self.a, self.s, self.t1, self.t2, self.left, self.right)

    @property
    def openings(self) -> tuple[int, int, int]:
        """Return t, tau_x, mu, which are sent before w is drawn."""
        return (self.value, self.value_blinding, self.blinding)

    def to_bytes(self, backend: Backend) -> bytes:
        """Encode as A S T1 T2 t tau_x mu L_1 R_1 .. L_k R_k a b: 32 bytes each, 32 (2k + 9) in all."""
        return (
            backend.compress(backend.concat([self.a, self.s, self.t1, self.t2]))
            + _encode_scalars(self.openings)
            + backend.compress(interleave(backend, self.left, self.right))
            + _encode_scalars(self.last)
        )

    @staticmethod
    def from_bytes(backend: Backend, data: bytes, rounds: int) -> RangeProof:
        """Decode the one encoding of a proof of that many rounds, which the verifier knows; DecodeError otherwise."""
        if len(data) != proof_bytes(rounds):
            raise DecodeError(
                "range/length",
                "wrong length of a range proof",
                expected=proof_bytes(rounds),
                actual=len(data),
            )
        messages, openings, folds, last = _cut(data, rounds)
        points = backend.decompress(messages + folds, infinity=False)
        a, s, t1, t2 = (points[i : i + 1] for i in range(MESSAGES))
        left, right = part(backend, points[MESSAGES:])
        value, value_blinding, blinding = decode_scalars(openings, backend.order)
        final_l, final_r = decode_scalars(last, backend.order)
        return RangeProof(a, s, t1, t2, value, value_blinding, blinding, left, right, (final_l, final_r))


@dataclass(frozen=True)
class RangeForms:
    """What y and z make of the conditions: y^i, z^(2+j) 2^i over all N places, z^(2+j) by commitment, and delta.

    t(x) = sum_j z^(2+j) v_j + delta + t_1 x + t_2 x^2;
    delta = (z - z^2) <1, y^N> - sum_j z^(3+j) (2^n - 1), over all m'.
    """

    y_powers: list[int]
    z_weights: list[int]
    target_weights: list[int]
    delta: int


def proof_bytes(rounds: int) -> int:
    """Return the length of an encoded proof."""
    return (MESSAGES + 2 * rounds) * COMPRESSED_BYTES + (OPENINGS + FINAL) * SCALAR_BYTES


def check_statement(statement: RangeStatement) -> None:
    """Raise ValueError for a statement that a program, not a prover, got wrong."""
    if not 1 <= statement.count <= MAX_COUNT:
        raise ValueError(f"a range proof is about 1 to {MAX_COUNT} commitments")
    if not 1 <= statement.bits <= MAX_BITS or statement.bits & (statement.bits - 1):
        raise ValueError(f"the bits of a range are a power of two up to {MAX_BITS}")


def range_forms(backend: Backend, statement: RangeStatement, y: int, z: int) -> RangeForms:
    """Return the public vectors of the conditions; see RangeForms."""
    order, bits = backend.order, statement.bits
    y_powers = backend.powers(y, statement.size)
    z_powers = [z * z % order * power % order for power in backend.powers(z, statement.padded_count)]
    doubles = backend.powers(2 % order, bits)
    z_weights = [power * double % order for power in z_powers for double in doubles]
    delta = (z - z * z) * sum(y_powers) - z * sum(z_powers) * ((1 << bits) - 1)
    return RangeForms(y_powers, z_weights, z_powers[: statement.count], delta % order)


def open_statement(backend: Backend, transcript: Transcript, statement: RangeStatement) -> None:
    """Bind n, m and the commitments."""
    transcript.absorb_integers(Label.RANGE_DIMS, [statement.bits, statement.count])
    transcript.absorb_points(Label.RANGE_V, backend, statement.commitments)


def bit_challenges(backend: Backend, transcript: Transcript, a: Points, s: Points) -> tuple[int, int]:
    """Bind A and S, draw y and z."""
    transcript.absorb_points(Label.RANGE_A, backend, a)
    transcript.absorb_points(Label.RANGE_S, backend, s)
    return transcript.challenge(Label.RANGE_Y), transcript.challenge(Label.RANGE_Z)


def point_challenge(backend: Backend, transcript: Transcript, t1: Points, t2: Points) -> int:
    """Bind T1 and T2, draw x."""
    transcript.absorb_points(Label.RANGE_T1, backend, t1)
    transcript.absorb_points(Label.RANGE_T2, backend, t2)
    return transcript.challenge(Label.RANGE_X)


def base_challenge(transcript: Transcript, openings: Sequence[int]) -> int:
    """Bind t, tau_x, mu, draw w."""
    transcript.absorb_scalars(Label.RANGE_T, openings)
    return transcript.challenge(Label.RANGE_W)


def round_challenge(backend: Backend, transcript: Transcript, left: Points, right: Points) -> int:
    """Bind L and R of one round, draw e."""
    transcript.absorb_points(Label.RANGE_L, backend, left)
    transcript.absorb_points(Label.RANGE_R, backend, right)
    return transcript.challenge(Label.RANGE_E)


def absorb_last(transcript: Transcript, last: Sequence[int]) -> None:
    """Bind a and b, so that whatever is drawn later depends on them."""
    transcript.absorb_scalars(Label.RANGE_AB, last)


def _encode_scalars(scalars: Sequence[int]) -> bytes:
    return b"".join(scalar.to_bytes(SCALAR_BYTES, "big") for scalar in scalars)


def _cut(data: bytes, rounds: int) -> list[bytes]:
    """Cut into the four parts of the encoding."""
    sizes = (MESSAGES, OPENINGS, 2 * rounds, FINAL)
    ends = [32 * sum(sizes[:i]) for i in range(len(sizes) + 1)]
    return [data[start:end] for start, end in pairwise(ends)]
