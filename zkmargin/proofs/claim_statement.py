"""A margin claim: statement, transcript and proof (docs/protocol.md, section 12).

    P knows outputs N, E, R, I and a of every leaf with   A = N GN + E GE + R GR + I GI + a H
    and, for every form over it,   nu N + al E - be R - io I - x >= 0

    V_j = v_j F + s_j H, v_j the value of form j;  LP_0 per leaf over GN GE GR GI: C = A, targets V_j + x_j F;
    one range proof over all V_j: 0 <= v_j < 2^n

    absorb snap/digest; claim/leaf per leaf; claim/forms; claim/context; claim/V; LP_0 per leaf; RANGE

# Soundness
In every row that satisfies the circuit, E is never above and R, I are never below the rule's value, N is exact, and
all are below 2^100 in size. So al, be, io >= 0, or the form would say nothing about the rule; and no form can wrap:
with the bounds below, |value| < 2^136, far below the order. That A is a leaf of the snapshot is the caller's to check.
Where something lowers R or I in the circuit, the caller refuses forms over R or I (`Circuit.ratio_claims`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from math import gcd

from zkmargin import limits
from zkmargin.errors import DecodeError, VerificationError
from zkmargin.group.backend import COMPRESSED_BYTES, Backend, Points
from zkmargin.proofs.linear_statement import LinearProof, LinearStatement
from zkmargin.proofs.linear_statement import proof_bytes as linear_bytes
from zkmargin.proofs.range_statement import MAX_COUNT, RangeProof, RangeStatement
from zkmargin.proofs.range_statement import proof_bytes as range_bytes
from zkmargin.proofs.split_statement import OUTPUT_FAMILIES
from zkmargin.transcript import Label, Protocol, Transcript

BITS = (64, 128)
MAX_FORMS = MAX_COUNT
COEFFICIENT_BOUND, CONSTANT_BOUND = 1 << 32, limits.OUTPUT_BOUND
LINK_BYTES = linear_bytes(0, len(OUTPUT_FAMILIES))

_INTEGER_BYTES = 33  # of a coefficient in the transcript, two's complement


@dataclass(frozen=True, order=True)
class Form:
    """net N + equity E - requirement R - initial I - least >= 0, integers; `leaf` counts the claim's leaves from 0.

    In lowest terms: the four coefficients have no common divisor but 1. 0 <= equity, requirement, initial < 2^32,
    |net| < 2^32, |least| < 2^100.
    """

    leaf: int
    net: int
    equity: int
    requirement: int
    initial: int
    least: int

    @property
    def coefficients(self) -> tuple[int, int, int, int]:
        """Return the integers that multiply N, E, R, I."""
        return (self.net, self.equity, -self.requirement, -self.initial)

    @property
    def is_ratio(self) -> bool:
        """Tell whether a requirement is part of it."""
        return bool(self.requirement or self.initial)

    def value(self, outputs: Sequence[int]) -> int:
        """Return what is claimed not to be negative, for N, E, R, I."""
        return sum(c * output for c, output in zip(self.coefficients, outputs, strict=True)) - self.least

    def fault(self) -> str | None:
        """Say what is wrong with the form, or return None."""
        if min(self.equity, self.requirement, self.initial) < 0:
            return "equity may only be bounded from below, requirements only from above"
        if max(map(abs, self.coefficients)) >= COEFFICIENT_BOUND:
            return "a coefficient is not below 2^32"
        if abs(self.least) >= CONSTANT_BOUND:
            return "the constant is not below 2^100"
        return None if gcd(*self.coefficients) == 1 else "the coefficients are not in lowest terms"


@dataclass(frozen=True)
class Leaf:
    """A leaf as the public list of its book holds it."""

    book: str
    index: int
    uid: bytes
    a: Points
    b: Points


@dataclass(frozen=True)
class ClaimStatement:
    """What is claimed: forms over leaves of one snapshot, to whom (`context`), values below 2^`bits`.

    Forms stand in order, each once, and every leaf has one.
    """

    snapshot_digest: bytes
    leaves: Sequence[Leaf]
    forms: Sequence[Form]
    context: str
    bits: int

    def forms_of(self, leaf: int) -> list[int]:
        """Return the numbers of the forms over a leaf."""
        return [j for j, form in enumerate(self.forms) if form.leaf == leaf]


@dataclass(frozen=True)
class ClaimProof:
    """V_j by form, LP_0 by leaf, one range proof."""

    values: Points
    links: tuple[LinearProof, ...]
    ranges: RangeProof

    def to_bytes(self, backend: Backend) -> bytes:
        """Encode as V_1 .. V_m, LP_0 of every leaf (192 bytes each), the range proof."""
        links = b"".join(link.to_bytes(backend) for link in self.links)
        return backend.compress(self.values) + links + self.ranges.to_bytes(backend)

    @staticmethod
    def from_bytes(backend: Backend, data: bytes, leaves: int, forms: int, bits: int) -> ClaimProof:
        """Decode the one encoding of a proof of that many leaves and forms; DecodeError otherwise."""
        if len(data) != proof_bytes(leaves, forms, bits):
            raise DecodeError(
                "claim/length",
                "wrong length of a claim's proof",
                expected=proof_bytes(leaves, forms, bits),
                actual=len(data),
            )
        start = COMPRESSED_BYTES * forms
        values = backend.decompress(data[:start], infinity=False)
        ends = [start + LINK_BYTES * i for i in range(leaves + 1)]
        links = tuple(
            LinearProof.from_bytes(backend, data[end : end + LINK_BYTES], 0, len(OUTPUT_FAMILIES))
            for end in ends[:-1]
        )
        rounds = RangeStatement(values, bits).rounds
        return ClaimProof(values, links, RangeProof.from_bytes(backend, data[ends[-1] :], rounds))


def proof_bytes(leaves: int, forms: int, bits: int) -> int:
    """Return the length of an encoded proof."""
    rounds = (bits << (forms - 1).bit_length()).bit_length() - 1
    return COMPRESSED_BYTES * forms + LINK_BYTES * leaves + range_bytes(rounds)


def check_statement(statement: ClaimStatement) -> None:
    """Raise VerificationError for a statement that may not be claimed: claim/bits, claim/leaves, claim/forms."""
    if statement.bits not in BITS:
        raise VerificationError("claim/bits", "unknown bit width", expected=BITS, actual=statement.bits)
    places = {(leaf.book, leaf.index) for leaf in statement.leaves}
    if not 1 <= len(places) == len(statement.leaves):
        raise VerificationError("claim/leaves", "a claim is about one or more different leaves")
    forms = statement.forms
    if not 1 <= len(forms) <= MAX_FORMS:
        raise VerificationError(
            "claim/forms", "wrong number of forms", expected=f"1 to {MAX_FORMS}", actual=len(forms)
        )
    if list(forms) != sorted(set(forms)):
        raise VerificationError("claim/forms", "the forms of a claim stand once each, in order")
    if {form.leaf for form in forms} != set(range(len(statement.leaves))):
        raise VerificationError("claim/forms", "every leaf of a claim has a form, every form a leaf")
    for form in forms:
        if fault := form.fault():
            raise VerificationError("claim/forms", f"a form cannot be claimed: {fault}")


def open_statement(backend: Backend, statement: ClaimStatement) -> Transcript:
    """Start the claim's transcript and bind everything that is claimed."""
    transcript = Transcript(Protocol.CLAIM, backend.order)
    transcript.absorb(Label.SNAP_DIGEST, statement.snapshot_digest)
    for leaf in statement.leaves:
        transcript.absorb(Label.CLAIM_LEAF, _leaf_bytes(backend, leaf))
    transcript.absorb(Label.CLAIM_FORMS, forms_bytes(statement.forms))
    transcript.absorb_text(Label.CLAIM_CONTEXT, statement.context)
    return transcript


