"""The proof of liabilities inside attestations: exchanges that cheat, parts of other attestations, a second verifier.

Every cheat here goes through the real `attest`, is digested and signed: only the account rules refuse it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from liability_cases import words_of

from tests.attestation import charged, margined
from tests.attestation import exchange as tiny
from tests.attestation.exchange import BACKEND, Exchange, new_key, open_exchange
from tests.attestation.forging import Forgery
from zkmargin import independent_verifier
from zkmargin.attestation import build
from zkmargin.attestation.audit import audit_attestation
from zkmargin.attestation.build import Snapshot, attest
from zkmargin.attestation.manifest import read_manifest
from zkmargin.attestation.report import Outcome, Report
from zkmargin.circuits.circuit import Circuit, Column
from zkmargin.independent_verifier import PlainCircuit, RefusedError
from zkmargin.inputs.ledger import Ledger
from zkmargin.sparse import SparseWords

Row = dict[str, int]  # outputs N, E, R, I and columns by name
Change = Callable[[list[Row]], None]
OUTPUTS = ("N", "E", "R", "I")


class AlteredWitness:
    """Rows by name, as a witness that `commit_book` takes."""

    def __init__(self, circuit: Circuit, rows: list[Row]) -> None:
        self._columns, self._rows = circuit.columns, rows
        self.rows = len(rows)
        self.outputs = np.array([[row.get(name, 0) for name in OUTPUTS] for row in rows], dtype=np.int64)

    def words(self) -> SparseWords:
        return words_of(
            [[bit for column in self._columns for bit in _bits(column, row)] for row in self._rows]
        )


def _bits(column: Column, row: Row) -> list[int]:
    return [row.get(column.name, 0) >> bit & 1 for bit in range(column.width)]


class AlteredBook:
    """A compiled book whose witness is changed before it is committed."""

    def __init__(self, compiled: Any, change: Change) -> None:
        self.circuit, self._compiled, self._change = compiled.circuit, compiled, change

    @property
    def program(self) -> AlteredBook:
        return self

    def run(self, placed: Any, count: int) -> AlteredWitness:
        witness = self._compiled.program.run(placed, count)
        rows: list[Row] = [dict(zip(OUTPUTS, map(int, values), strict=True)) for values in witness.outputs]
        for column, entries in zip(self.circuit.columns, witness.columns, strict=True):
            for at, value in zip(entries.rows.tolist(), entries.values.tolist(), strict=True):
                rows[at][column.name] = int(value)
        self._change(rows)
        return AlteredWitness(self.circuit, rows)


def cheating_report(
    folder: Path, inputs: tuple[Snapshot, Ledger], change: Change, monkeypatch: pytest.MonkeyPatch
) -> Report:
    """Attest with altered rows, audit with the exchange's key."""
    honest, key = build.commit_book, new_key()
    monkeypatch.setattr(
        build,
        "commit_book",
        lambda g, compiled, *rest: honest(g, AlteredBook(compiled, change), *rest),  # type: ignore[arg-type]
    )
    attest(BACKEND, *inputs, key, folder / "attestation", folder / "private")
    return audit_attestation(BACKEND, folder / "attestation", [key.public]).report


def failed(report: Report) -> set[str]:
    return {check.name for check in report.checks if check.outcome is not Outcome.PASSED}


def customer(number: int, **values: int) -> Change:
    """Change the row of the customer who is owed the most, the second most, ..."""

    def change(rows: list[Row]) -> None:
        real = sorted((row for row in rows if any(row.values())), key=lambda row: -row["N"])
        real[number].update(values)

    return change


def padding(**values: int) -> Change:
    """Put something into a padding leaf."""

    def change(rows: list[Row]) -> None:
        next(row for row in rows if not any(row.values())).update(values)

    return change


# The tiny exchange: rows of 100, 7, 3 and -5 USD.
SPOT_CHEATS: dict[str, Change] = {
    "what a customer is owed understated": customer(0, owed=40),
    "net value understated, and owed with it": customer(0, N=40, owed=40),
    "bad debt hidden": customer(3, bad_debt=0),
    "shortfall hidden": customer(3, shortfall=0),
    "a loan of nobody, in a padding leaf": padding(N=-100, E=-100, shortfall=100, **{"owed[USD]": 100}),
    "deposits raised by a padding leaf": padding(**{"unpledged[USD]": 100}),
    "equity without its column": customer(1, E=8),
    "a requirement where there is none": customer(0, R=1),
}  # fmt: skip


