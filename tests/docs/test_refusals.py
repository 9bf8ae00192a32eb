"""docs/formats.md: every message and code that it lists is the program's, and no message is left out."""

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


ALL_TEXTS = frozenset(text for folder in (SOURCES, ROOT / "cli", ROOT / "circuits") for text in texts(folder))
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


def text_of(node: ast.expr) -> str | None:
    """Return a message as written, with "..." for what an f-string fills in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


PLACES = {"fault": 2, "add": 4, "_add_problem": 4, "BadNumberError": 0}  # of the message among the arguments


def noted() -> Iterator[str]:
    """Yield the messages with which the readers of inputs note a problem, and with which rules yield a fault."""
    for path in sorted((SOURCES / "inputs").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                found = node.args[PLACES[called] :][:1] if called in PLACES else []
            elif isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
                found = node.value.elts[2:3] if len(node.value.elts) == FAULT else []
            else:
                continue
            yield from (text for item in found if (text := text_of(item)) is not None)


FAULT = 4  # name, value, message, hint


def test_no_message_is_left_out() -> None:
    found, told = set(noted()), set(listed(MESSAGES))
    patterns = [re.compile(re.escape(text).replace(r"\.\.\.", ".+")) for text in told if text != "not ..."]
    assert len(found) > 130
    assert {
        text for text in found - told if not any(pattern.fullmatch(text) for pattern in patterns)
    } == set()


@pytest.mark.parametrize(
    "code", re.findall(r"`([a-z-]+)`", "\n".join(re.findall(r"^\| (`.*?) \|", CODES, re.M)))
)
def test_every_code_is_the_programs(code: str) -> None:
    assert code in ALL_TEXTS
