"""One table of bounds: every size that is read from outside is held against it before anything is allocated."""

from __future__ import annotations

MAX_PROBLEMS = 100  # problems of input files that are reported at once
MAX_TEXT = 256  # bytes of a name, id or label in UTF-8
MAX_DECIMAL_DIGITS = 60  # digits of a decimal number in a file
MAX_INSTRUMENTS = 100_000
MAX_SCENARIOS = 10_000
MAX_BOOKS = 64
MAX_POOLS = 16
MAX_TIERS = 64
MAX_REVALUED = 1 << 23  # bits of revalued amounts x scenarios, of all books together
MAX_WIDTH = 128  # bits of a column
MAX_COLUMN_BITS = 1 << 18  # bits of a circuit: generators GB[0..2^18)
MAX_EQUATIONS = 1 << 18
OUTPUT_BOUND = 1 << 100  # |N|, E, R, I of one row
MAX_ACCOUNTS = 1 << 32  # M_max of the protocol: rows of a book
MAX_TOTALS = 1 << 18
MAX_SHARDS = 1 << 12  # of one book: each has a proof, hence a file; MAX_ACCOUNTS in shards of 2^20
MAX_FILE_BYTES = 1 << 34
MAX_JSON_BYTES = 1 << 28
MAX_DEPTH = 32  # of a book's tree: log2 MAX_ACCOUNTS
MAX_POTS = 1 << 12  # leaves of one account in a bundle
MAX_FORMS = 16  # forms of a claim, and so its leaves: values of one range proof
MAX_CLAIM_TEXT = 4096  # bytes of a claim as it is written
MAX_CLAIM_BYTES = 1 << 17  # of a claim file: 16 leaves of 32 levels need 53 kB, as text half as much again
