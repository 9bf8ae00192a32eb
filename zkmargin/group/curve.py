"""BN254 G1 on Python integers: y^2 = x^3 + 3 over F_q, prime order r, cofactor 1.

A point is affine (x, y) with coordinates in [0, q), or None for infinity. What is fast here is what is
done in bulk: one inversion (a modular `pow`, as dear as 40 multiplications) is shared by a whole batch of
affine additions (Montgomery's trick), which then cost six multiplications each. Single sums run in
Jacobian coordinates, where x = X / Z^2 and y = Y / Z^3. Variable time throughout.
"""

from __future__ import annotations

from collections.abc import Sequence

Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583  # base field
R = 21888242871839275222246405745257275088548364400416034343698204186575808495617  # order, scalar field
B = 3

Point = tuple[int, int] | None
Affine = tuple[int, int]
Jacobian = tuple[int, int, int]  # Z = 0 is infinity

INFINITY: Jacobian = (1, 1, 0)


def on_curve(point: Affine) -> bool:
    """Return whether the coordinates, already in [0, q), satisfy the curve equation."""
    x, y = point
    return (y * y - x * x * x - B) % Q == 0


def negate(point: Point) -> Point:
    """Return -point."""
    return None if point is None else (point[0], Q - point[1])  # y is never 0: the order is odd


def invert_each(values: Sequence[int]) -> list[int]:
    """Return the inverses modulo q, with 0 for 0, for one inversion and three multiplications each."""
    prefix, product = [], 1
    for value in values:
        prefix.append(product)
        if value:
            product = product * value % Q
    inverse = pow(product, -1, Q)
    out = [0] * len(values)
    for i in range(len(values) - 1, -1, -1):
        if values[i]:
            out[i] = inverse * prefix[i] % Q
            inverse = inverse * values[i] % Q
    return out


def add_each(left: Sequence[Point], right: Sequence[Point]) -> list[Point]:
    """Return left[i] + right[i]; complete: infinity, equal and opposite points are lawful."""
    prefix, product = [], 1
    try:
        for (x1, _), (x2, _) in zip(left, right, strict=True):  # type: ignore[misc]
            prefix.append(product)
            product = product * (x2 - x1) % Q
    except TypeError:  # an infinity cannot be unpacked
        product = 0
    if not product:
        return _add_each_special(left, right)
    inverse = pow(product, -1, Q)
    out: list[Point] = []
    for a, b, before in zip(reversed(left), reversed(right), reversed(prefix), strict=True):
        x1, y1 = a  # type: ignore[misc]
        x2, y2 = b  # type: ignore[misc]
        slope = (y2 - y1) * (inverse * before % Q) % Q
        inverse = inverse * (x2 - x1) % Q
        x3 = (slope * slope - x1 - x2) % Q
        out.append((x3, (slope * (x1 - x3) - y1) % Q))
    out.reverse()
    return out


def _add_each_special(left: Sequence[Point], right: Sequence[Point]) -> list[Point]:
    """Settle the pairs that hold an infinity or two equal x, then add the others in bulk."""
    out: list[Point] = [None] * len(left)
    doubled, plain = [], []
    for i, (a, b) in enumerate(zip(left, right, strict=True)):
        if a is None:
            out[i] = b
        elif b is None:
            out[i] = a
        elif a[0] != b[0]:
            plain.append(i)
        elif a[1] == b[1]:
            doubled.append(i)
    for i, point in zip(doubled, double_each([left[i] for i in doubled]), strict=True):
        out[i] = point
    if plain:
        for i, point in zip(
            plain, add_each([left[i] for i in plain], [right[i] for i in plain]), strict=True
        ):
            out[i] = point
    return out


def double_each(points: Sequence[Point]) -> list[Point]:
    """Return 2 * points[i]."""
    inverses = invert_each([0 if point is None else 2 * point[1] for point in points])
    out: list[Point] = []
    for point, inverse in zip(points, inverses, strict=True):
        if point is None:
            out.append(None)
            continue
        x, y = point
        slope = 3 * x * x * inverse % Q
        x3 = (slope * slope - 2 * x) % Q
        out.append((x3, (slope * (x - x3) - y) % Q))
    return out


def sum_lists(lists: Sequence[Sequence[Point]]) -> list[Point]:
    """Return the sum of each list, None for an empty one: all lists are halved together, in large batches."""
    rest = list(lists)
    active = [i for i, points in enumerate(rest) if len(points) > 1]
    while active:
        left: list[Point] = []
        right: list[Point] = []
        for i in active:
            even = len(rest[i]) & -2
            left += rest[i][0:even:2]
            right += rest[i][1:even:2]
        sums = add_each(left, right)
        at, still = 0, []
        for i in active:
            half = len(rest[i]) // 2
            odd = rest[i][2 * half :]
            rest[i] = [*sums[at : at + half], *odd]
            at += half
            if len(rest[i]) > 1:
                still.append(i)
        active = still
    return [points[0] if points else None for points in rest]


def double(point: Jacobian) -> Jacobian:
    """Return 2 * point; infinity stays infinity."""
    x, y, z = point
    yy = y * y % Q
    s = 4 * x * yy % Q
    m = 3 * x * x % Q
    x3 = (m * m - 2 * s) % Q
    return x3, (m * (s - x3) - 8 * yy * yy) % Q, 2 * y * z % Q


def add_affine(point: Jacobian, other: Affine) -> Jacobian:
    """Return point + other; complete."""
    x1, y1, z1 = point
    x2, y2 = other
    if z1 == 0:
        return x2, y2, 1
    zz = z1 * z1 % Q
    h = (x2 * zz - x1) % Q
    s = (y2 * zz * z1 - y1) % Q
    if h == 0:
        return double(point) if s == 0 else INFINITY
    hh = h * h % Q
    hhh = h * hh % Q
    v = x1 * hh % Q
    x3 = (s * s - hhh - 2 * v) % Q
    return x3, (s * (v - x3) - y1 * hhh) % Q, z1 * h % Q


def to_affine(points: Sequence[Jacobian]) -> list[Point]:
    """Return the points in affine coordinates, for one inversion."""
    out: list[Point] = []
    for (x, y, z), inverse in zip(points, invert_each([point[2] for point in points]), strict=True):
        square = inverse * inverse % Q
        out.append((x * square % Q, y * square * inverse % Q) if z else None)
    return out
