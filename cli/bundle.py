"""`zkmargin bundle`: what customers verify their inclusion with."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import quote

import click

from zkmargin.attestation.private import PrivateFolder
from zkmargin.bundle import write_bundle
from zkmargin.cli.output import say
from zkmargin.errors import UsageError
from zkmargin.files import (
    SECRET_DIRECTORY,
    SECRET_FILE,
    check_new,
    new_directory,
    write_atomic,
    write_new,
)
from zkmargin.group import default_backend
from zkmargin.signing import load_signing_key
from zkmargin.wording import counted

LONGEST_NAME = 200  # bytes; file systems take 255


def file_name(account: str) -> str:
    """Return the file name of an account's bundle; no two accounts share one: "=" is encoded in all other names."""
    name = quote(account, safe="")
    if len(name) > LONGEST_NAME:
        name = f"sha256={hashlib.sha256(account.encode()).hexdigest()}"
    return name + ".json"


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

    A bundle is secret: who has it sees what the account holds. With --all every file is named after its account,
    percent-encoded, with .json behind; where that is longer than 200 bytes, sha256= and the digest of the account.
    """
    if (account is None) != everybody:
        raise UsageError("account", "give either --account ID or --all")
    check_new(output)
    key, folder, backend = load_signing_key(key_file), PrivateFolder(private), default_backend()
    folder.check_key(key.public)
    if account is not None:
        (bundle,) = folder.bundles([account])
        write_atomic(output, write_bundle(backend, bundle, key), SECRET_FILE)
        say(f"bundle of {account}: {counted(len(bundle.leaves), 'leaf', 'leaves')}, {output}")
        return
    count = 0
    with new_directory(output, SECRET_DIRECTORY) as target:
        for bundle in folder.bundles():
            write_new(target / file_name(bundle.account), write_bundle(backend, bundle, key), SECRET_FILE)
            count += 1
    say(f"{counted(count, 'bundle')} in {output}")
