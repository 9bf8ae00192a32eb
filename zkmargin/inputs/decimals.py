"""Decimal numbers of input files, exactly: digits and a point, nothing else. No float is ever involved."""

from __future__ import annotations

import re
from fractions import Fraction

from zkmargin import limits

_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)
_SHORT = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)e([+-]?[0-9]{1,2})", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_EXPONENT = re.compile(r"[+-]?[0-9]*\.?[0-9]*[eE][+-]?[0-9]+", re.ASCII)


class BadNumberError(ValueError):
    """A text that is no number, or not one that fits; `message` and `hint` are for the user."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def scaled(text: str) -> tuple[int, int]:
    """Read a decimal as (mantissa, number of decimals), trailing zeros dropped; raise BadNumberError."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise _diagnose(text)
    sign, whole, decimals = match[1], match[2], (match[3] or "").rstrip("0")
    if len(whole) + len(decimals) > limits.MAX_DECIMAL_DIGITS:
        raise BadNumberError("too many digits", f"at most {limits.MAX_DECIMAL_DIGITS}")
    return int(sign + whole + decimals), len(decimals)


def decimal(text: str) -> Fraction:
    """Read a decimal exactly; raise BadNumberError."""
    mantissa, decimals = scaled(text)
    return Fraction(mantissa, 10**decimals)


def short_decimal(text: str) -> Fraction:
    """Read a decimal of a policy, where "1e-6" and "1e7" are accepted; raise BadNumberError."""
    match = _SHORT.fullmatch(text)
    return decimal(match[1]) * Fraction(10) ** int(match[2]) if match else decimal(text)


def lots(text: str, lot: Fraction) -> int:
    """Read an amount in units as a whole number of lots; raise BadNumberError for a finer one."""
    mantissa, decimals = scaled(text)
    count: int
    count, rest = divmod(mantissa * lot.denominator, 10**decimals * lot.numerator)
    if rest:
        size = decimal_text(lot)
        finer = decimals > len(size.partition(".")[2])
        raise BadNumberError(
            "too many decimals" if finer else "not a whole number of lots", f"a lot is {size}"
        )
    return count


def decimal_text(value: Fraction) -> str:
    """Write a number as a decimal without trailing zeros, or as a fraction if it is no decimal."""
    decimals = 0
    scale = value
    while scale.denominator != 1 and decimals < limits.MAX_DECIMAL_DIGITS:
        scale *= 10
        decimals += 1
    if scale.denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(scale.numerator)).rjust(decimals + 1, "0")
    sign = "-" if value < 0 else ""
    return sign + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)


def _diagnose(text: str) -> BadNumberError:
    if not text:
        return BadNumberError("no value", "write 0 where there is nothing")
    if _NOT_FINITE.fullmatch(text.strip()):
        return BadNumberError("not a finite number")
    if _EXPONENT.fullmatch(text.strip()):
        return BadNumberError("an exponent is not accepted", "write every digit")
    return BadNumberError(
        "not a decimal number", "digits with an optional point, such as -12.5; no spaces, no commas"
    )
