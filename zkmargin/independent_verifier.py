"""A second verifier of trees, totals and proofs of liabilities, written from docs/protocol.md alone.

It shares no code with the rest: Python integers, SHA-256, and the two primes from py_ecc. What it is given is the
decoded header, leaf lists, proofs, and by the caller the circuits (compiled from policy and risk table, rules checked);
the signature is the caller's too. Slow and small on purpose: two verifiers that agree on what they refuse are worth
more than one. Section numbers are those of docs/protocol.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from py_ecc.optimized_bn128.optimized_curve import curve_order, field_modulus

r, q = int(curve_order), int(field_modulus)
Point = tuple[int, int] | None  # affine; None is infinity
Terms = Sequence[tuple[int, int]]  # (variable, coefficient); 0..3 are N, E, R, I, 4 + j is column j

SUITE = "BN254G1/XMD:SHA-256_SVDW_RO_/SHA-256/Ed25519/1"
TAG = b"ZKMARGIN-V01-CS01-with-BN254G1_XMD:SHA-256_SVDW_RO_"


class RefusedError(Exception):
    """The attestation is not what it claims to be."""


class PlainCircuit(NamedTuple):
    """A book's circuit: digest, widths of the columns, equations and published forms in the circuit's order."""

    digest: bytes
    widths: Sequence[int]
    equations: Sequence[Terms]
    published: Sequence[tuple[str, Terms]]


def verify(
    header: Any,
    circuits: Mapping[str, PlainCircuit],
    leaves: Mapping[str, bytes],
    totals: Mapping[str, bytes],
    liabilities: Mapping[str, Sequence[bytes]],
) -> bytes:
    """Check everything from the header on and return the snapshot digest; raise RefusedError.

    `header` is the decoded JSON of the manifest's header; the others are by book id: circuits, leaf lists, totals'
    proofs, and the shards' proofs in order.
    """
    books = read_books(header)
    digest = header_digest(header, books)
    for book in books:
        circuit = circuits.get(book.id)
        if circuit is None or circuit.digest != book.circuit:
            raise RefusedError("circuit")
        need(book.id in leaves and book.id in totals and book.id in liabilities, "missing")
        uids, a, b = read_leaves(leaves[book.id], book.leaves)
        levels = tree(context(header, book.id), uids, a, b)
        need(levels[-1][0] == book.root, "root")
        check_totals(digest, book, circuit, levels[-1][0], totals[book.id])
        size = 1 << book.shape
        proofs = liabilities[book.id]
        need(len(proofs) == -(-book.leaves // size), "number of shards")
        for j, proof in enumerate(proofs):
            part = slice(j * size, min(book.leaves, (j + 1) * size))
            numbers = (j, part.start, part.stop - part.start)
            shard = b"".join(map(integer, numbers)) + levels[book.shape][j].bytes()
            check_liabilities(digest, book.id, shard, circuit, a[part], b[part], proof)
    return digest


def need(true: bool, what: str) -> None:
    """Raise RefusedError unless true."""
    if not true:
        raise RefusedError(what)


def sha(*parts: bytes) -> bytes:
    """SHA-256 of the parts one after the other."""
    return hashlib.sha256(b"".join(parts)).digest()


def integer(n: int) -> bytes:
    """Write an integer as it stands in hashes."""
    return n.to_bytes(8, "big")


def sized(data: bytes) -> bytes:
    """Put the length before a field."""
    return integer(len(data)) + data


def log2_up(n: int) -> int:
    """Return ceil(log2 n)."""
    return (n - 1).bit_length()


# --- 2. the curve y^2 = x^3 + 3, in Jacobian coordinates (x / z^2, y / z^3); z = 0 is infinity

Jacobian = tuple[int, int, int]
ZERO: Jacobian = (1, 1, 0)


def double(P: Jacobian) -> Jacobian:
    """Return 2 P."""
    x, y, z = P
    s, m = 4 * x * y * y % q, 3 * x * x % q
    x3 = (m * m - 2 * s) % q
    return x3, (m * (s - x3) - 8 * y**4) % q, 2 * y * z % q


def plus(P: Jacobian, Q: Jacobian) -> Jacobian:
    """Return P + Q."""
    if not P[2] or not Q[2]:
        return Q if not P[2] else P
    zz1, zz2 = P[2] * P[2] % q, Q[2] * Q[2] % q
    u, s = P[0] * zz2 % q, P[1] * zz2 * Q[2] % q
    h, t = (Q[0] * zz1 - u) % q, (Q[1] * zz1 * P[2] - s) % q
    if not h:
        return ZERO if t else double(P)
    hh = h * h % q
    x3 = (t * t - h * hh - 2 * u * hh) % q
    return x3, (t * (u * hh - x3) - s * h * hh) % q, h * P[2] * Q[2] % q


def affine(P: Jacobian) -> Point:
    """Return the two coordinates."""
    if not P[2]:
        return None
    i = pow(P[2], -1, q)
    return P[0] * i * i % q, P[1] * i**3 % q


def jacobian(P: Point) -> Jacobian:
    """Return with z = 1."""
    return ZERO if P is None else (P[0], P[1], 1)


def combine(scalars: Iterable[int], points: Iterable[Point]) -> Point:
    """Return the sum of scalars times points: buckets by windows of five bits."""
    pairs = [(s % r, jacobian(P)) for s, P in zip(scalars, points, strict=True)]
    total = ZERO
    for window in range(50, -1, -1):
        for _ in range(5):
            total = double(total)
        buckets = [ZERO] * 32
        for s, P in pairs:
            digit = s >> 5 * window & 31
            if digit:
                buckets[digit] = plus(buckets[digit], P)
        running = ZERO
        for bucket in reversed(buckets[1:]):
            running = plus(running, bucket)
            total = plus(total, running)
    return affine(total)


def add(P: Point, Q: Point) -> Point:
    """Return P + Q."""
    return affine(plus(jacobian(P), jacobian(Q)))


def encode(P: Point) -> bytes:
    """Return 64 bytes."""
    return bytes(64) if P is None else P[0].to_bytes(32, "big") + P[1].to_bytes(32, "big")


def decode(data: bytes) -> tuple[int, int]:
    """Read 64 bytes; infinity is refused."""
    x, y = int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big")
    need(x < q and y < q and (y * y - x**3 - 3) % q == 0, "point")
    return x, y


def root(n: int) -> int | None:
    """Return a square root modulo q, which is 3 modulo 4, or None."""
    y = pow(n, (q + 1) // 4, q)
    return y if y * y % q == n % q else None


def expand(message: bytes) -> bytes:
    """Expand a message to 96 bytes, three blocks (RFC 9380, 5.3.1)."""
    tail = TAG + bytes([len(TAG)])
    first = sha(bytes(64), message, (96).to_bytes(2, "big"), b"\x00", tail)
    block, out = bytes(32), b""
    for i in (1, 2, 3):
        block = sha(bytes(x ^ y for x, y in zip(first, block, strict=True)), bytes([i]), tail)
        out += block
    return out


def map_to_curve(u: int) -> tuple[int, int]:
    """Map by Shallue-van de Woestijne, RFC 9380, 6.6.1: A = 0, B = 3, Z = 1, so g(Z) = 4 and 3 Z^2 + 4 A = 3."""
    c3 = root(-4 * 3 % q)
    need(c3 is not None, "constant")
    c3 = (q - c3 if c3 % 2 else c3) if c3 is not None else 0
    low, high = (1 - 4 * u * u) % q, (1 + 4 * u * u) % q
    inverse = pow(low * high, q - 2, q)
    v = u * low * inverse * c3 % q
    half = -pow(2, -1, q)
    last = (high * high * inverse) ** 2 * (-16 * pow(3, -1, q)) + 1
    for x in ((half - v) % q, (half + v) % q, last % q):
        y = root((x**3 + 3) % q)
        if y is not None:
            return x, y if y % 2 == u % 2 else q - y
    raise RefusedError("constant")


@cache
def generator(family: str, index: int = 0) -> Point:
    """Return one generator: hash to curve, random-oracle variant."""
    data = expand(family.encode() + b"/" + integer(index))
    u, v = (int.from_bytes(data[at : at + 48], "big") % q for at in (0, 48))
    return add(map_to_curve(u), map_to_curve(v))


class Reader:
    """Reads a proof: points (compressed, no infinity) and scalars, 32 bytes each, with nothing left over."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self) -> int:
        """Return the next 32 bytes as a number."""
        self.at += 32
        need(self.at <= len(self.data), "length")
        return int.from_bytes(self.data[self.at - 32 : self.at], "big")

    def scalar(self) -> int:
        """Return a canonical scalar."""
        value = self.take()
        need(value < r, "scalar")
        return value

    def point(self) -> Point:
        """Return a point from x and the flag of y."""
        value = self.take()
        flag, x = value >> 254, value & (1 << 254) - 1
        need(flag in (2, 3) and x < q, "point")
        y = root((x**3 + 3) % q)
        if y is None:
            raise RefusedError("point")
        small = min(y, q - y)
        return x, small if flag == 2 else q - small

    def end(self) -> None:
        """Refuse surplus bytes."""
        need(self.at == len(self.data), "length")


