"""`zkmargin claim`: a customer proves something of the own account to a third party."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from zkmargin import limits
from zkmargin.bundle import read_bundle
from zkmargin.claim import Claim
from zkmargin.claim_language import form_text
from zkmargin.claim_maker import make_claim, read_attested
from zkmargin.cli.output import say
from zkmargin.files import SECRET_FILE, check_new, read_bounded, write_atomic
from zkmargin.group import default_backend
from zkmargin.secrets import KEY_BYTES, NonceKey
from zkmargin.wording import counted


@click.command()
@click.argument("bundles", nargs=-1, required=True, metavar="BUNDLE...", type=click.Path(path_type=Path))
@click.argument("text", metavar="FORM")
@click.option(
    "--attestation", required=True, type=click.Path(path_type=Path), help="The published attestation."
)
@click.option("--context", required=True, help="What the verifier told you to write; nobody else accepts it.")
@click.option(
    "--pot", "pots", multiple=True, help="Only this pot of the bundles; may be given several times."
)
@click.option(
    "--bits", type=click.Choice(["64", "128"]), default="64", show_default=True, help="Bits of every value."
)
@click.option("--text", "as_text", is_flag=True, help="Write the text that fits into a QR code.")
@click.option("-o", "output", required=True, type=click.Path(path_type=Path), help="File to create.")
def command(
    bundles: tuple[Path, ...],
    text: str,
    attestation: Path,
    context: str,
    pots: tuple[str, ...],
    bits: str,
    as_text: bool,
    output: Path,
) -> None:
    """Prove FORM, such as "equity >= 1.5 * requirement", of the account in BUNDLE; positions stay secret.

    Figures are equity, net value, requirement and initial requirement; several forms are joined by "and", constants are
    in the quote currency. A form is about every leaf of the bundles, unless --pot chooses or it begins with "leaf 2:".
    """
    check_new(output)
    backend = default_backend()
    signed = [
        read_bundle(backend, read_bounded(path, limits.MAX_JSON_BYTES, "the bundle")) for path in bundles
    ]
    attested = read_attested(attestation)
    claim = make_claim(
        backend,
        attested,
        [item.bundle for item in signed],
        text,
        context,
        NonceKey(secrets.token_bytes(KEY_BYTES)).source(backend.order),
        pots=pots,
        bits=int(bits),
    )
    data = claim.to_text(backend).encode() + b"\n" if as_text else claim.to_bytes(backend)
    write_atomic(output, data, SECRET_FILE)
    for number, leaf in enumerate(claim.statement.leaves):
        forms = [form_text(form, attested.unit) for form in claim.statement.forms if form.leaf == number]
        say(f"leaf {number + 1}, {leaf.book}/{leaf.index}: {' and '.join(forms)}")
    say(_summary(claim, context, len(data), output))


def _summary(claim: Claim, context: str, size: int, output: Path) -> str:
    count = counted(len(claim.statement.forms), "form")
    return f"claim of {count} for {context}: {size} bytes, {output}"
