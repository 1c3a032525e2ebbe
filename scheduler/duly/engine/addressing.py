"""From people to deliveries: through which channels, and what stands in for which."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from duly.api.person import Person
from duly.engine.record_json import pack_person
from duly.ledger.outbox import NewDelivery
from duly.rules.by import parse_by
from duly.rules.model import By


def channels_for(person: Person, by: By, default: By) -> By:
    """Choose the channels of one message: the step's, else the person's own, else the default."""
    return by or (parse_by([person.by]) if person.by else default)


def messages(
    person: Person,
    by: By,
    *,
    intent: str,
    rule_id: int,
    template: str,
    audience: str,
    not_before: dt.datetime,
    urgent: bool = False,
    extra: Mapping[str, Any] | None = None,
    firing_id: int | None = None,
    expires_at: dt.datetime | None = None,
    case_ids: Sequence[int] = (),
    group: str = "",
) -> list[NewDelivery]:
    """Make the deliveries of one message to one person: one for each channel of ``by``, with what to fall back on.

    Parameters
    ----------
    intent: what this message is, the same at every try to write it down; the recipient and the channel are added.
    group: what may share one message with it, of whatever goes to the same person; empty for a message of its own.
    """
    return [
        NewDelivery(
            intent_key=intent_key(intent, person.id, str(place), "0"),
            rule_id=rule_id,
            kind="message",
            channel=chain[0],
            fallbacks=list(chain[1:]),
            audience=audience,
            person=pack_person(person),
            staff=person.staff,
            template=template,
            urgent=urgent,
            not_before=not_before,
            extra=extra or {},
            firing_id=firing_id,
            expires_at=expires_at,
            case_ids=tuple(case_ids),
            group_key=intent_key("group", str(rule_id), group, _who(person)) if group else None,
        )
        for place, chain in enumerate(by)
    ]


def _who(person: Person) -> str:
    """Tell people apart: every order has a “customer”, who is known by their addresses."""
    return person.id if person.staff else json.dumps([person.id, dict(person.addresses)], sort_keys=True)


def intent_key(*parts: str) -> str:
    """Spell an intent as 32 hexadecimal digits: short enough for the reference field of any gateway."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def action_channel(name: str) -> str:
    """Give the name under which an action's tasks wait in the outbox, apart from every channel's."""
    return f"action {name}"
