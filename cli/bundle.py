"""`zkmargin bundle`: what customers verify their inclusion with."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import click
from zkmargin.cli.output import say

from zkmargin.attestation.private import PrivateFolder
from zkmargin.bundle import write_bundle
from zkmargin.errors import UsageError
from zkmargin.files import (
    SECRET_DIRECTORY,
    SECRET_FILE,
    new_directory,
    refuse_existing,
    write_atomic,
    write_new,
)
from zkmargin.group import default_backend
from zkmargin.signing import load_signing_key


@click.command()
@click.option(
    "--private", required=True, type=click.Path(path_type=Path), help="The snapshot's private folder."
)
@click.option(
    "--key", "key_file", required=True, type=click.Path(path_type=Path), help="Signing key (keygen)."
)
@click.option("--account", help="Write the bundle of this account.")
@click.option(
    "--all", "everybody", is_flag=True, help="Write the bundles of all accounts into a new directory."
)
@click.option(
    "-o", "output", required=True, type=click.Path(path_type=Path), help="File, or directory for --all."
)
def command(private: Path, key_file: Path, account: str | None, everybody: bool, output: Path) -> None:
    """Write signed bundles from a private folder.

    A bundle is secret: who has it sees what the account holds. With --all every file is named after its account.
    """
    if (account is None) != everybody:
        raise UsageError("account", "give either --account ID or --all")
    refuse_existing(output)
    key, folder, backend = load_signing_key(key_file), PrivateFolder(private), default_backend()
    if account is not None:
        (bundle,) = folder.bundles([account])
        write_atomic(output, write_bundle(backend, bundle, key), SECRET_FILE)
        say(f"bundle of {account}: {len(bundle.leaves)} leaves, {output}")
        return
    count = 0
    with new_directory(output, SECRET_DIRECTORY) as target:
        for bundle in folder.bundles():
            name = quote(bundle.account, safe="") + ".json"
            write_new(target / name, write_bundle(backend, bundle, key), SECRET_FILE)
            count += 1
    say(f"{count} bundles in {output}")
