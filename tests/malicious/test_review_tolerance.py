"""One unit of an option's last digit is tolerated per lot: with lots of dust it would be the whole requirement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from malicious.dishonest import Lies, cheat, failed, removed

from tests.attestation import margined
from zkmargin.attestation import public
from zkmargin.attestation.build import Snapshot
from zkmargin.attestation.report import Outcome
from zkmargin.inputs.ledger import Ledger
from zkmargin.inputs.ledger_files import load_ledger
from zkmargin.inputs.market_files import load_market
from zkmargin.risk.entries import RiskTable
from zkmargin.risk.table import build_risk_table


def dusty(folder: Path) -> tuple[Snapshot, Ledger]:
    """The market of `margined`, its option in lots of 1e-13."""
    for name, text in margined.FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = text.replace("{perp}", "1001").replace(
            "CALL,option,BTC,USD,1,", "CALL,option,BTC,USD,0.0000000000001,"
        )
        path.write_text(text.replace('equity_quantum = "0.01"', 'equity_quantum = "1e-18"'))
    policy, market = load_market(folder / "market")
    snapshot = Snapshot(policy, market, build_risk_table(policy, market))
    return snapshot, load_ledger(folder / "ledger", policy, market)


def kinder(table: RiskTable) -> RiskTable:
    """Every entry of the option one unit lower: whoever is short loses less."""
    book = table.books["portfolio"]
    call = book.pnl["CALL"]
    altered = replace(call, values=tuple(value - 1 for value in call.values))
    return replace(table, books={"portfolio": replace(book, pnl={**book.pnl, "CALL": altered})})


def test_a_requirement_lost_in_dust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot, ledger = dusty(tmp_path / "cheat")
    lying = replace(snapshot, table=kinder(snapshot.table))
    cheating = cheat(monkeypatch, tmp_path / "cheat", Lies(), (lying, ledger))
    assert failed(cheating.audit().report) == ["circuit of portfolio"]
    with removed(monkeypatch, lambda patch: patch.setattr(public, "_check_overstatement", lambda *_: None)):
        believed = cheating.audit()
    assert believed.report.outcome is Outcome.PASSED
    (honest,) = (book for book in _requirements(snapshot, ledger))
    published = dict(cheating.attested.header.books[0].totals)["requirement"]
    assert published < honest / 2


def _requirements(snapshot: Snapshot, ledger: Ledger) -> list[int]:
    filled = (snapshot.compile()[name].fill(pots) for name, pots in ledger.pots.items())
    return [sum(int(row[2]) for row in witness.outputs) for witness in filled]