# --- 3. transcript and header


class Transcript:
    """The hash chain."""

    def __init__(self, name: str) -> None:
        self.state = sha(b"\x00", sized(name.encode()))

    def absorb(self, label: str, *parts: bytes) -> None:
        """Bind a payload."""
        self.state = sha(b"\x01", self.state, sized(label.encode()), sized(b"".join(parts)))

    def points(self, label: str, *points: Point) -> None:
        """Bind points."""
        self.absorb(label, *map(encode, points))

    def scalars(self, label: str, *values: int) -> None:
        """Bind scalars."""
        self.absorb(label, *(value.to_bytes(32, "big") for value in values))

    def draw(self, label: str) -> int:
        """Draw a challenge that is not 0."""
        name, value = sized(label.encode()), 0
        while not value:
            wide = sha(b"\x02", self.state, name, integer(0)) + sha(b"\x02", self.state, name, integer(1))
            self.state, value = sha(b"\x03", self.state, name), int.from_bytes(wide, "big") % r
        return value


class Node(NamedTuple):
    """A node of the tree."""

    hash: bytes
    a: Point
    b: Point

    def bytes(self) -> bytes:
        """Return hash, sum A, sum B."""
        return self.hash + encode(self.a) + encode(self.b)


class Book(NamedTuple):
    """What the header says of a book."""

    id: str
    circuit: bytes
    risk: bytes
    leaves: int
    shape: int
    root: Node
    totals: list[tuple[str, int]]


