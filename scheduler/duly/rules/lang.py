"""Languages, as files write them."""

from __future__ import annotations

import re

_LANG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def parse_lang(text: str) -> str:
    """Read a language code such as ``zh``, ``ko`` or ``pt-BR`` (BCP 47).

    Raises
    ------
    ValueError: with one sentence, when it is no such code.
    """
    if not _LANG.fullmatch(text):
        raise ValueError(f"“{text}” is no language: write its code, such as zh, ko or en")
    return text
