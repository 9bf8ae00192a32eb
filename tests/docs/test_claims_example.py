"""docs/claims.md: its commands print what it shows, its forms are read, its Python runs."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from fractions import Fraction
from io import StringIO
from pathlib import Path

import pytest
from readme_tour import ROOT, Tour, inside, missing, take

from zkmargin.claim_language import Unit, parse

TEXT = (ROOT / "docs/claims.md").read_text()


@pytest.fixture(scope="module")
def claims(tour: Tour) -> Tour:
    (Path(tour.folder) / "loan.claim").unlink(missing_ok=True)
    return take(TEXT, tour.folder)


def test_what_is_shown_was_printed(claims: Tour) -> None:
    assert [step.command.split()[1] for step in claims.steps] == ["claim", "verify-claim"]
    for step in claims.steps:
        assert step.code == 0, step.err
        assert step.shown
        assert missing(step) == []


def test_every_form_of_the_table_is_one() -> None:
    rows = [line.split("|")[1] for line in TEXT.splitlines() if line.startswith("| `")]
    forms = [form for row in rows for form in re.findall(r"`([^`]+)`", row)]
    assert len(forms) >= 8
    for form in forms:
        assert len(parse(form, Unit("USD", Fraction(1, 1000)))) == 1


def test_python_runs(tour: Tour) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    out = StringIO()
    with inside(tour.folder), redirect_stdout(out):
        exec(code, {})  # noqa: S102 - our own document
    assert out.getvalue() == "VERIFIED ['net value >= 4000 USD']\n"
