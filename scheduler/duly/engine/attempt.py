"""One attempt to hand something over, and what its outcome means (law 11)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from duly.api.verdict import Accepted, ChannelDown, NotSent, Rejected, Retry, Verdict


@dataclass(frozen=True, slots=True)
class Unsure:
    """It may have left the house, or not; only the host says so."""

    reason: str


@dataclass(frozen=True, slots=True)
class Down:
    """The channel reaches nobody until a person mends it."""

    reason: str


Outcome = Verdict | Unsure | Down


def attempt(send: Callable[[], object]) -> Outcome:
    """Call a channel or an action once, and read what it returns or raises.

    An exception that says nothing else is *unsure*: bytes may have left. Its text stays out of the reason, since it may
    hold an address or a secret.
    """
    try:
        verdict = send()
        if isinstance(verdict, Awaitable):
            verdict = asyncio.run(_awaited(verdict))
    except ChannelDown as down:
        return Down(str(down))
    except NotSent as not_sent:
        return Retry(str(not_sent))
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and only its own delivery may suffer
        return Unsure(f"{type(error).__name__} while it was being sent")
    if isinstance(verdict, Accepted | Rejected | Retry):
        return verdict
    return Unsure(f"the plugin returned {type(verdict).__name__}, not a verdict")


async def _awaited(verdict: Awaitable[object]) -> object:
    return await verdict
