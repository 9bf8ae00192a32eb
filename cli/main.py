"""The command line: finds a command's module when it is asked for, and turns errors into exit codes.

0 verified or done; 1 shown false; 2 usage or configuration; 3 cannot decide; 4 policy not met; 70 internal error;
130 interrupted, or nobody reads the output any more. Nothing secret is ever in a message, and no traceback is shown.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import traceback
from importlib import import_module
from importlib.util import find_spec

import click

from zkmargin import __version__
from zkmargin.cli.output import report_error, say
from zkmargin.errors import UndecidedError, ZkmarginError

USAGE, UNDECIDED, INTERNAL, INTERRUPTED = 2, 3, 70, 130

# Circuits are objects by the hundred thousand that stay: looking for garbage at every 700th costs a third of compiling
YOUNG_OBJECTS = 50_000

# Commands in the order of their use; each module has one `command`.
MODULES = {
    "demo": "demo",
    "example": "example",
    "keygen": "keygen",
    "import": "import_files",
    "risk": "risk",
    "check": "check",
    "margin": "margin",
    "attest": "attest",
    "bundle": "bundle",
    "verify": "verify",
    "claim": "claim",
    "verify-claim": "verify_claim",
    "audit": "audit",
    "doctor": "doctor",
}


class Commands(click.Group):
    """Commands whose modules are imported when they are needed, so that each starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, module in MODULES.items() if find_spec(f"zkmargin.cli.{module}") is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command = import_module(f"zkmargin.cli.{MODULES[cmd_name]}").command
        return command if isinstance(command, click.Command) else None


@click.command(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="zkmargin")
def zkmargin() -> None:
    """Prove that every customer is counted and every account meets its margin requirement."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the documented code."""
    gc.set_threshold(YOUNG_OBJECTS)
    given = sys.argv[1:] if arguments is None else arguments
    sys.exit(run(given))


def run(arguments: list[str]) -> int:
    """Run one command line; return the exit code."""
    try:
        return _run(arguments)
    except (SystemExit, BrokenPipeError):  # click and rich exit with 1 when nobody reads what they write
        _close_streams()
        return INTERRUPTED
    except OSError:  # not even the report of an error could be written
        _close_streams()
        return UNDECIDED


def _run(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    try:
        code = zkmargin.main(arguments, prog_name="zkmargin", standalone_mode=False)
    except ZkmarginError as error:
        report_error(error, as_json=as_json)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE
    except click.ClickException as error:
        error.show()
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except (OSError, MemoryError) as error:
        report_error(_no_way_on(error), as_json=as_json)
        return UNDECIDED
    except Exception as error:
        _report_bug(error)
        return INTERNAL
    return code if isinstance(code, int) else 0


def _no_way_on(error: OSError | MemoryError) -> UndecidedError:
    """Say in one line what the machine lacks: memory, space, a file."""
    if isinstance(error, MemoryError):
        return UndecidedError("memory", "cannot go on: out of memory")
    text = f"cannot go on: {error.strerror or type(error).__name__}"
    return UndecidedError("system", text + (f": {error.filename}" if error.filename else ""))


def _close_streams() -> None:
    """Let what is still buffered go nowhere, so that the interpreter does not end with a code of its own."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _report_bug(error: Exception) -> None:
    """Say where it happened; the message and the variables may be secret."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames))
    say(f"internal error: {type(error).__name__} at {where}; please report it", style="red")


if __name__ == "__main__":
    main()
