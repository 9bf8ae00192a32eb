"""A verifier runs no prover code: what its modules import, directly or through others, holds no prover."""

import ast
import importlib.util
from pathlib import Path

import pytest

import zkmargin.proofs

FOLDER = Path(zkmargin.proofs.__file__).parent
VERIFIERS = sorted(path.stem for path in FOLDER.glob("*_verifier.py"))
PROVER_ONLY = ("prover", "unfolded", "secrets")


def imported(module: str) -> set[str]:
    """Modules of this project that a module's source imports."""
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    found: set[str] = set()
    for node in ast.walk(ast.parse(Path(spec.origin).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("zkmargin.") and _exists(name)}


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def reachable(module: str) -> set[str]:
    seen: set[str] = set()
    queue = [module]
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            queue += imported(name)
    return seen


def provers(modules: set[str]) -> set[str]:
    return {name for name in modules if any(word in name.rsplit(".", 1)[-1] for word in PROVER_ONLY)}


def test_there_are_verifiers() -> None:
    assert {"linear_verifier", "split_verifier", "totals_verifier"} <= set(VERIFIERS)


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_a_verifier_reaches_no_prover(verifier: str) -> None:
    assert provers(reachable(f"zkmargin.proofs.{verifier}")) == set()


@pytest.mark.parametrize(
    "module", ["bundle_verifier", "claim_verifier", "attestation.audit", "cli.verify_claim"]
)
def test_what_verifies_for_people_reaches_no_prover(module: str) -> None:
    assert provers(reachable(f"zkmargin.{module}")) == set()


def test_the_walk_would_find_one() -> None:
    assert "zkmargin.proofs.linear_prover" in provers(reachable("zkmargin.proofs.totals_prover"))
