"""Exact numbers and foreign text, as people read them."""

from __future__ import annotations

from fractions import Fraction


def decimal_text(value: Fraction, places: int | None = None) -> str:
    """Write an exact number in decimals: all of them where they end, else (or with `places`) rounded half up."""
    digits = _ending(value) if places is None else places
    scaled = abs(value) * 10**digits
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    text = str(whole).rjust(digits + 1, "0")
    sign = "-" if value < 0 and whole else ""
    return sign + (f"{text[:-digits]}.{text[-digits:]}" if digits else text)


def _ending(value: Fraction, most: int = 30) -> int:
    """Return the number of decimals of a number that has finitely many, else `most`."""
    for digits in range(most):
        if (value * 10**digits).denominator == 1:
            return digits
    return most


def money_text(value: Fraction) -> str:
    """Write money: two decimals and thousands separators, for people only."""
    text = decimal_text(value, 2)
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _, cents = digits.partition(".")
    return f"{sign}{int(whole):,}.{cents}"


def safe_text(text: str) -> str:
    """Escape control and formatting characters, so that foreign text cannot drive a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
