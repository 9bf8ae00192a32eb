"""The operator's report: what the exchange must know and nobody else may."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zkmargin.canonical import Json
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.ledger import Ledger, Users
from zkmargin.inputs.policy import Policy
from zkmargin.margin.book import BookFigures

FORMAT = "zkmargin/operator-report/1"


def operator_report(
    policy: Policy, digest: bytes, ledger: Ledger, figures: Mapping[str, BookFigures]
) -> Json:
    """Return the true number of customers and every unhealthy pot by name; amounts in quote currency.

    Money is text in decimals, counts are numbers.
    """
    users = {user for pots in ledger.pots.values() for user in Users.of(pots.users).ids}
    accounts = {account for pots in ledger.pots.values() for account, _ in pots.labels}
    return {
        "format": FORMAT,
        "snapshot": digest.hex(),
        "quote": policy.quote,
        "users": len(users),
        "accounts": len(accounts),
        "books": {name: _book(policy, margin) for name, margin in figures.items()},
    }


def _book(policy: Policy, margin: BookFigures) -> Json:
    def money(quanta: object) -> str:
        return decimal_text(int(str(quanta)) * policy.equity_quantum)

    unhealthy = np.flatnonzero(~margin.healthy | (np.asarray(margin.bad_debt) > 0)).tolist()
    return {
        "pots": len(margin),
        "unhealthy": [
            {
                "account": margin.labels[row][0],
                "pot": margin.labels[row][1],
                "equity": money(margin.equity[row]),
                "requirement": money(margin.requirement[row]),
                "shortfall": money(margin.shortfall[row]),
                "bad_debt": money(margin.bad_debt[row]),
                "level": margin.level(row),
            }
            for row in unhealthy
        ],
        "shortfall": money(sum(int(value) for value in margin.shortfall)),
        "bad_debt": money(sum(int(value) for value in margin.bad_debt)),
    }
