"""Checks in the ledger: each (rule, slot) is claimed once, under a lease."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from duly.ledger.schema import check_run, journal
from duly.ledger.tokens import held_by, new_token

LEASE = dt.timedelta(minutes=15)
"""How long a check may take before another node takes it for dead."""

# Made once: to make a statement takes longer than to run it.
_OF_RULE = check_run.c.rule_id == sa.bindparam("rule")
_LAST = (
    sa.select(check_run.c.now, check_run.c.slot, check_run.c.plan_digest, check_run.c.state)
    .where(_OF_RULE, check_run.c.state.in_(("done", "refused")))
    .order_by(check_run.c.slot.desc())
    .limit(1)
)
_INSTANT = check_run.c.slot.type
_RUNNING = check_run.c.state == "running"
_RUNNING_NOW = sa.select(check_run.c.id).where(
    _OF_RULE, _RUNNING, check_run.c.lease_until > sa.bindparam("at", type_=_INSTANT)
)
_GIVE_UP_EARLIER = (
    sa.update(check_run)
    .where(_OF_RULE, _RUNNING, check_run.c.slot != sa.bindparam("this", type_=_INSTANT))
    .values(state="failed", finished_at=sa.bindparam("at", type_=_INSTANT), reason="its process stopped")
)
_AT_SLOT = sa.select(check_run.c.id, check_run.c.state, check_run.c.lease_until).where(
    _OF_RULE, check_run.c.slot == sa.bindparam("this", type_=_INSTANT)
)
_BEGIN = sa.insert(check_run).returning(check_run.c.id)
_FINISH = sa.update(check_run).where(
    check_run.c.id == sa.bindparam("number"), check_run.c.token == sa.bindparam("whose"), _RUNNING
)
_LATEST = (
    sa.select(check_run.c.slot, check_run.c.state, check_run.c.lease_until, check_run.c.finished_at)
    .where(_OF_RULE)
    .order_by(check_run.c.slot.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A check that is ours to run; ``token`` proves it until ``lease_until``."""

    id: int
    token: str
    lease_until: dt.datetime


@dataclass(frozen=True, slots=True)
class LastCheck:
    """The last check of a rule that read its whole answer; ``state`` is ``done`` or ``refused``."""

    now: dt.datetime
    slot: dt.datetime
    plan_digest: str
    state: str


@dataclass(frozen=True, slots=True)
class LatestSlot:
    """The latest slot of a rule, however its check ended."""

    slot: dt.datetime
    state: str
    lease_until: dt.datetime
    finished_at: dt.datetime | None


def claim(
    connection: sa.Connection, rule_id: int, slot: dt.datetime, now: dt.datetime, plan_digest: str, node: str = ""
) -> Claim | None:
    """Claim one check; ``None`` when it has been run, or runs, or another slot of the rule still runs.

    A check whose lease has run out is taken over under a new token, which fences its former owner.

    Parameters
    ----------
    node: who claims it, whose mark the token bears.
    """
    if connection.execute(_RUNNING_NOW, {"rule": rule_id, "at": now}).first():
        return None
    # Whoever stood still for longer than its lease, at an earlier slot, must not settle it when it wakes.
    connection.execute(_GIVE_UP_EARLIER, {"rule": rule_id, "this": slot, "at": now})
    token, lease_until = new_token(node), now + LEASE
    fresh = {"state": "running", "token": token, "lease_until": lease_until, "now": now, "plan_digest": plan_digest}
    last = connection.execute(_AT_SLOT, {"rule": rule_id, "this": slot}).one_or_none()
    if last is None:
        try:
            new = {"rule_id": rule_id, "slot": slot, "found": 0, "opened": 0, "closed": 0, "held": 0}
            number = connection.execute(_BEGIN, {**new, **fresh}).scalar_one()
        except IntegrityError:
            return None
        return Claim(number, token, lease_until)
    if last.state not in ("running", "failed") or (last.state == "running" and last.lease_until > now):
        return None
    taken = connection.execute(
        sa.update(check_run)
        .where(check_run.c.id == last.id, check_run.c.state == last.state, check_run.c.lease_until == last.lease_until)
        .values(finished_at=None, reason=None, **fresh)
    )
    return Claim(last.id, token, lease_until) if taken.rowcount else None


def finish(connection: sa.Connection, claim: Claim, state: str, now: dt.datetime, **values: Any) -> bool:
    """Settle a check as ``done``, ``refused`` or ``failed``; false when its lease was taken over meanwhile."""
    settled = {"state": state, "finished_at": now, **values}
    finished = connection.execute(_FINISH, {"number": claim.id, "whose": claim.token, **settled})
    return finished.rowcount == 1


def give_up(connection: sa.Connection, nodes: Collection[str], now: dt.datetime) -> None:
    """Let the leases of these nodes run out at once, for they are dead."""
    left = sa.and_(check_run.c.state == "running", held_by(check_run.c.token, nodes))
    connection.execute(sa.update(check_run).where(left, check_run.c.lease_until > now).values(lease_until=now))


def last(connection: sa.Connection, rule_id: int) -> LastCheck | None:
    """Find the last check of a rule that read its whole answer."""
    row = connection.execute(_LAST, {"rule": rule_id}).one_or_none()
    return LastCheck(*row) if row else None


def latest(connection: sa.Connection, rule_id: int) -> LatestSlot | None:
    """Find the latest slot of a rule that was claimed."""
    row = connection.execute(_LATEST, {"rule": rule_id}).one_or_none()
    return LatestSlot(*row) if row else None


def failures(connection: sa.Connection, rule_id: int) -> int:
    """Count the failed tries of a rule's checks, however many in one slot, since its last good one."""
    good = (
        sa.select(sa.func.coalesce(sa.func.max(check_run.c.now), 0))
        .where(check_run.c.rule_id == rule_id, check_run.c.state.in_(("done", "refused")))
        .scalar_subquery()
    )
    count = sa.select(sa.func.count()).where(
        journal.c.rule_id == rule_id, journal.c.event == "check failed", journal.c.at > good
    )
    return connection.execute(count).scalar_one()


def counts(connection: sa.Connection) -> dict[str, int]:
    """Count all checks by state."""
    rows = connection.execute(sa.select(check_run.c.state, sa.func.count()).group_by(check_run.c.state))
    return {state: count for state, count in rows}  # noqa: C416 - dict() loses the types
