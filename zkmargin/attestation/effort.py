"""How long attesting will take on plain Python: said before the work starts, not found out in it."""

from __future__ import annotations

from collections.abc import Callable

from zkmargin.attestation.book import leaf_count
from zkmargin.attestation.build import Snapshot
from zkmargin.group.backend import Backend
from zkmargin.inputs.ledger import Ledger
from zkmargin.inputs.models import MODELS

LONG = 60.0  # seconds from which a command says how long it will take
# Processor seconds of the reference backend without native module, proofs included: docs/adr/0002-attestation-layout.md
# has what was measured. The proofs' fixed part grows with the circuit, which grows with what a book may hold.
SECONDS_PER_BOOK = 1.8
SECONDS_PER_INSTRUMENT = 0.03  # of each book: assets, and contracts where it takes positions
SECONDS_PER_LEAF = 2.5e-4
SECONDS_PER_AMOUNT = 1.2e-4


def estimated_seconds(snapshot: Snapshot, ledger: Ledger) -> float:
    """Estimate the time of `attest` with the reference backend, within a factor of 2 on the machine measured."""
    policy, market = snapshot.policy, snapshot.market
    seconds = 0.0
    for name, pots in ledger.pots.items():
        book = policy.books[name]
        instruments = len(market.assets) + (len(market.contracts) if MODELS[book.model].trades else 0)
        amounts = sum(map(len, pots.values.values()))
        seconds += SECONDS_PER_BOOK + SECONDS_PER_INSTRUMENT * instruments
        seconds += SECONDS_PER_LEAF * leaf_count(book, len(pots)) + SECONDS_PER_AMOUNT * amounts
    return seconds


def warn_if_slow(backend: Backend, snapshot: Snapshot, ledger: Ledger, say: Callable[[str], None]) -> None:
    """Say so if the reference backend would take over a minute."""
    seconds = estimated_seconds(snapshot, ledger)
    if backend.name.startswith("reference") and seconds > LONG:
        say(
            f"no native kernels: on plain Python this takes about {seconds / 60:.0f} minutes; "
            "install with a Rust toolchain for the fast backend (zkmargin doctor says why it is missing)"
        )
