"""The public inputs of an attestation, recomputed: nothing is taken from the file that can be known from it.

The risk table is built again from policy and market, the circuits are compiled again from policy and table, and both
are compared with the header. Bundles, the audit and later claims all start here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from zkmargin import canonical
from zkmargin.attestation.header import BookHeader, Header
from zkmargin.attestation.manifest import MARKET, POLICY, RISK, SignedManifest, read_manifest
from zkmargin.attestation.report import Report
from zkmargin.canonical import Json
from zkmargin.circuits.compile import compile_circuit
from zkmargin.circuits.compiled import CompiledBook
from zkmargin.circuits.overstatement import overstatement
from zkmargin.errors import DecodeError, UndecidedError, UsageError, VerificationError, ZkmarginError
from zkmargin.inputs.decimals import decimal_text
from zkmargin.inputs.market import Market, time_text
from zkmargin.inputs.market_rules import check_market, check_together
from zkmargin.inputs.policy import Policy
from zkmargin.inputs.policy_rules import CIRCUIT_VERSIONS, check_policy
from zkmargin.risk.comparison import Tolerance, differences
from zkmargin.risk.entries import RiskTable
from zkmargin.risk.table import build_risk_table
from zkmargin.signing import fingerprint, is_trusted
from zkmargin.wording import counted

T = TypeVar("T")


@dataclass(frozen=True)
class PublicInputs:
    """Policy, market, stored risk table and the circuits compiled from them, by book."""

    policy: Policy
    market: Market
    table: RiskTable
    books: Mapping[str, CompiledBook]


def check_manifest(report: Report, folder: Path, trusted: Sequence[bytes]) -> SignedManifest | None:
    """Read the manifest and check who signed it."""
    signed = report.check("manifest", lambda: read_manifest(folder), "read, in canonical form")
    if signed is None:
        return None
    if report.check("signature", lambda: _check_signature(signed), "signed by the key inside") is None:
        return signed
    shown = fingerprint(signed.public_key)
    if is_trusted(signed.public_key, trusted):
        report.passed("trusted key", f"the signing key {shown} is one that you trust")
    elif trusted:
        report.check("trusted key", lambda: _refuse_key(shown))
    else:
        report.unmet(
            "trusted key", f"no key was given to trust (--trust); the attestation is signed by {shown}"
        )
    return signed


def _check_signature(signed: SignedManifest) -> bool:
    signed.check_signature()
    return True


def _refuse_key(shown: str) -> None:
    raise VerificationError(
        "untrusted-key", "the attestation is signed by a key that you do not trust", actual=shown
    )


def check_public_inputs(report: Report, signed: SignedManifest) -> PublicInputs | None:
    """Recompute risk table and circuits from the files inside; compare them with the header."""
    header = signed.manifest.header
    policy = report.check(
        "policy", lambda: _load(signed, POLICY, header.policy, Policy.from_json), "as the header says"
    )
    market = report.check(
        "market", lambda: _load(signed, MARKET, header.market, Market.from_json), "as the header says"
    )
    if policy is None or market is None:
        return None
    lawful = report.check(
        "lawful inputs", lambda: _check_lawful(policy, market), "no rule of the inputs refuses them"
    )
    report.check("snapshot", lambda: _check_names(header, policy, market), "exchange, time and books agree")
    if not lawful:  # nothing is computed from inputs that the rules refuse: it need not even end
        return None
    for book in header.books:
        report.check(f"padding of {book.id}", partial(_check_leaves, policy, book), "as the policy says")
    digests = {book.risk for book in header.books}
    table = report.check("risk table", lambda: _load_table(signed, digests), "as the header says")
    if table is None:
        return None
    report.check(
        "risk table recomputed",
        lambda: differences(table, _trusting(lambda: build_risk_table(policy, market))),
        lambda tolerance: _tolerance_text(tolerance, policy.quote),
    )
    books = {}
    for book in header.books:
        compiled = report.check(
            f"circuit of {book.id}", partial(_compile, policy, market, table, book), _size
        )
        if compiled is not None:
            books[book.id] = compiled
    return PublicInputs(policy, market, table, books) if len(books) == len(header.books) else None


def _load(signed: SignedManifest, role: str, expected: bytes, parse: Callable[[Json], T]) -> T:
    data = signed.read(role)
    if signed.manifest.files[role] != expected.hex():
        raise VerificationError(
            "header-digest",
            f"{role} is not the header's",
            expected=expected.hex(),
            actual=signed.manifest.files[role],
        )
    return parse_strictly(role, data, parse)


def parse_strictly(role: str, data: bytes, parse: Callable[[Json], T]) -> T:
    """Parse canonical JSON with a from_json; what it refuses, in whatever way, is a malformed file."""
    value = canonical.decode(data, role)
    try:
        return parse(value)
    except ZkmarginError as error:
        raise DecodeError("malformed", f"{role} is malformed: {error}") from None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
        raise DecodeError("malformed", f"{role} is malformed ({type(error).__name__})") from None


def _check_lawful(policy: Policy, market: Market) -> bool:
    if policy.circuit_version not in CIRCUIT_VERSIONS:
        raise UndecidedError(
            "circuit-version",
            "the policy names a circuit version that this release does not know",
            expected=", ".join(map(str, CIRCUIT_VERSIONS)),
            actual=policy.circuit_version,
        )
    problems = _trusting(
        lambda: check_policy(policy) + check_market(market) or check_together(policy, market)
    )
    if problems:
        raise VerificationError("unlawful", f"policy or market are refused: {problems[0]}")
    return True


def _tolerance_text(tolerance: Tolerance, quote: str) -> str:
    if not tolerance.entries:
        return "equal to what prices and policy give"
    money = decimal_text(tolerance.money)
    return (
        f"{tolerance.entries} option entries differ by one unit of their last digit, worth at most {money} {quote} "
        "to an account with one lot of each option"
    )


def _load_table(signed: SignedManifest, digests: set[bytes]) -> RiskTable:
    if len(digests) != 1:
        raise VerificationError("header-digest", "the books of the header name different risk tables")
    return _load(signed, RISK, digests.pop(), RiskTable.from_json)


def _trusting(action: Callable[[], T]) -> T:
    """Run a computation whose failure means that the published inputs are no lawful ones."""
    try:
        return action()
    except UsageError as error:
        raise VerificationError(
            "unlawful", f"policy and market of the attestation are refused: {error}"
        ) from None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
        raise VerificationError(
            "unlawful", f"policy and market do not fit ({type(error).__name__})"
        ) from None


def _check_names(header: Header, policy: Policy, market: Market) -> None:
    time = time_text(market.time)
    for what, expected, actual in (
        ("exchange", policy.exchange, header.exchange),
        ("time", time, header.time),
        ("snapshot id", time, header.snapshot_id),
        ("books", sorted(policy.books, key=str.encode), [book.id for book in header.books]),
    ):
        if expected != actual:
            raise VerificationError(
                "snapshot",
                f"the header's {what} is not that of policy and market",
                expected=expected,
                actual=actual,
            )


def _check_leaves(policy: Policy, book: BookHeader) -> None:
    """Refuse a book that is not padded as the policy says: too few leaves would show the number of customers."""
    rules = policy.books.get(book.id)
    if rules is not None and (book.leaves < rules.minimum_accounts or book.leaves % rules.pad_to):
        raise VerificationError(
            "leaves",
            f"the number of leaves of {book.id} is not what the policy promises",
            expected=f"a multiple of {rules.pad_to}, at least {rules.minimum_accounts}",
            actual=book.leaves,
        )


def _compile(policy: Policy, market: Market, table: RiskTable, book: BookHeader) -> CompiledBook:
    compiled = _trusting(lambda: compile_circuit(policy, market, table, book.id))
    if compiled.circuit.digest != book.circuit:
        raise VerificationError(
            "circuit",
            "the header names another circuit than policy and risk table give",
            expected=compiled.circuit.digest.hex(),
            actual=book.circuit.hex(),
        )
    _check_overstatement(policy, compiled)
    return compiled


def _check_overstatement(policy: Policy, compiled: CompiledBook) -> None:
    """Hold rounding to what the policy promises: it bounds what a tolerated unit of an option's P&L is worth, too.

    The tolerance is one unit per lot. Where a lot is dust, an account of millions of them could lose its requirement.
    """
    worst = overstatement(compiled)
    if worst > policy.max_overstatement:
        raise VerificationError(
            "overstatement",
            "rounding can move the requirement of an account by more than the policy's max_overstatement",
            expected=f"at most {decimal_text(policy.max_overstatement)}",
            actual=f"{float(worst):.6g}",
        )


def _size(compiled: CompiledBook) -> str:
    circuit = compiled.circuit
    return (
        f"compiled again, all rules hold: {counted(len(circuit.columns), 'column')}, "
        f"{counted(circuit.n_bits, 'bit')}, {counted(len(circuit.equations), 'equation')}"
    )
