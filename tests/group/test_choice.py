from pathlib import Path

import pytest

from zkmargin.group import choice, default_backend
from zkmargin.group.curve import R


def test_one_backend_for_the_whole_process():
    assert default_backend() is default_backend()
    assert default_backend().order == R


def test_the_cache_follows_the_xdg_rules(monkeypatch):
    assert choice.cache_folder({"XDG_CACHE_HOME": "/somewhere"}) == Path("/somewhere/zkmargin")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/alice"))
    for environment in ({}, {"XDG_CACHE_HOME": ""}, {"XDG_CACHE_HOME": "relative"}):
        assert choice.cache_folder(environment) == Path("/home/alice/.cache/zkmargin")


def test_no_home_no_cache(monkeypatch):
    def homeless():
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", homeless)
    assert choice.cache_folder({}) is None


@pytest.mark.parametrize("native", [True, False])
def test_the_native_backend_is_chosen_where_it_can_be_imported(monkeypatch, native):
    class Module:
        derive = None

        class NativeBackend:
            def __init__(self, store):
                self.store = store

    def load(name):
        assert name == "zkmargin.group.native"
        if not native:
            raise ImportError(name)
        return Module

    monkeypatch.setattr(choice, "import_module", load)
    backend = choice.default_backend.__wrapped__()
    assert isinstance(backend, Module.NativeBackend) == native
    if not native:
        assert backend.name == "reference (BN254 G1 on Python integers)"
