"""Verifier of the published totals of one book (see totals_statement for the symbols).

    V: checks the number of totals, 1 <= M <= M_max, |t_h| < order / 2, |t_h| <= M reach(f_h)
    V: draws delta;  checks the split proof of u over A and B with target Y

# Soundness
The caller must have recomputed the root sums from the leaf list, the snapshot digest from the header that
holds these totals, and the circuit from policy and risk table, with its rules checked. Rows are shown to be
lawful elsewhere.
"""

from __future__ import annotations

from zkmargin.errors import VerificationError
from zkmargin.group.backend import Backend
from zkmargin.limits import MAX_ACCOUNTS
from zkmargin.proofs import split_verifier
from zkmargin.proofs.forms import reach
from zkmargin.proofs.split_statement import SplitProof
from zkmargin.proofs.totals_statement import TotalsStatement, open_totals


def verify(backend: Backend, statement: TotalsStatement, proof: SplitProof) -> None:
    """Check the totals of one book.

    Return nothing or raise VerificationError: totals/accounts, totals/count, totals/range, totals/reach, or
    the codes of split_verifier.
    """
    check_accounts(statement)
    check_count(statement)
    check_range(statement, backend.order)
    check_reach(statement)
    transcript, split = open_totals(backend, statement)
    split_verifier.verify(backend, transcript, split, proof)


def check_accounts(statement: TotalsStatement) -> None:
    """Refuse a number of leaves outside 1..M_max, under which no bound of the circuit holds."""
    if not 1 <= statement.accounts <= MAX_ACCOUNTS:
        raise VerificationError(
            "totals/accounts",
            "wrong number of leaves",
            expected=f"1..{MAX_ACCOUNTS}",
            actual=statement.accounts,
        )


def check_count(statement: TotalsStatement) -> None:
    """Refuse other counts than one total per published form, and a book that publishes nothing."""
    expected, actual = len(statement.circuit.published), len(statement.totals)
    if actual != expected or actual == 0:
        raise VerificationError(
            "totals/count",
            "wrong number of published totals",
            expected=expected or "at least 1",
            actual=actual,
        )


def check_range(statement: TotalsStatement, order: int) -> None:
    """Refuse a total that another integer is congruent to and no farther from 0."""
    for name, total in zip(statement.circuit.published, statement.totals, strict=True):
        if 2 * abs(total) >= order:
            raise VerificationError(
                "totals/range", f"the total {name} is not small against the group order", actual=total
            )


def check_reach(statement: TotalsStatement) -> None:
    """Refuse a total that M rows of the circuit cannot reach, whatever they hold."""
    for (name, form), total in zip(statement.circuit.published.items(), statement.totals, strict=True):
        most = statement.accounts * reach(form, statement.circuit)
        if abs(total) > most:
            raise VerificationError(
                "totals/reach",
                f"the total {name} is beyond what all accounts can hold",
                expected=most,
                actual=total,
            )
