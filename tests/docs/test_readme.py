"""README.md: its commands run as they stand, print what it shows, and its Python runs in their folder."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO

import pytest
from readme_tour import Step, Tour, commands, inside, missing


def test_the_tour_ends_as_it_says(tour: Tour) -> None:
    names = [step.command.split()[1] for step in tour.steps]
    assert names == ["example", "risk", "check", "margin", "keygen", "attest", "bundle", "verify", "audit"]
    for step in tour.steps:
        assert step.code == 0, (step.command, step.err)


def test_what_is_shown_was_printed(tour: Tour) -> None:
    assert {step.command: missing(step) for step in tour.steps if missing(step)} == {}
    assert all(step.shown for step in tour.steps)


def test_other_output_would_be_noticed(tour: Tour) -> None:
    audit = tour.steps[-1]
    assert missing(Step(audit.command, ("attestation: INVALID",), 0, audit.out, audit.err))


def test_python_runs(readme: str, tour: Tour) -> None:
    first, second = re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    out = StringIO()
    with inside(tour.folder), redirect_stdout(out):
        exec(first, names)  # noqa: S102 - our own README
        exec(second, names)  # noqa: S102
    printed = out.getvalue()
    assert "2 of 30 pots are below their requirement" in printed
    assert "isolated-1 710.732 normal" in printed
    assert "[ 615.4" in printed


def test_commands_are_found() -> None:
    text = "```console\n$ zkmargin a -o x \\\n  --b\nshown\n\n$ zkmargin c\n```\n"
    assert list(commands(text)) == [("zkmargin a -o x    --b", ("shown",)), ("zkmargin c", ())]


@pytest.mark.parametrize("target", ["demo", "test", "setup"])
def test_make_has_the_targets(target: str) -> None:
    from readme_tour import ROOT

    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
