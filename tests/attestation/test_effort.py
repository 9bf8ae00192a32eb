"""How long attesting takes on plain Python is said before it starts, and only where it matters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zkmargin.attestation import effort
from zkmargin.attestation.build import Snapshot
from zkmargin.attestation.effort import LONG, estimated_seconds, warn_if_slow
from zkmargin.group.bn254 import Bn254
from zkmargin.group.reference import ReferenceBackend
from zkmargin.inputs import load_ledger, load_market
from zkmargin.inputs.example import write_example
from zkmargin.inputs.ledger import Ledger
from zkmargin.risk.table import build_risk_table

Case = tuple[Snapshot, Ledger]

# accounts and contracts of the example: processor seconds of `attest` (docs/adr/0002-attestation-layout.md)
MEASURED = {(100, 17): 4.4, (400, 17): 4.7, (1000, 17): 5.1, (100, 100): 7.2}


class Native:
    name = "native (BN254 G1)"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, int], Case]:
    def make(accounts: int, contracts: int) -> Case:
        folder: Path = tmp_path_factory.mktemp("effort")
        write_example(folder, accounts, contracts=contracts)
        policy, market = load_market(folder / "market")
        table = build_risk_table(policy, market)
        return Snapshot(policy, market, table), load_ledger(folder / "ledger", policy, market)

    return make


def test_the_estimate_is_near_what_was_measured(case: Callable[[int, int], Case]) -> None:
    found = {size: estimated_seconds(*case(*size)) for size in MEASURED}
    for size, seconds in MEASURED.items():
        assert seconds / 1.5 < found[size] < seconds * 1.5, size


def test_the_estimate_grows_with_accounts_and_instruments(case: Callable[[int, int], Case]) -> None:
    small = estimated_seconds(*case(50, 17))
    assert small < estimated_seconds(*case(500, 17))
    assert small < estimated_seconds(*case(50, 60))


def test_only_the_reference_backend_beyond_a_minute_warns(
    case: Callable[[int, int], Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, ledger = case(50, 17)
    reference = ReferenceBackend(Bn254())
    said: list[str] = []
    warn_if_slow(reference, snapshot, ledger, said.append)
    assert not said
    seconds = estimated_seconds(snapshot, ledger)
    monkeypatch.setattr(effort, "SECONDS_PER_BOOK", effort.SECONDS_PER_BOOK + (LONG - seconds) / 2 - 0.01)
    warn_if_slow(reference, snapshot, ledger, said.append)  # just below
    assert not said
    monkeypatch.setattr(effort, "SECONDS_PER_BOOK", effort.SECONDS_PER_BOOK + 30)
    warn_if_slow(Native(), snapshot, ledger, said.append)  # type: ignore[arg-type]
    assert not said
    warn_if_slow(reference, snapshot, ledger, said.append)
    assert len(said) == 1 and "about 2 minutes" in said[0]
