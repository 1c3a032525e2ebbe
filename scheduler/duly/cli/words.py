"""The ledger's terms as people say them."""

from __future__ import annotations

from duly.ledger.journal import Entry
from duly.ledger.outbox import Delivery

LONGEST_QUOTE = 60

_OF_A_CASE = {
    "opened": "a case was opened: {detail}",
    "held": "held until a person decides: {detail}",
    "guessed": "{detail}",
    "for many": "written to everybody: {detail}",
    "reopened": "opened again: {detail}",
    "stands still": "its clock stands still: {detail}",
    "runs on": "its clock runs on: {detail}",
    "due moved": "its due time has moved: {detail}",
    "clock moved": "its clock has moved: {detail}",
    "changed": "a time has changed: {detail}",
    "fired": "step fired: {detail}",
    "overtaken": "step left out, for a later one to the same audience was due as well: {detail}",
    "expired": "step came too late, and was left out: {detail}",
    "skipped": "step skipped: {detail}",
    "waits": "waits: {detail}",
    "not fired": "nothing was sent, for the next check has to look first: {detail}",
    "handed": "handed over: {detail}",
    "paused": "paused: {detail}",
    "resumed": "goes on: {detail}",
    "retired": "retired: {detail}",
    "call": "about the call: {detail}",
    "acknowledged": "acknowledged: {detail}",
    "cancelled": "what waited was cancelled: {detail}",
    "done": "closed as done: {detail}",
    "gone": "closed: {detail}",
    "rule held": "the rule held {detail}",
    "reported": "a report of {detail}",
    "nothing": "{detail}",
    "released": "released: {detail}",
}
_OF_A_DELIVERY = {
    "accepted": "{to} was told {by}{words}",
    "rejected": "{to} could not be told {by}: {detail}",
    "retry": "{to} will be told {by} at the next try: {detail}",
    "unsure": "{to} may or may not have been told {by}: {detail}",
    "cancelled": "{to} is not told {by} any more: {detail}",
    "expired": "{to} is not told {by} any more: {detail}",
    "capped": "{to} is not told {by}: {detail}",
    "failed": "{to} cannot be told {by} yet: {detail}",
    "waits": "{to} will be told {by} later: {detail}",
    "handed": "handed over: {detail}",
}
_OF_AN_ACTION = {
    "accepted": "“{by}” was done for {to}",
    "call asked": "a call was asked for: {detail}",
    "handed": "handed over: {detail}",
}


def spoken_step(identity: str) -> str:
    """Say a step: ``late at once · tell · customer`` as ``late at once: tell customer``."""
    return identity.replace(" · ", ": ", 1).replace(" · ", " ")


def spoken_entry(entry: Entry, delivery: Delivery | None) -> str:
    """Say one line of the journal.

    Parameters
    ----------
    delivery: what it speaks of, if it speaks of one.
    """
    detail = spoken_step(entry.detail)
    if delivery is None:
        return _OF_A_CASE.get(entry.event, f"{entry.event}: {{detail}}").format(detail=detail).removesuffix(": ")
    by = f"by {delivery.channel}" if delivery.kind == "message" else delivery.channel.removeprefix("action ")
    forms = _OF_A_DELIVERY if delivery.kind == "message" else _OF_AN_ACTION
    form = forms.get(entry.event, f"“{{by}}” for {{to}}, {entry.event}: {{detail}}")
    told = form.format(to=recipient(delivery), by=by, detail=detail, words=_quote(delivery))
    return told.removesuffix(": ")


def recipient(delivery: Delivery) -> str:
    """Name whom a delivery is for: ``Lin Na (logistics on duty)``."""
    name = str(delivery.person.get("name") or delivery.person.get("id") or "")
    return f"{name} ({delivery.audience})" if name and name != delivery.audience else delivery.audience


def _quote(delivery: Delivery) -> str:
    first = (delivery.subject or delivery.body or "").partition("\n")[0]
    return f": “{first[:LONGEST_QUOTE]}{'…' if len(first) > LONGEST_QUOTE else ''}”" if first else ""
