"""One message, ready to leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message.

    Parameters
    ----------
    name: of the file, with its ending.
    media_type: such as ``text/csv``.
    data: the file itself, the same at every attempt.
    """

    name: str
    media_type: str
    data: bytes


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
    html: the same as a whole HTML page, for channels that can show one; empty where the text is all there is.
    attachments: files that go with it, for channels that can carry them; the text stands without them.
    """

    id: str
    to: str
    text: str
    subject: str = ""
    name: str = ""
    lang: str = ""
    urgent: bool = False
    at: datetime | None = None
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
