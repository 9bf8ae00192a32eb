"""Time whole attestations of other margin models, beside what their rules were designed to cost.

    python benchmarks/models.py [--accounts 100000] [--only brackets ...]

Every book runs in a process of its own through `bench.measure`: read, commit, prove, write, audit. "design" is
the cost of commitments to words and of the booleanity proof in seconds per million accounts on two cores, without
blindings and outputs, that was estimated when the encodings were chosen. Machines are noisy: compare ratios.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
from bench import measure
from model_books import write_brackets, write_collateral
from option_books import write_pm2, write_retail, write_shortfall, write_srm
from standard_book import write_standard_book


class Model(NamedTuple):
    """A book, how to write it, what it was designed to cost, and in which setting."""

    write: Callable[[Path, int], None]
    design: float
    setting: str


MODELS = {
    "SPAN": Model(write_standard_book, 15, "16 scenarios, 256 contracts, 8 positions"),
    "brackets": Model(write_brackets, 8.4, "349 contracts, 8 brackets each, 5 positions"),
    "ES": Model(write_shortfall, 100, "250 days, tail 2.5 %, 256 contracts, 8 positions"),
    "ES, alone": Model(write_retail, 2.5, "the same, one position charged alone, a limit per account"),
    "PM2": Model(write_pm2, 68, "280 options, 7 expiries x 31 scenarios, 6 held mixed"),
    "SRM": Model(write_srm, 36, "280 options, 6 held in 2 expiries"),
    "collateral": Model(write_collateral, 14, "483 assets x 3 pools, 6 held, 4 pledged, a debt"),
}
WIDEST = 1 << 16  # bits of a row
WORDS = ("commit bits", "liabilities: booleanity")


def show(name: str, run: dict[str, Any]) -> None:
    """Print one book in a line, and its phases by share."""
    accounts, phases, figures, model = run["accounts"], run["phases"], run["figures"], MODELS[name]
    words = sum(phases[phase] for phase in WORDS) / accounts * 1e6
    print(
        f"{name:12}{figures['touched words an account']:9.1f}{figures['attest']:10.1f}"
        f"{figures['attest'] / accounts * 1e6:12.1f}{words:12.1f}{model.design:9.1f}{words / model.design:8.2f}"
        f"{figures['audit']:9.1f}{figures['peak MB']:9.0f}   {model.setting}",
        flush=True,
    )
    largest = sorted(phases.items(), key=lambda item: -item[1])[:6]
    print("            " + ", ".join(f"{phase} {spent / accounts * 1e6:.1f}" for phase, spent in largest))


def run_apart(name: str, accounts: int) -> dict[str, Any]:
    """Write a book and measure it, each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="zkmargin-models-") as folder:
        for step in ("--write", "--measure"):
            command = [sys.executable, __file__, step, folder, "--only", name, "--accounts", str(accounts)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> None:
    """Run every model and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--only", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        MODELS[options.only[0]].write(options.write, options.accounts)
        return
    if options.measure:
        print(json.dumps(measure(options.measure, options.accounts, WIDEST)))
        return
    print(f"{options.accounts:,} accounts each; microseconds an account are seconds per million")
    print(
        f"{'model':12}{'words':>9}{'attest s':>10}{'us/account':>12}{'words us':>12}{'design':>9}{'ratio':>8}"
        f"{'audit s':>9}{'peak MB':>9}   setting"
    )
    for name in options.only:
        show(name, run_apart(name, options.accounts))


if __name__ == "__main__":
    main()
