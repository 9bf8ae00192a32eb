"""How long attesting will take on plain Python: said before the work starts, not found out in it."""

from __future__ import annotations

from collections.abc import Callable

from zkmargin.attestation.book import leaf_count
from zkmargin.attestation.build import Snapshot
from zkmargin.group.backend import Backend
from zkmargin.inputs.ledger import Ledger

LONG = 60.0  # seconds from which a command says how long it will take
SECONDS_PER_LEAF = 3e-3  # reference backend, commitments and tree; docs/adr/0002-attestation-layout.md
SECONDS_PER_AMOUNT = 3e-4


def estimated_seconds(snapshot: Snapshot, ledger: Ledger) -> float:
    """Estimate the time of the reference backend, roughly: what grows with accounts and with what they hold."""
    seconds = 0.0
    for name, pots in ledger.pots.items():
        amounts = sum(map(len, pots.values.values()))
        seconds += SECONDS_PER_LEAF * leaf_count(snapshot.policy.books[name], len(pots))
        seconds += SECONDS_PER_AMOUNT * amounts
    return seconds


def warn_if_slow(backend: Backend, snapshot: Snapshot, ledger: Ledger, say: Callable[[str], None]) -> None:
    """Say so if the reference backend would take over a minute."""
    seconds = estimated_seconds(snapshot, ledger)
    if backend.name.startswith("reference") and seconds > LONG:
        say(
            f"no native kernels: on plain Python this takes about {seconds / 60:.0f} minutes; "
            "install with a Rust toolchain for the fast backend (zkmargin doctor says why it is missing)"
        )
