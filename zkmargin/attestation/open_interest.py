"""Open interest that a policy states, because it raises initial rates, against the open interest that was proven."""

from __future__ import annotations

from collections.abc import Iterator

from zkmargin.attestation.header import Header
from zkmargin.errors import PolicyError, VerificationError
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.market import Market
from zkmargin.inputs.models.brackets import Brackets
from zkmargin.inputs.models.open_interest import OpenInterest
from zkmargin.inputs.policy import Policy
from zkmargin.risk.brackets import mark_notional

MESSAGE = "the open interest of {} is higher than the policy states: initial rates would be too low"


def scaled_contracts(policy: Policy) -> Iterator[tuple[str, OpenInterest]]:
    """Yield what every book states of contracts whose initial rates rise with their open interest."""
    for book in policy.books.values():
        if isinstance(book.parameters, Brackets):
            yield from book.parameters.open_interest.items()


def verify_open_interest(policy: Policy, market: Market, header: Header) -> None:
    """Raise VerificationError where more is open, all books together, than the policy states."""
    for name, stated, found in _too_low(policy, market, header):
        raise VerificationError(
            "open-interest", MESSAGE.format(name), expected=f"at most {stated}", actual=found
        )


def require_open_interest(policy: Policy, market: Market, header: Header) -> None:
    """Raise PolicyError for the same, before anything is written."""
    for name, stated, found in _too_low(policy, market, header):
        hint = f"state {found} or more in [book.NAME.open_interest]"
        raise PolicyError(
            "open-interest", MESSAGE.format(name), expected=f"at most {stated}", actual=found, hint=hint
        )


def _too_low(policy: Policy, market: Market, header: Header) -> Iterator[tuple[str, str, str]]:
    """Yield (contract, open interest stated, found) in quote currency, at the mark.

    Found is the larger side: what is long in no book still stands against what is short in one.
    """
    for name, stated in scaled_contracts(policy):
        long, net = (_total(header, f"{family}:{name}") for family in ("open_interest", "position"))
        found = max(long, long - net) * mark_notional(market, market.instruments[name])
        if found > stated.value:
            yield name, decimal_text(stated.value), decimal_text(found)


def _total(header: Header, name: str) -> int:
    """Return a published total of all books together, in lots."""
    return sum(total for book in header.books for of, total in book.totals if of == name)
