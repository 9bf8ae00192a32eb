"""The language of claims: what is written, which integers it means, and what is refused with which reason."""

from __future__ import annotations

import contextlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkmargin.claim_language import Unit, form_text, over_leaves, parse
from zkmargin.errors import UsageError
from zkmargin.proofs.claim_statement import Form

USD = Unit("USD", Fraction(1, 10**6))
DOLLAR = 10**6


def form(net: int = 0, equity: int = 0, requirement: int = 0, initial: int = 0, least: int = 0) -> Form:
    return Form(0, net, equity, requirement, initial, least)


MEANINGS = {
    "equity >= 1.5 * requirement": form(equity=2, requirement=3),
    "1.5 * requirement <= equity": form(equity=2, requirement=3),
    "equity >= 150% of maintenance": form(equity=2, requirement=3),
    "2 * equity - 3 * maintenance requirement >= 0": form(equity=2, requirement=3),
    "EQUITY >= 150 % * Requirement": form(equity=2, requirement=3),
    "equity >= 0.1% of requirement": form(equity=1000, requirement=1),
    "equity >= initial requirement": form(equity=1, initial=1),
    "equity >= initial": form(equity=1, initial=1),
    "net value >= 250000 USD": form(net=1, least=250_000 * DOLLAR),
    "net >= 0": form(net=1),
    "net >= -3 USD": None,
    "net + 3 USD >= 0": form(net=1, least=-3 * DOLLAR),
    "net value <= 250000 USD": form(net=-1, least=-250_000 * DOLLAR),
    "requirement <= 1000 USD": form(requirement=1, least=-1000 * DOLLAR),
    "equity - requirement >= 0.000001 USD": form(equity=1, requirement=1, least=1),
    "net + equity >= requirement + initial + 1 USD": form(1, 1, 1, 1, DOLLAR),
    "equity + equity >= 2 * requirement": form(equity=1, requirement=1),
    "equity >= requirement - requirement": form(equity=1),
}


@pytest.mark.parametrize("text", [text for text, meant in MEANINGS.items() if meant])
def test_what_a_form_means(text: str) -> None:
    (written,) = parse(text, USD)
    assert written.leaf is None
    assert written.form == MEANINGS[text]


ROUNDED = {  # against the prover: what is proven is never weaker than what is written
    "net >= 0.0000001 USD": form(net=1, least=1),
    "net >= 1.0000009 USD": form(net=1, least=DOLLAR + 1),
    "net <= 1.0000009 USD": form(net=-1, least=-DOLLAR),
    "3 * equity >= 1 USD": form(equity=1, least=333_334),
    "3 * net <= 1 USD": form(net=-1, least=-333_333),
}


@pytest.mark.parametrize("text", ROUNDED)
def test_the_direction_of_rounding(text: str) -> None:
    assert parse(text, USD)[0].form == ROUNDED[text]


figures = st.tuples(*[st.integers(-(10**12), 10**12)] * 4)
factor = st.decimals("0.01", "99", places=2)
constant = st.decimals("-999", "999", places=8)


@given(factor, factor, constant, figures)
def test_a_form_holds_exactly_where_what_was_written_holds(e, r, least, outputs) -> None:  # type: ignore[no-untyped-def]
    sign, size = ("-", -least) if least < 0 else ("+", least)
    text = f"{e} * equity >= {r} * requirement {sign} {size:f} USD"
    (written,) = parse(text, USD)
    _, equity, requirement, _ = outputs
    exact = Fraction(e) * equity - Fraction(r) * requirement >= Fraction(least) / USD.quantum
    assert (written.form.value(outputs) >= 0) == exact


coefficient = st.integers(0, 2**32 - 1)


@given(
    st.integers(1 - 2**32, 2**32 - 1),
    coefficient,
    coefficient,
    coefficient,
    st.integers(1 - 2**100, 2**100 - 1),
)
def test_every_lawful_form_is_read_back_from_its_text(net, equity, requirement, initial, least) -> None:  # type: ignore[no-untyped-def]
    made = form(net, equity, requirement, initial, least)
    if made.fault() is None:
        (written,) = parse(form_text(made, USD), USD)
        assert written.form == made


@pytest.mark.parametrize(
    "text", ["equity >= 1.5 * requirement", "net value <= 3 USD", "requirement <= 1000 USD", "net value >= 0"]
)
def test_texts_read_as_people_write_them(text: str) -> None:
    assert form_text(parse(text, USD)[0].form, USD) == text


def test_several_forms_and_leaves() -> None:
    written = parse("leaf 2: net >= 1 USD AND equity >= requirement and leaf 16: net >= 0", USD)
    assert [item.leaf for item in written] == [1, None, 15]
    assert over_leaves(written[:2], 2) == [
        Form(0, 0, 1, 1, 0, 0), Form(1, 0, 1, 1, 0, 0), Form(1, 1, 0, 0, 0, DOLLAR)
    ]  # fmt: skip


