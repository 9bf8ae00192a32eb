"""The native booleanity sum gives the field elements of the one on Python integers, round by round."""

from __future__ import annotations

import random

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
    "more rows than a block": (2500, 3, 0.4),
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
@pytest.mark.parametrize("mask", [0xFFFF, 0x8101])
def test_all_rounds(name, mask):
    rows, columns, density = BOOKS[name]
    book = words(rows, columns, density, 3, mask)
    count = variables(book)
    tau = scalars(count, 4)
    challenges = [random.Random(5).randrange(1, R) for _ in range(count)]
    sums = booleanity_sums(NATIVE, book, tau)
    assert isinstance(sums, NativeBooleanity)
    assert trace(sums, challenges) == trace(SparseBooleanity(book, tau, R), challenges)


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
