"""Time the real commands on the standard book, phase by phase, and hold them against a micro-kernel of the same run.

    python benchmarks/bench.py [--accounts 10000 100000] [--save]

Every size runs in a process of its own: risk build, attest, bundles, verify, audit, as the commands do them. Phases are
timed inside that run, by wrapping the functions that do them. Machines are noisy: compare ratios, and runs of one day.
`--save` stores the run as benchmarks/baseline.json, against which later runs are shown.
"""

from __future__ import annotations

import argparse
import functools
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zkmargin.attestation import audit, book, build, private
from zkmargin.attestation.public import check_manifest, check_public_inputs
from zkmargin.attestation.report import Report
from zkmargin.bundle import read_bundle, write_bundle
from zkmargin.bundle_verifier import open_leaf
from zkmargin.circuits.fill import Program
from zkmargin.circuits.witness import Witness
from zkmargin.cli.main import YOUNG_OBJECTS
from zkmargin.group import Backend, default_backend
from zkmargin.group.bn254 import Bn254
from zkmargin.group.choice import cache_folder
from zkmargin.group.generators import GeneratorStore
from zkmargin.group.reference import ReferenceBackend
from zkmargin.inputs import load_ledger, load_market
from zkmargin.proofs import (
    booleanity_prover,
    liabilities_prover,
    liabilities_verifier,
    totals_prover,
    totals_verifier,
)
from zkmargin.risk.table import build_risk_table
from zkmargin.signing import generate, load_signing_key

sys.path.insert(0, str(Path(__file__).parent))
from standard_book import write_standard_book

BASELINE = Path(__file__).with_name("baseline.json")
BUNDLES, VERIFIED = 200, 20
Phases = dict[str, float]


def now() -> npt.NDArray[np.float64]:
    """Return wall time and the time of all cores, which other work on the machine disturbs less."""
    return np.array([time.perf_counter(), time.process_time()])


class Stopwatch:
    """Adds up wall and core time of named phases; a phase inside another one counts for itself only."""

    def __init__(self) -> None:
        self.spent: dict[str, npt.NDArray[np.float64]] = {}
        self._open: list[npt.NDArray[np.float64]] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        started = now()
        self._open.append(np.zeros(2))
        try:
            yield
        finally:
            spent = now() - started
            own = spent - self._open.pop()
            if self._open:
                self._open[-1] += spent
            self.spent[name] = self.spent.get(name, np.zeros(2)) + own

    def take(self, prefix: str = "") -> tuple[Phases, Phases]:
        """Return wall and core seconds of the phases up to now whose names begin so; forget all."""
        taken = {name: spent for name, spent in self.spent.items() if name.startswith(prefix)}
        self.spent.clear()
        wall, cores = ({name: float(spent[i]) for name, spent in taken.items()} for i in range(2))
        return wall, cores

    def wrap(self, owner: Any, attribute: str, name: str) -> None:
        """Time every call of a function or method of a module, class or object."""
        real: Callable[..., Any] = getattr(owner, attribute)

        @functools.wraps(real)
        def timed(*arguments: Any, **options: Any) -> Any:
            with self.phase(name):
                return real(*arguments, **options)

        setattr(owner, attribute, timed)


def instrument(watch: Stopwatch, backend: Backend) -> None:
    """Wrap what `attest` and `audit` consist of."""
    for owner, attribute, name in (
        (build, "compile_books", "compile circuits"),
        (book.BookSecrets, "derive", "secrets"),
        (Program, "run", "witness"),
        (Witness, "words", "witness"),
        (book, "root_witness", "sums"),
        (book, "_identities", "identities"),
        (backend, "commit_outputs", "commit outputs"),
        (backend, "commit_bits", "commit bits"),
        (book, "MerkleSumTree", "tree"),
        (totals_prover, "prove", "totals' proof"),
        (booleanity_prover, "prove", "liabilities: booleanity"),
        (liabilities_prover, "combine_rows", "liabilities: combine rows"),
        (liabilities_prover, "combined_points", "liabilities: combine points"),
        (liabilities_prover, "prove", "liabilities: rest"),
        (build, "_write_private", "write private"),
        (build, "write_attestation", "write attestation"),
        (audit, "check_public_inputs", "audit: public inputs"),
        (audit, "check_tree", "audit: tree"),
        (totals_verifier, "verify", "audit: totals"),
        (liabilities_verifier, "combine_list", "audit: combine list"),
        (liabilities_verifier, "verify", "audit: liabilities"),
    ):
        watch.wrap(owner, attribute, name)


