"""The group and its backends: all that the protocol knows of an elliptic curve."""

from zkmargin.group.backend import Backend, Points
from zkmargin.group.choice import default_backend

__all__ = ["Backend", "Points", "default_backend"]
