"""The schemas of docs/schemas, with what they refer to in one another."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator
from readme_tour import ROOT
from referencing import Registry, Resource

SCHEMAS = {path.stem: json.loads(path.read_text()) for path in (ROOT / "docs/schemas").glob("*.json")}
REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()
)


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[name], registry=REGISTRY)