def exact(value: Any, *keys: str) -> list[Any]:
    """Return the values of an object with exactly these keys."""
    need(isinstance(value, dict) and set(value) == set(keys), "header")
    return [value[key] for key in keys]


def text(value: Any) -> str:
    """Take a text of at most 256 bytes."""
    need(isinstance(value, str), "header")
    try:
        need(len(value.encode()) <= 256, "header")
    except UnicodeEncodeError:
        raise RefusedError("header") from None
    return str(value)


def octets(value: Any, count: int) -> bytes:
    """Read bytes in lower-case hex."""
    need(len(text(value)) == 2 * count and set(value) <= set("0123456789abcdef"), "header")
    return bytes.fromhex(value)


def number(value: Any) -> int:
    """Read an integer in decimal, in its one form, of less than 256 bits."""
    digits = text(value).removeprefix("-")
    need(digits.isascii() and digits.isdigit(), "header")
    need(str(int(value)) == value and int(value).bit_length() < 256, "header")
    return int(value)


def infinity_or_point(data: bytes) -> Point:
    """Read 64 bytes of a sum."""
    return decode(data) if any(data) else None


def read_books(header: Any) -> list[Book]:
    """Read the books of a header, in the order of their ids."""
    *_, given = exact(header, "exchange", "snapshot", "suite", "policy", "market", "previous", "books")
    need(isinstance(given, list) and 1 <= len(given) <= 64, "header")
    books = []
    for entry in given:
        name, circuit, risk, count, shape, at_root, totals = exact(
            entry, "id", "circuit", "risk", "leaves", "shard_log2", "root", "totals"
        )
        h, a, b = exact(at_root, "hash", "A", "B")
        need(1 <= number(count) <= 1 << 32 and 0 <= number(shape) <= log2_up(number(count)), "header")
        need(number(count) <= 4096 << number(shape), "header")
        need(isinstance(totals, list) and all(isinstance(t, list) and len(t) == 2 for t in totals), "header")
        books.append(
            Book(
                text(name),
                octets(circuit, 32),
                octets(risk, 32),
                number(count),
                number(shape),
                Node(octets(h, 32), infinity_or_point(octets(a, 64)), infinity_or_point(octets(b, 64))),
                [(text(form), number(total)) for form, total in totals],
            )
        )
    ids = [book.id.encode() for book in books]
    need(ids == sorted(set(ids)), "header")
    return books


