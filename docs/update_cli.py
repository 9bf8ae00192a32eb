"""Write the help text of every command into docs/cli.md: `python docs/update_cli.py`.

Only what stands in a block under a line `<!-- zkmargin ... -->` is replaced. A test compares both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from zkmargin.cli.main import zkmargin

DOCUMENT = Path(__file__).with_name("cli.md")
WIDTH = 100
BLOCK = re.compile(
    r"(?<=<!-- )(zkmargin(?: [a-z-]+)*)( -->\n+```text\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL
)


def helps(command: click.Command = zkmargin, name: str = "zkmargin") -> Iterator[tuple[str, str]]:
    """Yield the help text of a command and of every command below it, by its whole name."""
    context = click.Context(
        command,
        info_name=name,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["-h", "--help"],
    )
    yield name, command.get_help(context) + "\n"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            if (found := command.get_command(context, below)) is not None:
                yield from helps(found, f"{name} {below}")


def updated(text: str) -> str:
    """Return the document with today's help texts; raise KeyError for a command that is not there."""
    known = dict(helps())
    return BLOCK.sub(lambda block: block[1] + block[2] + known[block[1]], text)


def described(text: str) -> list[str]:
    """Return the commands that the document describes, in its order."""
    return [block[1] for block in BLOCK.finditer(text)]


if __name__ == "__main__":
    DOCUMENT.write_text(updated(DOCUMENT.read_text()))
