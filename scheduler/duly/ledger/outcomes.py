"""Outcomes: what became of each delivery and step of a rule, told in order; for those who count."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa

from duly.ledger.outbox import Delivery
from duly.ledger.schema import delivery, delivery_case, firing, journal

ROUNDUP = "roundup"
"""In the place of a step, for what has none."""
ENDED = ("overtaken", "expired", "skipped")
"""How a step ends that nobody was to hear of."""
_COLUMNS = [delivery.c[name] for name in Delivery.__dataclass_fields__]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one delivery, or one step without any, ended.

    Parameters
    ----------
    step: its identity, or `ROUNDUP`.
    recipient: whom it was for, by name; what the rule calls them where they are of the record.
    kind: ``message``, ``action``, or ``step`` for a step that had nobody to tell.
    state: ``accepted``, ``rejected``, ``expired``, ``overtaken`` …
    cases: the cases it spoke of.
    """

    at: dt.datetime
    step: str
    audience: str
    recipient: str
    staff: bool
    kind: str
    channel: str
    state: str
    reason: str
    cases: tuple[int, ...]


def of_rule(connection: sa.Connection, rule_id: int, since: dt.datetime) -> list[Outcome]:
    """Read how everything of one rule ended, but for the steps that ended at ``since`` or before."""
    mine = (delivery.c.rule_id == rule_id, delivery.c.settled_at.is_not(None))
    spoken: dict[int, list[int]] = {}
    links = sa.select(delivery_case).join(delivery, delivery.c.id == delivery_case.c.delivery_id).where(*mine)
    for delivery_id, case_id in connection.execute(links):
        spoken.setdefault(delivery_id, []).append(case_id)
    rows = connection.execute(sa.select(delivery).where(*mine))
    found = [
        Outcome(
            row.settled_at,
            row.extra.get("step") or ROUNDUP,
            row.audience,
            str(row.person.get("name") or row.person.get("id") or row.audience) if row.staff else row.audience,
            row.staff,
            row.kind,
            row.channel,
            row.state,
            row.reason or "",
            tuple(spoken.get(row.id, ())),
        )
        for row in rows
        if not _is_notice(row.extra)
    ]
    about = sa.select(journal.c.case_id).where(journal.c.rule_id == rule_id, journal.c.case_id.is_not(None))
    steps = connection.execute(
        sa.select(firing).where(
            firing.c.state.in_(ENDED),
            firing.c.settled_at > since,
            firing.c.case_id.in_(about),
            firing.c.id.not_in(sa.select(delivery.c.firing_id).where(delivery.c.firing_id.is_not(None))),
        )
    )
    found += [
        Outcome(
            at=row.settled_at,
            step=row.step,
            audience=row.audience,
            recipient=row.audience,
            staff=False,
            kind="step",
            channel="",
            state=row.state,
            reason="",
            cases=(row.case_id,),
        )
        for row in steps
    ]
    return sorted(found, key=lambda one: one.at)


def first_messages(connection: sa.Connection, rule_id: int, limit: int) -> list[Delivery]:
    """Read the first messages of a rule that were accepted, but for Duly's own notices."""
    rows = connection.execute(
        sa.select(*_COLUMNS)
        .where(delivery.c.rule_id == rule_id, delivery.c.kind == "message", delivery.c.state == "accepted")
        .order_by(delivery.c.settled_at, delivery.c.id)
    )
    return list(islice((Delivery(*row) for row in rows if not _is_notice(row.extra)), limit))


def count_waiting(connection: sa.Connection, rule_id: int) -> int:
    """Count the deliveries of a rule that have not left yet."""
    waiting = sa.select(sa.func.count()).where(delivery.c.rule_id == rule_id, delivery.c.state == "waiting")
    return connection.execute(waiting).scalar_one()


def _is_notice(extra: Mapping[str, Any]) -> bool:
    """Tell whether a delivery is what Duly itself has to say of a rule, such as that it holds cases."""
    return "rule_id" in extra.get("values", {})
