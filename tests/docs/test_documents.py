"""The documents: every test, file, command and decision that they name exists."""

from __future__ import annotations

import ast
import re
import runpy
from functools import cache
from pathlib import Path

import pytest
from readme_tour import ROOT

from zkmargin.inputs.models import MODELS

DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
THREATS = (ROOT / "docs/threat-model.md").read_text()
CLI = runpy.run_path(str(ROOT / "docs/update_cli.py"))
TEST_ID = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")


@cache
def functions(path: str) -> frozenset[str]:
    """Return the tests of a file; those of a class as Class::test."""
    body = ast.parse((ROOT / path).read_text()).body
    classes = [node for node in body if isinstance(node, ast.ClassDef)]
    within = {f"{c.name}::{n.name}" for c in classes for n in c.body if isinstance(n, ast.FunctionDef)}
    return frozenset({node.name for node in body if isinstance(node, ast.FunctionDef)} | within)


@pytest.mark.parametrize("path, name", sorted(set(TEST_ID.findall(THREATS))))
def test_tests_of_the_threat_model_exist(path: str, name: str) -> None:
    assert name in functions(path)


def test_every_attack_names_a_test() -> None:
    section = ""
    attacks = 0
    for line in THREATS.splitlines():
        section = line if line.startswith("## ") else section
        rows = line.startswith("| ") and re.match(r"## (Attacks|Faults)", section)
        if rows and line.split("|")[1].strip() not in ("attack", "fault"):
            attacks += 1
            assert TEST_ID.search(line), line
    assert attacks > 60


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


def anchors(path: Path) -> set[str]:
    """Anchors of a document's headings, as hosting sites make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_help_texts_are_todays() -> None:
    text = (ROOT / "docs/cli.md").read_text()
    assert CLI["updated"](text) == text, "run python docs/update_cli.py"


def test_every_command_is_described_once() -> None:
    described = CLI["described"]((ROOT / "docs/cli.md").read_text())
    assert sorted(described) == sorted(name for name, _ in CLI["helps"]())


@pytest.mark.parametrize("model", MODELS)
def test_every_margin_model_is_described(model: str) -> None:
    margin, inputs = ((ROOT / "docs" / name).read_text() for name in ("margin.md", "inputs.md"))
    assert margin.count(f'\n## Model "{model}": ') == 1
    assert margin.count(f"\n| [{model}](#") == 1
    assert inputs.count(f'\n| "{model}" |') == 1


def test_decisions_have_numbers_of_their_own_and_stand_in_the_index() -> None:
    files = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
    numbers = [path.name[:4] for path in files]
    assert len(set(numbers)) == len(numbers)
    index = (ROOT / "docs/adr/README.md").read_text()
    assert re.findall(r"\]\((\d{4}-[^)]+)\)", index) == [path.name for path in files]
    for path in files:
        assert path.read_text().startswith(f"# {int(path.name[:4])}. "), path.name


def test_decisions_that_sources_cite_exist() -> None:
    sources = [
        path for folder in ("zkmargin", "circuits", "cli", "tests") for path in (ROOT / folder).rglob("*.py")
    ]
    for path in sources:
        for cited in re.findall(r"docs/[\w/.-]+\.md", path.read_text()):
            assert (ROOT / cited).exists(), f"{path.relative_to(ROOT)} cites {cited}"
