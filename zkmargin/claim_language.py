"""The language of claims: "equity >= 1.5 * requirement and net value >= 250000 USD", exactly, as integer forms.

    claim     = form { "and" form }
    form      = [ "leaf" number ":" ] sum ( ">=" | "<=" ) sum
    sum       = [ "-" ] term { ( "+" | "-" ) term }
    term      = [ number [ "%" ] ( "*" | "of" ) ] name  |  number currency  |  "0"
    name      = "equity" | "net" [ "value" ] | requirement | "initial" [ "requirement" ]
    requirement = "requirement" | "maintenance" [ "requirement" ]

Numbers are decimals, the currency is the policy's quote currency; a form without "leaf" is over every leaf of a claim.
Coefficients are brought to lowest terms, the constant is divided likewise and rounded up to a whole quantum: outputs
are integers, so this changes nothing of what is claimed, and what was written is never weakened.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NoReturn

from zkmargin import limits
from zkmargin.errors import UsageError
from zkmargin.inputs.decimals import BadNumberError, decimal, decimal_text
from zkmargin.proofs.claim_statement import Form

NAMES = ("net value", "equity", "requirement", "initial requirement")
WORDS = {
    ("net", "value"): 0, ("net",): 0, ("equity",): 1,
    ("maintenance", "requirement"): 2, ("maintenance",): 2, ("requirement",): 2,
    ("initial", "requirement"): 3, ("initial",): 3,
}  # fmt: skip
CONSTANT = len(NAMES)
EXAMPLE = 'for example "equity >= 1.5 * requirement and net value >= 250000 USD"'

_LEXEME = r">=|<=|[-+*%:]|[0-9]+(?:\.[0-9]+)?|[A-Za-z]\w*|\S"
_LEAVES = [str(number) for number in range(1, limits.MAX_FORMS + 1)]
_KEYWORDS = {"and", "leaf", "of", *(word for words in WORDS for word in words)}
_ODD_CURRENCY = re.compile(r"[\s<>=+*%:,'’-]|^[._]|^[0-9.]*$")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)


@dataclass(frozen=True)
class Unit:
    """What constants are read in: the quote currency and the equity quantum in it."""

    currency: str
    quantum: Fraction

    @property
    def word(self) -> str | None:
        """Return the currency as it is written, or None: no constants in what can be read as something else.

        The exchange names it: "USD and equity >= requirement" must not swallow what a verifier asks for, nor may
        "1.5 requirement" or "250 000", which are slips elsewhere, mean so many of a currency.
        """
        odd = _ODD_CURRENCY.search(self.currency) or self.currency.lower() in _KEYWORDS
        return None if odd else self.currency


@dataclass(frozen=True)
class WrittenForm:
    """A form as it is written: over one leaf (from 0 on), or over every leaf (None)."""

    leaf: int | None
    form: Form


def parse(text: str, unit: Unit) -> list[WrittenForm]:
    """Read a claim; raise UsageError for what is no claim, or one that would prove nothing."""
    if len(text.encode("utf-8", "surrogatepass")) > limits.MAX_CLAIM_TEXT:
        most = f"at most {limits.MAX_CLAIM_TEXT} bytes"
        raise UsageError("claim-text", "the claim is too long", expected=most, hint=EXAMPLE)
    return _Parser(text, unit).claim()


def over_leaves(written: Sequence[WrittenForm], leaves: int) -> list[Form]:
    """Return the forms over a number of leaves, in order, each once; a leaf that is named may lie beyond it."""
    forms = set()
    for item in written:
        own = range(leaves) if item.leaf is None else [item.leaf]
        forms |= {replace(item.form, leaf=leaf) for leaf in own}
    return sorted(forms)


def form_text(form: Form, unit: Unit) -> str:
    """Write a form, without its leaf, so that `parse` reads the same form again."""
    factors = [Fraction(c) for c in form.coefficients]
    scale = next(abs(factor) for factor in factors if factor)
    constant = -form.least * unit.quantum
    if not all(map(_is_decimal, (value / scale for value in (*factors, constant)))):
        scale = Fraction(1)
    terms = [(i, value / scale) for i, value in enumerate((*factors, constant)) if value]
    left = " + ".join(_term_text(i, value, unit) for i, value in terms if value > 0)
    right = " + ".join(_term_text(i, -value, unit) for i, value in terms if value < 0)
    if any(factor > 0 for factor in factors):
        return f"{left} >= {right or '0'}"
    return f"{right} <= {left or '0'}"


def _term_text(place: int, factor: Fraction, unit: Unit) -> str:
    if place == CONSTANT:
        return f"{decimal_text(factor)} {unit.word or 'of the quote currency'}"
    return NAMES[place] if factor == 1 else f"{decimal_text(factor)} * {NAMES[place]}"


def _is_decimal(value: Fraction) -> bool:
    return "/" not in decimal_text(value)


class _Parser:
    """Recursive descent over the tokens; sums are coefficients of N, E, R, I and a constant in quote currency."""

    def __init__(self, text: str, unit: Unit) -> None:
        self._unit, self._currency = unit, unit.word
        self._tokens = _tokens(text, self._currency)
        self._at = 0

    def claim(self) -> list[WrittenForm]:
        forms = [self._form()]
        while self._take("and"):
            forms.append(self._form())
        if self._at < len(self._tokens):
            self._refuse('">=", "<=" or "and" was expected')
        return forms

    def _form(self) -> WrittenForm:
        leaf = self._leaf()
        left = self._sum()
        if self._take(">="):
            sign = 1
        elif self._take("<="):
            sign = -1
        else:
            self._refuse('">=" or "<=" was expected')
        right = self._sum()
        return WrittenForm(
            leaf, _integer_form([sign * (a - b) for a, b in zip(left, right, strict=True)], self._unit)
        )

    def _leaf(self) -> int | None:
        if not self._take("leaf"):
            return None
        number = self._next()
        if number not in _LEAVES or not self._take(":"):
            self._refuse('a leaf is written as "leaf 1:"')
        return int(number) - 1

    def _sum(self) -> list[Fraction]:
        total = [Fraction(0)] * (CONSTANT + 1)
        sign = -1 if self._take("-") else 1
        while sign:
            place, factor = self._term()
            total[place] += sign * factor
            sign = 1 if self._take("+") else -1 if self._take("-") else 0
        return total

    def _term(self) -> tuple[int, Fraction]:
        if not _NUMBER.fullmatch(self._peek()):
            return self._name(), Fraction(1)
        factor = self._number()
        percent = self._take("%")
        if not percent and self._currency is not None and self._take(self._currency):
            return CONSTANT, factor
        if self._take("*") or self._take("of"):
            return self._name(), factor / 100 if percent else factor
        if factor:
            currency = self._currency or "(that of this exchange cannot be written)"
            self._refuse(f'a number is followed by "*" and a name, or by the currency {currency}')
        return CONSTANT, factor

    def _number(self) -> Fraction:
        try:
            return decimal(self._next())
        except BadNumberError as error:
            raise UsageError(
                "claim-text", f"a number of the claim: {error.message}", hint=error.hint
            ) from None

    def _name(self) -> int:
        ahead = tuple(token.lower() for token in self._tokens[self._at : self._at + 2])
        words = ahead if ahead in WORDS else ahead[:1]
        if words not in WORDS:
            self._refuse(f"a name was expected: {', '.join(NAMES)}")
        self._at += len(words)
        return WORDS[words]

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _take(self, token: str) -> bool:
        """Go beyond a token if it comes next. Words of the language may be written in capitals, a currency not."""
        seen = self._peek()
        if token not in (seen, seen.lower() if token != self._currency else seen):
            return False
        self._at += 1
        return True

    def _refuse(self, message: str) -> NoReturn:
        before = " ".join(self._tokens[: self._at])
        raise UsageError(
            "claim-text",
            f"the claim cannot be read: {message}",
            actual=f"{before} [{self._peek() or 'end'}]".strip(),
            hint=EXAMPLE,
        )


def _tokens(text: str, currency: str | None) -> list[str]:
    """Return numbers, words and signs, all that is not a space; the currency, if it can be written, is one token."""
    named = "" if currency is None else rf"{re.escape(currency)}(?!\w)|"
    return [match[1] for match in re.finditer(rf"\s*({named}{_LEXEME})", text, re.ASCII)]


def _integer_form(sums: Sequence[Fraction], unit: Unit) -> Form:
    """Return the integers of sum >= 0: coefficients in lowest terms, the constant in quanta, rounded up."""
    *coefficients, constant = sums
    if not any(coefficients):
        raise UsageError("claim-trivial", "the claim is about no figure of the account", hint=EXAMPLE)
    _check_directions(coefficients)
    common = math.lcm(*(c.denominator for c in coefficients))
    scale = Fraction(common, math.gcd(*(int(c * common) for c in coefficients)))
    net, equity, requirement, initial = (int(c * scale) for c in coefficients)
    least = math.ceil(-constant * scale / unit.quantum)
    form = Form(0, net, equity, -requirement, -initial, least)
    if fault := form.fault():
        raise UsageError("claim-size", f"the claim's numbers are too large: {fault}", hint="round them")
    return form


def _check_directions(coefficients: Sequence[Fraction]) -> None:
    """Refuse what an account's row does not bind: see the hint."""
    _, equity, requirement, initial = coefficients
    for name, wrong, bound in (
        ("equity", equity < 0, "a lower bound on equity"),
        ("requirement", requirement > 0, "an upper bound on a requirement"),
        ("initial requirement", initial > 0, "an upper bound on a requirement"),
    ):
        if wrong:
            raise UsageError(
                "claim-direction",
                f"the claim bounds {name} in the direction that proves nothing",
                hint=f"a commitment may hold less equity and more requirement than the rule gives, never the reverse, "
                f"so only {bound} says something about the account; net value is exact and may be bounded both ways",
            )
