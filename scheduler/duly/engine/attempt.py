"""One attempt to hand something over, and what its outcome means (law 11)."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from duly.api.verdict import Accepted, ChannelDown, MaybeSent, NotSent, Rejected, Retry, Verdict

LONGEST_SENTENCE = 500
"""Characters of a plugin's sentence that the journal keeps; longer ones are whole pages of a server."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """It may have left the house, or not; only the host says so."""

    reason: str


@dataclass(frozen=True, slots=True)
class Down:
    """The channel reaches nobody until a person mends it."""

    reason: str


Outcome = Verdict | Unsure | Down


def attempt(send: Callable[[], object], hidden: Collection[str] = ()) -> Outcome:
    """Call a channel or an action once, and read what it returns or raises.

    An exception that says nothing else is *unsure*: bytes may have left. Its text stays out of the reason, since it may
    hold an address or a secret.

    Parameters
    ----------
    hidden: addresses and secrets, which no sentence of a plugin brings into the ledger.
    """
    try:
        verdict = send()
        if isinstance(verdict, Awaitable):
            verdict = asyncio.run(_awaited(verdict))
    except ChannelDown as down:
        return Down(_sentence(down, hidden))
    except NotSent as not_sent:
        return Retry(_sentence(not_sent, hidden))
    except MaybeSent as maybe_sent:
        return Unsure(_sentence(maybe_sent, hidden))
    except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001 - only its own delivery may suffer
        return Unsure(f"{type(error).__name__} while it was being sent")
    return _read(verdict, hidden)


def _read(verdict: object, hidden: Collection[str]) -> Outcome:
    """Read a verdict, and take only what the ledger can keep: a plugin may put anything into it."""
    match verdict:
        case Accepted(receipt):
            return Accepted(_sentence(receipt, hidden))
        case Rejected(reason):
            return Rejected(_sentence(reason, hidden))
        case Retry(reason, after):
            asked = after if isinstance(after, dt.timedelta) and after > dt.timedelta() else None
            return Retry(_sentence(reason, hidden), asked)
    return Unsure(f"the plugin returned {type(verdict).__name__}, not a verdict")


async def _awaited(verdict: Awaitable[object]) -> object:
    return await verdict


def _sentence(said: object, hidden: Collection[str]) -> str:
    """Make one line without addresses, secrets and characters that a database refuses."""
    text = str(said) if isinstance(said, str | int | Exception) else type(said).__name__
    for word in hidden:
        text = text.replace(word, "…") if word else text
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_SENTENCE]
