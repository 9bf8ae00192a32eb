"""Convex functions that rules are written with; each file holds one, its mathematics and its exact witness."""

from zkmargin.circuits.atoms.abs import absolute
from zkmargin.circuits.atoms.chords import chords
from zkmargin.circuits.atoms.either import either
from zkmargin.circuits.atoms.expected_shortfall import expected_shortfall
from zkmargin.circuits.atoms.maximum import maximum
from zkmargin.circuits.atoms.minimum import minimum
from zkmargin.circuits.atoms.neg import neg
from zkmargin.circuits.atoms.norm import norm
from zkmargin.circuits.atoms.piecewise import piecewise
from zkmargin.circuits.atoms.pos import pos
from zkmargin.circuits.atoms.split_tiers import SplitTiers, position_tiers
from zkmargin.circuits.atoms.tiers import Tiers
from zkmargin.circuits.atoms.value_at_risk import value_at_risk

__all__ = [
    "SplitTiers",
    "Tiers",
    "absolute",
    "chords",
    "either",
    "expected_shortfall",
    "maximum",
    "minimum",
    "neg",
    "norm",
    "piecewise",
    "pos",
    "position_tiers",
    "value_at_risk",
]