def measure(folder: Path, accounts: int, bits: int = 1 << 14) -> dict[str, Any]:
    """Run everything once on a book that was written before; return phases in seconds and figures.

    `bits`: generators of that many columns are there already, as on every day but the first.
    """
    gc.set_threshold(YOUNG_OBJECTS)  # as the command does
    backend, watch = default_backend(), Stopwatch()
    backend.generators("GB", 0, bits)
    generate(folder / "key")
    key = load_signing_key(folder / "key")
    policy, market = load_market(folder / "market")
    snapshot = build.Snapshot(policy, market, build_risk_table(policy, market))
    instrument(watch, backend)
    started = time.perf_counter()
    with watch.phase("read"):
        ledger = load_ledger(folder / "ledger", policy, market)
    with watch.phase("attest: rest"):
        build.attest(backend, snapshot, ledger, key, folder / "attestation", folder / "private")
    total = time.perf_counter() - started
    phases, cores = watch.take()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {"attest": total, "peak MB": peak, **_customers(backend, folder, key, accounts)}
    started = time.perf_counter()
    with watch.phase("audit: rest"):
        audit.audit_attestation(backend, folder / "attestation", [key.public])
    figures["audit"] = time.perf_counter() - started
    audited, audited_cores = watch.take("audit")
    words = _touched(snapshot, ledger)
    return {
        "accounts": accounts,
        "phases": phases | audited,
        "cores": cores | audited_cores,
        "figures": {**figures, "touched words an account": words / accounts, **_micro()},
    }


