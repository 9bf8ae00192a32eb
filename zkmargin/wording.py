"""Numbers of things as people write them."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """Return "1 leaf" or "2 leaves": a number with its noun, the plural ending in s if none is given."""
    return f"{count} {one if count == 1 else many or one + 's'}"