def absorb_values(backend: Backend, transcript: Transcript, values: Points) -> None:
    """Bind V_1 .. V_m."""
    transcript.absorb_points(Label.CLAIM_V, backend, values)


def link_statement(backend: Backend, statement: ClaimStatement, leaf: int, values: Points) -> LinearStatement:
    """Return the statement of LP_0 of one leaf: its forms give V_j + x_j F."""
    order, own = backend.order, statement.forms_of(leaf)
    forms = [statement.forms[j] for j in own]
    constants = [backend.combine_generators({"F": [form.least % order]}) for form in forms]
    return LinearStatement(
        commitment=statement.leaves[leaf].a,
        targets=backend.add(backend.gather(values, own), backend.concat(constants)),
        forms=tuple(tuple(c % order for c in form.coefficients) for form in forms),
        generators=backend.concat([backend.generators(family, 0, 1) for family in OUTPUT_FAMILIES]),
        rounds=0,
    )


def forms_bytes(forms: Sequence[Form]) -> bytes:
    """Encode forms as they are hashed: count (8 bytes), then leaf, nu, al, be, io, x in 33 bytes each, signed."""
    numbers = b"".join(
        number.to_bytes(_INTEGER_BYTES, "big", signed=True) for form in forms for number in astuple(form)
    )
    return len(forms).to_bytes(8, "big") + numbers


def _leaf_bytes(backend: Backend, leaf: Leaf) -> bytes:
    book = leaf.book.encode()
    place = len(book).to_bytes(8, "big") + book + leaf.index.to_bytes(8, "big")
    return place + leaf.uid + backend.encode(leaf.a) + backend.encode(leaf.b)
