"""LP_k, the linear proof: statement, transcript and bytes (docs/protocol.md, section 4).

    P knows x, b, y_1..y_m with   C = <x,G> + b H   and   Y_j = <x,u_j> F + y_j H   for j = 1..m

    C, Y_j    commitment, targets            n     length of x and of every form
    u_j       forms, public scalars          m     number of forms and targets
    G, F, H   generators                     k     rounds that halve x; h = ceil(n / 2^k) responses are left
    xi        joins the m forms to one: U = xi F, u = sum xi^(j-1) u_j, P = C + sum xi^j Y_j

Prover and verifier share this module, so they cannot disagree on what is bound and when:

    absorb lp/form lp/C lp/Y, draw xi; k times: absorb lp/L lp/R, draw e; absorb lp/D, draw c; absorb lp/z

The proof of Bulletproofs' inner product argument (Buenz et al. 2018) for a public u, with one Schnorr step
at length h that makes it zero-knowledge for every k (Attema, Cramer 2020, "compressed sigma protocols").

# Soundness
LP_k proves nothing about a target with a component outside span(F,H): such a component shifts x. The caller
must know from elsewhere that every Y_j lies in span(F,H). C needs no such care: its F component is forced
to be 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from zkmargin.errors import DecodeError
from zkmargin.group.backend import COMPRESSED_BYTES, SCALAR_BYTES, Backend, Points
from zkmargin.transcript import Label, Transcript

MAX_ROUNDS = 40
MIN_RESPONSES, ACCOUNTS_PER_RESPONSE = 16, 8


@dataclass(frozen=True)
class LinearStatement:
    """What is proven: commitment and targets (1 and m points), m forms of n canonical scalars, n generators, k."""

    commitment: Points
    targets: Points
    forms: Sequence[Sequence[int]]
    generators: Points
    rounds: int

    @property
    def size(self) -> int:
        """Return n, the length of the committed vector."""
        return len(self.generators)

    @property
    def responses(self) -> int:
        """Return h, the length that is left after k halvings of n padded to a multiple of 2^k."""
        return -(-self.size >> self.rounds)

    @property
    def padded_size(self) -> int:
        """Return n rounded up to a multiple of 2^k; what is added has x = 0, u = 0, G = infinity."""
        return self.responses << self.rounds


@dataclass(frozen=True)
class LinearProof:
    """k pairs (L, R), one D, the h responses z and z' for the blinding."""

    left: Points
    right: Points
    mask: Points
    responses: tuple[int, ...]
    blinding_response: int

    def to_bytes(self, backend: Backend) -> bytes:
        """Encode as L_1 R_1 .. L_k R_k D z_1 .. z_h z': 32 bytes each, 32 (2k + 1) + 32 (h + 1) in all."""
        pairs = backend.compress(interleave(backend, self.left, self.right))
        scalars = (*self.responses, self.blinding_response)
        return (
            pairs + backend.compress(self.mask) + b"".join(z.to_bytes(SCALAR_BYTES, "big") for z in scalars)
        )

    @staticmethod
    def from_bytes(backend: Backend, data: bytes, rounds: int, responses: int) -> LinearProof:
        """Decode the one encoding of a proof with this k and h, which the verifier knows; DecodeError otherwise."""
        expected = proof_bytes(rounds, responses)
        if len(data) != expected:
            raise DecodeError(
                "linear/length", "wrong length of a linear proof", expected=expected, actual=len(data)
            )
        split = (2 * rounds + 1) * COMPRESSED_BYTES
        points = backend.decompress(data[:split], infinity=False)
        scalars = decode_scalars(data[split:], backend.order)
        left, right = part(backend, points[: 2 * rounds])
        return LinearProof(
            left=left,
            right=right,
            mask=points[2 * rounds :],
            responses=tuple(scalars[:-1]),
            blinding_response=scalars[-1],
        )


@dataclass(frozen=True)
class JoinedForm:
    """One form for all: xi, u = sum xi^(j-1) u_j, and the weights xi^j of the targets in P."""

    xi: int
    form: list[int]
    target_weights: list[int]


def fold_rounds(size: int, accounts: int) -> int:
    """Return k: the least with size / 2^k <= max(16, accounts / 8). A public function, never the file's choice."""
    if size < 1 or accounts < 1:
        raise ValueError("a linear proof needs at least one coordinate and one account")
    most = max(ACCOUNTS_PER_RESPONSE * MIN_RESPONSES, accounts)
    rounds = 0
    while ACCOUNTS_PER_RESPONSE * size > most << rounds:
        rounds += 1
    return rounds


