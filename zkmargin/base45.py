"""Base45 (RFC 9285): bytes as text of the 45 characters that a QR code holds at five and a half bits each."""

from __future__ import annotations

from zkmargin.errors import DecodeError

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
BASE = len(ALPHABET)
_DIGITS = {character: digit for digit, character in enumerate(ALPHABET)}


def encode(data: bytes) -> str:
    """Return three characters for every two bytes, two for a last one."""
    parts = []
    for at in range(0, len(data), 2):
        pair = data[at : at + 2]
        value = int.from_bytes(pair, "big")
        digits = [value // BASE**i % BASE for i in range(len(pair) + 1)]  # least significant first
        parts.append("".join(ALPHABET[digit] for digit in digits))
    return "".join(parts)


def decode(text: str) -> bytes:
    """Invert `encode`; DecodeError for every other text."""
    if len(text) % 3 == 1 or not set(text) <= _DIGITS.keys():
        raise DecodeError("base45", "the text is not base45")
    out = bytearray()
    for at in range(0, len(text), 3):
        part = text[at : at + 3]
        value = sum(_DIGITS[character] * BASE**i for i, character in enumerate(part))
        if value >> 8 * (len(part) - 1):
            raise DecodeError("base45", "the text is not base45")
        out += value.to_bytes(len(part) - 1, "big")
    return bytes(out)
