"""The native module where it was built: the one place that looks for it. Whoever has it gets equal bytes, sooner."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load() -> Any:
    """Return the native module, None where the package was built without it."""
    try:
        return import_module("zkmargin._kernels")
    except ImportError:
        return None