def header_digest(header: Any, books: Sequence[Book]) -> bytes:
    """Run the header transcript; its state is the snapshot digest."""
    snapshot, time = exact(header["snapshot"], "id", "time")
    need(header["suite"] == SUITE, "suite")
    t = Transcript("zkm/v1/snapshot")
    for label, value in (
        ("exchange", header["exchange"]), ("id", snapshot), ("time", time), ("suite", SUITE),
    ):  # fmt: skip
        t.absorb(f"snap/{label}", text(value).encode())
    t.absorb("snap/policy", octets(header["policy"], 32))
    t.absorb("snap/market", octets(header["market"], 32))
    t.absorb("snap/previous", octets(header["previous"], 32 if header["previous"] != "" else 0))
    t.absorb("snap/books", integer(len(books)))
    for book in books:
        t.absorb("book/id", book.id.encode())
        t.absorb("book/circuit", book.circuit)
        t.absorb("book/risk", book.risk)
        t.absorb("book/leaves", integer(book.leaves))
        t.absorb("book/shape", integer(book.shape))
        t.absorb("book/root", book.root.bytes())
        values = [b"\x00" + total.to_bytes(32, "big", signed=True) for _, total in book.totals]
        t.absorb("book/totals", integer(len(values)), *values)
    return t.state


# --- 4. leaves and tree


def context(header: Any, book: str) -> bytes:
    """Return what binds leaves to one book of one snapshot."""
    fields = (header["exchange"], header["snapshot"]["id"], book)
    return sha(b"\x04", *(sized(field.encode()) for field in fields))


def read_leaves(data: bytes, count: int) -> tuple[list[bytes], list[Point], list[Point]]:
    """Read the list: uid_commit, A, B per leaf; no point is infinity."""
    need(len(data) == 160 * count, "length of the list")
    leaves = [data[at : at + 160] for at in range(0, len(data), 160)]
    return [x[:32] for x in leaves], [decode(x[32:96]) for x in leaves], [decode(x[96:]) for x in leaves]


def tree(ctx: bytes, uids: Sequence[bytes], a: Sequence[Point], b: Sequence[Point]) -> list[list[Node]]:
    """Return all levels, without what is empty; the last one is the root."""
    level = [
        Node(sha(b"\x00", ctx, integer(i), uid, encode(A), encode(B)), A, B)
        for i, (uid, A, B) in enumerate(zip(uids, a, b, strict=True))
    ]
    empty, levels = Node(sha(b"\x03"), None, None), [level]
    while len(level) > 1:
        pairs = zip(level[::2], [*level[1::2], empty], strict=False)
        level = [Node(sha(b"\x01", x.bytes(), y.bytes()), add(x.a, y.a), add(x.b, y.b)) for x, y in pairs]
        empty = Node(sha(b"\x01", empty.bytes(), empty.bytes()), None, None)
        levels.append(level)
    return levels


# --- 5. linear proof

OUTPUTS = ("GN", "GE", "GR", "GI")


def fold_rounds(n: int, count: int) -> int:
    """Return k, the least with n / 2^k <= max(16, count / 8)."""
    k = 0
    while 8 * n > max(128, count) << k:
        k += 1
    return k


