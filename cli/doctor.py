"""`zkmargin doctor`: what is installed, how fast it is, and whether it does what it must."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from importlib import import_module, metadata

import click

from zkmargin import __version__
from zkmargin.cli.output import emit_json, emit_table, json_option, say
from zkmargin.group import Backend, default_backend
from zkmargin.group.bn254 import Bn254
from zkmargin.group.reference import ReferenceBackend
from zkmargin.selftest import Attempt, backends_agree, require, run_selftest
from zkmargin.wording import counted

LIBRARIES = ("numpy", "pyarrow", "pycryptodome", "py_ecc", "click", "rich")
ADDITION_ROUNDS, PRODUCT_ROUNDS = 1000, 10_000  # of 1,024 each, on every thread
REFERENCE_PRODUCTS = 1 << 16


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Show versions, the backend and why, the machine's speed, and run the self-test."""
    backend = default_backend()
    facts = {**_versions(), **_backend_facts(backend), **_speed(backend)}
    attempts = [_compare(backend), *run_selftest(backend)]
    if as_json:
        emit_json({"facts": facts, "selftest": [vars(attempt) for attempt in attempts]})
    else:
        emit_table(("what", "value"), [(name.replace("_", " "), value) for name, value in facts.items()])
        emit_table(("self-test", "result"), [(a.name, "ok" if a.passed else "FAILED") for a in attempts])
    require(attempts)
    say("self-test passed")


def _versions() -> dict[str, str]:
    facts = {"zkmargin": __version__, "python": platform.python_version(), "machine": platform.machine()}
    return facts | {name: metadata.version(name) for name in LIBRARIES}


def _backend_facts(backend: Backend) -> dict[str, str]:
    facts = {"backend": backend.name}
    try:
        info = import_module("zkmargin._kernels").info()
    except ImportError as error:
        facts["native_kernels"] = f"no: {error}"
        facts["hint"] = (
            "install with a Rust toolchain on PATH; cargo build in kernels/ says why a build fails"
        )
        return facts
    facts["native_kernels"] = (
        f"yes: {info['version']}, {info['arithmetic']} arithmetic, {counted(info['threads'], 'thread')}"
    )
    return facts


def _speed(backend: Backend) -> dict[str, str]:
    """Measure additions (batched affine) and field multiplications a second."""
    try:
        kernels = import_module("zkmargin._kernels")
    except ImportError:
        points = backend.generators("BG", 0, 2048)
        return {
            "additions": _rate(len(points) / _seconds(lambda: backend.add(points, points)), "one thread"),
            "multiplications": _rate(REFERENCE_PRODUCTS / _seconds(_python_products), "one thread"),
        }
    rates = {}
    for name, work, rounds in (
        ("additions", kernels.run_additions, ADDITION_ROUNDS),
        ("multiplications", kernels.run_multiplications, PRODUCT_ROUNDS),
    ):
        started = time.perf_counter()
        rates[name] = _rate(work(rounds) / (time.perf_counter() - started), "all threads")
    return rates


def _python_products() -> None:
    order = ReferenceBackend(Bn254()).order
    value = x = order // 3
    for _ in range(REFERENCE_PRODUCTS):
        x = x * value % order


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return max(time.perf_counter() - started, 1e-9)


def _rate(per_second: float, where: str) -> str:
    return f"{per_second / 1e6:.2f} million a second on {where}"


def _compare(backend: Backend) -> Attempt:
    return Attempt(
        "the backend gives the reference's bytes", backends_agree(backend, ReferenceBackend(Bn254()))
    )
