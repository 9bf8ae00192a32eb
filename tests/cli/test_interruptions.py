"""A reader that goes away, Ctrl-C, a full disk, no memory: the documented code, one line, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from zkmargin.cli import main, output
from zkmargin.cli.main import run

# Ctrl-C reaches a program on a terminal; one that was started in the background inherits that it is ignored.
START = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
PROGRAM = [sys.executable, "-c", START + "from zkmargin.cli.main import main; main()"]


def started(tmp_path: Path, *arguments: str, **streams: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    return subprocess.Popen([*PROGRAM, *arguments], env=environment, **streams)


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Wait; return the exit code and what was left in standard error."""
    try:
        _, text = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, (text or b"").decode()


@pytest.mark.parametrize("command", [["--help"], ["doctor", "--help"], ["demo", "--accounts", "20"]])
def test_nobody_reads(tmp_path: Path, command: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = started(tmp_path, *command, stdout=writing, stderr=writing)
    os.close(writing)
    assert ended(process)[0] == 130
    assert not list(tmp_path.glob("zkmargin-*"))


def test_an_interrupted_demo_leaves_nothing(tmp_path: Path) -> None:
    process = started(tmp_path, "demo", "--accounts", "3000", stderr=subprocess.PIPE)
    assert process.stderr is not None
    process.stderr.readline()  # "zkmargin demo, backend": it plays
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("zkmargin-demo-*/market")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(tmp_path.glob("zkmargin-demo-*"))
    process.send_signal(signal.SIGINT)
    code, text = ended(process)
    assert code == 130
    assert "interrupted" in text and "Traceback" not in text and "done:" not in text
    assert not list(tmp_path.glob("zkmargin-demo-*"))


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="no /dev/full: output to a full disk was not tried"
)
def test_output_to_a_full_disk(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        process = started(tmp_path, "--help", stdout=full.fileno(), stderr=subprocess.PIPE)
        code, text = ended(process)
    assert code == 3
    assert text.count("\n") == 1 and "No space left on device" in text


FAILURES = [
    (MemoryError(), "memory", "cannot go on: out of memory"),
    (MemoryError("Unable to allocate 9 EiB for hunter2"), "memory", "cannot go on: out of memory"),
    (
        OSError(28, "No space left on device", "/a/file"),
        "system",
        "cannot go on: No space left on device: /a/file",
    ),
    (OSError("hunter2"), "system", "cannot go on: OSError"),
]


@pytest.mark.parametrize(("error", "code", "line"), FAILURES)
def test_what_the_machine_lacks_is_undecided(
    error: BaseException,
    code: str,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @click.command()
    @output.json_option
    def command(as_json: bool) -> None:
        raise error

    monkeypatch.setattr(main.Commands, "get_command", lambda *_: command)
    assert run(["check"]) == 3
    out, err = capsys.readouterr()
    assert err == f"undecided: {line}\n" and not out
    assert run(["check", "--json"]) == 3
    out, err = capsys.readouterr()
    assert json.loads(out) == {"error": {"code": code, "message": line}, "exit_code": 3}


def test_a_disk_that_fills_while_attesting_leaves_no_attestation(
    attested: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, *arguments: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("zkmargin.attestation.manifest.write_new", full)
    where = ["-o", str(tmp_path / "a"), "--private", str(tmp_path / "p")]
    common = ["--risk", str(attested / "risk"), "--key", str(attested / "key")]
    assert run(["attest", str(attested / "ledger"), *common, *where]) == 3
    assert "No space left on device" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["p"]
