"""The ``console`` channel: messages on standard output, to watch Duly at work."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable

import duly


class Console(duly.Channel):
    """One line a message on standard output."""

    name = "console"

    def send(self, message: duly.Message) -> duly.Verdict:
        """Print the message; a closed output keeps it waiting instead of losing it."""
        parts = [f"{message.name} <{message.to}>" if message.name else message.to, message.subject, message.text]
        line = _one_line(" | ".join(part for part in parts if part))
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        try:
            sys.stdout.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
            sys.stdout.flush()
        except (AttributeError, ValueError, OSError):  # there is none, it was closed, nobody reads it any more
            return duly.Retry("standard output is closed")
        return duly.Accepted()


def _one_line(text: str) -> str:
    # A customer's name must not move the cursor or forge a second line.
    text = " / ".join(line.strip() for line in text.splitlines() if line.strip())
    return "".join(" " if unicodedata.category(character) == "Cc" else character for character in text)


@duly.hookimpl
def register_channels(register: Callable[[type[duly.Channel]], None]) -> None:
    """Offer the channel."""
    register(Console)
