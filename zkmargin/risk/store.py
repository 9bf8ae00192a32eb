"""The RISK directory: everything public that an attestation needs besides the ledger.

policy.json    the policy with every default filled in
market.json    instruments and prices
risk.json      the risk table
circuits.json  digest of each book's circuit
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from zkmargin import canonical, limits
from zkmargin.canonical import Json
from zkmargin.errors import DecodeError, InputError, PolicyError, UndecidedError, VerificationError
from zkmargin.files import new_directory, read_bounded, write_new
from zkmargin.inputs.market import Market
from zkmargin.inputs.market_rules import check_market, check_together
from zkmargin.inputs.policy import Policy
from zkmargin.inputs.policy_rules import check_policy
from zkmargin.risk.table import RiskTable, Tolerance, build_risk_table, differences

POLICY, MARKET, RISK, CIRCUITS = "policy.json", "market.json", "risk.json", "circuits.json"
NAMES = (POLICY, MARKET, RISK, CIRCUITS)

T = TypeVar("T")


@dataclass(frozen=True)
class RiskFiles:
    """What a RISK directory holds; `circuits`: SHA-256 of the canonical circuit, by book.

    `tolerance` says how the stored table differed from the one recomputed when it was loaded.
    """

    policy: Policy
    market: Market
    table: RiskTable
    circuits: Mapping[str, bytes]
    tolerance: Tolerance = Tolerance(0, {})  # noqa: RUF009 - frozen


def save_risk(files: RiskFiles, target: Path) -> None:
    """Write a RISK directory, complete or not at all. Raise UsageError if `target` exists."""
    circuits = {book: digest.hex() for book, digest in files.circuits.items()}
    contents = {
        POLICY: files.policy.to_json(),
        MARKET: files.market.to_json(),
        RISK: files.table.to_json(),
        CIRCUITS: circuits,
    }
    with new_directory(target) as folder:
        for name, value in contents.items():
            write_new(folder / name, canonical.encode(value))


def load_risk(folder: Path) -> RiskFiles:
    """Read a RISK directory and check it: rules of policy and market, the table against one computed again.

    Raise UndecidedError for a file missing or no canonical JSON of its kind, InputError for a policy or
    market that is refused, VerificationError for a table that does not follow from them or circuits of other
    books.
    """
    policy = _read(folder, POLICY, Policy.from_json)
    market = _read(folder, MARKET, Market.from_json)
    if problems := check_policy(policy, POLICY) or check_market(market) or check_together(policy, market):
        raise InputError(problems[: limits.MAX_PROBLEMS], max(0, len(problems) - limits.MAX_PROBLEMS))
    table = _read(folder, RISK, RiskTable.from_json)
    circuits = _read(folder, CIRCUITS, _circuits)
    tolerance = differences(table, build_risk_table(policy, market))
    if sorted(circuits) != sorted(policy.books):
        raise VerificationError(
            "circuits",
            f"{CIRCUITS} is of other books",
            expected=sorted(policy.books),
            actual=sorted(circuits),
        )
    return RiskFiles(policy, market, table, circuits, tolerance)


def check_circuits(files: RiskFiles, compiled: Mapping[str, bytes]) -> None:
    """Raise PolicyError where a circuit compiled now has another digest than the one that was stored."""
    for book, digest in compiled.items():
        if files.circuits.get(book) != digest:
            raise PolicyError(
                "circuit",
                f"the circuit of book {book} is not the one that `risk build` wrote",
                expected=files.circuits.get(book, b"").hex() or "none",
                actual=digest.hex(),
                hint="run `risk build` again with this version",
            )


def _read(folder: Path, name: str, parse: Callable[[Json], T]) -> T:
    data = read_bounded(folder / name, limits.MAX_JSON_BYTES, name)
    try:
        return parse(canonical.decode(data, name))
    except DecodeError as error:
        raise UndecidedError(
            "risk-files", f"{folder / name}: {error}", hint="run `risk build` again"
        ) from None


def _circuits(value: Json) -> dict[str, bytes]:
    try:
        circuits = {book: bytes.fromhex(text) for book, text in value.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise DecodeError("circuits", f"no digests of circuits: {error}") from None
    if any(len(digest) != 32 or digest.hex() != value[book] for book, digest in circuits.items()):
        raise DecodeError("circuits", "a digest is 32 bytes in lower-case hex")
    return circuits
