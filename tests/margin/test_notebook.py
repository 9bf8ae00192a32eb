"""The notebook of the examples runs from its first to its last cell, and says what it shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebooks" / "portfolio_margin.ipynb"


@pytest.fixture(scope="module")
def notebook() -> dict[str, Any]:
    if not NOTEBOOK.exists():
        pytest.skip("the examples are not beside the tests here")
    return dict(json.loads(NOTEBOOK.read_text(encoding="utf-8")))


def test_is_a_notebook_without_outputs(notebook: dict[str, Any]) -> None:
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    identities = [cell["id"] for cell in notebook["cells"]]
    assert len(set(identities)) == len(identities)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["execution_count"], cell["outputs"]) == (None, [])


def test_code_cells_run(
    notebook: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    monkeypatch.setattr("tempfile.mkdtemp", lambda: str(tmp_path / "exchange"))
    (tmp_path / "exchange").mkdir()
    space: dict[str, Any] = {"__name__": "__main__"}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), space)  # noqa: S102 - our own file
    text = capsys.readouterr().out
    assert "binds: " in text
    assert space["found"].requirement[1] < space["found"].requirement[0]  # the put hedges
    difference = space["difference"]
    assert np.all(difference > -1e-6)
    assert np.all(difference < 0.05)
    assert len(matplotlib.pyplot.get_fignums()) == 4
    matplotlib.pyplot.close("all")