def proof_bytes(rounds: int, responses: int) -> int:
    """Return the length of an encoded proof."""
    return (2 * rounds + 1) * COMPRESSED_BYTES + (responses + 1) * SCALAR_BYTES


def interleave(backend: Backend, left: Points, right: Points) -> Points:
    """Return L_1 R_1 .. L_k R_k, the order in which rounds are sent and written."""
    rounds = len(left)
    return backend.gather(
        backend.concat([left, right]),
        [i for pair in zip(range(rounds), range(rounds, 2 * rounds), strict=True) for i in pair],
    )


def part(backend: Backend, rounds: Points) -> tuple[Points, Points]:
    """Invert `interleave`: return all L and all R."""
    count = len(rounds)
    return backend.gather(rounds, range(0, count, 2)), backend.gather(rounds, range(1, count, 2))


def decode_scalars(data: bytes, order: int) -> list[int]:
    """Decode scalars of 32 bytes, big-endian, below the order; DecodeError otherwise."""
    if len(data) % SCALAR_BYTES:
        raise DecodeError("scalar/length", "scalars take 32 bytes each", actual=len(data))
    scalars = [
        int.from_bytes(data[at : at + SCALAR_BYTES], "big") for at in range(0, len(data), SCALAR_BYTES)
    ]
    if any(scalar >= order for scalar in scalars):
        raise DecodeError("scalar/range", "a scalar is not below the group order")
    return scalars


def check_statement(backend: Backend, statement: LinearStatement) -> None:
    """Raise ValueError for a statement that a program, not a prover, got wrong."""
    sizes = {len(form) for form in statement.forms} | {statement.size}
    if len(sizes) != 1 or statement.size == 0 or not statement.forms:
        raise ValueError("a linear proof needs at least one form, each as long as the generators")
    if len(statement.commitment) != 1 or len(statement.targets) != len(statement.forms):
        raise ValueError("a linear proof has one commitment, and one target per form")
    if not 0 <= statement.rounds <= MAX_ROUNDS:
        raise ValueError(f"the number of rounds is outside [0, {MAX_ROUNDS}]")
    if any(not 0 <= min(form) <= max(form) < backend.order for form in statement.forms):
        raise ValueError("a form has a scalar outside [0, order)")


def form_digest(statement: LinearStatement) -> bytes:
    """Hash the shape and the forms: SHA-256(m || n || k || u_1 || .. || u_m), counts in 8 bytes, scalars in 32."""
    digest = hashlib.sha256()
    for count in (len(statement.forms), statement.size, statement.rounds):
        digest.update(count.to_bytes(8, "big"))
    for form in statement.forms:
        digest.update(b"".join(scalar.to_bytes(SCALAR_BYTES, "big") for scalar in form))
    return digest.digest()


def open_statement(backend: Backend, transcript: Transcript, statement: LinearStatement) -> JoinedForm:
    """Bind the statement, draw xi, join the forms."""
    transcript.absorb(Label.LP_FORM, form_digest(statement))
    transcript.absorb_points(Label.LP_COMMITMENT, backend, statement.commitment)
    transcript.absorb_points(Label.LP_Y, backend, statement.targets)
    xi = transcript.challenge(Label.LP_XI)
    powers = backend.powers(xi, len(statement.forms) + 1)
    joined = list(statement.forms[0])
    for power, form in zip(powers[1:], statement.forms[1:], strict=False):
        joined = backend.combine(joined, power, form)
    return JoinedForm(xi, joined, powers[1:])


def round_challenge(backend: Backend, transcript: Transcript, left: Points, right: Points) -> int:
    """Bind L and R of one round, draw e."""
    transcript.absorb_points(Label.LP_L, backend, left)
    transcript.absorb_points(Label.LP_R, backend, right)
    return transcript.challenge(Label.LP_E)


def mask_challenge(backend: Backend, transcript: Transcript, mask: Points) -> int:
    """Bind D, draw c."""
    transcript.absorb_points(Label.LP_D, backend, mask)
    return transcript.challenge(Label.LP_C)


def absorb_responses(transcript: Transcript, responses: Sequence[int], blinding_response: int) -> None:
    """Bind z and z', so that whatever is drawn later depends on them."""
    transcript.absorb_scalars(Label.LP_Z, [*responses, blinding_response])


def block_weights(inverses: Sequence[int], order: int) -> list[int]:
    """Return the weights s of the 2^k blocks of G in the folded G' = sum_p s_p G_p.

    `inverses` are the e^-1 of the rounds in order; the first round decides over the highest bit of the
    block index.
    """
    weights = [1]
    for inverse in inverses:
        weights = [item for weight in weights for item in (weight, weight * inverse % order)]
    return weights
