"""docs/formats.md: every message and code that it lists is the program's, and none of the ledger's is left out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from readme_tour import ROOT

import zkmargin

SOURCES = Path(zkmargin.__file__).parent
FORMATS = (ROOT / "docs/formats.md").read_text()
REFUSALS = FORMATS.partition("## What is refused")[2].partition("\n## ")[0]
MESSAGES, CODES = REFUSALS.split("Later steps refuse", 1)


def texts(folder: Path) -> Iterator[str]:
    """Yield every text of the sources, with "..." for what an f-string fills in."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def listed(text: str) -> list[str]:
    """Return what stands as code in the last column of a table."""
    rows = [line.split("|")[-2] for line in text.splitlines() if line.startswith("|")]
    return [item for row in rows for item in re.findall(r"`([^`]+)`", row) if "(" not in item]


ALL_TEXTS = frozenset(texts(SOURCES)).union(*(texts(ROOT / folder) for folder in ("circuits", "cli")))
INPUT_TEXTS = frozenset(texts(SOURCES / "inputs"))
LITERAL = 12  # letters that a text with blanks must have, or it would fit anything

FITTING = (text for text in INPUT_TEXTS if "..." in text and len(text.replace("...", "")) >= LITERAL)
PATTERNS = [re.compile(re.escape(text).replace(r"\.\.\.", ".+")) for text in FITTING]


def known(message: str) -> bool:
    """Tell whether the program can say this; what an f-string fills in may be anything."""
    return message in INPUT_TEXTS or any(pattern.fullmatch(message) for pattern in PATTERNS)


@pytest.mark.parametrize("message", [item for item in listed(MESSAGES) if item != "normal"])
def test_every_message_is_the_programs(message: str) -> None:
    assert known(message)


def test_an_invented_message_is_not() -> None:
    assert not known("the asset is made of cheese")
    assert not known("the book ... has no cheese")


def noted() -> Iterator[str]:
    """Yield the messages with which the readers of tables and ledgers note a problem."""
    for name in (
        "account_rows.py",
        "ledger_rows.py",
        "ledger_files.py",
        "control.py",
        "decimals.py",
        "tables.py",
    ):
        for node in ast.walk(ast.parse((SOURCES / "inputs" / name).read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            place = {"fault": 2, "add": 4, "_add_problem": 4, "BadNumberError": 0}.get(called)
            if place is not None and len(node.args) > place and isinstance(node.args[place], ast.Constant):
                yield str(node.args[place].value)  # type: ignore[attr-defined]


def test_no_message_of_the_ledger_is_left_out() -> None:
    found = set(noted())
    assert len(found) > 20
    assert found - set(listed(MESSAGES)) == set()


@pytest.mark.parametrize(
    "code", re.findall(r"`([a-z-]+)`", "\n".join(re.findall(r"^\| (`.*?) \|", CODES, re.M)))
)
def test_every_code_is_the_programs(code: str) -> None:
    assert code in ALL_TEXTS
