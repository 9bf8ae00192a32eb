"""Whole attestations of several books: the native backend publishes the reference's bytes."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.attestation.exchange import new_key
from zkmargin.attestation.build import Snapshot, attest
from zkmargin.group import Backend
from zkmargin.group.bn254 import Bn254
from zkmargin.group.generators import GeneratorStore
from zkmargin.group.reference import ReferenceBackend
from zkmargin.inputs import load_ledger, load_market
from zkmargin.inputs.example import write_example
from zkmargin.risk.table import build_risk_table

pytestmark = pytest.mark.skipif(
    find_spec("zkmargin._kernels") is None, reason="the native module is not built"
)


def test_both_backends_publish_the_same_bytes(tmp_path: Path) -> None:
    """Portfolio and spot book, isolated pot, unhealthy accounts, padding: one epoch key, two backends."""
    from zkmargin.group.native import NativeBackend

    write_example(tmp_path, 24)
    policy, market = load_market(tmp_path / "market")
    ledger = load_ledger(tmp_path / "ledger", policy, market)
    snapshot, key = Snapshot(policy, market, build_risk_table(policy, market)), new_key()
    store = GeneratorStore(None)
    backends: dict[str, Backend] = {
        "native": NativeBackend(store),
        "reference": ReferenceBackend(Bn254(store)),
    }
    published, secret = {}, {}
    for name, backend in backends.items():
        attest(backend, snapshot, ledger, key, tmp_path / name, tmp_path / "private")
        published[name] = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        secret[name] = {path.name: path.read_bytes() for path in (tmp_path / "private").iterdir()}
    assert published["native"] == published["reference"]
    assert (
        len(published["native"]) == 11
    )  # manifest, signature, policy, market, risk; leaves and two proofs a book
    assert secret["native"] == secret["reference"]
