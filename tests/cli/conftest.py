"""An exchange that attested, for the commands that only read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zkmargin.cli.main import run

Call = Callable[..., int]


@pytest.fixture(scope="session")
def zkmargin() -> Call:
    return lambda *arguments: run([str(argument) for argument in arguments])


@pytest.fixture(scope="session")
def attested(tmp_path_factory: pytest.TempPathFactory, zkmargin: Call) -> Path:
    """40 accounts; A0000007 has a cross and an isolated pot, A0000000 one leaf."""
    out = tmp_path_factory.mktemp("attested") / "x"
    assert zkmargin("example", "-o", out, "--accounts", 40) == 0
    assert zkmargin("risk", "build", out / "market", "-o", out / "risk") == 0
    assert zkmargin("keygen", "-o", out / "key") == 0
    common = ("--risk", out / "risk", "--key", out / "key")
    assert (
        zkmargin("attest", out / "ledger", *common, "-o", out / "attestation", "--private", out / "private")
        == 0
    )
    for account, name in (("A0000007", "two.bundle"), ("A0000000", "one.bundle")):
        where = ("--private", out / "private", "--key", out / "key")
        assert zkmargin("bundle", *where, "--account", account, "-o", out / name) == 0
    return out
