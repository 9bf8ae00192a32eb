"""Files to checked, exact values: policy and market (public), ledger (secret).

Everything wrong in a set of files is found and reported at once, with file, row, column, value and a hint.
"""

from zkmargin.inputs.ledger_files import load_ledger, load_records
from zkmargin.inputs.market_files import load_market
from zkmargin.inputs.policy_file import parse_policy

__all__ = ["load_ledger", "load_market", "load_records", "parse_policy"]
