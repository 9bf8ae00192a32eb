"""`zkmargin keygen`: a signing key for attestations and bundles."""

from __future__ import annotations

from pathlib import Path

import click

from zkmargin.cli.output import say
from zkmargin.signing import fingerprint, generate


@click.command()
@click.option("-o", "output", required=True, type=click.Path(path_type=Path), help="File of the secret key.")
def command(output: Path) -> None:
    """Make an Ed25519 signing key: KEY (secret, mode 0600) and KEY.pub, which verifiers trust."""
    public = generate(output)
    say(f"secret key: {output} (keep it); public key: {output}.pub (publish it)")
    say(f"fingerprint: {fingerprint(public)}")
