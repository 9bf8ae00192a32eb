from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from zkmargin import __version__
from zkmargin.cli import main, output
from zkmargin.cli.main import MODULES, run, zkmargin
from zkmargin.errors import (
    CircuitError,
    DecodeError,
    InputError,
    PolicyError,
    Problem,
    UndecidedError,
    UnmetPolicyError,
    UsageError,
    VerificationError,
    ZkmarginError,
)

SECRET = "hunter2"


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Put a command `check` in place that raises what a test leaves in the list."""
    errors: list[BaseException] = []

    @click.command()
    @output.json_option
    def command(as_json: bool) -> None:
        raise errors[0]

    monkeypatch.setattr(main.Commands, "get_command", lambda *_: command)
    return errors


@pytest.mark.parametrize(
    "error, code",
    [
        (VerificationError("x", "shown false"), 1),
        (DecodeError("x", "shown false"), 1),
        (UsageError("x", "usage"), 2),
        (PolicyError("x", "usage"), 2),
        (CircuitError("x", "usage"), 2),
        (InputError([Problem("f.csv", 2, "c", "v", "bad")]), 2),
        (UndecidedError("x", "undecided"), 3),
        (UnmetPolicyError("x", "unmet"), 4),
        (ZkmarginError("x", "unknown"), 70),
        (OSError(28, "No space left on device", "/somewhere"), 3),
        (MemoryError(SECRET), 3),
        (RuntimeError(SECRET), 70),
        (KeyError(SECRET), 70),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
        (click.UsageError("no"), 2),
    ],
)
def test_exit_codes(
    failing: list[BaseException], error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(error)
    assert run(["check"]) == code
    out, err = capsys.readouterr()
    assert err.strip() and not out
    assert SECRET not in err and "Traceback" not in err


def test_a_bug_is_placed_but_not_quoted(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(RuntimeError(SECRET))
    run(["check"])
    assert "RuntimeError at test_main.py:" in capsys.readouterr().err


def test_errors_as_json(failing: list[BaseException], capsys: pytest.CaptureFixture[str]) -> None:
    failing.append(InputError([Problem("f.csv", 2, "held", "-1", "negative", "a hint")], truncated=3))
    assert run(["check", "--json"]) == 2
    assert json.loads(capsys.readouterr().out) == {
        "error": {
            "code": "input",
            "message": "4 problems",
            "truncated": 3,
            "problems": [
                {
                    "file": "f.csv",
                    "row": 2,
                    "column": "held",
                    "value": "-1",
                    "message": "negative",
                    "hint": "a hint",
                }
            ],
        },
        "exit_code": 2,
    }
    failing[0] = VerificationError("root", "another root", expected=1, actual=2, hint="look")
    run(["check", "--json"])
    assert json.loads(capsys.readouterr().out)["error"] == {
        "code": "root", "message": "another root", "expected": "1", "actual": "2", "hint": "look",
    }  # fmt: skip


def test_an_error_of_click_has_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert run(["no-such-command"]) == 2
    assert run(["example", "--accounts", "many", "-o", "x"]) == 2
    out, err = capsys.readouterr()
    assert not out and "many" in err


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == run(["--help"]) == run(["example", "-h"]) == 0
    assert __version__ in capsys.readouterr().out


def test_every_listed_command_has_its_module_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    context = click.Context(zkmargin)
    listed = zkmargin.list_commands(context)
    assert {"example", "import", "check", "risk"} <= set(listed) <= set(MODULES)
    for name in listed:
        assert run([name, "--help"]) == 0
        assert "Usage: zkmargin " + name in capsys.readouterr().out


@pytest.mark.parametrize(
    "text, shown",
    [
        ("plain [bold]text[/]", "plain [bold]text[/]"),
        ("ok\nVERIFIED", "ok\\nVERIFIED"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\rb\tc", "a\\rb\\tc"),
        ("evil\u202etxt.exe", "evil\\u202etxt.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("Zoë 币", "Zoë 币"),
    ],
)
def test_text_of_files_is_shown_escaped(text: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert output.escape(text) == shown
    output.say(text)
    assert capsys.readouterr().err == shown + "\n"
    output.emit(f"one\n{text}")
    assert capsys.readouterr().out == "\n".join(["one", *map(output.escape, text.split("\n")), ""])
    output.emit_table(["name", "size"], [[text, "3"]])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_progress_is_silent_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress("rows", 3) as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")


def test_json_has_exact_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    from fractions import Fraction

    output.emit_json({"b": Fraction(5, 4), "a": b"\x01", "c": Fraction(1, 3)})
    assert json.loads(capsys.readouterr().out) == {"a": "01", "b": "1.25", "c": "1/3"}
    with pytest.raises(TypeError):
        output.emit_json({"a": object()})


def test_no_colour_in_a_pipe_or_with_no_color(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zkmargin.cli.main", "check", str(tmp_path), "--risk", str(tmp_path)]
    for extra in ({}, {"NO_COLOR": "1"}):
        result = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, **extra}, check=False
        )
        assert result.returncode == 3 and "\x1b" not in result.stderr and not result.stdout
