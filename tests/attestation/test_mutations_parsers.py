"""Random canonical JSON into every parser of what is read from outside: a value or a typed error, nothing else."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attestation import charged, margined
from tests.attestation.exchange import ALICE, BACKEND, Exchange, new_key, open_exchange
from tests.attestation.forging import Forgery, at, containers, replaced, routes
from zkmargin import canonical
from zkmargin.attestation.build import attest
from zkmargin.attestation.manifest import Manifest
from zkmargin.attestation.public import check_public_inputs, parse_strictly
from zkmargin.attestation.report import Report
from zkmargin.bundle import read_bundle
from zkmargin.canonical import Json
from zkmargin.errors import UndecidedError, UnmetPolicyError, VerificationError, ZkmarginError
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import Policy
from zkmargin.risk.entries import RiskTable

# Part of both runs: a few examples each in CI, thousands under the profile of `make fuzz`.
pytestmark = [pytest.mark.fuzz] if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else []
VERDICTS = (VerificationError, UndecidedError, UnmetPolicyError)

texts = st.one_of(
    st.sampled_from(
        ["", "0", "1", "-1", "1/2", "0/1", "1/0", "USD", "BTC", "cash", "shocked", "call", "spot", "option"]
    ),
    st.sampled_from(
        ["00" * 32, "ff" * 32, "1" * 59, "9" * 5000, "1e9", "NaN", "inf", "2026-01-01T00:00:00Z", "held"]
    ),
    st.text(max_size=6),
)
values: st.SearchStrategy[Json] = st.recursive(
    st.booleans() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module", params=[margined.inputs, charged.inputs], ids=["margined", "charged"])
def templates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Json]:
    """One lawful document of each kind, with perpetual and option."""
    folder = tmp_path_factory.mktemp("templates")
    snapshot, ledger = request.param(folder)
    key = new_key()
    attested = attest(BACKEND, snapshot, ledger, key, folder / "attestation", folder / "private")
    exchange = Exchange(folder, key, snapshot, ledger, attested)
    forgery = Forgery.of(exchange.attestation)
    documents = {role: forgery.json(role) for role in ("policy", "market", "risk")}
    return {
        **documents,
        "manifest": forgery.manifest,
        "bundle": json.loads(exchange.signed(exchange.bundle("1"))),
    }


PARSERS: dict[str, Callable[[bytes], object]] = {
    "bundle": lambda data: read_bundle(BACKEND, data),
    "manifest": Manifest.from_bytes,
    "policy": lambda data: parse_strictly("policy", data, Policy.from_json),
    "market": lambda data: parse_strictly("market", data, Market.from_json),
    "risk": lambda data: parse_strictly("risk", data, RiskTable.from_json),
}


@pytest.mark.parametrize("kind", PARSERS)
def test_every_template_parses(templates: dict[str, Json], kind: str) -> None:
    PARSERS[kind](canonical.encode(templates[kind]))


@pytest.mark.parametrize("kind", PARSERS)
@given(value=values)
def test_anything(kind: str, value: Json) -> None:
    with contextlib.suppress(*VERDICTS):
        PARSERS[kind](canonical.encode(value))


@pytest.mark.parametrize("kind", PARSERS)
@given(data=st.binary(max_size=60))
def test_any_bytes(kind: str, data: bytes) -> None:
    with pytest.raises(VERDICTS):
        PARSERS[kind](data)


@pytest.mark.parametrize("kind", PARSERS)
@given(data=st.data())
def test_anything_in_one_place(templates: dict[str, Json], kind: str, data: st.DataObject) -> None:
    """A lawful document with one value, object or array replaced, in the middle of everything else."""
    document = mutated(templates[kind], data)
    with contextlib.suppress(*VERDICTS):
        PARSERS[kind](canonical.encode(document))


@given(data=st.data())
def test_recomputing_survives_what_parses(templates: dict[str, Json], data: st.DataObject) -> None:
    """Public inputs that parse are used: rules, prices, tables and circuits from unlawful ones end in a verdict."""
    kinds = data.draw(
        st.lists(st.sampled_from(["policy", "market", "risk"]), min_size=1, max_size=2, unique=True)
    )
    documents = dict(templates)
    for kind in kinds:
        documents[kind] = mutated(documents[kind], data)
    report = Report("public inputs")
    check_public_inputs(report, Published(documents))  # type: ignore[arg-type]
    assert report.checks


def mutated(document: Json, data: st.DataObject) -> Json:
    places = [*routes(document), *containers(document)]
    route = data.draw(st.sampled_from(places))
    old = at(document, route)
    numbers = st.integers(-(10**6), 10**6).map(str) | st.fractions().map(canonical.fraction_text)
    new: Any = data.draw(values | numbers if not isinstance(old, bool) else st.just(not old) | values)
    return replaced(document, route, new)


class Published:
    """What check_public_inputs reads of a signed manifest, digests made to fit."""

    def __init__(self, documents: dict[str, Json]) -> None:
        self.data = {role: canonical.encode(documents[role]) for role in ("policy", "market", "risk")}
        digests = {role: canonical.digest(documents[role]) for role in self.data}
        manifest = json.loads(canonical.encode(documents["manifest"]))
        manifest["files"] |= {role: digest.hex() for role, digest in digests.items()}
        manifest["header"] |= {role: digests[role].hex() for role in ("policy", "market")}
        manifest["header"]["books"][0]["risk"] = digests["risk"].hex()
        self.manifest = Manifest.from_bytes(canonical.encode(manifest))

    def read(self, role: str) -> bytes:
        return self.data[role]


@given(inputs=st.lists(st.tuples(texts, texts, st.integers(-(2**70), 2**70).map(str)), max_size=4))
def test_inputs_of_a_bundle(exchange_of_module: Exchange, inputs: list[tuple[str, str, str]]) -> None:
    """Signed by the exchange, well formed, and nonsense."""
    from tests.attestation.forging import sign_bundle

    exchange = exchange_of_module
    body = json.loads(exchange.signed(exchange.bundle("1")))["body"]
    body["leaves"][0]["inputs"] = sorted({(kind, name): [kind, name, n] for kind, name, n in inputs}.values())
    honest = [["held", "USD", "100"]]
    report = exchange.verify(sign_bundle(body, exchange.key), ALICE).report
    assert (report.outcome.value == 0) == (body["leaves"][0]["inputs"] == honest)


@pytest.fixture(scope="module")
def exchange_of_module(tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    return open_exchange(tmp_path_factory.mktemp("module"))


@given(data=st.binary(max_size=40))
def test_keys(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    from zkmargin.signing import load_public_key, load_signing_key

    path: Path = tmp_path_factory.mktemp("key") / "key"
    for content in (data, b"-----BEGIN PUBLIC KEY-----\n" + data + b"\n-----END PUBLIC KEY-----\n"):
        path.write_bytes(content)
        for load in (load_public_key, load_signing_key):
            with pytest.raises(ZkmarginError):
                load(path)
