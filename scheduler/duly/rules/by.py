"""By which channels somebody hears, as rules, people and defaults write it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from duly.rules.model import By

_NAME = re.compile(r"[\w.-]+")


def parse_by(texts: Iterable[str]) -> By:
    """Read ``sms``, ``sms else email``, or a list of those, which means all of them.

    Raises
    ------
    ValueError: with a sentence, when an entry does not name channels.
    """
    return tuple(_fallbacks(text) for text in texts)


def _fallbacks(text: str) -> tuple[str, ...]:
    channels = tuple(" ".join(part.split()) for part in re.split(r"(?:^|\s+)else(?:\s+|$)", text.strip()))
    for channel in channels:
        if not channel:
            raise ValueError(f"“{text}” lacks a channel beside “else”; write “sms else email”")
        if not _NAME.fullmatch(channel):
            raise ValueError(
                f"“{channel}” cannot be a channel; write “sms else email”, or a list such as “[chat, sms]”"
            )
    if len(set(channels)) < len(channels):
        raise ValueError(f"“{text}” names a channel twice; name each once")
    return channels
