from __future__ import annotations

import pytest

from tests.attestation.exchange import Exchange, open_exchange


@pytest.fixture(scope="session")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    """One attestation for all tests that only read it."""
    return open_exchange(tmp_path_factory.mktemp("exchange"))