def check_linear(
    t: Transcript,
    proof: Reader,
    C: Point,
    Y: Sequence[Point],
    u: Sequence[Sequence[int]],
    G: Sequence[Point],
    k: int,
) -> None:
    """Check LP_k: C = <x,G> + b H and Y_j = <x,u_j> F + y_j H."""
    n, h = len(G), -(-len(G) // (1 << k))
    forms = b"".join(v.to_bytes(32, "big") for form in u for v in form)
    t.absorb("lp/form", sha(integer(len(u)), integer(n), integer(k), forms))
    t.points("lp/C", C)
    t.points("lp/Y", *Y)
    xi = t.draw("?lp/xi")
    powers = [pow(xi, j, r) for j in range(1, len(Y) + 1)]
    joined = [sum(pow(xi, j, r) * form[i] for j, form in enumerate(u)) % r for i in range(n)]
    blocks, sides = [1], []
    for _ in range(k):
        L, R = proof.point(), proof.point()
        t.points("lp/L", L)
        t.points("lp/R", R)
        e = t.draw("?lp/e")
        inverse = pow(e, -1, r)
        sides += [(inverse, L), (e, R)]
        blocks = [w for s in blocks for w in (s, s * inverse % r)]
    D = proof.point()
    t.points("lp/D", D)
    c = t.draw("?lp/c")
    z, blinding = [proof.scalar() for _ in range(h)], proof.scalar()
    t.scalars("lp/z", *z, blinding)
    w = [s * value % r for s in blocks for value in z][:n]
    on_f = xi * sum(x * y for x, y in zip(w, joined, strict=True))
    terms = [*zip(w, G, strict=True), (on_f, generator("F")), (blinding, generator("H")), (-1, D)]
    terms += [(-c * weight, P) for weight, P in ((1, C), *zip(powers, Y, strict=True), *sides)]
    need(combine(*zip(*terms, strict=True)) is None, "linear proof")


def check_split(
    t: Transcript, proof: Reader, A: Point, B: Point, Y: Point, u: tuple[list[int], list[int]], k: int
) -> None:
    """Check a split target: the outputs' part for A, the bits' part for B."""
    Y_A = proof.point()
    t.points("split/YA", Y_A)
    check_linear(t, proof, A, [Y_A], [u[0]], [generator(family) for family in OUTPUTS], 0)
    rest = combine([1, -1], [Y, Y_A])
    check_linear(t, proof, B, [rest], [u[1]], [generator("GB", i) for i in range(len(u[1]))], k)


def spread(weighted: Iterable[tuple[int, Terms]], widths: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the sum of weight * form, over the four outputs and over all bits."""
    sums = [0] * (4 + len(widths))
    for weight, terms in weighted:
        for variable, coefficient in terms:
            sums[variable] += weight * coefficient
    bits = [sums[4 + j] * (1 << d) % r for j, width in enumerate(widths) for d in range(width)]
    return [value % r for value in sums[:4]], bits


# --- 6. totals


def reach(form: Terms, circuit: PlainCircuit) -> int:
    """Return the most that |form| can be on one row."""
    sums: dict[int, int] = {}
    for variable, coefficient in form:
        terms: Terms = [(variable, 1)]
        if variable < 4:
            terms = [(v, a) for v, a in definition(variable, circuit) if v >= 4]
        for v, a in terms:
            sums[v] = sums.get(v, 0) + coefficient * a
    return sum(abs(a) * ((1 << circuit.widths[v - 4]) - 1) for v, a in sums.items())


def definition(output: int, circuit: PlainCircuit) -> Terms:
    """Return the equation that holds this output alone, at -1."""
    for terms in circuit.equations:
        if [(v, a) for v, a in terms if v < 4] == [(output, -1)]:
            return terms
    raise RefusedError("circuit")


def check_totals(digest: bytes, book: Book, circuit: PlainCircuit, top: Node, data: bytes) -> None:
    """Check that the published totals are those of the root sums."""
    need([name for name, _ in book.totals] == [name for name, _ in circuit.published], "totals")
    need(bool(book.totals), "totals")
    for (_, total), (_, form) in zip(book.totals, circuit.published, strict=True):
        need(2 * abs(total) < r and abs(total) <= book.leaves * reach(form, circuit), "reach of a total")
    t, proof = Transcript("zkm/v1/totals"), Reader(data)
    t.absorb("snap/digest", digest)
    t.absorb("proof/book", book.id.encode())
    delta = t.draw("?totals/delta")
    weights = [pow(delta, i, r) for i in range(len(book.totals))]
    u = spread(zip(weights, (form for _, form in circuit.published), strict=True), circuit.widths)
    Y = combine([sum(w * x for w, (_, x) in zip(weights, book.totals, strict=True))], [generator("F")])
    check_split(t, proof, top.a, top.b, Y, u, fold_rounds(len(u[1]), book.leaves))
    proof.end()


# --- 7. proof of liabilities


def eq(a: Sequence[int], b: Sequence[int]) -> int:
    """Return the product of a_j b_j + (1 - a_j)(1 - b_j)."""
    product = 1
    for x, y in zip(a, b, strict=True):
        product = product * (x * y + (1 - x) * (1 - y)) % r
    return product


def eq_table(point: Sequence[int]) -> list[int]:
    """Return eq(point, x) for all corners x, variable 0 lowest."""
    table = [1]
    for x in point:
        table = [w * (1 - x) % r for w in table] + [w * x % r for w in table]
    return table


def cubic(values: Sequence[int], x: int) -> int:
    """Return at x the cubic with these values at 0, 1, 2, 3: Lagrange."""
    total = 0
    for i, value in enumerate(values):
        top = bottom = 1
        for j in range(4):
            if j != i:
                top, bottom = top * (x - j) % r, bottom * (i - j)
        total += value * top * pow(bottom, -1, r)
    return total % r


def check_liabilities(
    digest: bytes, book: str, shard: bytes, circuit: PlainCircuit, a: list[Point], b: list[Point], data: bytes
) -> None:
    """Check that every leaf of a shard opens to bits that satisfy every equation."""
    n_bits, proof, F, H = sum(circuit.widths), Reader(data), generator("F"), generator("H")
    n_w = -(-n_bits // 16)
    for_words, for_rows = log2_up(n_w), log2_up(len(a))
    t = Transcript("zkm/v1/book")
    t.absorb("snap/digest", digest)
    t.absorb("proof/book", book.encode())
    t.absorb("proof/shard", shard)
    tau = [t.draw("?bool/tau") for _ in range(4 + for_words + for_rows)]
    C_g, S_g = proof.point(), proof.scalar()
    t.points("mask/commit", C_g)
    t.scalars("mask/sum", S_g)
    omega = t.draw("?mask/omega")
    rho: list[int] = []
    claim = omega * S_g % r
    for _ in tau:
        at_0, at_2, at_3 = (proof.scalar() for _ in range(3))
        t.scalars("round/poly", at_0, at_2, at_3)
        rho.append(t.draw("?round/rho"))
        claim = cubic([at_0, claim - at_0, at_2, at_3], rho[-1])
    V, W = proof.point(), proof.point()
    t.points("eval/V", V)
    t.points("eval/W", W)
    D1, D2 = proof.point(), proof.point()
    t.points("prod/D1", D1)
    t.points("prod/D2", D2)
    c = t.draw("?prod/c")
    z1, z2, z3 = (proof.scalar() for _ in range(3))
    t.scalars("prod/z", z1, z2, z3)
    need(combine([z1, z2, -1, -c], [F, H, D1, V]) is None, "product")
    need(combine([z1, z3, -1, -c], [V, H, D2, W]) is None, "product")
    inverse = pow(omega, -1, r)
    weight = eq(tau, rho) * inverse
    T = combine([inverse * claim, weight, -weight], [F, V, W])
    form = [1, *(pow(x, power, r) for x in rho for power in (1, 2, 3))]
    check_linear(t, proof, C_g, [T], [form], [generator("GM", i) for i in range(len(form))], 0)
    gamma = t.draw("?row/gamma")
    rows = eq_table(rho[4 + for_words :])[: len(a)]
    A, B = combine(rows, a), combine(rows, b)
    bit, word = eq_table(rho[:4]), eq_table(rho[4 : 4 + for_words])
    weights = [pow(gamma, e, r) for e in range(1, len(circuit.equations) + 1)]
    outputs, bits = spread(zip(weights, circuit.equations, strict=True), circuit.widths)
    bits = [(value + bit[i % 16] * word[i // 16]) % r for i, value in enumerate(bits)]
    check_split(t, proof, A, B, V, (outputs, bits), fold_rounds(n_bits, len(a)))
    proof.end()
