"""RFC 9285: its examples, and that no byte string has two texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkmargin import base45
from zkmargin.errors import DecodeError


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0"), (b"", "")],
)  # fmt: skip
def test_examples_of_the_rfc(data: bytes, text: str) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@given(st.binary(max_size=40))
def test_there_and_back(data: bytes) -> None:
    text = base45.encode(data)
    assert base45.decode(text) == data
    assert len(text) == len(data) // 2 * 3 + len(data) % 2 * 2


@pytest.mark.parametrize("text", ["A", "AAAA", "bb8", "BB\n", ":::", "GGW", "::", "é00", "ÉÉ8"])
def test_what_is_no_base45(text: str) -> None:
    with pytest.raises(DecodeError):
        base45.decode(text)


@given(st.text(base45.ALPHABET, max_size=6))
def test_one_text_for_one_value(text: str) -> None:
    try:
        data = base45.decode(text)
    except DecodeError:
        return
    assert base45.encode(data) == text
