"""Convex functions that rules are written with; each file holds one, its mathematics and its exact witness."""

from zkmargin.circuits.atoms.abs import absolute
from zkmargin.circuits.atoms.maximum import maximum
from zkmargin.circuits.atoms.minimum import minimum
from zkmargin.circuits.atoms.neg import neg
from zkmargin.circuits.atoms.piecewise import piecewise
from zkmargin.circuits.atoms.pos import pos
from zkmargin.circuits.atoms.tiers import Tiers

__all__ = ["Tiers", "absolute", "maximum", "minimum", "neg", "piecewise", "pos"]
