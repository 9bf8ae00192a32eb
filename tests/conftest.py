"""What all tests share: which native module a run is about, the core, Hypothesis profiles."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Rooms whose code has native parts: the core, which runs once more without the native module.
CORE_ROOMS = frozenset({"attestation", "group", "malicious", "packaging", "proofs", "vectors"})
CORE_FILES = frozenset({"test_term_sums.py", "test_witness.py"})  # native lanes of circuits

HERE = Path(__file__).parent

settings.register_profile(
    "default", max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("core", settings.get_profile("default"), max_examples=15)
settings.register_profile(
    "fuzz", max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kernels",
        choices=("any", "present", "absent"),
        default="any",
        help="fail at once unless the native module is as stated; for runs that are meant to show it",
    )


def pytest_configure(config: pytest.Config) -> None:
    expected = config.getoption("--kernels")
    actual = "absent" if importlib.util.find_spec("zkmargin._kernels") is None else "present"
    if expected not in {"any", actual}:
        raise pytest.UsageError(f"--kernels={expected}, but zkmargin._kernels is {actual}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        room = item.path.relative_to(HERE).parts[0]
        if item.path.parent == HERE or room in CORE_ROOMS or item.path.name in CORE_FILES:
            item.add_marker(pytest.mark.core)
