"""Deliveries in the ledger, from the outbox to their verdict (law 11).

waiting → claimed → sending → accepted | rejected | unsure, and back to waiting for another try. ``claimed`` is a
promise to look at it under a lease; ``sending`` is committed, with the final words, before a byte leaves.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from duly.ledger import groups
from duly.ledger.schema import delivery, delivery_case
from duly.ledger.tokens import held_by, new_token

LEASE = dt.timedelta(minutes=5)
"""How long one batch may take before another node takes its sender for dead: well over every channel's timeouts."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of ``delivery``; see the schema for what each column means."""

    id: int
    intent_key: str
    firing_id: int | None
    rule_id: int
    kind: str
    channel: str
    fallbacks: Sequence[str]
    audience: str
    person: Mapping[str, Any]
    staff: bool
    template: str
    extra: Mapping[str, Any]
    urgent: bool
    state: str
    created_at: dt.datetime
    not_before: dt.datetime
    expires_at: dt.datetime | None
    attempts: int
    failing_since: dt.datetime | None
    token: str | None
    to: str | None
    subject: str | None
    body: str | None
    receipt: str | None
    reason: str | None
    settled_at: dt.datetime | None
    group_key: str | None
    carried_by: int | None


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A message or an action that a firing (or Duly itself) asks for."""

    intent_key: str
    rule_id: int
    kind: str
    channel: str
    fallbacks: Sequence[str]
    audience: str
    person: Mapping[str, Any]
    staff: bool
    template: str
    urgent: bool
    not_before: dt.datetime
    extra: Mapping[str, Any]
    firing_id: int | None = None
    expires_at: dt.datetime | None = None
    failing_since: dt.datetime | None = None
    case_ids: tuple[int, ...] = ()
    state: str = "waiting"
    reason: str | None = None
    group_key: str | None = None


_COLUMNS = [delivery.c[name] for name in Delivery.__dataclass_fields__]
_NEW = [name for name in NewDelivery.__dataclass_fields__ if name != "case_ids"]

# Made once: to make a statement takes longer than to run it.
_OURS = (
    delivery.c.id == sa.bindparam("number"),
    delivery.c.state.in_(("claimed", "sending")),
    delivery.c.token == sa.bindparam("whose"),
)
_MARK_SENDING = sa.update(delivery).where(delivery.c.id == sa.bindparam("number")).values(state="sending")
_SETTLE = (
    sa.update(delivery)
    .where(*_OURS)
    .values(
        state=sa.bindparam("ended"),
        reason=sa.bindparam("because"),
        receipt=sa.bindparam("proof"),
        settled_at=sa.bindparam("at"),
        token=None,
        lease_until=None,
    )
)
_PUT_BACK = (
    sa.update(delivery)
    .where(*_OURS)
    .values(
        state="waiting",
        not_before=sa.bindparam("until"),
        reason=sa.bindparam("because"),
        failing_since=sa.bindparam("since"),
        token=None,
        lease_until=None,
    )
)
_PUT_BACK_UNWRITTEN = _PUT_BACK.values(to=None, subject=None, body=None)
_WAITING = (
    delivery.c.state == "waiting",
    delivery.c.rule_id.in_(sa.bindparam("rules", expanding=True)),
)
_READY = (
    sa.select(delivery.c.id, delivery.c.group_key, delivery.c.body.is_(None).label("is_unwritten"))
    .where(
        *_WAITING,
        delivery.c.channel == sa.bindparam("channel"),
        delivery.c.not_before <= sa.bindparam("now", type_=delivery.c.not_before.type),
        groups.LEADS,
    )
    .order_by(delivery.c.urgent.desc(), delivery.c.not_before, delivery.c.firing_id, delivery.c.id)
    .limit(sa.bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_EARLIEST = (
    sa.select(delivery.c.channel, sa.func.min(delivery.c.not_before))
    .where(*_WAITING, groups.LEADS)
    .group_by(delivery.c.channel)
)
_EARLIEST_LEASE = sa.select(sa.func.min(delivery.c.lease_until)).where(delivery.c.state.in_(("claimed", "sending")))
_CASES_OF = (
    sa.select(delivery_case.c.delivery_id, delivery_case.c.case_id)
    .where(delivery_case.c.delivery_id.in_(sa.bindparam("deliveries", expanding=True)))
    .order_by(delivery_case.c.case_id)
)


def put(connection: sa.Connection, new: Sequence[NewDelivery], now: dt.datetime) -> dict[str, int]:
    """Write deliveries; an intent that is there already is left as it is.

    Returns
    -------
    The number of each delivery written here, by its intent.
    """
    if not new:
        return {}
    wanted = {n.intent_key: n for n in new}
    there = set(
        connection.execute(sa.select(delivery.c.intent_key).where(delivery.c.intent_key.in_(sorted(wanted)))).scalars()
    )
    fresh = [n for key, n in wanted.items() if key not in there]
    if not fresh:
        return {}
    rows = []
    for one in fresh:
        row = {name: getattr(one, name) for name in _NEW}
        settled_at = None if one.state == "waiting" else now
        rows.append({**row, "created_at": now, "attempts": 0, "settled_at": settled_at})
    written = {
        row.intent_key: row.id
        for row in connection.execute(sa.insert(delivery).returning(delivery.c.id, delivery.c.intent_key), rows)
    }
    links = [{"delivery_id": written[n.intent_key], "case_id": case_id} for n in fresh for case_id in n.case_ids]
    if links:
        connection.execute(sa.insert(delivery_case), links)
    return written


def claim(
    connection: sa.Connection,
    channel: str,
    now: dt.datetime,
    limit: int,
    rule_ids: Collection[int],
    node: str = "",
) -> list[Delivery]:
    """Claim the next deliveries of a channel whose time has come, of these rules, under a lease and a token.

    Urgent ones come first; of those that fired together, the earlier step. A group is claimed as a whole, by one node,
    and counts as one towards the limit.

    Parameters
    ----------
    node: who claims them, whose mark the token bears.
    """
    asked = {"channel": channel, "now": now, "limit": limit, "rules": sorted(rule_ids)}
    leads = connection.execute(_READY, asked).all()
    if not leads:
        return []
    ids = [row.id for row in leads]
    if keys := {row.group_key for row in leads if row.group_key and row.is_unwritten}:
        ids += groups.mates(connection, keys, ids, channel, now, rule_ids)
    token = new_token(node)
    connection.execute(
        sa.update(delivery)
        .where(delivery.c.id.in_(ids), delivery.c.state == "waiting")
        .values(state="claimed", token=token, lease_until=now + LEASE)
    )
    claimed = {one.id: one for one in _read(connection, delivery.c.id.in_(ids), delivery.c.token == token)}
    return [claimed[id] for id in ids if id in claimed]


def still_ours(connection: sa.Connection, claimed: Sequence[Delivery]) -> set[int]:
    """Lock claimed deliveries, and give the numbers of those that were neither cancelled nor taken over meanwhile."""
    rows = connection.execute(
        sa.select(delivery.c.id, delivery.c.token)
        .where(delivery.c.id.in_(sorted(one.id for one in claimed)), delivery.c.state == "claimed")
        .with_for_update()
    )
    tokens = {row.id: row.token for row in rows}
    return {one.id for one in claimed if tokens.get(one.id) == one.token}


def mark_sending(connection: sa.Connection, frozen: Sequence[tuple[Delivery, str, str, str]]) -> set[int]:
    """Freeze the words of claimed deliveries and mark them ``sending``: from here on a byte may leave.

    Parameters
    ----------
    frozen: delivery, address, subject, body.

    Returns
    -------
    The numbers of those that are `still_ours`.
    """
    ours = still_ours(connection, [one for one, _, _, _ in frozen])
    values = [
        {"number": one.id, "to": to, "subject": subject, "body": body, "attempts": one.attempts + 1}
        for one, to, subject, body in frozen
        if one.id in ours
    ]
    if values:
        connection.execute(_MARK_SENDING, values)
    return ours


def remember(connection: sa.Connection, number: int, extra: Mapping[str, Any]) -> None:
    """Put what a delivery knows besides its columns in the place of what it knew."""
    connection.execute(sa.update(delivery).where(delivery.c.id == number).values(extra=dict(extra)))


def settle(
    connection: sa.Connection, one: Delivery, state: str, now: dt.datetime, reason: str = "", receipt: str = ""
) -> bool:
    """Write a verdict, also for what it carries; false when the delivery is no longer ours to settle."""
    values = {"number": one.id, "whose": one.token, "ended": state, "at": now}
    settled = connection.execute(_SETTLE, {**values, "because": reason or None, "proof": receipt or None})
    if settled.rowcount and one.group_key:
        groups.settle(connection, one.id, state, now, reason or None, receipt or None)
    return settled.rowcount == 1


def put_back(
    connection: sa.Connection,
    one: Delivery,
    not_before: dt.datetime,
    reason: str,
    *,
    keep_words: bool = False,
    failing_since: dt.datetime | None = None,
) -> bool:
    """Let a delivery wait until ``not_before``, and what it carries with it; false when it is no longer ours.

    Parameters
    ----------
    keep_words: the same words must go out again, since they may have left before.
    failing_since: since when tries have failed, if this was one.
    """
    statement = _PUT_BACK if keep_words else _PUT_BACK_UNWRITTEN
    values = {"number": one.id, "whose": one.token, "until": not_before, "because": reason}
    since = one.failing_since or failing_since
    put = connection.execute(statement, {**values, "since": since})
    if put.rowcount and one.group_key and not keep_words:
        groups.put_down(connection, one.id, not_before, reason, since)
    return put.rowcount == 1


def expired(connection: sa.Connection, now: dt.datetime, limit: int = 500) -> list[Delivery]:
    """Read deliveries whose sender has let its lease run out."""
    return _read(connection, delivery.c.state.in_(("claimed", "sending")), delivery.c.lease_until <= now, limit=limit)


def give_up(connection: sa.Connection, nodes: Collection[str], now: dt.datetime) -> None:
    """Let the leases of these nodes run out at once, for they are dead."""
    left = sa.and_(delivery.c.state.in_(("claimed", "sending")), held_by(delivery.c.token, nodes))
    connection.execute(sa.update(delivery).where(left, delivery.c.lease_until > now).values(lease_until=now))


def fallback(one: Delivery, case_ids: Sequence[int], now: dt.datetime) -> NewDelivery:
    """Make the delivery that stands in for one that was rejected, through the next channel of its chain."""
    return NewDelivery(
        intent_key=hashlib.sha256(f"{one.intent_key} else".encode()).hexdigest()[:32],
        rule_id=one.rule_id,
        kind=one.kind,
        channel=one.fallbacks[0],
        fallbacks=one.fallbacks[1:],
        audience=one.audience,
        person=one.person,
        staff=one.staff,
        template=one.template,
        urgent=one.urgent,
        not_before=now,
        extra=one.extra,
        firing_id=one.firing_id,
        expires_at=one.expires_at,
        case_ids=tuple(case_ids),
        group_key=one.group_key,
    )


def earliest(connection: sa.Connection, rule_ids: Collection[int], now: dt.datetime) -> dict[str, dt.datetime]:
    """Find when the next delivery of each channel may leave, of these rules."""
    rows = connection.execute(_EARLIEST, {"rules": sorted(rule_ids), "now": now})
    return {channel: at for channel, at in rows}  # noqa: C416 - dict() loses the types


def earliest_lease(connection: sa.Connection) -> dt.datetime | None:
    """When the next lease runs out."""
    return connection.execute(_EARLIEST_LEASE).scalar()


def cases_of(connection: sa.Connection, delivery_ids: Collection[int]) -> dict[int, list[int]]:
    """Find the cases that each delivery speaks of."""
    rows = connection.execute(_CASES_OF, {"deliveries": sorted(delivery_ids)})
    found: dict[int, list[int]] = {}
    for delivery_id, case_id in rows:
        found.setdefault(delivery_id, []).append(case_id)
    return found


def carried_by(connection: sa.Connection, lead: Delivery) -> list[Delivery]:
    """Read the deliveries that another one's message tells of, too."""
    if lead.group_key is None:
        return []
    return _read(connection, delivery.c.group_key == lead.group_key, delivery.c.carried_by == lead.id)


