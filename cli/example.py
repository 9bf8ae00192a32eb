"""`zkmargin example`: write a realistic, reproducible exchange."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from zkmargin.cli.output import say
from zkmargin.files import new_directory
from zkmargin.inputs.example import write_example
from zkmargin.inputs.example_market import DEFAULT_CONTRACTS, LEAST_CONTRACTS
from zkmargin.inputs.table_writer import Format
from zkmargin.wording import counted


@click.command()
@click.option("-o", "output", required=True, type=click.Path(path_type=Path), help="Directory to create.")
@click.option("--accounts", required=True, type=click.IntRange(min=1), help="Number of accounts.")
@click.option("--seed", default=0, show_default=True, help="Another seed, another exchange.")
@click.option("--format", "form", default="csv", show_default=True, type=click.Choice(["csv", "parquet"]))
@click.option(
    "--instruments",
    default=DEFAULT_CONTRACTS,
    show_default=True,
    type=click.IntRange(min=LEAST_CONTRACTS),
    help="Perpetuals, futures and options in all.",
)
def command(output: Path, accounts: int, seed: int, form: str, instruments: int) -> None:
    """Write a realistic, reproducible exchange: DIR/market and DIR/ledger."""
    with new_directory(output) as folder:
        write_example(folder, accounts, seed=seed, form=cast(Format, form), contracts=instruments)
    counts = f"{counted(accounts, 'account')}, {counted(instruments, 'instrument')}"
    say(f"{counts}: {output / 'market'}, {output / 'ledger'}")
