"""docs/schemas: what the program writes fits, and neither schema nor parser takes a surplus or a missing member."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from derive_market import compiled, market
from json_schemas import SCHEMAS, validator
from jsonschema import Draft202012Validator
from readme_tour import ROOT, Tour, called

from zkmargin import canonical
from zkmargin.attestation.manifest import Manifest
from zkmargin.bundle import read_bundle
from zkmargin.cli.main import run
from zkmargin.errors import DecodeError
from zkmargin.group import default_backend
from zkmargin.inputs.market import Market
from zkmargin.inputs.market_files import load_market
from zkmargin.inputs.policy import Policy
from zkmargin.risk.entries import RiskTable
from zkmargin.risk.table import build_risk_table

FILES = {  # what has a strict parser
    "manifest": "attestation/manifest.json",
    "signature": "attestation/signature.json",
    "bundle": "alice.bundle",
    "policy": "risk/policy.json",
    "market": "risk/market.json",
    "risk": "risk/risk.json",
    "circuits": "risk/circuits.json",
}
PARSERS: dict[str, Callable[[Any], object]] = {
    "manifest": lambda value: Manifest.from_bytes(canonical.encode(value)),
    "bundle": lambda value: read_bundle(default_backend(), canonical.encode(value)),
    "policy": Policy.from_json,
    "market": Market.from_json,
    "risk": RiskTable.from_json,
}
OUTPUTS = {
    "output-check": "zkmargin check exchange/ledger --risk risk",
    "output-margin": "zkmargin margin exchange/ledger --risk risk --account A0000007",
    "output-risk": "zkmargin risk show risk --circuit",
    "output-audit": "zkmargin audit attestation --trust exchange.key.pub",
    "output-verify": "zkmargin verify alice.bundle --attestation attestation --trust exchange.key.pub "
    "--id user000000@example.com --audit",
    "output-verify-claim": "zkmargin verify-claim alice.claim --attestation attestation --trust exchange.key.pub "
    "--context lender --require 'equity >= requirement' --audit",
    "output-attest": "zkmargin attest exchange/ledger --risk risk --key exchange.key -o again --private private",
    "output-error": "zkmargin check exchange/market --risk risk",
    "output-import": "zkmargin import binance users.csv assets.csv -o imported --at 2026-01-01T00:00:00Z",
    "output-doctor": "zkmargin doctor",
}


IMPORTED = {  # a pledge beyond the holding is cut
    "users.csv": "rn,id,e_btc,d_btc,btc,vl_btc,m_btc,pm_btc,total_net_balance_usdt\n0,aa,1,0,1,1,0.5,0,1\n",
    "assets.csv": "symbol,usdt_price,loan_tiers_ratio,margin_tiers_ratio,portfolio_tiers_ratio\n"
    "btc,65100.22,[0-10000:100],,\n",
}


@pytest.fixture(scope="session")
def documents(tour: Tour) -> dict[str, Any]:
    """One real document for every schema but the shared one."""
    for name, text in IMPORTED.items():
        (tour.folder / name).write_text(text)
    made = "zkmargin claim alice.bundle 'equity >= requirement' --attestation attestation --context lender"
    assert called(tour.folder, f"{made} -o alice.claim")[0] == 0
    found = {name: json.loads((tour.folder / path).read_bytes()) for name, path in FILES.items()}
    return found | {name: tour.json(command) for name, command in OUTPUTS.items()}


@pytest.mark.parametrize("name", OUTPUTS)
def test_members_have_no_spaces_and_exit_codes_are_numbers(documents: dict[str, Any], name: str) -> None:
    for path in objects(documents[name]):
        for key, value in at(documents[name], path).items():
            assert path[-1:] == ("totals",) or " " not in key, (path, key)
            assert key != "exit_code" or type(value) is int


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"] == f"urn:zkmargin:schema:{name}"
    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_schema_has_its_document() -> None:
    assert set(SCHEMAS) == {*FILES, *OUTPUTS, "common"}


@pytest.mark.parametrize("name", [*FILES, *OUTPUTS])
def test_real_documents_fit(documents: dict[str, Any], name: str) -> None:
    validator(name).validate(documents[name])


def objects(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every object."""
    if isinstance(value, dict):
        yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, dict | list):
            yield from objects(item, (*path, key))


def shapes(value: Any) -> list[tuple[Any, ...]]:
    """One way to each kind of object: array elements and names of things count once."""
    kinds: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for path in objects(value):
        holder = at(value, path)
        kind = (*(key if isinstance(key, str) else "*" for key in path[:2]), len(path), tuple(sorted(holder)))
        kinds.setdefault(kind, path)
    return list(kinds.values())


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def altered(value: Any, path: tuple[Any, ...], change: Callable[[dict[str, Any]], object]) -> Any:
    out = copy.deepcopy(value)
    change(at(out, path))
    return out


@pytest.mark.parametrize("name", [*FILES, *OUTPUTS])
def test_a_surplus_member_is_refused_everywhere(documents: dict[str, Any], name: str) -> None:
    fits = validator(name).is_valid
    for path in shapes(documents[name]):
        surplus = altered(documents[name], path, lambda holder: holder.update({"Surplus": {"x": True}}))
        assert not fits(surplus), path
        if name in PARSERS:
            with pytest.raises(DecodeError):
                PARSERS[name](surplus)


