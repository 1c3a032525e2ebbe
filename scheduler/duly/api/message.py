"""One message, ready to leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is handed: final words for one address.

    Parameters
    ----------
    id: stable over every attempt; an idempotent channel passes it on as its reference.
    to: the address, of the kind that the channel's ``address`` names.
    text: the body as plain text.
    subject: one line, empty where the template gives none.
    name: the recipient's name.
    lang: language of the words.
    urgent: whether it may interrupt.
    at: when it leaves, by Duly's clock: a plugin does not read the time itself. Duly always gives it.
    """

    id: str
    to: str
    text: str
    subject: str = ""
    name: str = ""
    lang: str = ""
    urgent: bool = False
    at: datetime | None = None
