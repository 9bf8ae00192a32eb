"""The group and its backends: all that the protocol knows of an elliptic curve."""
