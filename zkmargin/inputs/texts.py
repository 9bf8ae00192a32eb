"""Names, ids and labels of input files: what may be one, and in which form."""

from __future__ import annotations

import re
import unicodedata

from zkmargin import limits

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_NONCE = re.compile(r"(?:[0-9a-fA-F]{32})?", re.ASCII)
_LINE_SEPARATORS = frozenset("\u2028\u2029")


def label_fault(text: str) -> str | None:
    """Say what is wrong with a name, id or label, or return None."""
    if not text:
        return "empty"
    if len(text.encode("utf-8", "surrogatepass")) > limits.MAX_TEXT:
        return f"longer than {limits.MAX_TEXT} bytes"
    if text.isascii() and text.isprintable():  # the usual case, fast
        return "begins or ends with a space" if text[0] == " " or text[-1] == " " else None
    if any(
        unicodedata.category(character) in ("Cc", "Cs") or character in _LINE_SEPARATORS for character in text
    ):
        return "holds control characters"
    if not unicodedata.is_normalized("NFC", text):  # or two names would look the same
        return "not in Unicode's normal form C"
    return "begins or ends with a space" if text != text.strip() else None


def identifier_fault(text: str) -> str | None:
    """Say what is wrong with the name of a book, pool or level, or return None."""
    return (
        None
        if _IDENTIFIER.fullmatch(text)
        else "not 1 to 64 letters, digits, _ or -, the first a letter or digit"
    )


def normal_user(text: str) -> str:
    """Return a user's id in the one form that is committed: NFC, case kept."""
    return unicodedata.normalize("NFC", text)


def nonce(text: str) -> bytes | None:
    """Read a user's nonce, 16 bytes in hex or nothing; None if it is neither."""
    return bytes.fromhex(text) if _NONCE.fullmatch(text) else None
