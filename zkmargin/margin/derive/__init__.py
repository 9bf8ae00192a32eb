"""Derive's margin rules in floats, by its own contracts."""
