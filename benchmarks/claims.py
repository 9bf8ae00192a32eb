"""Time claims on one thread with warm tables, beside the fastest Rust range proofs on their own curve, in one run.

    python benchmarks/claims.py [--rounds 20] [--batch 1000]

One form of 64 bits over one leaf. Runs of both programs alternate, and least times are compared: other work on the
machine only adds. `range_proofs/` is built with cargo where there is one. Decoding is in the times of both verifiers.
"""

from __future__ import annotations

import os

os.environ["RAYON_NUM_THREADS"] = "1"  # before the pool is made

import argparse
import random
import secrets
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from zkmargin.group import Backend, default_backend
from zkmargin.group.bn254 import Bn254
from zkmargin.group.generators import GeneratorStore
from zkmargin.group.reference import ReferenceBackend
from zkmargin.proofs import claim_prover, claim_verifier
from zkmargin.proofs.claim_prover import LeafOpening
from zkmargin.proofs.claim_statement import ClaimProof, ClaimStatement, Form, Leaf
from zkmargin.secrets import KEY_BYTES, NonceKey

CRATE = Path(__file__).with_name("range_proofs")
OUTPUTS = (5 * 10**12, 5 * 10**12, 10**12, 10**12)
WARM, BURSTS = 20, 5
Times = list[float]


class Claim:
    """A claim of one form, its maker and its verifier."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        opening = LeafOpening(OUTPUTS, 1 + secrets.randbelow(backend.order - 1))
        weights = {family: [value] for family, value in zip(("GN", "GE", "GR", "GI"), OUTPUTS, strict=True)}
        a = backend.combine_generators(weights | {"H": [opening.blinding]})
        form = Form(leaf=0, net=0, equity=2, requirement=3, initial=0, least=0)
        leaf = Leaf("portfolio", 7, bytes(32), a, a)
        self.statement = ClaimStatement(bytes(32), (leaf,), (form,), "benchmark", 64)
        self.openings = [opening]
        self.nonces = NonceKey(secrets.token_bytes(KEY_BYTES)).source(backend.order)
        self.data = self.prove()

    def prove(self) -> bytes:
        return claim_prover.prove(self.backend, self.statement, self.openings, self.nonces).to_bytes(
            self.backend
        )

    def decode(self) -> ClaimProof:
        return ClaimProof.from_bytes(self.backend, self.data, 1, 1, 64)

    def verify(self) -> None:
        claim_verifier.verify(self.backend, self.statement, self.decode())

    def verify_many(self, count: int) -> None:
        proofs = [self.decode() for _ in range(count)]
        claim_verifier.verify_all(self.backend, [self.statement] * count, proofs)


def timed(work: Callable[[], object], rounds: int) -> Times:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    return times


def show(name: str, times: Times, against: Times | None = None) -> None:
    ratio = f"   {min(times) / min(against):.2f} x" if against else ""
    print(f"{name:44} least {min(times):8.2f} ms   median {statistics.median(times):8.2f} ms{ratio}")


def build() -> Path | None:
    """Return the Rust program, None without cargo."""
    if shutil.which("cargo") is None:
        return None
    subprocess.run(["cargo", "build", "--quiet", "--release", "--locked"], cwd=CRATE, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", CRATE / "target")) / "release/range-proofs"


def run(program: Path, rounds: int) -> list[Times]:
    out = subprocess.run([program, str(rounds)], capture_output=True, text=True, check=True).stdout
    return [[float(text) for text in line.split()] for line in out.splitlines()]


def msm_of_that_size(backend: Backend) -> Callable[[], object]:
    """Every point of a claim's verification once, with scalars of full size."""
    families = [("BG", 64), ("BH", 64), ("GB", 26)]
    points = backend.concat([backend.generators(family, 0, count) for family, count in families])
    scalars = [random.randrange(backend.order) for _ in range(len(points))]
    return lambda: backend.msm(scalars, points)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--batch", type=int, default=1000)
    options = parser.parse_args()
    backend, program = default_backend(), build()
    claim = Claim(backend)
    timed(claim.prove, WARM)
    proving, verifying, msm, rust_proving, rust_verifying = [Times() for _ in range(5)]
    for _ in range(BURSTS):
        if program is not None:
            for total, part in zip((rust_proving, rust_verifying), run(program, options.rounds), strict=True):
                total += part
        proving += timed(claim.prove, options.rounds)
        verifying += timed(claim.verify, options.rounds)
        msm += timed(msm_of_that_size(backend), options.rounds)
    print(f"{backend.name}, one thread, {len(claim.data)} bytes of proof")
    if program is None:
        print("SKIPPED: cargo is not on PATH, so nothing is compared")
    else:
        show("Rust, Ristretto: prove", rust_proving)
        show("Rust, Ristretto: verify", rust_verifying)
    show("claim: prove", proving, rust_proving)
    show("claim: verify", verifying, rust_verifying)
    show("multi-scalar multiplication of that size", msm)
    show("claim: verify, against it", verifying, msm)
    many = [value / options.batch for value in timed(lambda: claim.verify_many(options.batch), 3)]
    show(f"claim: verify, each of {options.batch}", many, verifying)
    reference = Claim(ReferenceBackend(Bn254(GeneratorStore(None))))
    show("claim: prove on Python integers", timed(reference.prove, 3))
    show("claim: verify on Python integers", timed(reference.verify, 5))


if __name__ == "__main__":
    main()
