"""Grouped messages in the ledger: one delivery leaves and carries the others that it tells of (law 11).

The *lead* goes the way of every delivery. Those that it carries are ``sending`` for as long as it may be under way,
without a lease of their own, and end as it ends; so a crash leaves one message to find out about, and not a line of it
can go out a second time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import sqlalchemy as sa

from duly.ledger.schema import cases, delivery

_ACTIVE = ("open", "acknowledged")
_UNDER_WAY = ("waiting", "claimed", "sending")


def _leads() -> sa.ColumnElement[bool]:
    """Hold for a delivery that may be claimed by itself: one of no group, or the first of a group that is complete.

    A group is complete when the ladder has nothing left to fire for its rule, and no action of the rule, which may
    ask for more messages, is due. Urgent messages do not wait for others.
    """
    now = sa.bindparam("now", type_=delivery.c.not_before.type)
    other, action = delivery.alias("other"), delivery.alias("action")
    earlier = sa.exists().where(
        other.c.group_key == delivery.c.group_key,
        other.c.state == "waiting",
        other.c.channel == delivery.c.channel,
        other.c.not_before <= now,
        other.c.body.is_(None),
        other.c.id < delivery.c.id,
    )
    to_fire = sa.exists().where(
        cases.c.rule_id == delivery.c.rule_id, cases.c.state.in_(_ACTIVE), cases.c.next_at <= now
    )
    to_do = sa.exists().where(
        action.c.rule_id == delivery.c.rule_id,
        action.c.kind == "action",
        action.c.state.in_(_UNDER_WAY),
        action.c.not_before <= now,
    )
    alone = sa.or_(delivery.c.group_key.is_(None), delivery.c.body.is_not(None))
    return sa.or_(alone, ~earlier & sa.or_(delivery.c.urgent, ~to_fire & ~to_do))


LEADS = _leads()
"""What may be claimed by itself at ``:now``."""


def mates(
    connection: sa.Connection,
    keys: Collection[str],
    lead_ids: Collection[int],
    channel: str,
    now: dt.datetime,
    rule_ids: Collection[int],
) -> list[int]:
    """Lock what may leave with the leads of these groups, and give the numbers, in order."""
    found = (
        sa.select(delivery.c.id)
        .where(
            delivery.c.group_key.in_(sorted(keys)),
            delivery.c.state == "waiting",
            delivery.c.channel == channel,
            delivery.c.not_before <= now,
            delivery.c.body.is_(None),
            delivery.c.rule_id.in_(sorted(rule_ids)),
            delivery.c.id.not_in(sorted(lead_ids)),
        )
        .order_by(delivery.c.id)
        .with_for_update(skip_locked=True)
    )
    return list(connection.execute(found).scalars())


def carry(connection: sa.Connection, lead_id: int, carried: Collection[int]) -> None:
    """Put claimed deliveries into the message of another, in the transaction that marks that one as sending."""
    connection.execute(
        sa.update(delivery)
        .where(delivery.c.id.in_(sorted(carried)))
        .values(state="sending", carried_by=lead_id, attempts=delivery.c.attempts + 1, token=None, lease_until=None)
    )


def settle(
    connection: sa.Connection, lead_id: int, state: str, now: dt.datetime, reason: str | None, receipt: str | None
) -> None:
    """End what a delivery carries as it has ended itself."""
    connection.execute(
        sa.update(delivery)
        .where(*_carried(connection, lead_id))
        .values(state=state, reason=reason, receipt=receipt, settled_at=now)
    )


def put_down(
    connection: sa.Connection, lead_id: int, not_before: dt.datetime, reason: str, failing_since: dt.datetime | None
) -> None:
    """Let what a delivery carried wait again for itself: the message has not left."""
    connection.execute(
        sa.update(delivery)
        .where(*_carried(connection, lead_id))
        .values(state="waiting", carried_by=None, not_before=not_before, reason=reason, failing_since=failing_since)
    )


def _carried(connection: sa.Connection, lead_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Select by the group as well, which has an index."""
    key = connection.execute(sa.select(delivery.c.group_key).where(delivery.c.id == lead_id)).scalar()
    return delivery.c.group_key == key, delivery.c.state == "sending", delivery.c.carried_by == lead_id
