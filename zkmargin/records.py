"""A customer's own records, read with the lots and symbols of an attestation, to be held against a bundle."""

from __future__ import annotations

from pathlib import Path

from zkmargin.attestation.manifest import MARKET, POLICY, read_manifest
from zkmargin.attestation.public import parse_strictly
from zkmargin.bundle import read_bundle
from zkmargin.bundle_verifier import Records
from zkmargin.group.backend import Backend
from zkmargin.inputs.ledger_files import load_records
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import Policy


def read_records(backend: Backend, bundle: bytes, attestation: Path, folder: Path) -> Records:
    """Read balances and positions of the bundle's account from a folder in the ledger's form; lots by pot and input.

    Raise InputError for rows that cannot be read, DecodeError or UndecidedError for bundle or attestation.
    """
    signed, opened = read_manifest(attestation), read_bundle(backend, bundle).bundle
    policy = parse_strictly(POLICY, signed.read(POLICY), Policy.from_json)
    market = parse_strictly(MARKET, signed.read(MARKET), Market.from_json)
    records: dict[tuple[str, tuple[str, str]], int] = {}
    for book in sorted({leaf.book for leaf in opened.leaves} & set(policy.books)):
        pots = load_records(folder, policy, market, opened.account, book)
        for key, column in pots.values.items():
            for row, value in zip(column.rows.tolist(), column.values.tolist(), strict=True):
                records[pots.labels[row][1], key] = value
    return records
