"""A second verifier of claims, written from docs/protocol.md and docs/formats.md alone, beside `independent_verifier`.

It is given the decoded header, the claim's bytes and the verifier's context, and returns the forms that are proven. Who
signed the header, the policy behind its digests, whether a book's circuit allows ratios, which forms were asked for and
how old they may be: all that is the caller's.
"""

from __future__ import annotations

from math import gcd
from typing import Any, NamedTuple

from zkmargin.independent_verifier import (
    OUTPUTS,
    Node,
    Point,
    Reader,
    RefusedError,
    Transcript,
    add,
    check_linear,
    combine,
    context,
    encode,
    generator,
    header_digest,
    integer,
    log2_up,
    need,
    r,
    read_books,
    sha,
    sized,
)

Form = tuple[int, int, int, int, int, int]  # leaf, nu, al, be, io, x
WIDTHS = ((1, False), (5, True), (4, False), (4, False), (4, False), (13, True))


class Leaf(NamedTuple):
    """A leaf with its path: hash, sum A, sum B of every sibling."""

    book: str
    place: int
    uid: bytes
    a: Point
    b: Point
    path: list[Node]


class Parts:
    """Reads a claim from its start."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        need(count <= len(self.data), "length")
        part, self.data = self.data[:count], self.data[count:]
        return part

    def number(self, count: int, *, signed: bool = False) -> int:
        """Return an integer."""
        return int.from_bytes(self.take(count), "big", signed=signed)

    def text(self, width: int) -> str:
        """Return a text behind its length."""
        length = self.number(width)
        need(length <= 256, "text")
        try:
            return self.take(length).decode()
        except UnicodeDecodeError:
            raise RefusedError("text") from None

    def point(self, *, infinity: bool = False) -> Point:
        """Return a compressed point."""
        data = self.take(32)
        return None if infinity and data == b"\x40" + bytes(31) else Reader(data).point()

    def leaf(self) -> Leaf:
        """Return a leaf."""
        book, place, uid, a, b = self.text(1), self.number(4), self.take(32), self.point(), self.point()
        levels = range(self.number(1))
        path = [Node(self.take(32), self.point(infinity=True), self.point(infinity=True)) for _ in levels]
        return Leaf(book, place, uid, a, b, path)

    def form(self) -> Form:
        """Return a form."""
        leaf, nu, al, be, io, x = (self.number(width, signed=signed) for width, signed in WIDTHS)
        return leaf, nu, al, be, io, x


def verify_claim(header: Any, claim: bytes, own_context: str) -> list[Form]:
    """Check a claim against a header and return its forms; raise RefusedError."""
    parts, books = Parts(claim), read_books(header)
    need(parts.take(5) == b"ZKMC\x01", "version")
    digest = header_digest(header, books)
    need(parts.take(32) == digest, "snapshot")
    bits = parts.number(1)
    need(bits in (64, 128) and parts.text(2) == own_context, "bits or context")
    leaves = [parts.leaf() for _ in range(parts.number(1))]
    forms = [parts.form() for _ in range(parts.number(1))]
    check_forms(forms, leaves)
    for leaf in leaves:
        check_path(header, {book.id: book for book in books}, leaf)
    check_proof(digest, bits, leaves, forms, own_context, Reader(parts.data))
    return forms


def check_forms(forms: list[Form], leaves: list[Leaf]) -> None:
    """Check numbers, order and bounds of forms and leaves."""
    places = {(leaf.book, leaf.place) for leaf in leaves}
    need(1 <= len(places) == len(leaves) and 1 <= len(forms) <= 16, "counts")
    need(forms == sorted(set(forms)) and {form[0] for form in forms} == set(range(len(leaves))), "order")
    for _, nu, al, be, io, x in forms:
        need(abs(nu) < 1 << 32 and abs(x) < 1 << 100 and gcd(nu, al, be, io) == 1, "form")


def check_path(header: Any, books: dict[str, Any], leaf: Leaf) -> None:
    """Check that a leaf leads to the root of its book."""
    book = books.get(leaf.book)
    if book is None or leaf.place >= book.leaves or len(leaf.path) != log2_up(book.leaves):
        raise RefusedError("path")
    ctx = context(header, leaf.book)
    here = sha(b"\x00", ctx, integer(leaf.place), leaf.uid, encode(leaf.a), encode(leaf.b))
    node = Node(here, leaf.a, leaf.b)
    for height, other in enumerate(leaf.path):
        left, right = (other, node) if leaf.place >> height & 1 else (node, other)
        above = sha(b"\x01", left.bytes(), right.bytes())
        node = Node(above, add(left.a, right.a), add(left.b, right.b))
    need(node == book.root, "root")


def check_proof(
    digest: bytes, bits: int, leaves: list[Leaf], forms: list[Form], own_context: str, proof: Reader
) -> None:
    """Check the proof of protocol.md, section 12."""
    t = Transcript("zkm/v1/claim")
    t.absorb("snap/digest", digest)
    for leaf in leaves:
        book = sized(leaf.book.encode())
        t.absorb("claim/leaf", book, integer(leaf.place), leaf.uid, encode(leaf.a), encode(leaf.b))
    numbers = b"".join(number.to_bytes(33, "big", signed=True) for form in forms for number in form)
    t.absorb("claim/forms", integer(len(forms)), numbers)
    t.absorb("claim/context", own_context.encode())
    values = [proof.point() for _ in forms]
    t.points("claim/V", *values)
    outputs = [generator(family) for family in OUTPUTS]
    for number, leaf in enumerate(leaves):
        own = [(V, form) for V, form in zip(values, forms, strict=True) if form[0] == number]
        targets = [combine([1, form[5]], [V, generator("F")]) for V, form in own]
        rows = [[nu % r, al, -be % r, -io % r] for _, (_, nu, al, be, io, _) in own]
        check_linear(t, proof, leaf.a, targets, rows, outputs, 0)
    check_range(t, proof, values, bits)
    proof.end()


def check_range(t: Transcript, proof: Reader, V: list[Point], n: int) -> None:
    """Check the range proof of protocol.md, section 11, one equation after the other."""
    padded = 1 << log2_up(len(V))
    N, F, H = n * padded, generator("F"), generator("H")
    t.absorb("range/dims", integer(n), integer(len(V)))
    t.points("range/V", *V)
    A, S, T1, T2 = (proof.point() for _ in range(4))
    t.points("range/A", A)
    t.points("range/S", S)
    y, z = t.draw("?range/y"), t.draw("?range/z")
    t.points("range/T1", T1)
    t.points("range/T2", T2)
    x = t.draw("?range/x")
    value, tau, mu = (proof.scalar() for _ in range(3))
    t.scalars("range/t", value, tau, mu)
    w = t.draw("?range/w")
    delta = (z - z * z) * sum(pow(y, i, r) for i in range(N))
    delta -= (2**n - 1) * sum(pow(z, 3 + j, r) for j in range(padded))
    weights = [pow(z, 2 + j, r) for j in range(len(V))]
    need(
        combine([value - delta, tau, -x, -x * x, *(-c for c in weights)], [F, H, T1, T2, *V]) is None, "poly"
    )
    s, sides = [1], []
    for _ in range(log2_up(N)):
        L, R = proof.point(), proof.point()
        t.points("range/L", L)
        t.points("range/R", R)
        e = t.draw("?range/e")
        inverse = pow(e, -1, r)
        s = [v for old in s for v in (old, old * inverse % r)]
        sides += [(-inverse, L), (-e, R)]
    a, b = proof.scalar(), proof.scalar()
    t.scalars("range/ab", a, b)
    terms = [(w * (a * b - value), F), (mu, H), (-1, A), (-x, S), *sides]
    for i in range(N):
        of_bit = pow(z, 2 + i // n, r) << i % n
        terms.append((a * s[i] + z, generator("BG", i)))
        terms.append((pow(y, -i, r) * (b * pow(s[i], -1, r) - of_bit) - z, generator("BH", i)))
    need(combine(*zip(*terms, strict=True)) is None, "product")
