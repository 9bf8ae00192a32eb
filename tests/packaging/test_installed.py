"""The installed package is whole: every module, every version, the native module where it should be."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import zkmargin

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CRATE = tomllib.loads((ROOT / "kernels/Cargo.toml").read_text())
PACKAGES = PROJECT["tool"]["setuptools"]["packages"]


def modules() -> list[str]:
    found = []
    for package in PACKAGES:
        paths = importlib.import_module(package).__path__
        found += [f"{package}.{module.name}" for module in pkgutil.iter_modules(paths)]
    return sorted(set(found) - {"zkmargin._kernels", "zkmargin.__main__"})


NATIVE = {"zkmargin.group.native", "zkmargin.group.native_booleanity"}  # of no use without the native module


@pytest.mark.parametrize("name", modules())
def test_every_module_imports(name: str) -> None:
    if name in NATIVE and importlib.util.find_spec("zkmargin._kernels") is None:
        with pytest.raises(ImportError, match="_kernels"):
            importlib.import_module(name)
        return
    importlib.import_module(name)


def test_the_list_of_packages_is_complete() -> None:
    folders = {
        f"{package}.{entry.parent.name}"
        for package in PACKAGES
        for path in importlib.import_module(package).__path__
        for entry in Path(path).glob("*/__init__.py")
    }
    assert folders <= set(PACKAGES)


def test_one_version() -> None:
    expected = PROJECT["project"]["version"]
    assert zkmargin.__version__ == expected
    assert importlib.metadata.version("zkmargin") == expected
    assert CRATE["package"]["version"] == expected


def test_type_information_is_installed() -> None:
    folder = Path(str(zkmargin.__file__)).parent
    assert (folder / "py.typed").is_file()
    assert (folder / "_kernels.pyi").is_file()


def test_no_generic_top_level_module_is_installed(tmp_path: Path) -> None:
    names = ["circuits", "cli", "kernels", "tests"]
    code = f"import importlib.util as u; print([n for n in {names} if u.find_spec(n)])"
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_command_is_installed() -> None:
    (command,) = importlib.metadata.entry_points(group="console_scripts", name="zkmargin")
    assert command.value == PROJECT["project"]["scripts"]["zkmargin"]


def test_the_native_module_is_as_the_run_states(pytestconfig: pytest.Config) -> None:
    expected = pytestconfig.getoption("--kernels")
    if expected == "any":
        pytest.skip("this run states nothing about the native module (--kernels)")
    if expected == "absent":
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("zkmargin._kernels")
    else:
        assert importlib.import_module("zkmargin._kernels").info()["version"] == zkmargin.__version__
