"""Which backend a program uses, and where its generators are cached: the edge of the group layer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

from zkmargin.group.backend import Backend
from zkmargin.group.bn254 import Bn254
from zkmargin.group.generators import GeneratorStore
from zkmargin.group.reference import ReferenceBackend


@cache
def default_backend() -> Backend:
    """Return the native backend where it was built, else the reference backend; one for the whole process."""
    folder = cache_folder(os.environ)
    try:
        native = import_module("zkmargin.group.native")
    except ImportError:  # built without the native module
        return ReferenceBackend(Bn254(GeneratorStore(folder)))
    backend: Backend = native.NativeBackend(GeneratorStore(folder, native.derive))
    return backend


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """Return the user's cache folder by the XDG rules; None without a home, and then nothing is cached."""
    base = environment.get("XDG_CACHE_HOME", "")
    if Path(base).is_absolute():  # the rules ignore a relative path
        return Path(base) / "zkmargin"
    try:
        return Path.home() / ".cache" / "zkmargin"
    except RuntimeError:
        return None
