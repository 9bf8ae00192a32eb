from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkmargin.inputs.decimals import BadNumberError, decimal, decimal_text, lots, short_decimal

DECIMALS = st.builds(
    lambda mantissa, places: (Fraction(mantissa, 10**places), mantissa, places),
    st.integers(-(10**40), 10**40),
    st.integers(0, 18),
)


def written(mantissa: int, places: int) -> str:
    digits = str(abs(mantissa)).rjust(places + 1, "0")
    whole, part = digits[: len(digits) - places], digits[len(digits) - places :]
    return ("-" if mantissa < 0 else "") + whole + ("." + part if places else "")


@given(DECIMALS)
def test_every_decimal_is_read_exactly(case: tuple[Fraction, int, int]) -> None:
    value, mantissa, places = case
    assert decimal(written(mantissa, places)) == value


@given(DECIMALS, st.integers(0, 9))
def test_trailing_zeros_are_not_decimals(case: tuple[Fraction, int, int], zeros: int) -> None:
    value, mantissa, places = case
    text = written(mantissa, places) + ("" if places else ".0") + "0" * zeros
    lot = Fraction(1, 10**places)
    assert lots(text, lot) == value / lot


@given(DECIMALS)
def test_text_and_back(case: tuple[Fraction, int, int]) -> None:
    assert decimal(decimal_text(case[0])) == case[0]


@given(st.integers(-(10**18), 10**18), st.sampled_from(["0.01", "0.5", "25", "0.0025"]))
def test_whole_lots_are_counted_and_parts_refused(count: int, lot_text: str) -> None:
    lot = decimal(lot_text)
    assert lots(decimal_text(count * lot), lot) == count
    with pytest.raises(BadNumberError):
        lots(decimal_text(count * lot + lot / 5), lot)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "no value"),
        ("NaN", "finite"),
        ("-inf", "finite"),
        ("Infinity", "finite"),
        ("1e5", "exponent"),
        ("1.5E-3", "exponent"),
        ("+1", "not a decimal"),
        (" 1", "not a decimal"),
        ("1 ", "not a decimal"),
        ("1,5", "not a decimal"),
        ("1_000", "not a decimal"),
        (".5", "not a decimal"),
        ("5.", "not a decimal"),
        ("0x10", "not a decimal"),
        ("--1", "not a decimal"),
        ("\u0661", "not a decimal"),  # a digit, but not an ASCII one
        ("1\n", "not a decimal"),
        ("9" * 61, "too many digits"),
    ],
)
def test_what_is_no_decimal(text: str, message: str) -> None:
    with pytest.raises(BadNumberError, match=message):
        decimal(text)


@pytest.mark.parametrize(
    "text, lot, message",
    [("0.001", "0.01", "too many decimals"), ("0.25", "0.5", "too many"), ("7", "5", "whole number of lots")],
)
def test_finer_than_a_lot(text: str, lot: str, message: str) -> None:
    with pytest.raises(BadNumberError, match=message):
        lots(text, decimal(lot))


def test_a_number_that_is_no_decimal_is_written_as_a_fraction() -> None:
    assert decimal_text(Fraction(-1, 3)) == "-1/3"


def test_a_policy_may_use_an_exponent() -> None:
    assert short_decimal("1e-6") == Fraction(1, 10**6)
    assert short_decimal("2.5e7") == 25_000_000
    assert short_decimal("0.5") == Fraction(1, 2)
    with pytest.raises(BadNumberError):
        short_decimal("1e400")
