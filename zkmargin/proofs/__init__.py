"""The proofs, each in three files: its statement and bytes, its prover, and its verifier, which imports no prover."""
