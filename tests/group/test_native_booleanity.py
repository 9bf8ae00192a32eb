"""The native booleanity sum gives the field elements of the one on Python integers, round by round."""

from __future__ import annotations

import random

import numpy as np
import pytest
from native_cases import NATIVE, scalars, words

from zkmargin.group.booleanity import SparseBooleanity, booleanity_sums
from zkmargin.group.curve import R
from zkmargin.group.native_booleanity import NativeBooleanity
from zkmargin.sparse import SparseValues, SparseWords

BOOKS = {
    "one row, one word": (1, 1, 1.0),
    "one row, many words": (1, 9, 0.7),
    "one word, many rows": (33, 1, 0.8),
    "nothing set": (5, 3, 0.0),
    "dense": (13, 7, 1.0),
    "sparse": (60, 40, 0.1),
    "a power of two": (32, 16, 0.5),
    "no power of two": (33, 17, 0.5),
    "a row over the edge of a block": (65, 5, 0.9),
    "many blocks": (2500, 3, 0.4),
    "wide": (3, 300, 0.2),
}
MASKS = {
    "any bit": 0xFFFF,
    "few bits": 0x8101,
    "lower bytes": 0x00FF,
    "upper bytes": 0xFF00,
    "one word again and again": 0x0400,
}


def variables(book):
    return 4 + (len(book.columns) - 1).bit_length() + (book.rows - 1).bit_length()


def trace(sums, challenges):
    out = []
    for challenge in challenges:
        out.append(sums.round())
        sums.bind(challenge)
    return out, sums.value()


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("mask", MASKS)
def test_all_rounds(name, mask):
    rows, columns, density = BOOKS[name]
    check(words(rows, columns, density, 3, MASKS[mask]))


@pytest.mark.parametrize("rows", [1, 5, 64])
@pytest.mark.parametrize("columns", [1, 2, 3, 16])
def test_every_bit_set(rows, columns):
    """The largest sums there are."""
    full = SparseValues(np.arange(rows), np.full(rows, 0xFFFF, dtype=np.uint16))
    check(SparseWords(rows, (full,) * columns))


@pytest.mark.parametrize("kept", [(0,), (10,), (1, 2), (3, 7, 8)])
def test_rows_and_columns_that_are_empty(kept):
    """Groups without a neighbour, wherever they lie; rows of nothing before, between and behind the others."""
    book = words(70, 11, 0.7, 6)
    columns = [
        column if w in kept else SparseValues(*(a[:0] for a in (column.rows, column.values)))
        for w, column in enumerate(book.columns)
    ]
    chosen = [np.isin(column.rows, (5, 6, 40, 64)) for column in columns]
    rows = tuple(SparseValues(c.rows[at], c.values[at]) for c, at in zip(columns, chosen, strict=True))
    check(SparseWords(70, tuple(columns)))
    check(SparseWords(70, rows))


def check(book):
    """Compare both implementations in every round."""
    count = variables(book)
    tau, source = scalars(count, 4), random.Random(5)
    challenges = [source.randrange(1, R) for _ in range(count)]
    sums = booleanity_sums(NATIVE, book, tau)
    assert isinstance(sums, NativeBooleanity)
    assert trace(sums, challenges) == trace(SparseBooleanity(book, tau, R), challenges)


@pytest.mark.parametrize("point", [0, 1, R - 1])
def test_tau_at_corners(point):
    book = words(9, 5, 0.6, 1)
    tau = [point] * variables(book)
    challenges = scalars(len(tau), 7)
    assert trace(NATIVE.booleanity_sums(book, tau), challenges) == trace(
        SparseBooleanity(book, tau, R), challenges
    )


@pytest.mark.parametrize("challenge", [0, 1, R - 1])
def test_challenges_at_corners(challenge):
    book = words(9, 5, 0.6, 1)
    tau = scalars(variables(book), 2)
    challenges = [challenge] * len(tau)
    assert trace(NATIVE.booleanity_sums(book, tau), challenges) == trace(
        SparseBooleanity(book, tau, R), challenges
    )


def test_a_round_can_be_asked_for_twice():
    book = words(9, 5, 0.6, 1)
    sums = NATIVE.booleanity_sums(book, scalars(variables(book), 2))
    for challenge in range(2, 2 + variables(book)):
        assert sums.round() == sums.round()
        sums.bind(challenge)


def test_refusals():
    book = words(4, 3, 1.0, 1)
    tau = scalars(variables(book), 2)
    for wrong in (tau[:-1], [*tau, 1], [*tau[:-1], R]):
        with pytest.raises(ValueError):
            NATIVE.booleanity_sums(book, wrong)
    column = book.columns[0]
    disordered = SparseWords(4, (SparseValues(column.rows[::-1], column.values),))
    with pytest.raises(ValueError):
        NATIVE.booleanity_sums(disordered, tau[:6])
    sums = NATIVE.booleanity_sums(book, tau)
    with pytest.raises(ValueError):
        sums.bind(5)  # before its round
    for _ in tau:
        sums.round()
        with pytest.raises(ValueError):
            sums.value()
        with pytest.raises(ValueError):
            sums.bind(R)
        sums.bind(5)
    with pytest.raises(ValueError):
        sums._rounds.quadratic()
