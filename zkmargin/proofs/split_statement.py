"""A form over A and B together, proven apart: statement and bytes (docs/protocol.md, section 4, steps 6 and 7).

    P knows outputs x, bits y, blindings with   A = <x,GA> + a H,   B = <y,GB> + b H,   Y = (<x,u_A> + <y,u_B>) F + s H

P sends Y_A = <x,u_A> F + s_A H; then LP_0 over GA = (GN, GE, GR, GI) for A with target Y_A, LP_k over GB
for B with target Y - Y_A:

    absorb split/YA; LP_0(A); LP_k(B)

# Soundness
One linear proof over A + B would not do: N, E, R or I could move from A to B, where they cancel, and A
would open to other outputs than the form saw. The split also shows Y_A to lie in span(F,H): LP_0 leaves it
no component but on GA, LP_k none but on GB. Y itself must be known to lie in span(F,H).
"""

from __future__ import annotations

from dataclasses import dataclass

from zkmargin.errors import DecodeError
from zkmargin.group.backend import COMPRESSED_BYTES, Backend, Points
from zkmargin.proofs.forms import SpreadForm
from zkmargin.proofs.linear_statement import LinearProof, LinearStatement, proof_bytes
from zkmargin.transcript import Label, Transcript

OUTPUT_FAMILIES = ("GN", "GE", "GR", "GI")


@dataclass(frozen=True)
class SplitStatement:
    """A, B and Y (one point each), the form over outputs and bits, and k of the proof over the bits."""

    a: Points
    b: Points
    target: Points
    form: SpreadForm
    rounds: int

    def part_a(self, backend: Backend, target_a: Points) -> LinearStatement:
        """Return the statement over GN, GE, GR, GI, which is never folded."""
        generators = backend.concat([backend.generators(family, 0, 1) for family in OUTPUT_FAMILIES])
        return LinearStatement(self.a, target_a, (self.form.a,), generators, 0)

    def part_b(self, backend: Backend, target_a: Points) -> LinearStatement:
        """Return the statement over the bits' generators, with target Y - Y_A."""
        target = backend.add(self.target, backend.negate(target_a))
        generators = backend.generators("GB", 0, len(self.form.b))
        return LinearStatement(self.b, target, (self.form.b,), generators, self.rounds)


@dataclass(frozen=True)
class SplitProof:
    """Y_A and the two linear proofs."""

    target_a: Points
    a: LinearProof
    b: LinearProof

    def to_bytes(self, backend: Backend) -> bytes:
        """Encode as Y_A (32 bytes), LP_0(A), LP_k(B)."""
        return backend.compress(self.target_a) + self.a.to_bytes(backend) + self.b.to_bytes(backend)

    @staticmethod
    def from_bytes(backend: Backend, data: bytes, n_bits: int, rounds: int) -> SplitProof:
        """Decode the one encoding of a proof over `n_bits` bits with k = `rounds`; DecodeError otherwise."""
        expected = split_bytes(n_bits, rounds)
        if len(data) != expected:
            raise DecodeError(
                "split/length", "wrong length of a split proof", expected=expected, actual=len(data)
            )
        end_a = COMPRESSED_BYTES + proof_bytes(0, len(OUTPUT_FAMILIES))
        return SplitProof(
            target_a=backend.decompress(data[:COMPRESSED_BYTES], infinity=False),
            a=LinearProof.from_bytes(backend, data[COMPRESSED_BYTES:end_a], 0, len(OUTPUT_FAMILIES)),
            b=LinearProof.from_bytes(backend, data[end_a:], rounds, _responses(n_bits, rounds)),
        )


def split_bytes(n_bits: int, rounds: int) -> int:
    """Return the length of an encoded proof."""
    part_a = proof_bytes(0, len(OUTPUT_FAMILIES))
    return COMPRESSED_BYTES + part_a + proof_bytes(rounds, _responses(n_bits, rounds))


def absorb_target(backend: Backend, transcript: Transcript, target_a: Points) -> None:
    """Bind Y_A before anything is drawn for either part."""
    transcript.absorb_points(Label.SPLIT_YA, backend, target_a)


def _responses(n_bits: int, rounds: int) -> int:
    return -(-n_bits >> rounds)
