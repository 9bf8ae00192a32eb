"""Margin of accounts: exact as it is proven, and in floats by each exchange's own formula."""
