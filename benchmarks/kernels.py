"""Time the kernels alone, on a synthetic standard book, and hold them against a micro-kernel of the same run.

    python benchmarks/kernels.py [--accounts 10000 100000] [--points 16]

The book has the shape of the standard one: 256 instruments on two underlyings, 16 scenarios each, 8 positions an
account, two thirds of the accounts in one underlying; 748 word columns, about 80 of them touched by an account.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zkmargin import _kernels as kernels
from zkmargin import hashing
from zkmargin.circuits.term_sums import Term, term_sums
from zkmargin.group.choice import cache_folder
from zkmargin.group.generators import GeneratorStore
from zkmargin.group.native import NativeBackend, derive
from zkmargin.sparse import Field, SparseValues, SparseWords, words

INSTRUMENTS, SCENARIOS, POSITIONS = 256, 16, 8
SIDE_BITS, SLACK_BITS = 20, 45
WORDS = 748


class Time(NamedTuple):
    """Seconds: on the clock, and of all threads' processor time."""

    wall: float
    cores: float


def timed(work: Callable[[], object], repeat: int = 3) -> Time:
    """Return the least times of a few runs: other work on the machine only adds."""
    times = []
    for _ in range(repeat):
        wall, cores = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - wall, time.process_time() - cores))
    return Time(*map(min, zip(*times, strict=True)))


