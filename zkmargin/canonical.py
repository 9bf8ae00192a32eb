"""Canonical JSON: one byte string per value, so that a digest of it means the value.

Sorted keys, no spaces, UTF-8, integers only as decimal strings, no floats, no null. Used for everything that is
signed, hashed or compared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from zkmargin.errors import DecodeError

Json = Any


def encode(value: Json) -> bytes:
    """Encode a value of strings, booleans, integers, lists and dicts; raise TypeError for anything else."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8"
    )


def _plain(value: Json) -> Json:
    match value:
        case bool() | str():
            return value
        case int():
            return str(value)
        case Fraction():
            return fraction_text(value)
        case bytes():
            return value.hex()
        case list() | tuple():  # as below, found sooner
            return [_plain(item) for item in value]
        case Mapping():
            if not all(isinstance(key, str) for key in value):
                raise TypeError("canonical JSON keys are strings")
            return {key: _plain(item) for key, item in value.items()}
        case Sequence():
            return [_plain(item) for item in value]
    raise TypeError(f"canonical JSON holds no {type(value).__name__}")


def fraction_text(value: Fraction) -> str:
    """Text of an exact number: "5" or "5/4", in lowest terms."""
    return str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


def decode(data: bytes, what: str) -> Json:
    """Parse canonical JSON strictly: re-encoding must give the same bytes. Raise DecodeError otherwise."""
    try:
        value = json.loads(data.decode("utf-8"), parse_float=_refuse, parse_constant=_refuse)
        again = encode(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise DecodeError("json", f"{what} is not canonical JSON: {error}") from None
    if again != data:
        raise DecodeError("json", f"{what} is JSON, but not in its one canonical form")
    return value


def _refuse(text: str) -> Json:
    raise ValueError(f"{text} is not allowed")


def digest(value: Json) -> bytes:
    """SHA-256 of the canonical encoding, 32 bytes."""
    return hashlib.sha256(encode(value)).digest()
