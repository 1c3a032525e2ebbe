"""What became of one attempt to send a message or to carry out an action."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duly.api.http import Reply


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side has taken charge of the message.

    Parameters
    ----------
    receipt: what the other side calls it (a message id), kept in the ledger as proof.
    """

    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """This recipient cannot be reached this way, now or later (a wrong number, a full ban).

    Parameters
    ----------
    reason: one sentence for the journal, without addresses or secrets.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Nothing was delivered; the same message may be tried again.

    Parameters
    ----------
    reason: one sentence for the journal, without addresses or secrets.
    after: how long the other side asked us to wait; ``None`` leaves it to Duly.
    """

    reason: str
    after: timedelta | None = None

    @classmethod
    def from_reply(cls, reply: Reply) -> Retry:
        """Make a retry of an HTTP reply, honouring its Retry-After header (RFC 9110, 10.2.3)."""
        return cls(f"HTTP {reply.status_code}", reply.retry_after)


Verdict = Accepted | Rejected | Retry


class ChannelDown(Exception):  # noqa: N818 - a state of the channel, named in the design
    """Nobody can be reached through this channel until a person fixes it."""


class NotSent(Exception):  # noqa: N818 - says what is known, which is what the host needs
    """Nothing left the house (a refused connection, an unknown host): safe to try again."""


class MaybeSent(Exception):  # noqa: N818 - says what is known, which is what the host needs
    """The line broke or fell silent when the message may already have left: *unsure*."""
