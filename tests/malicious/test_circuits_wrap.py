"""Equations that hold modulo r but not over the integers: why coefficients times widths are bounded."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from circuit_cases import at, broken, changed, fill, small_book, with_terms

from zkmargin import limits
from zkmargin.circuits.circuit import Circuit, Column, I, R, variable
from zkmargin.circuits.structure import BN254_ORDER as ORDER
from zkmargin.circuits.witness import AccountRow

BOOK = small_book()
DOWN, UP = "worst >= down", "worst >= up"


def residues(circuit: Circuit, row: AccountRow) -> list[int]:
    """Return what equations leave over the integers, where it is not 0."""
    values = dict(enumerate(row.outputs)) | {variable(j): v for j, v in row.columns.items()}
    sums = [sum(a * values.get(var, 0) for var, a in item.terms) for item in circuit.equations]
    return [value for value in sums if value]


def lower(circuit: Circuit, slack: int) -> AccountRow:
    """5 lots long at no requirement."""
    row = fill(BOOK, {("position", "P"): 5}).row(0)
    free = {"max:worst": 0, f"slack:{DOWN}": slack, f"slack:{UP}": 15, "surplus": 15}
    rounded = {"max:initial requirement, rounded up": 0, "slack:initial requirement, rounded up >= sum": 0}
    return changed(circuit, row, {R: 0, I: 0}, **free, **rounded)


def test_coefficients_near_r_forge_a_row_that_fits_its_columns() -> None:
    half = (ORDER - 1) // 2  # -2 half = 1 modulo r: a loss becomes a gain
    cheat = with_terms(
        BOOK.circuit, DOWN, {"max:worst": half, "position[P].long": -2 * half, "position[P].short": 2 * half}
    )
    row = lower(cheat, slack=5)
    assert residues(cheat, row) == [-2 * half * 5 - 5]
    assert all(value % ORDER == 0 for value in residues(cheat, row))
    assert all(0 <= v <= cheat.columns[j].capacity for j, v in row.columns.items())
    assert broken(cheat) == {"wrap"}


def test_a_slack_of_the_fields_size_holds_any_negative_number() -> None:
    j = at(BOOK.circuit, f"slack:{DOWN}")
    columns = BOOK.circuit.columns
    cheat = replace(BOOK.circuit, columns=(*columns[:j], Column(columns[j].name, 254), *columns[j + 1 :]))
    row = lower(cheat, slack=ORDER - 10)
    assert all(value % ORDER == 0 for value in residues(cheat, row))
    assert row.columns[j] <= cheat.columns[j].capacity
    assert broken(cheat) == {"width", "wrap"}


def test_the_bound_leaves_room_for_every_account_and_not_a_bit_more() -> None:
    """Largest coefficient that is accepted, found by bisection, against the formula."""

    def refused(a: int) -> bool:
        cheat = with_terms(BOOK.circuit, "cost gate", {"position[P].long": a, "position[P].short": a})
        return "wrap" in broken(cheat)

    low, high = 1, ORDER
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if refused(middle) else (middle, high)
    others = 2 * 255 + (2**13 - 1)  # both cost sides and the slack
    assert (
        2 * limits.MAX_ACCOUNTS * (30 * low + others)
        < ORDER
        <= 2 * limits.MAX_ACCOUNTS * (30 * high + others)
    )


def test_any_large_coefficient_has_a_short_preimage() -> None:
    """128 bits of lots and of slack suffice, whatever the coefficient is: a lattice always has short vectors."""
    coefficient = int.from_bytes(hashlib.sha256(b"any coefficient").digest(), "big") >> 6
    lots = _short_preimage(coefficient)
    cheat = with_terms(
        BOOK.circuit, DOWN, {"position[P].long": -coefficient, "position[P].short": coefficient}
    )
    wide = {"position[P].long", "position[P].short", f"slack:{DOWN}", f"slack:{UP}"}
    cheat = replace(
        cheat, columns=tuple(replace(c, width=128) if c.name in wide else c for c in cheat.columns)
    )
    values = {"max:worst": 0, f"slack:{DOWN}": -coefficient * lots % ORDER, f"slack:{UP}": 3 * lots}
    empty = fill(BOOK, {}).row(0)
    row = changed(cheat, empty, {}, **{"position[P].long": lots}, **values)
    position = [index for index, item in enumerate(cheat.equations) if item.name in {DOWN, UP}]
    assert lots > 0
    for index in position:
        terms = cheat.equations[index].terms
        assert sum(a * row.columns.get(var - 4, 0) for var, a in terms) % ORDER == 0
    assert all(0 <= v <= cheat.columns[j].capacity for j, v in row.columns.items())
    assert broken(cheat) == {"output", "wrap"}


def _short_preimage(coefficient: int) -> int:
    """Return x > 0 with -coefficient x mod r small, from the continued fraction of coefficient / r."""
    remainders = [(ORDER, 0), (coefficient, 1)]
    while remainders[-1][0]:
        (a, x), (b, y) = remainders[-2:]
        remainders.append((a % b, x + (a // b) * y))
    return next(x for _, x in remainders[2:] if -coefficient * x % ORDER < 1 << 128)
