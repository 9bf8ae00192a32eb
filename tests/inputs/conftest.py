from __future__ import annotations

from pathlib import Path

import pytest
from small_exchange import write_market

from zkmargin.inputs import load_market
from zkmargin.inputs.market import Market
from zkmargin.inputs.policy import Policy


@pytest.fixture
def public(tmp_path: Path) -> tuple[Policy, Market]:
    return load_market(write_market(tmp_path / "market"))