@pytest.mark.parametrize("change", SPOT_CHEATS.values(), ids=SPOT_CHEATS)
def test_rows_that_break_a_rule(change: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = cheating_report(tmp_path, tiny.inputs(tmp_path), change, monkeypatch)
    assert failed(report) == {"account rules of spot"}


MARGIN_CHEATS: dict[str, Change] = {
    "a worst case understated by one": customer(0, **{"max:worst case BTC": 167}),
    "the short-option minimum left off": customer(
        0, **{"slack:worst case BTC >= short-option minimum": 0}
    ),
    "a position in the row that the price does not know": customer(2, **{"position[PERP].long.2": 1}),
    "a position worth something that no scenario sees": customer(
        2, **{"position[PERP].long.0": 1, "N": 104_100, "E": 104_100, "surplus": 104_100, "owed": 104_100}
    ),
    "requirement of A half of the circuit's": customer(1, R=10_050),
    "initial requirement left off": customer(1, I=0),
}  # fmt: skip


@pytest.mark.parametrize("change", MARGIN_CHEATS.values(), ids=MARGIN_CHEATS)
def test_margined_rows_that_break_a_rule(
    change: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = cheating_report(tmp_path, margined.inputs(tmp_path), change, monkeypatch)
    assert failed(report) == {"account rules of portfolio"}


# The charged exchange: Alice's requirement is the minimum charge, 176 margin quanta of 1 USD, from 88 of raw charges
# in the second step: 0.5 x (3 x 184 - 200).
CHARGE_CHEATS: dict[str, Change] = {
    "a requirement one quantum lower, and everything that follows from it": customer(
        0,
        R=17_500,
        I=35_000,
        surplus=458_700,
        **{
            "max:charge BTC": 175,
            "max:minimum charge BTC": 175,
            "slack:minimum charge BTC >= 1 x from 0": 83,
            "slack:charge BTC >= worst case and basis": 70,
            "slack:charge BTC >= minimum delta": 149,
            "slack:charge BTC >= short-option minimum": 160,
        },
    ),
    "a minimum charge left off": customer(0, **{"max:minimum charge BTC": 0}),
    "a constant where there is no charge": padding(**{"allow:minimum charge BTC": 1, "max:charge BTC": 1}),
    "a basis understated by one": customer(0, **{"max:basis BTC 2026-03-01T00:00:00Z": 14}),
    "a net delta left off": customer(0, **{"max:net delta BTC": 0}),
    "a worst case understated by one": customer(0, **{"max:worst case BTC": 79}),
}


@pytest.mark.parametrize("change", CHARGE_CHEATS.values(), ids=CHARGE_CHEATS)
def test_charged_rows_that_break_a_rule(
    change: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = cheating_report(tmp_path, charged.inputs(tmp_path), change, monkeypatch)
    assert failed(report) == {"account rules of portfolio"}


def test_unaltered_rows_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, inputs in (("tiny", tiny.inputs), ("margined", margined.inputs), ("charged", charged.inputs)):
        report = cheating_report(tmp_path / name, inputs(tmp_path / name), lambda rows: None, monkeypatch)
        assert failed(report) == set()
        monkeypatch.undo()


# --- parts of another attestation


ROLE = "liabilities/spot/0"


def test_a_proof_that_is_not_there(exchange: Exchange, tmp_path: Path) -> None:
    forgery = Forgery.of(exchange.attestation)
    del forgery.manifest["files"][ROLE], forgery.files[ROLE]
    forgery.sign(exchange.key)
    report = exchange.audit(forgery.write(tmp_path / "a")).report
    assert report.outcome is not Outcome.PASSED
    assert failed(report) == {"account rules of spot"}


@pytest.mark.parametrize(
    "other", [{"exchange": "Other"}, {"time": "2026-01-02T00:00:00Z"}, {"bob": 8}, {"previous": b"p" * 32}], ids=str
)  # fmt: skip
def test_a_proof_of_another_attestation(exchange: Exchange, other: dict[str, Any], tmp_path: Path) -> None:
    theirs = Forgery.of(open_exchange(tmp_path / "other", exchange.key, **other).attestation)
    mine = Forgery.of(exchange.attestation)
    mine.files[ROLE] = theirs.files[ROLE]
    mine.digest_again()
    mine.sign(exchange.key)
    assert failed(exchange.audit(mine.write(tmp_path / "a")).report) == {"account rules of spot"}


def test_a_list_of_another_attestation_with_its_root(exchange: Exchange, tmp_path: Path) -> None:
    theirs = Forgery.of(open_exchange(tmp_path / "other", exchange.key, bob=8).attestation)
    mine = Forgery.of(exchange.attestation)
    mine.files["leaves/spot"] = theirs.files["leaves/spot"]
    mine.digest_again()
    mine.sign(exchange.key)
    report = exchange.audit(mine.write(tmp_path / "a")).report
    assert failed(report) == {"totals of spot", "account rules of spot"}


# --- the independent verifier on real output


def verify_independently(folder: Path, snapshot: Snapshot) -> bytes:
    """Read an attestation's files and hand them to the independent verifier."""
    signed = read_manifest(folder)
    header = json.loads(signed.data)["header"]
    circuits = {
        name: PlainCircuit(
            book.circuit.digest,
            [column.width for column in book.circuit.columns],
            [equation.terms for equation in book.circuit.equations],
            list(book.circuit.published.items()),
        )
        for name, book in snapshot.compile().items()
    }
    books = signed.manifest.header.books
    return independent_verifier.verify(
        header,
        circuits,
        {book.id: signed.read(f"leaves/{book.id}") for book in books},
        {book.id: signed.read(f"totals/{book.id}") for book in books},
        {book.id: [signed.read(f"liabilities/{book.id}/{j}") for j in range(book.shards)] for book in books},
    )


def test_the_independent_verifier_accepts_what_was_attested(exchange: Exchange) -> None:
    assert verify_independently(exchange.attestation, exchange.snapshot) == exchange.attested.digest


@pytest.mark.parametrize("inputs", [margined.inputs, charged.inputs], ids=["margined", "charged"])
def test_the_independent_verifier_accepts_a_margined_book(
    inputs: Callable[[Path], tuple[Snapshot, Ledger]], tmp_path: Path
) -> None:
    snapshot, ledger = inputs(tmp_path)
    attested = attest(BACKEND, snapshot, ledger, new_key(), tmp_path / "attestation", tmp_path / "private")
    assert verify_independently(tmp_path / "attestation", snapshot) == attested.digest


@pytest.mark.parametrize("name", ["bad debt hidden", "deposits raised by a padding leaf"])
def test_the_independent_verifier_refuses_a_cheat(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = tiny.inputs(tmp_path)
    cheating_report(tmp_path, inputs, SPOT_CHEATS[name], monkeypatch)
    with pytest.raises(RefusedError, match="linear proof"):
        verify_independently(tmp_path / "attestation", inputs[0])
