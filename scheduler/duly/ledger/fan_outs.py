"""Fan-outs in the ledger: firings whose deliveries, to many people, are still being written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from duly.ledger import journal
from duly.ledger.journal import Entry
from duly.ledger.schema import fan_out, firing
from duly.ledger.tokens import held_by, new_token

LEASE = dt.timedelta(minutes=5)
"""How long one batch of people may take before another node takes whoever reads them for dead."""


@dataclass(frozen=True, slots=True)
class FanOut:
    """One firing to many people.

    Parameters
    ----------
    round: of the firing; its deliveries bear it.
    expires_at: when its deliveries expire.
    blind: the source was down as it fired.
    reason: why it waits, if it does.
    token: proves that it is ours.
    """

    firing_id: int
    case_id: int
    step: str
    round: int
    expires_at: dt.datetime | None
    blind: bool
    reason: str | None = None
    token: str = ""


def begin(connection: sa.Connection, rule_id: int, one: FanOut, now: dt.datetime) -> None:
    """Note that people are to be told; whoever claims it next reads who they are."""
    connection.execute(sa.delete(fan_out).where(fan_out.c.firing_id == one.firing_id))
    values = {"rule_id": rule_id, "case_id": one.case_id, "round": one.round, "blind": one.blind, "not_before": now}
    connection.execute(sa.insert(fan_out).values(firing_id=one.firing_id, expires_at=one.expires_at, **values))


def claim(connection: sa.Connection, now: dt.datetime, rule_ids: Collection[int], node: str) -> FanOut | None:
    """Claim the next fan-out of these rules, under a lease."""
    found = connection.execute(
        sa.select(fan_out.c.firing_id, fan_out.c.case_id, firing.c.step, *_REST)
        .join(firing, firing.c.id == fan_out.c.firing_id)
        .where(fan_out.c.not_before <= now, fan_out.c.rule_id.in_(sorted(rule_ids)))
        .order_by(fan_out.c.not_before, fan_out.c.firing_id)
        .limit(1)
        .with_for_update(of=fan_out, skip_locked=True)
    ).first()
    if found is None:
        return None
    one = FanOut(*found, token=new_token(node))
    connection.execute(_of(one.firing_id).values(token=one.token, not_before=now + LEASE))
    return one


def go_on(connection: sa.Connection, one: FanOut, now: dt.datetime) -> bool:
    """Make the lease last for another batch; false when the case has closed, or another node has taken over."""
    renewed = connection.execute(_ours(one).values(not_before=now + LEASE))
    return renewed.rowcount == 1


def put_back(connection: sa.Connection, one: FanOut, until: dt.datetime, reason: str) -> bool:
    """Let it wait until ``until``; false when it is no longer ours."""
    return connection.execute(_ours(one).values(token=None, not_before=until, reason=reason)).rowcount == 1


def finish(connection: sa.Connection, one: FanOut) -> None:
    """Note that everybody's deliveries are written."""
    connection.execute(sa.delete(fan_out).where(fan_out.c.firing_id == one.firing_id, fan_out.c.token == one.token))


def stop(connection: sa.Connection, case_id: int, reason: str, now: dt.datetime) -> list[int]:
    """Stop what is under way for a case that closes; returns the numbers of the firings."""
    mine = sa.delete(fan_out).where(fan_out.c.case_id == case_id)
    stopped = connection.execute(mine.returning(fan_out.c.firing_id, fan_out.c.rule_id)).all()
    detail = f"not everybody was told: {reason}"
    journal.write(connection, [Entry(now, "cancelled", detail, row.rule_id, case_id) for row in stopped])
    return [row.firing_id for row in stopped]


def drop_earlier(connection: sa.Connection, case_id: int, step: str, before: int) -> None:
    """Drop what earlier occurrences of a step have not written yet: the one that comes now tells everybody."""
    earlier = sa.select(firing.c.id).where(
        firing.c.case_id == case_id, firing.c.step == step, firing.c.occurrence < before
    )
    connection.execute(sa.delete(fan_out).where(fan_out.c.firing_id.in_(earlier)))


def give_up(connection: sa.Connection, nodes: Collection[str], now: dt.datetime) -> None:
    """Let others take over at once what these nodes had in hand, for they are dead."""
    left = (held_by(fan_out.c.token, nodes), fan_out.c.not_before > now)
    connection.execute(sa.update(fan_out).where(*left).values(not_before=now))


def earliest(connection: sa.Connection, rule_ids: Collection[int]) -> dt.datetime | None:
    """When the next fan-out of these rules may go on."""
    return connection.execute(_EARLIEST, {"rules": sorted(rule_ids)}).scalar()


# Made once, for the ladder asks at every look: to make a statement takes longer than to run it.
_EARLIEST = sa.select(sa.func.min(fan_out.c.not_before)).where(
    fan_out.c.rule_id.in_(sa.bindparam("rules", expanding=True))
)
_REST = (fan_out.c.round, fan_out.c.expires_at, fan_out.c.blind, fan_out.c.reason)


def _of(firing_id: int) -> sa.Update:
    return sa.update(fan_out).where(fan_out.c.firing_id == firing_id)


def _ours(one: FanOut) -> sa.Update:
    return _of(one.firing_id).where(fan_out.c.token == one.token)