def of_case(connection: sa.Connection, case_id: int) -> list[Delivery]:
    """Read every delivery that speaks of a case, in order."""
    mine = sa.select(delivery_case.c.delivery_id).where(delivery_case.c.case_id == case_id)
    return _read(connection, delivery.c.id.in_(mine))


def of_rule(connection: sa.Connection, rule_id: int) -> list[Delivery]:
    """Read every delivery of a rule that speaks of no case, in order: its reports, and what Duly itself had to say."""
    return _read(connection, delivery.c.rule_id == rule_id, delivery.c.firing_id.is_(None))


def told(
    connection: sa.Connection, case_id: int, but: int, after: int, limit: int
) -> list[tuple[int, Mapping[str, Any]]]:
    """Read who has heard of a case, delivery by delivery.

    Parameters
    ----------
    but: a firing that does not count.
    after: the number of the last delivery that was read.
    """
    rows = connection.execute(
        sa.select(delivery.c.id, delivery.c.person)
        .where(*_accepted(case_id), delivery.c.firing_id != but, delivery.c.id > after)
        .order_by(delivery.c.id)
        .limit(limit)
    )
    return [(row.id, row.person) for row in rows]


def heard(connection: sa.Connection, case_ids: Collection[int]) -> set[int]:
    """Find the cases of which somebody may have heard: words about them have left, or may have."""
    rows = connection.execute(
        sa.select(delivery_case.c.case_id)
        .join(delivery, delivery.c.id == delivery_case.c.delivery_id)
        .where(
            delivery_case.c.case_id.in_(sorted(case_ids)),
            delivery.c.kind == "message",
            sa.or_(delivery.c.state.in_(("accepted", "unsure", "sending")), delivery.c.body.is_not(None)),
        )
        .distinct()
    )
    return set(rows.scalars())


