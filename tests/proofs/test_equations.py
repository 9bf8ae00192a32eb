"""Weights that merge equations: none is zero, each depends on every state."""

from __future__ import annotations

from zkmargin.proofs.equations import merge_weights

STATES = [bytes([number]) * 32 for number in range(3)]


def test_no_equation_is_left_out() -> None:
    """With a tiny order the hash is often 0, which would drop an equation from the sum."""
    weights = merge_weights(STATES, 300, 3)
    assert set(weights) == {1, 2}


def test_every_state_counts() -> None:
    weights = merge_weights(STATES, 4, 1 << 250)
    assert len(set(weights)) == 4
    for other in range(3):
        changed = [bytes([9]) * 32 if number == other else state for number, state in enumerate(STATES)]
        assert not set(merge_weights(changed, 4, 1 << 250)) & set(weights)
