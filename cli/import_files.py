"""`zkmargin import`: make a market and a ledger of another system's files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from zkmargin.cli.output import emit_json, json_option, say
from zkmargin.cli.parameters import utc_time
from zkmargin.files import new_directory
from zkmargin.inputs.binance import Cut, import_binance
from zkmargin.inputs.decimals import decimal_text
from zkmargin.wording import counted


@click.command("import")
@click.argument("form", metavar="FORMAT", type=click.Choice(["binance"]))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "output", required=True, type=click.Path(path_type=Path), help="Directory to create.")
@click.option(
    "--at",
    type=utc_time,
    metavar="TIME",
    help="Time of the prices, which the files do not say. Default: now.",
)
@json_option
def command(form: str, files: tuple[Path, ...], output: Path, at: datetime | None, as_json: bool) -> None:
    """Write DIR/market and DIR/ledger from other systems' files.

    FORMAT binance: the accounts of a proof of solvency (rn,id,e_X,d_X,...) and its asset file with prices and
    collateral tiers, in any order. Only e_, d_, vl_, m_ and pm_ columns are read. Pledges beyond a holding are cut.
    """
    time = at or datetime.now(UTC).replace(microsecond=0)
    with new_directory(output) as folder:
        report = import_binance(files, folder, time)
    for cut in report.cuts:
        say(_cut_text(cut))
    cut_accounts = len({cut.account for cut in report.cuts})
    say(
        f"{form}: {counted(report.accounts, 'account')}; {report.short} with less collateral than debt; "
        f"pledges cut in {cut_accounts}: {output / 'market'}, {output / 'ledger'}"
    )
    if as_json:
        cuts = [vars(cut) for cut in report.cuts]
        emit_json({"accounts": report.accounts, "short": report.short, "cuts": cuts})


def _cut_text(cut: Cut) -> str:
    amounts = f"{decimal_text(cut.pledged)} -> {decimal_text(cut.kept)}"
    return f"{cut.file}:{cut.row}: {cut.account}: {cut.asset} pledged for {cut.pool} beyond the holding: {amounts}"
