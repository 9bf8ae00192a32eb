"""`zkmargin import`: make input files of another system's files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from zkmargin.cli.output import emit_json, json_option, say
from zkmargin.cli.parameters import utc_time
from zkmargin.files import new_directory
from zkmargin.inputs.binance import Cut, import_binance
from zkmargin.inputs.binance_brackets import FILE, import_brackets
from zkmargin.inputs.decimals import decimal_text
from zkmargin.wording import counted


@click.command("import")
@click.argument("form", metavar="FORMAT", type=click.Choice(["binance", "binance-brackets"]))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "output", required=True, type=click.Path(path_type=Path), help="Directory to create.")
@click.option(
    "--at",
    type=utc_time,
    metavar="TIME",
    help="Time of the prices, which the files do not say. Default: now.",
)
@click.option(
    "--quote",
    "quotes",
    multiple=True,
    default=("USDT",),
    show_default=True,
    help="binance-brackets: take contracts quoted in this asset; may be given several times.",
)
@json_option
def command(
    form: str,
    files: tuple[Path, ...],
    output: Path,
    at: datetime | None,
    quotes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write what other systems' files say in the form of input files.

    FORMAT binance writes DIR/market and DIR/ledger from the accounts of a proof of solvency (rn,id,e_X,d_X,...) and
    its asset file with prices and collateral tiers, in any order. Only e_, d_, vl_, m_ and pm_ columns are read.
    Pledges beyond a holding are cut.

    FORMAT binance-brackets writes DIR/brackets.toml, a part of policy.toml, from leverage brackets as the exchange's
    API answers them or as ccxt keeps them. Maintenance amounts are compared with floors and rates.
    """
    if form == "binance":
        _import_accounts(files, output, at or datetime.now(UTC).replace(microsecond=0), as_json=as_json)
    else:
        _import_brackets(files, output, quotes, as_json=as_json)


def _import_accounts(files: tuple[Path, ...], output: Path, time: datetime, *, as_json: bool) -> None:
    with new_directory(output) as folder:
        report = import_binance(files, folder, time)
    for cut in report.cuts:
        say(_cut_text(cut))
    cut_accounts = len({cut.account for cut in report.cuts})
    say(
        f"binance: {counted(report.accounts, 'account')}; {report.short} with less collateral than debt; "
        f"pledges cut in {cut_accounts}: {output / 'market'}, {output / 'ledger'}"
    )
    if as_json:
        cuts = [vars(cut) for cut in report.cuts]
        emit_json({"accounts": report.accounts, "short": report.short, "cuts": cuts})


def _import_brackets(
    files: tuple[Path, ...], output: Path, quotes: tuple[str, ...], *, as_json: bool
) -> None:
    with new_directory(output) as folder:
        report = import_brackets(files, folder, quotes)
    brackets = sum(map(len, report.brackets.values()))
    say(
        f"binance-brackets: {counted(brackets, 'bracket')} of {counted(len(report.brackets), 'contract')}; "
        f"{len(report.left_out)} not quoted in {' or '.join(quotes)}: {output / FILE}"
    )
    if as_json:
        emit_json(
            {"contracts": len(report.brackets), "brackets": brackets, "left_out": list(report.left_out)}
        )


def _cut_text(cut: Cut) -> str:
    amounts = f"{decimal_text(cut.pledged)} -> {decimal_text(cut.kept)}"
    return f"{cut.file}:{cut.row}: {cut.account}: {cut.asset} pledged for {cut.pool} beyond the holding: {amounts}"
