"""V opens to v and W to v^2: statement, transcript and bytes (docs/protocol.md, section 7, step 4).

    P knows v, s_v, s_w with   V = v F + s_v H   and   W = v^2 F + s_w H;  so  W = v V + (s_w - v s_v) H

    absorb eval/V eval/W prod/D1 prod/D2, draw c, absorb prod/z

A sigma protocol for one v on two bases (Chaum, Pedersen 1992; Hyrax, Wahby et al. 2018, for products).

# Soundness
Two accepting transcripts for two c give v with V in v F + span(H) and W in v V + span(H). So V and W are also shown to
lie in span(F,H), which makes them allowed targets of linear proofs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkmargin.group.backend import COMPRESSED_BYTES, SCALAR_BYTES, Backend, Points
from zkmargin.proofs.linear_statement import decode_scalars
from zkmargin.transcript import Label, Transcript

POINTS, RESPONSES = 2, 3
PRODUCT_BYTES = POINTS * COMPRESSED_BYTES + RESPONSES * SCALAR_BYTES


@dataclass(frozen=True)
class ProductStatement:
    """V and W, one point each."""

    v: Points
    w: Points


@dataclass(frozen=True)
class ProductProof:
    """D1 = a1 F + a2 H, D2 = a1 V + a3 H and z1, z2, z3."""

    d1: Points
    d2: Points
    responses: tuple[int, ...]

    def to_bytes(self, backend: Backend) -> bytes:
        """Encode as D1, D2, z1, z2, z3: 160 bytes."""
        points = backend.compress(self.d1) + backend.compress(self.d2)
        return points + b"".join(z.to_bytes(SCALAR_BYTES, "big") for z in self.responses)

    @staticmethod
    def from_bytes(backend: Backend, data: bytes) -> ProductProof:
        """Decode 160 bytes, as cut by the caller; DecodeError for any but the one encoding."""
        points = backend.decompress(data[: POINTS * COMPRESSED_BYTES])
        responses = decode_scalars(data[POINTS * COMPRESSED_BYTES :], backend.order)
        return ProductProof(points[:1], points[1:], tuple(responses))


def absorb_statement(backend: Backend, transcript: Transcript, statement: ProductStatement) -> None:
    """Bind V and W."""
    transcript.absorb_points(Label.EVAL_V, backend, statement.v)
    transcript.absorb_points(Label.EVAL_W, backend, statement.w)


def product_challenge(backend: Backend, transcript: Transcript, d1: Points, d2: Points) -> int:
    """Bind D1 and D2, draw c."""
    transcript.absorb_points(Label.PROD_D1, backend, d1)
    transcript.absorb_points(Label.PROD_D2, backend, d2)
    return transcript.challenge(Label.PROD_C)


def absorb_responses(transcript: Transcript, responses: Sequence[int]) -> None:
    """Bind z1, z2, z3."""
    transcript.absorb_scalars(Label.PROD_Z, responses)