def count_told(connection: sa.Connection, case_id: int) -> int:
    """Count the people who have heard of a case."""
    return connection.execute(
        sa.select(sa.func.count(sa.distinct(delivery.c.person))).where(*_accepted(case_id))
    ).scalar_one()


def _accepted(case_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    mine = sa.select(delivery_case.c.delivery_id).where(delivery_case.c.case_id == case_id)
    return delivery.c.id.in_(mine), delivery.c.state == "accepted", delivery.c.kind == "message"


def count_since(connection: sa.Connection, rule_id: int, since: dt.datetime, but: sa.Select[Any] | None = None) -> int:
    """Count the messages of a rule written since an instant, but for those about the cases that ``but`` selects.

    A group counts as the one message that it becomes.
    """
    messages = sa.func.count(sa.distinct(sa.func.coalesce(delivery.c.group_key, delivery.c.intent_key)))
    written = sa.select(messages).where(delivery.c.rule_id == rule_id, delivery.c.created_at > since)
    if but is not None:
        about = sa.select(delivery_case.c.delivery_id).where(delivery_case.c.case_id.in_(but))
        written = written.where(delivery.c.id.not_in(about))
    return connection.execute(written).scalar_one()


def counts(connection: sa.Connection) -> dict[str, int]:
    """Count all deliveries by state."""
    rows = connection.execute(sa.select(delivery.c.state, sa.func.count()).group_by(delivery.c.state))
    return {state: count for state, count in rows}  # noqa: C416 - dict() loses the types


def _read(connection: sa.Connection, *where: Any, limit: int | None = None) -> list[Delivery]:
    rows = connection.execute(sa.select(*_COLUMNS).where(*where).order_by(delivery.c.id).limit(limit))
    return [Delivery(*row) for row in rows]
