from __future__ import annotations

import pytest

from zkmargin.wording import counted


@pytest.mark.parametrize(
    ("count", "nouns", "text"),
    [
        (1, ("pot",), "1 pot"),
        (0, ("pot",), "0 pots"),
        (2, ("pot",), "2 pots"),
        (1, ("leaf", "leaves"), "1 leaf"),
        (3, ("leaf", "leaves"), "3 leaves"),
    ],
)
def test_numbers_have_their_nouns(count: int, nouns: tuple[str, ...], text: str) -> None:
    assert counted(count, *nouns) == text
