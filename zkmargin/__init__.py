"""Zero-knowledge proofs of solvency for derivatives exchanges.

What goes in         inputs          policy, market and ledger from files; inputs.models: what a policy can name
                     risk            public numbers of a snapshot; where floats end
What is computed     margin          margin of all accounts in integers, the exchanges' formulas in floats
                     circuits        the same rules as linear circuits: what is proven
What is proven       group           the curve and its backends
                     proofs          a statement, a prover and a verifier for each proof
                     commitment  tree  transcript  hashing  secrets    leaves, roots, challenges, derived secrets
What is published    attestation     build, audit and the private folder
                     bundle  bundle_verifier           what a customer gets, and checks
                     claim  claim_language  claim_maker  claim_verifier    what a customer proves to a third party
                     independent_verifier  independent_claims              both once more, from docs/protocol.md alone
"""

__version__ = "0.1.0"
