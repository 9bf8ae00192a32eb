"""Rows that are no bits, rows that break an equation, rows that keep other rules than the verifier's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from liability_cases import (
    EQUATIONS,
    FAST,
    VALUE,
    Row,
    honest_rows,
    shelf,
    shelf_circuit,
)
from malicious.book_cheats import (
    HALF,
    Attempt,
    Cheat,
    Weakness,
    altered,
    book_of,
    run,
    without,
)

from zkmargin.group.backend import Backend

# --- rows that are no bits: the sumcheck's final claim is false


def digit_cheat(
    name: str, rows: Callable[[], list[Row]], digits: Mapping[tuple[int, str, int], Any] | None = None
) -> Cheat:
    def build(backend: Backend, weak: Weakness) -> Attempt:
        book = book_of(rows(), backend, weak, replaced=digits)
        return book.statement, run(backend, book, weak)

    return Cheat(name, "mask/equation", build, without("mask/equation"))


DIGIT_CHEATS = [
    digit_cheat(
        "a bit of 2 where the next one is missing: the value is the same",
        honest_rows,
        {(0, "cash", 0): 3, (0, "cash", 1): -1},
    ),
    digit_cheat(
        "a house row owes -31: neither bad debt nor shortfall",
        lambda: altered(4, debt=31, bad_debt=0, shortfall=0),
    ),
    digit_cheat("the shortfall is negative", lambda: altered(0, shortfall=-50)),
    digit_cheat("the bad debt is negative: owed falls", lambda: altered(0, bad_debt=-44)),
    digit_cheat(
        "a tier bit and `on` of one half: half of the fee",
        lambda: altered(
            3, on=HALF, low=HALF, low_part=1, low_slack=5 * HALF - 1, E=FAST.order - 6 - 2 - 3 * HALF
        ),
    ),
    digit_cheat(
        "`on` of 2 with both tiers",
        lambda: altered(2, on=2, low=1, high=1, coins=9, low_part=4, low_slack=1, high_part=0, high_slack=10),
    ),
    digit_cheat("a slack is negative", lambda: altered(0, worst=3, down_slack=-7)),
    digit_cheat("a bit of -1", honest_rows, {(1, "cash", 2): 3, (1, "cash", 3): -1, (1, "cash", 4): 1}),
    digit_cheat("a position wraps around: long 2^4 for short 0", lambda: altered(1, long=16)),
    digit_cheat(
        "a non-bit in the padding row, in the last bit of the last word",
        honest_rows,
        {(4, "shortfall", 7): 2, (4, "shortfall", 6): -2, (4, "shortfall", 5): -4},
    ),
]


# --- bits that do not satisfy an equation


def row_cheat(name: str, equation: str, rows: Callable[[], list[Row]]) -> Cheat:
    def build(backend: Backend, weak: Weakness) -> Attempt:
        book = book_of(rows(), backend, weak)
        return book.statement, run(backend, book, weak)

    return Cheat(name, "row/B/equation", build, Weakness(equations=(equation,)))


ROW_CHEATS = [
    row_cheat("net value understated: owed falls by 40", "N", lambda: altered(0, N=104, E=103)),
    row_cheat("equity without the haircut", "E", lambda: altered(0, E=144)),
    row_cheat("equity overstated by one", "E", lambda: altered(1, E=9)),
    row_cheat("requirement in A_i is not the circuit's", "R", lambda: altered(0, R=0)),
    row_cheat("initial requirement in A_i is not the circuit's", "I", lambda: altered(0, I=0)),
    row_cheat("`on` left off: no fee", "tier", lambda: altered(0, on=0)),
    row_cheat(
        "a coin in both tiers, one `on`",
        "tier",
        lambda: altered(2, low=1, high=1, on=1, coins=9, low_part=4, low_slack=1, high_part=0, high_slack=10),
    ),
    row_cheat(
        "coins in no tier: no haircut", "coins", lambda: altered(0, high=0, on=0, high_part=0, high_slack=0)
    ),
    row_cheat(
        "tier bit left off: no fee", "low width", lambda: altered(2, low=0, on=0, low_part=4, low_slack=0)
    ),
    row_cheat(
        "upper tier's bit left off",
        "high width",
        lambda: altered(0, high=0, on=0, high_part=12, high_slack=0),
    ),
    row_cheat(
        "requirement understated: a price 2 lower forgotten",
        "down",
        lambda: altered(0, worst=3, down_slack=0),
    ),
    row_cheat(
        "requirement understated: a price 3 higher forgotten", "up", lambda: altered(1, worst=3, up_slack=0)
    ),
    row_cheat("a slack off by one", "up", lambda: altered(0, up_slack=26)),
    row_cheat("shortfall hidden", "health", lambda: altered(3, shortfall=0, surplus=0)),
    row_cheat("owed understated by 40", "debt", lambda: altered(0, owed=104)),
    row_cheat("bad debt hidden in a negative pot", "debt", lambda: altered(4, debt=31, bad_debt=0, owed=0)),
]


# --- other rules than the verifier's


def rule_cheat(name: str, code: str = "row/B/equation", **changed: Mapping[str, int]) -> Cheat:
    """The honest inputs under an altered circuit; who took the circuit from the prover would accept."""
    circuit = shelf_circuit(**changed)

    def build(backend: Backend, weak: Weakness) -> Attempt:
        rows = honest_rows()
        for row in rows:
            follow(row, circuit_forms(changed))
        book = shelf(backend, rows, circuit)
        proof = run(backend, book, weak)
        return replace(book.statement, circuit=weak.circuit or shelf_circuit()), proof

    return Cheat(name, code, build, Weakness(circuit=circuit))


def circuit_forms(changed: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    return EQUATIONS | {name.replace("_", " "): dict(form) for name, form in changed.items()}


def follow(row: Row, forms: Mapping[str, Mapping[str, int]]) -> None:
    """Let what an equation defines follow from the rest: scenarios, outputs, deficits."""
    row["worst"] = max(
        0, *(-sum(f * row[c] for c, f in forms[s].items() if c in ("long", "short")) for s in ("down", "up"))
    )
    for name in ("down", "up", "N", "E", "R", "I"):
        ((defined, _),) = [(c, f) for c, f in forms[name].items() if c in (name, f"{name}_slack")]
        row[defined] = sum(f * row[c] for c, f in forms[name].items() if c != defined)
    gap = row["E"] - row["R"]
    row |= {
        "surplus": max(gap, 0),
        "shortfall": max(-gap, 0),
        "owed": max(row["N"], 0),
        "bad_debt": max(-row["N"], 0),
    }


RULE_CHEATS = [
    rule_cheat("price altered: a coin at 9", N={"N": -1, **VALUE, "coins": 9}),
    rule_cheat(
        "long marked at 4, short at 3", N={"N": -1, **VALUE, "long": 4}, E={**EQUATIONS["E"], "long": 4}
    ),
    rule_cheat(
        "scenario altered: a price 1 lower", down={"worst": 1, "long": -1, "short": 1, "down_slack": -1}
    ),
    rule_cheat("haircut halved", E={**EQUATIONS["E"], "high_part": -2}),
    rule_cheat("initial requirement of another factor", I={"I": -1, "worst": 1}),
]
