"""A small book with all that a proof of liabilities can be cheated on: tiers, scenarios, deficits, padding.

    N = 3 (long - short) + 10 coins + cash - debt
    E = N - 3 if any coin is held - 2 a coin up to 5 - 4 a coin above
    R = worst, the larger of the losses of a price 2 lower or 3 higher;  I = 2 worst

91 bits, so six words, the last one in part; columns straddle words.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from proof_cases import weighted
from toy_groups import Zp

from zkmargin.circuits.circuit import Circuit, Column, Deficits, Equation
from zkmargin.commitment import Leaves, book_context
from zkmargin.group.backend import Backend, Points
from zkmargin.group.bn254 import Bn254
from zkmargin.group.reference import ReferenceBackend
from zkmargin.proofs.liabilities_prover import LiabilitiesWitness
from zkmargin.proofs.liabilities_statement import LiabilitiesStatement, Shard
from zkmargin.sparse import SparseWords, sparse
from zkmargin.tree import MerkleSumTree

BN = ReferenceBackend(Bn254())
FAST = ReferenceBackend(
    Zp(BN.order)
)  # the same scalars over a group that costs nothing: for what is algebra only

WIDTHS = {
    "long": 4, "short": 4, "coins": 4, "cash": 5, "debt": 5, "on": 1, "low": 1, "high": 1,
    "low_part": 3, "low_slack": 3, "high_part": 4, "high_slack": 4, "worst": 6, "down_slack": 7, "up_slack": 7,
    "owed": 8, "bad_debt": 7, "surplus": 9, "shortfall": 8,
}  # fmt: skip
COLUMNS = tuple(WIDTHS)
OUTPUTS = ("N", "E", "R", "I")
VALUE = {"long": 3, "short": -3, "coins": 10, "cash": 1, "debt": -1}
HAIRCUT = {"on": -3, "low_part": -2, "high": -10, "high_part": -4}
EQUATIONS: dict[str, dict[str, int]] = {
    "N": {"N": -1, **VALUE},
    "E": {"E": -1, **VALUE, **HAIRCUT},
    "R": {"R": -1, "worst": 1},
    "I": {"I": -1, "worst": 2},
    "tier": {"low": 1, "high": 1, "on": -1},
    "coins": {"low_part": 1, "high": 5, "high_part": 1, "coins": -1},
    "low width": {"low": 5, "low_part": -1, "low_slack": -1},
    "high width": {"high": 10, "high_part": -1, "high_slack": -1},
    "down": {"worst": 1, "long": -2, "short": 2, "down_slack": -1},
    "up": {"worst": 1, "long": 3, "short": -3, "up_slack": -1},
    "health": {"E": 1, "R": -1, "shortfall": 1, "surplus": -1},
    "debt": {"N": 1, "bad_debt": 1, "owed": -1},
}  # fmt: skip
PUBLISHED = {
    "position:X": {"long": 1, "short": -1},
    "deposits:USD": {"cash": 1},
    "loans:USD": {"debt": 1},
    "owed": {"owed": 1},
    "bad_debt": {"bad_debt": 1},
    "shortfall": {"shortfall": 1},
}

Row = dict[str, int]


def variable(name: str) -> int:
    return OUTPUTS.index(name) if name in OUTPUTS else len(OUTPUTS) + COLUMNS.index(name)


def terms(form: Mapping[str, int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((variable(name), factor) for name, factor in form.items()))


def shelf_circuit(without: Sequence[str] = (), **changed: Mapping[str, int]) -> Circuit:
    """The circuit, perhaps without some equations or with other ones (name with "_" for a blank)."""
    equations = EQUATIONS | {name.replace("_", " "): dict(form) for name, form in changed.items()}
    place = {name: COLUMNS.index(name) for name in ("shortfall", "surplus", "bad_debt", "owed")}
    return Circuit(
        version=1,
        name="shelf",
        columns=tuple(Column(name, width) for name, width in WIDTHS.items()),
        equations=tuple(
            Equation(name, terms(form)) for name, form in equations.items() if name not in without
        ),
        inputs=(),
        deficits=Deficits(**place),
        published={name: terms(form) for name, form in PUBLISHED.items()},
        quanta={"equity": Fraction(1)},
    )


def account(lots: int = 0, coins: int = 0, money: int = 0, **given: int) -> Row:
    """The canonical row; what is `given` stands as it is, and what follows from it follows."""
    row: Row = dict(given)

    def put(name: str, value: int) -> int:
        return row.setdefault(name, value)

    put("long", max(lots, 0))
    put("short", max(-lots, 0))
    put("coins", coins)
    put("cash", max(money, 0))
    put("debt", max(-money, 0))
    put("low", int(0 < row["coins"] <= 5))
    put("high", int(row["coins"] > 5))
    put("on", row["low"] + row["high"])
    put("low_part", row["coins"] * row["low"])
    put("low_slack", 5 * row["low"] - row["low_part"])
    put("high_part", (row["coins"] - 5) * row["high"])
    put("high_slack", 10 * row["high"] - row["high_part"])
    net = row["long"] - row["short"]
    worst = put("worst", max(0, 2 * net, -3 * net))
    put("down_slack", worst - 2 * net)
    put("up_slack", worst + 3 * net)
    value = put("N", sum(factor * row[name] for name, factor in VALUE.items()))
    equity = put("E", value + sum(factor * row[name] for name, factor in HAIRCUT.items()))
    put("R", worst)
    put("I", 2 * worst)
    shortfall = put("shortfall", max(0, row["R"] - equity))
    put("surplus", equity - row["R"] + shortfall)
    bad_debt = put("bad_debt", max(0, -value))
    put("owed", value + bad_debt)
    return row


ACCOUNTS = ((5, 12, 9), (-4, 0, 20), (6, 4, -10), (-7, 1, 5), (0, 0, 0))


def honest_rows() -> list[Row]:
    return [account(*given) for given in ACCOUNTS]


def digits(row: Row, order: int) -> list[int]:
    """The "bits" of a row: a value that does not fit its column stands whole in the lowest one."""
    out: list[int] = []
    for name, width in WIDTHS.items():
        value = row[name]
        if 0 <= value < 1 << width:
            out += [value >> bit & 1 for bit in range(width)]
        else:
            out += [value % order] + [0] * (width - 1)
    return out


@dataclass(frozen=True)
class Shelf:
    """A committed book of one shard: statement, and the rows as field elements, which need not be bits."""

    statement: LiabilitiesStatement
    outputs: list[list[int]]
    bits: list[list[int]]
    blindings_a: list[int]
    blindings_b: list[int]

    @property
    def witness(self) -> LiabilitiesWitness:
        """For the real prover; only if all bits are bits."""
        return LiabilitiesWitness(
            words_of(self.bits), np.array(self.outputs, dtype=np.int64), self.blindings_a, self.blindings_b
        )


def words_of(bits: Sequence[Sequence[int]]) -> SparseWords:
    """0/1 rows as sparse words."""
    n_words = -(-len(bits[0]) // 16)
    columns = []
    for word in range(n_words):
        values = [
            sum(bit << place for place, bit in enumerate(row[16 * word : 16 * word + 16])) for row in bits
        ]
        column = sparse(range(len(bits)), values)
        columns.append(replace(column, values=column.values.astype(np.uint16)))
    return SparseWords(len(bits), tuple(columns))


Extra = tuple[int, str, int, int]  # row, family, index, amount: a component that a commitment should not have


def shelf(
    backend: Backend = FAST,
    rows: Sequence[Row] | None = None,
    circuit: Circuit | None = None,
    *,
    replaced: Mapping[tuple[int, str, int], int] | None = None,
    extra_a: Sequence[Extra] = (),
    extra_b: Sequence[Extra] = (),
    digest: bytes = b"snapshot",
    seed: int = 1,
) -> Shelf:
    """Commit rows; `replaced` sets single digits, (row, column, bit) -> field element."""
    circuit = circuit or shelf_circuit()
    rows = honest_rows() if rows is None else rows
    bits = [digits(row, backend.order) for row in rows]
    for (row, name, bit), value in (replaced or {}).items():
        bits[row][circuit.offsets[COLUMNS.index(name)] + bit] = value % backend.order
    return commit_shelf(
        backend, circuit, [[row[o] for o in OUTPUTS] for row in rows], bits, digest, seed, extra_a, extra_b
    )


def commit_shelf(
    backend: Backend,
    circuit: Circuit,
    outputs: list[list[int]],
    bits: list[list[int]],
    digest: bytes = b"snapshot",
    seed: int = 1,
    extra_a: Sequence[Extra] = (),
    extra_b: Sequence[Extra] = (),
) -> Shelf:
    rng = random.Random(seed)
    blindings = [[rng.randrange(1, backend.order) for _ in bits] for _ in "ab"]
    gens_a = backend.concat([backend.generators(f, 0, 1) for f in ("GN", "GE", "GR", "GI", "H")])
    gens_b = backend.concat([backend.generators("GB", 0, circuit.n_bits), backend.generators("H", 0, 1)])
    a = [
        weighted(backend, ([*x, blinding], gens_a)) for x, blinding in zip(outputs, blindings[0], strict=True)
    ]
    b = [weighted(backend, ([*x, blinding], gens_b)) for x, blinding in zip(bits, blindings[1], strict=True)]
    for points, extras in ((a, extra_a), (b, extra_b)):
        for row, family, index, amount in extras:
            points[row] = backend.add(
                points[row], weighted(backend, ([amount], backend.generators(family, index, 1)))
            )
    statement = shelf_statement(backend, circuit, backend.concat(a), backend.concat(b), digest)
    return Shelf(statement, outputs, bits, *blindings)


def shelf_statement(
    backend: Backend, circuit: Circuit, a: Points, b: Points, digest: bytes = b"snapshot"
) -> LiabilitiesStatement:
    """The statement of a book of one shard with this list."""
    shard = Shard(0, 0, len(a), tree_of(backend, a, b).root)
    return LiabilitiesStatement(hashlib.sha256(digest).digest(), "shelf", circuit, shard, a, b)


def tree_of(backend: Backend, a: Points, b: Points) -> MerkleSumTree:
    uids = tuple(hashlib.sha256(b"%d" % i).digest() for i in range(len(a)))
    return MerkleSumTree(backend, book_context("ex", "s", "shelf"), Leaves(uids, a, b))
