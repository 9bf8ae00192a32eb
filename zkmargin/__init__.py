"""Zero-knowledge proofs of solvency for derivatives exchanges."""

__version__ = "0.1.0"
