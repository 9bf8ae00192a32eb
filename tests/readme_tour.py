"""The README's tour, taken apart and run as it stands."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zkmargin.cli.main import run

ROOT = Path(__file__).parents[1]
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Step:
    """One command of the tour, what the README shows of it, and what it did."""

    command: str
    shown: tuple[str, ...]
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Tour:
    folder: Path
    steps: tuple[Step, ...]

    def json(self, command: str) -> Any:
        """What a command of the tour writes with --json in the tour's folder."""
        return json.loads(called(self.folder, f"{command} --json")[1])


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def called(folder: Path, command: str) -> tuple[int, str, str]:
    """Run `zkmargin ...` in a folder; return exit code, stdout, stderr."""
    program, *arguments = shlex.split(command)
    assert program == "zkmargin", command
    out, err = io.StringIO(), io.StringIO()
    with inside(folder), redirect_stdout(out), redirect_stderr(err):
        code = run(arguments)
    return code, out.getvalue(), err.getvalue()


def commands(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the commands of the console blocks with the lines that stand under each."""
    for block in CONSOLE.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.replace("\\\n", " ").splitlines()
            yield command, tuple(line for line in shown if line.strip())


def take(readme: str, folder: Path) -> Tour:
    """Run every command of the README in one folder."""
    return Tour(folder, tuple(Step(line, shown, *called(folder, line)) for line, shown in commands(readme)))


def squeezed(line: str) -> str:
    """Column widths depend on the rows that were left out."""
    return " ".join(line.split())


def missing(step: Step) -> list[str]:
    """Return the shown lines that the command did not print, in this order or at all."""
    printed = [squeezed(line) for line in (step.err + "\n" + step.out).splitlines()]
    absent = []
    for line in step.shown:
        pattern = re.escape(squeezed(line)).replace("…", ".*")
        if not any(re.fullmatch(pattern, other) for other in printed):
            absent.append(line)
    return absent
