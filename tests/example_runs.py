"""What an example's README tells to run, run."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from readme_tour import ROOT, inside

from zkmargin.cli.main import run

EXAMPLES = ROOT / "examples"


def commands(text: str) -> str:
    """Return the one block of commands of a README."""
    (found,) = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return str(found)


@contextmanager
def followed(folder: Path, lines: str) -> Iterator[None]:
    """Be in a folder with the examples, in which these commands were run; each must succeed."""
    (folder / "examples").symlink_to(EXAMPLES)
    with inside(folder):
        for line in lines.splitlines():
            assert run(shlex.split(line)[1:]) == 0, line
        yield


def output(capsys: pytest.CaptureFixture[str], command: str) -> Any:
    """Return what a command that succeeds writes with --json."""
    capsys.readouterr()
    assert run([*command.split(), "--json"]) == 0
    return json.loads(capsys.readouterr().out)
