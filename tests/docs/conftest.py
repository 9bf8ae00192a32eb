"""The README's tour is taken once; the documents' tests look at what it printed and wrote."""

from __future__ import annotations

import pytest
from readme_tour import ROOT, Tour, take


@pytest.fixture(scope="session")
def readme() -> str:
    return (ROOT / "README.md").read_text()


@pytest.fixture(scope="session")
def tour(readme: str, tmp_path_factory: pytest.TempPathFactory) -> Tour:
    return take(readme, tmp_path_factory.mktemp("tour"))
