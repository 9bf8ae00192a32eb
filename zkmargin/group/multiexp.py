"""Sums of points with scalars on BN254 G1: Pippenger's buckets, Straus' interleaving, tables of a fixed base.

Scalars are canonical; one above r / 2 is worked as the negative of its complement, so that small negative
numbers are as cheap as small positive ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from zkmargin.group.curve import (
    INFINITY,
    Affine,
    Jacobian,
    Point,
    Q,
    R,
    add_affine,
    add_each,
    double,
    double_each,
    sum_lists,
    to_affine,
)

STRAUS_UP_TO = 16  # points; beyond, buckets are faster (measured)
NAF_WIDTH = 5
FIXED_WINDOW = 8
INVERSION = 5  # cost of one inversion in affine additions (measured), to choose a window


def msm(scalars: Sequence[int], points: Sequence[Point]) -> Point:
    """Return sum scalars[i] * points[i]."""
    terms = _signed_terms(scalars, points)
    if len(terms) <= STRAUS_UP_TO:
        return to_affine([_straus(terms)])[0]
    return _pippenger(terms)


def scale_each(points: Sequence[Point], scalars: Sequence[int]) -> list[Point]:
    """Return scalars[i] * points[i]."""
    return to_affine([_straus(_signed_terms([s], [point])) for point, s in zip(points, scalars, strict=True)])


def _signed_terms(scalars: Sequence[int], points: Sequence[Point]) -> list[tuple[int, Affine]]:
    """Return (positive scalar, point) for every term that is not zero."""
    terms = []
    for scalar, point in zip(scalars, points, strict=True):
        if scalar == 0 or point is None:
            continue
        if 2 * scalar > R:
            terms.append((R - scalar, (point[0], Q - point[1])))
        else:
            terms.append((scalar, point))
    return terms


# --- Straus: few points, doublings shared


def _straus(terms: Sequence[tuple[int, Affine]]) -> Jacobian:
    """Interleave the signed-digit expansions of all terms, most significant digit first."""
    digits = [_naf(scalar) for scalar, _ in terms]
    steps: list[list[Affine]] = [[] for _ in range(max((d[-1][0] + 1 for d in digits), default=0))]
    for expansion, odd in zip(digits, _odd_multiples([point for _, point in terms], digits), strict=True):
        for place, digit in expansion:
            x, y = odd[abs(digit) >> 1]
            steps[place].append((x, y) if digit > 0 else (x, Q - y))
    total = INFINITY
    for addends in reversed(steps):
        total = double(total)
        for addend in addends:
            total = add_affine(total, addend)
    return total


def _naf(scalar: int) -> list[tuple[int, int]]:
    """Return (place, odd digit) of the width-5 non-adjacent form, least significant first."""
    out, place, modulus = [], 0, 1 << NAF_WIDTH
    while scalar:
        zeros = (scalar & -scalar).bit_length() - 1
        scalar >>= zeros
        place += zeros
        digit = scalar & (modulus - 1)
        if digit > modulus >> 1:
            digit -= modulus
        out.append((place, digit))
        scalar -= digit
    return out


def _odd_multiples(
    points: Sequence[Affine], digits: Sequence[Sequence[tuple[int, int]]]
) -> list[list[Affine]]:
    """Return 1, 3, 5 ... times each point, as far as its digits need, in two inversions."""
    sizes = [1 + max(abs(digit) >> 1 for _, digit in expansion) for expansion in digits]
    multiples: list[Jacobian] = []
    for (x, y), twice, size in zip(points, double_each(points), sizes, strict=True):
        multiple: Jacobian = (x, y, 1)
        multiples.append(multiple)
        for _ in range(size - 1):
            multiple = add_affine(multiple, twice) if twice else multiple
            multiples.append(multiple)
    flat = iter(to_affine(multiples))
    return [[point for _ in range(size) if (point := next(flat))] for size in sizes]  # none is infinity


# --- Pippenger: many points, affine buckets filled in bulk


def _pippenger(terms: Sequence[tuple[int, Affine]]) -> Point:
    """Sort signed digits into buckets, sum all buckets of all windows together, then weigh them."""
    width = _window([scalar.bit_length() for scalar, _ in terms])
    half, mask = 1 << (width - 1), (1 << width) - 1
    windows = max(scalar for scalar, _ in terms).bit_length() // width + 1
    buckets: list[list[Point]] = [[] for _ in range(windows * half)]
    for scalar, point in terms:
        opposite = (point[0], Q - point[1])
        base = -1  # bucket of digit d in window w: w * half + d - 1
        rest = scalar
        while rest:
            digit = rest & mask
            rest >>= width
            if digit > half:
                buckets[base + mask + 1 - digit].append(opposite)
                rest += 1
            elif digit:
                buckets[base + digit].append(point)
            base += half
    sums = _weigh(sum_lists(buckets), windows, half)
    total = INFINITY
    for window in reversed(sums):
        for _ in range(width):
            total = double(total)
        if window is not None:
            total = add_affine(total, window)
    return to_affine([total])[0]


def _weigh(buckets: Sequence[Point], windows: int, half: int) -> list[Point]:
    """Return sum d * bucket[d] of each window: running sums, one digit of all windows at a time."""
    running: list[Point] = [None] * windows
    total: list[Point] = [None] * windows
    for digit in range(half - 1, -1, -1):  # one batch: the total lags one step behind
        both = add_each(total + running, running + list(buckets[digit::half]))
        total, running = both[:windows], both[windows:]
    return add_each(total, running)


def _window(bits: Sequence[int]) -> int:
    """Return the window width of the least estimated number of additions."""
    most = max(bits)

    def cost(width: int) -> int:
        windows = most // width + 1
        return sum(b // width + 1 for b in bits) + (2 * windows + INVERSION << (width - 1))

    return min(range(2, 14), key=cost)


# --- one base, many scalars


class FixedBase:
    """Multiples d * 2^(8w) of one point for 1 <= d <= 128: then a product is one addition a byte, in bulk.

    Windows are added as scalars need them; a full table has 32 * 128 points.
    """

    def __init__(self, base: Point) -> None:
        # The windows, and the base of the next one. Replaced together, never changed: another thread may do the same.
        self._grown: tuple[list[list[Point]], Point] = ([], base)

    def scale(self, scalars: Sequence[int]) -> list[Point]:
        """Return scalars[i] * base."""
        return sum_lists(self.parts(scalars))

    def parts(self, scalars: Sequence[int]) -> list[list[Point]]:
        """Return for each scalar a list of points that sum to scalar * base, to be summed with others."""
        signed = [scalar - R if 2 * scalar > R else scalar for scalar in scalars]
        most = max(map(abs, signed), default=0)
        table = self._windows(most.bit_length() // FIXED_WINDOW + 1)
        return [self._digits(table, value) for value in signed]

    @staticmethod
    def _digits(table: Sequence[Sequence[Point]], value: int) -> list[Point]:
        rest, negative, out = abs(value), value < 0, []
        half, mask = 1 << (FIXED_WINDOW - 1), (1 << FIXED_WINDOW) - 1
        for window in table:
            if not rest:
                break
            digit = rest & mask
            rest >>= FIXED_WINDOW
            if digit > half:
                rest += 1
                digit -= mask + 1
            if digit:
                point = window[abs(digit) - 1]
                out.append(_opposite(point) if (digit < 0) != negative else point)
        return out

    def _windows(self, count: int) -> list[list[Point]]:
        """Return the table of at least so many windows."""
        known, following = self._grown
        bases: list[Jacobian] = []
        last: Jacobian = (*following, 1) if following else INFINITY
        while len(known) + len(bases) < count:
            bases.append(last)
            for _ in range(FIXED_WINDOW):
                last = double(last)
        if not bases:
            return known
        *starts, following = to_affine([*bases, last])
        tables = [[start] for start in starts]
        while len(tables[0]) < 1 << (FIXED_WINDOW - 1):
            size = len(tables[0])
            sums = add_each(
                [point for table in tables for point in table],
                [table[-1] for table in tables for _ in range(size)],
            )
            for i, table in enumerate(tables):
                table.extend(sums[i * size : (i + 1) * size])
        self._grown = (known + tables, following)
        return known + tables


def _opposite(point: Point) -> Point:
    return None if point is None else (point[0], Q - point[1])