@pytest.mark.parametrize("name", ["bundle", "manifest", "market", "policy", "risk"])
def test_a_missing_member_is_refused_by_the_schema_wherever_the_parser_needs_it(
    documents: dict[str, Any], name: str
) -> None:
    """A schema may say less than the parser, which knows how the parts belong together, but never more."""
    fits = validator(name).is_valid
    for path in shapes(documents[name]):
        for key in at(documents[name], path):
            less = altered(documents[name], path, lambda holder, key=key: holder.pop(key))  # type: ignore[misc]
            if not fits(less):
                with pytest.raises(DecodeError):
                    PARSERS[name](less)


@pytest.mark.parametrize(
    "name, path, value",
    [
        ("manifest", ("header", "books", 0, "leaves"), 32),  # numbers are strings in what is signed
        ("manifest", ("header", "books", 0, "leaves"), "032"),
        ("manifest", ("header", "policy"), "AB" * 32),
        ("manifest", ("header", "previous"), None),
        ("manifest", ("format",), "zkmargin/attestation/2"),
        ("bundle", ("body", "leaves", 0, "inputs", 0, 2), "0"),
        ("bundle", ("body", "leaves", 0, "inputs", 0, 0), "unknown"),
        ("bundle", ("body", "leaves"), []),
        ("policy", ("equity_quantum",), "1e-6"),
        ("policy", ("equity_quantum",), "0"),
        ("policy", ("books", "portfolio", "model"), "other"),
        ("market", ("instruments", "BTC", "inverse"), "false"),
        ("market", ("time",), "2026-01-30 08:00:00"),
        ("risk", ("lot_value", "BTC"), "1/2"),
        ("output-audit", ("exit_code",), "4"),
        ("output-audit", ("verdict",), "OK"),
        ("output-attest", ("books", "spot", "leaves"), "16"),
        ("output-import", ("cuts", 0, "kept"), 0),
        ("output-doctor", ("selftest", 0, "passed"), 1),
        ("output-margin", ("books", "portfolio", "unhealthy"), -1),
    ],
)
def test_values_that_a_schema_refuses(
    documents: dict[str, Any], name: str, path: tuple[Any, ...], value: object
) -> None:
    changed = altered(documents[name], path[:-1], lambda holder: holder.__setitem__(path[-1], value))
    assert not validator(name).is_valid(changed)


@pytest.mark.usefixtures("documents")
def test_reports_that_could_not_read_anything_fit(tour: Tour, tmp_path: Path) -> None:
    for name, command in (
        ("output-audit", f"zkmargin audit {tmp_path / 'nothing'} --json"),
        ("output-verify", f"zkmargin verify alice.bundle --attestation {tmp_path / 'nothing'} --json"),
        (
            "output-verify-claim",
            f"zkmargin verify-claim alice.claim --attestation {tmp_path / 'nothing'} --context x --require x --json",
        ),
    ):
        code, out, _ = called(tour.folder, command)
        assert code == 3
        validator(name).validate(json.loads(out))


def test_an_error_without_problems_fits(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["risk", "show", str(tmp_path / "nothing"), "--json"]) == 3
    validator("output-error").validate(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("preset", ["clearing-house", "greeks", "simm"])
def test_models_with_parameters_fit(preset: str, tmp_path: Path) -> None:
    """Policies, returns and order books that the tour has not; surplus members are refused."""
    shutil.copytree(ROOT / "examples/clearing-house/market", tmp_path / "market")
    shutil.copy(ROOT / f"examples/policies/{preset}.toml", tmp_path / "market" / "policy.toml")
    documents = dict(zip(("policy", "market"), load_market(tmp_path / "market"), strict=True))
    for name, document in documents.items():
        value = json.loads(canonical.encode(document.to_json()))
        validator(name).validate(value)
        for path in shapes(value):
            surplus = altered(value, path, lambda holder: holder.update({"Surplus": {"x": True}}))
            with pytest.raises(DecodeError):
                PARSERS[name](surplus)


@pytest.mark.parametrize("model", ["derive-pm2", "derive-srm"])
def test_what_only_some_models_write_fits(model: str) -> None:
    policy, table, _ = compiled(model)
    validator("policy").validate(canonical.decode(canonical.encode(policy.to_json()), "policy"))
    validator("market").validate(canonical.decode(canonical.encode(market().to_json()), "market"))
    validator("risk").validate(canonical.decode(canonical.encode(table.to_json()), "risk"))


def test_books_of_portfolio_margin_fit() -> None:
    policy, market = load_market(ROOT / "examples/deribit/market")
    table = build_risk_table(policy, market)
    for name, value in (("policy", policy.to_json()), ("risk", table.to_json())):
        plain = json.loads(canonical.encode(value))
        validator(name).validate(plain)
        book = plain["books"]["btc"]
        row = book["parameters"]["basis"]["BTC"] if name == "policy" else book["delta"]["BTC-25SEP26-50000-P"]
        row["surplus"] = "1"
        assert not validator(name).is_valid(plain)