def fields_of(accounts: int) -> list[Field]:
    """Return sides of positions, then slacks, as bits at their places."""
    rng = np.random.default_rng(1)
    both = rng.random(accounts) < 1 / 3
    first = rng.random(accounts) < 0.6
    books = {0: first | both, 1: ~first | both}
    popularity = 1 / np.arange(1, INSTRUMENTS // 2 + 1) ** 0.7
    fields = []
    chosen = [np.zeros((accounts, 2 * INSTRUMENTS), dtype=bool)]
    for underlying, members in books.items():
        count = np.where(both, POSITIONS // 2, POSITIONS)
        picks = rng.choice(INSTRUMENTS // 2, (accounts, POSITIONS), p=popularity / popularity.sum())
        for k in range(POSITIONS):
            rows = np.flatnonzero(members & (k < count))
            side = rng.integers(0, 2, len(rows))
            chosen[0][rows, 2 * (underlying * INSTRUMENTS // 2 + picks[rows, k]) + side] = True
    for column in range(2 * INSTRUMENTS):
        rows = np.flatnonzero(chosen[0][:, column])
        sizes = np.minimum(rng.lognormal(5, 2, len(rows)).astype(np.int64) + 1, (1 << SIDE_BITS) - 1)
        fields.append(Field(SIDE_BITS * column, SIDE_BITS, SparseValues(rows, sizes)))
    start = 2 * INSTRUMENTS * SIDE_BITS
    for column in range(2 * SCENARIOS + 6):
        members = books[column % 2] if column < 2 * SCENARIOS else np.ones(accounts, dtype=bool)
        rows = np.flatnonzero(members & (rng.random(accounts) < 15 / 16))  # the binding scenario has no slack
        sizes = np.minimum(rng.lognormal(19, 2.5, len(rows)).astype(np.int64) + 1, (1 << SLACK_BITS) - 1)
        fields.append(Field(start + SLACK_BITS * column, SLACK_BITS, SparseValues(rows, sizes)))
    return fields


def terms_of(fields: list[Field]) -> list[tuple[Term, SparseValues]]:
    """Return sides of positions in one underlying, with 24-bit coefficients for each bit in each scenario."""
    rng = np.random.default_rng(6)
    shape = (SIDE_BITS, SCENARIOS + 1)
    return [
        (Term((1,) * SIDE_BITS, rng.integers(-1 << 24, 1 << 24, shape)), field.values)
        for field in fields[:INSTRUMENTS]
    ]


def random_scalars(count: int, seed: int) -> npt.NDArray[np.uint8]:
    """Return scalars below 2^253, as bytes."""
    out = np.random.default_rng(seed).integers(0, 256, (count, 32), dtype=np.uint8)
    out[:, 0] &= 0x1F
    return out


def micro() -> float:
    """Print the machine's own speed; return core-nanoseconds of an addition with everything in cache."""
    multiplication = (
        timed(lambda: kernels.run_multiplications(4000)).cores / kernels.run_multiplications(4000) * 1e9
    )
    addition = timed(lambda: kernels.run_additions(1000)).cores / kernels.run_additions(1000) * 1e9
    ratio = addition / multiplication / 6
    print(
        f"field multiplication {multiplication:.1f} ns, addition in cache {addition:.1f} ns ({ratio:.2f} x 6), a core"
    )
    return addition


def rows(backend: NativeBackend, accounts: int, addition: float) -> None:
    """Print the cost of committing a book."""
    fields = fields_of(accounts)
    book, terms = words(accounts, WORDS, fields), terms_of(fields)
    blindings = random_scalars(accounts, 1)
    outputs = np.random.default_rng(2).integers(-(2**40), 2**40, (accounts, 4))
    names = [row.to_bytes(40, "big") for row in range(accounts)]
    nodes = np.zeros((accounts, 320), dtype=np.uint8)
    backend.commit_bits(book, 16 * WORDS, blindings)  # generators and tables are there when the clock starts
    backend.commit_outputs(outputs, blindings)
    print(
        f"{accounts:,} accounts, {book.touched / accounts:.1f} touched words each, {len(book.columns)} word columns"
    )
    for name, work in {
        "witness sums": lambda: term_sums(accounts, SCENARIOS + 1, terms, np.int64, 1 << 60),
        "witness words": lambda: words(accounts, WORDS, fields),
        "commit_bits": lambda: backend.commit_bits(book, 16 * WORDS, blindings),
        "commit_outputs": lambda: backend.commit_outputs(outputs, blindings),
        "combine_bits": lambda: backend.combine_bits(book, 16 * WORDS, blindings),
        "booleanity": lambda: every_round(backend, book),
        "blindings": lambda: hashing.mac_scalars(bytes(32), bytes(32), names),
        "tree hashes": lambda: hashing.row_digests(b"\x01", nodes),
    }.items():
        took = timed(work)
        each, cores = took.wall / accounts * 1e6, took.cores / accounts * 1e6
        additions = cores * 1e3 / addition
        print(
            f"  {name:15} {each:6.2f} us, {cores:6.2f} core-us an account: {additions:6.1f} additions in cache"
        )


def every_round(backend: NativeBackend, book: SparseWords) -> int:
    """Bind all variables of the booleanity sum."""
    count = 4 + (len(book.columns) - 1).bit_length() + (book.rows - 1).bit_length()
    challenges = [int.from_bytes(row.tobytes(), "big") for row in random_scalars(count, 5)]
    sums = backend.booleanity_sums(book, challenges)
    for challenge in challenges:
        sums.round()
        sums.bind(challenge)
    return sums.value()


def multiplications(backend: NativeBackend, size: int) -> None:
    """Print the cost of multi-scalar multiplications beside the library's own."""
    count = 1 << size
    points = backend.generators("GB", 0, min(count, 1 << 14))
    while len(points) < count:
        points = backend.concat([points, backend.add(points, backend.concat([points[1:], points[:1]]))])
    full, small = random_scalars(count, 3), random_scalars(count, 4)
    small[:, :30] = 0
    for name, scalars in (("random scalars", full), ("16-bit scalars", small)):
        data = scalars.tobytes()
        ours = timed(lambda data=data: kernels.msm(data, points)).cores / count * 1e6
        theirs = timed(lambda data=data: kernels.library_msm(data, points)).cores / count * 1e6
        print(
            f"msm of 2^{size}, {name}: {ours:.2f} core-us a point; halo2curves {theirs:.2f}; ratio {ours / theirs:.2f}"
        )
    few = points[:4096]
    each = timed(lambda: backend.scale(few, full[:4096])).cores / 4096 * 1e6
    print(f"scale: {each:.1f} core-us a point")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument(
        "--points", type=int, default=16, help="log2 of the size of a multi-scalar multiplication"
    )
    arguments = parser.parse_args()
    folder: Path | None = cache_folder(os.environ)
    backend = NativeBackend(GeneratorStore(folder, derive))
    facts = kernels.info()
    print(f"{backend.name}, {facts['threads']} threads")
    addition = micro()
    multiplications(backend, arguments.points)
    for accounts in arguments.accounts:
        rows(backend, accounts, addition)


if __name__ == "__main__":
    main()