def _customers(backend: Backend, folder: Path, key: Any, accounts: int) -> Phases:
    """Time bundles in bulk, and their verification on both backends."""
    names = [f"A{i:08}" for i in range(0, accounts, max(1, accounts // BUNDLES))][:BUNDLES]
    source = private.PrivateFolder(folder / "private").bundles(names)
    first = next(source)  # opening the folder is paid once
    started = time.perf_counter()
    data = [write_bundle(backend, bundle, key) for bundle in source]
    figures = {
        "ms per bundle": (time.perf_counter() - started) / len(data) * 1e3,
        "bytes per bundle": len(data[0]),
    }
    for name, verifier in (("native", backend), ("reference", ReferenceBackend(Bn254(_generators())))):
        figures[f"ms per verify ({name})"] = _verify(
            verifier, folder, key, [write_bundle(backend, first, key), *data]
        )
    return figures


def _verify(backend: Backend, folder: Path, key: Any, bundles: list[bytes]) -> float:
    """Return milliseconds per leaf checked, public inputs checked and circuits compiled once for all."""
    report = Report("bundles")
    signed = check_manifest(report, folder / "attestation", [key.public])
    inputs = check_public_inputs(report, signed) if signed else None
    if signed is None or inputs is None:
        raise SystemExit(report.verdict)
    header = signed.manifest.header
    opened = [read_bundle(backend, data).bundle for data in bundles[: VERIFIED + 1]]
    times = []
    for bundle in opened:
        (leaf,) = bundle.leaves
        started = time.perf_counter()
        open_leaf(backend, header, header.book(leaf.book), inputs, bundle.account, leaf, bundle.user)
        times.append(time.perf_counter() - started)
    return sum(times[1:]) / VERIFIED * 1e3  # the first one prepares the program of the circuit


def _generators() -> GeneratorStore:
    return GeneratorStore(cache_folder(dict(os.environ)))


def _touched(snapshot: build.Snapshot, ledger: Any) -> int:
    compiled = snapshot.compile()
    return sum(compiled[name].fill(pots).words().touched for name, pots in ledger.pots.items())


def _micro() -> Phases:
    """Measure the micro-kernels: additions and field multiplications in cache, on all threads."""
    try:
        from zkmargin import _kernels as kernels  # noqa: PLC0415 - absent without Rust
    except ImportError:
        return {}
    figures = {}
    for name, work, rounds in (
        ("us per micro addition", kernels.run_additions, 2000),
        ("us per micro multiplication", kernels.run_multiplications, 20_000),
    ):
        started = time.perf_counter()
        count = work(rounds)
        figures[name] = (time.perf_counter() - started) / count * 1e6
    return figures


GROUP = ("commit bits", "commit outputs", "tree", "liabilities: combine points", "audit: combine list")
FIELD = ("liabilities: booleanity", "liabilities: combine rows")


def _micro_operations(phase: str, microseconds: float, figures: Phases) -> str:
    """Say what a phase costs an account in additions or multiplications of this run's micro-kernels."""
    for phases, name, unit in (
        (GROUP, "us per micro addition", "additions"),
        (FIELD, "us per micro multiplication", "products"),
    ):
        if phase in phases and figures.get(name):
            return f"{microseconds / figures[name]:.0f} {unit}"
    return ""


def show(run: dict[str, Any], before: dict[str, Any] | None) -> None:
    """Print one size: phases of attest by share, then everything else, beside the baseline."""
    accounts, phases, figures = run["accounts"], run["phases"], run["figures"]
    print(
        f"\nstandard book, {accounts:,} accounts, {figures['touched words an account']:.1f} touched words each"
    )
    print(
        f"{'phase':30}{'seconds':>9}{'us/account':>12}{'core-us':>9}{'micro ops':>15}{'share':>8}{'baseline':>10}"
    )
    whole = figures["attest"]
    for name, seconds in sorted(phases.items(), key=lambda item: (item[0].startswith("audit"), -item[1])):
        share = seconds / (figures["audit"] if name.startswith("audit") else whole)
        old = f"{seconds / before['phases'][name]:.2f}x" if before and before["phases"].get(name) else ""
        work = _micro_operations(name, seconds / accounts * 1e6, figures)
        wall, core = (spent / accounts * 1e6 for spent in (seconds, run["cores"][name]))
        print(f"{name:30}{seconds:9.3f}{wall:12.2f}{core:9.2f}{work:>15}{share:8.1%}{old:>10}")
    for name, value in figures.items():
        old = f"{value / before['figures'][name]:.2f}x" if before and before["figures"].get(name) else ""
        print(f"{name:34}{value:14.3f}{old:>9}")
    print(f"{'attest, us per account':34}{whole / accounts * 1e6:14.2f}")
    proof = sum(seconds for name, seconds in phases.items() if name.startswith("liabilities"))
    print(f"{'... without proof of liabilities':34}{(whole - proof) / accounts * 1e6:14.2f}")
    core = sum(spent for name, spent in run["cores"].items() if not name.startswith(("audit", "liabilities")))
    print(f"{'... in core-us':34}{core / accounts * 1e6:14.2f}")
    commit = phases["commit bits"] + phases["commit outputs"]
    print(f"{'commit, us per account':34}{commit / accounts * 1e6:14.2f}")
    if micro := figures.get("us per micro addition"):
        per_word = phases["commit bits"] / accounts / figures["touched words an account"] * 1e6
        print(
            f"{'commit bits, us per touched word':34}{per_word:14.3f}   {per_word / micro:.2f}x a micro addition"
        )


def run_apart(accounts: int) -> dict[str, Any]:
    """Write a book and measure it, each in a process of its own, so that neither's memory counts for the other."""
    with tempfile.TemporaryDirectory(prefix="zkmargin-bench-") as name:
        for step in ("--write", "--measure"):
            command = [sys.executable, __file__, step, name, "--accounts", str(accounts)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> None:
    """Run every size, print, compare, store."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--accounts", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--save", action="store_true", help="store this run as the baseline")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_standard_book(options.write, options.accounts[0])
        return
    if options.measure:
        print(json.dumps(measure(options.measure, options.accounts[0])))
        return
    stored = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    print(f"backend: {default_backend().name}")
    for accounts in options.accounts:
        run = run_apart(accounts)
        show(run, stored.get(str(accounts)))
        stored[str(accounts)] = run
    if options.save:
        BASELINE.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