def test_a_form_that_is_written_twice_counts_once() -> None:
    written = parse("net >= 0 and 2 * net >= 0 and leaf 1: net value >= 0.0 USD", USD)
    assert over_leaves(written, 1) == [form(net=1)]


REFUSED = {
    "claim-text": [
        "", " ", "equity", "equity >=", ">= requirement", "equity > requirement", "equity = requirement",
        "equity >= requirement and", "and equity >= requirement", "equity >= requirement or net >= 0",
        "equity >= 1.5 requirement", "equity >= 1.5", "equity >= 1,5 * requirement", "equity >= 1e3 USD",
        "net >= 3 EUR", "net >= 3 usd",  "net >= 3% USD", "net >= USD", "equity * 2 >= requirement", "net >= 3 USD x",
        "leaf 0: net >= 0", "leaf 17: net >= 0", "leaf 1 net >= 0", "leaf: net >= 0", "leaf 01: net >= 0",
        "equity >= requirement >= 0", "equity >= nan * requirement", "equity >= .5 * requirement",
        "equity >= 1/2 * requirement", "equity >= - - requirement", "(equity) >= requirement",
        "equity ≥ requirement", "еquity >= requirement", "equity >= ١ * requirement", "surplus >= 0",
        "equity >= " + "9" * 70 + " * requirement", "equity >= requirement; net >= 0",
        "net >= 0" + " and net >= 0" * 400,
        "net >= 1\x00 USD", "net >= \ud800",
    ],
    "claim-trivial": ["1 USD >= 0", "0 >= 0", "equity >= equity", "equity - equity >= -5 USD", "0 * net >= 0"],
    "claim-direction": [
        "equity <= 5 USD", "equity <= requirement", "requirement >= 5 USD", "initial >= requirement",
        "requirement >= initial requirement", "-equity >= -5 USD", "equity + requirement >= 0",
        "net >= equity",
    ],
    "claim-size": [
        "equity >= 0.0000000001 * requirement", "4294967296 * equity >= requirement",
        "equity >= 4294967296 * requirement", "net >= 10000000000000000000000000 USD",
        "4294967296 * net >= requirement",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "text"), [(code, text) for code, texts in REFUSED.items() for text in texts]
)
def test_what_is_refused(code: str, text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(text, USD)
    assert error.value.code == code
    assert error.value.hint


def test_the_other_direction_is_explained() -> None:
    with pytest.raises(UsageError) as error:
        parse("equity <= 5 USD", USD)
    assert "less equity and more requirement than the rule gives" in str(error.value)


@pytest.mark.parametrize("currency", ["USDT", "US.D", "€", "nets", "9X", "1INCH"])
def test_any_currency_of_a_policy_can_be_written(currency: str) -> None:
    (written,) = parse(f"net value >= 3 {currency}", Unit(currency, Fraction(1)))
    assert written.form == form(net=1, least=3)
    assert form_text(written.form, Unit(currency, Fraction(1))) == f"net value >= 3 {currency}"


@pytest.mark.parametrize(
    "currency",
    [
        "USD and equity >= requirement", "USD+equity", "USD\u00a0and", "U S D", "US-D", "*", "USD<=", "2*",
        "net", "of", "AND", "leaf", "Requirement", "000", "0.0", ",000USD", "'000", "_000", ".5",
    ],
)  # fmt: skip
def test_a_currency_does_not_swallow_what_is_asked_for(currency: str) -> None:
    """The exchange names it; constants in such a currency cannot be claimed."""
    for text in (f"net >= 100 {currency}", "net >= 100 USD and equity >= requirement"):
        with pytest.raises(UsageError):
            parse(text, Unit(currency, Fraction(1)))
    (written,) = parse("equity >= 1.5 * requirement", Unit(currency, Fraction(1)))
    assert written.form == form(equity=2, requirement=3)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("equity >= 1.5 requirement", "requirement"),
        ("net >= 250 000", "000"),
        ("net >= 250,000USD", ",000USD"),
    ],
)
def test_a_slip_of_the_pen_is_no_constant(text: str, currency: str) -> None:
    """It is refused elsewhere; where the exchange named its currency so, it would be a claim of next to nothing."""
    with pytest.raises(UsageError) as error:
        parse(text, Unit(currency, Fraction(1)))
    assert error.value.code == "claim-text"


def test_a_currency_says_nothing_in_a_verdict() -> None:
    """A form beyond the required ones may hold a constant; its text is what the verifier reads as proven."""
    made = form(net=1, least=3)
    assert (
        form_text(made, Unit("USD and equity >= requirement", Fraction(1)))
        == "net value >= 3 of the quote currency"
    )


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse(text, USD)
