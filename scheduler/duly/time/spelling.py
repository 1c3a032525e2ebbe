"""How the words of a schedule are quoted and compared when they are refused."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 60


def quoted(text: str) -> str:
    """Quote what somebody wrote, on one line and not too long."""
    line = "".join(char if char.isprintable() else " " for char in text)
    return f"“{line}”" if len(line) <= _LONGEST else f"“{line[:_LONGEST]}…”"


def plain(text: str) -> str:
    """Return ``text`` with single spaces.

    Raises
    ------
    ValueError: it has full-width digits, letters or punctuation, as Chinese and Korean keyboards write them.
    """
    if re.search("[\u3000\uff01-\uff5e]", text):
        half = " ".join(unicodedata.normalize("NFKC", text).split())
        raise ValueError(f"{quoted(text)} has full-width characters: write {quoted(half)}")
    return " ".join(text.split())
