"""Firings in the ledger: a step fires once per (case, step, occurrence)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from duly.ledger.schema import delivery, delivery_case, firing

SETTLED = ("fired", "overtaken", "expired", "skipped")
CAME_AGAIN = "its step has come again"
"""Why what an earlier occurrence had waiting is cancelled."""


@dataclass(frozen=True, slots=True)
class Firing:
    """One row of ``firing``; see the schema for what each column means."""

    id: int
    case_id: int
    step: str
    occurrence: int
    audience: str
    state: str
    round: int
    moment: dt.datetime
    settled_at: dt.datetime | None
    accepted_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class NewFiring:
    """A step of a case that comes due.

    ``state`` is ``noticed`` when the ladder has yet to fire it, ``pending`` when something leaves, else how it ended.
    """

    case_id: int
    step: str
    occurrence: int
    audience: str
    moment: dt.datetime
    state: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """A delivery that was cancelled because its step has come again."""

    delivery_id: int
    channel: str
    person: Mapping[str, Any]
    failing_since: dt.datetime | None


_COLUMNS = [firing.c[name] for name in Firing.__dataclass_fields__]
_OF_CASES = (
    sa.select(*_COLUMNS).where(firing.c.case_id.in_(sa.bindparam("cases", expanding=True))).order_by(firing.c.id)
)
_SETTLE = (
    sa.update(firing)
    .where(firing.c.id == sa.bindparam("number"))
    .values(
        state=sa.bindparam("now"),
        accepted_at=sa.bindparam("accepted"),
        settled_at=sa.func.coalesce(firing.c.settled_at, sa.bindparam("at", type_=firing.c.settled_at.type)),
    )
)


def of_cases(connection: sa.Connection, case_ids: Collection[int]) -> dict[int, dict[tuple[str, int], Firing]]:
    """Read what has fired for these cases: by case, then by (step, occurrence)."""
    if not case_ids:
        return {}
    rows = connection.execute(_OF_CASES, {"cases": sorted(case_ids)})
    found: dict[int, dict[tuple[str, int], Firing]] = {}
    for row in rows:
        found.setdefault(row.case_id, {})[(row.step, row.occurrence)] = Firing(*row)
    return found


def fire(
    connection: sa.Connection, new: Sequence[NewFiring], now: dt.datetime
) -> dict[tuple[int, str, int], tuple[int, int]]:
    """Write firings, also those that were noticed before; one that was cancelled is armed again under its next round.

    Returns
    -------
    The number and the round of each firing written, by (case, step, occurrence); one that had fired before is left out.
    """
    if not new:
        return {}
    before = of_cases(connection, {f.case_id for f in new})
    written: dict[tuple[int, str, int], tuple[int, int]] = {}
    fresh = []
    for wanted in new:
        old = before.get(wanted.case_id, {}).get((wanted.step, wanted.occurrence))
        settled_at = None if wanted.state in ("noticed", "pending") else now
        if old is None:
            fresh.append(
                {
                    "case_id": wanted.case_id,
                    "step": wanted.step,
                    "occurrence": wanted.occurrence,
                    "audience": wanted.audience,
                    "state": wanted.state,
                    "round": 0,
                    "moment": wanted.moment,
                    "settled_at": settled_at,
                }
            )
        elif old.state in ("cancelled", "noticed"):
            round_ = old.round + (old.state == "cancelled")
            connection.execute(
                sa.update(firing)
                .where(firing.c.id == old.id)
                .values(state=wanted.state, round=round_, moment=wanted.moment, settled_at=settled_at)
            )
            written[(wanted.case_id, wanted.step, wanted.occurrence)] = (old.id, round_)
    if fresh:
        rows = connection.execute(
            sa.insert(firing).returning(firing.c.id, firing.c.case_id, firing.c.step, firing.c.occurrence), fresh
        )
        written.update({(row.case_id, row.step, row.occurrence): (row.id, 0) for row in rows})
    return written


def overtake(connection: sa.Connection, case_id: int, step: str, before: int, now: dt.datetime) -> list[Replaced]:
    """Cancel what earlier occurrences of a step have waiting for one case alone; what may have left goes on.

    Parameters
    ----------
    before: the occurrence that takes their place.
    """
    earlier = (firing.c.case_id == case_id, firing.c.step == step, firing.c.occurrence < before)
    others = sa.exists().where(delivery_case.c.delivery_id == delivery.c.id, delivery_case.c.case_id != case_id)
    rows = connection.execute(
        sa.update(delivery)
        .where(
            delivery.c.firing_id.in_(sa.select(firing.c.id).where(*earlier)),
            delivery.c.state.in_(("waiting", "claimed")),
            delivery.c.body.is_(None),
            ~others,
        )
        .values(state="cancelled", reason=CAME_AGAIN, settled_at=now, token=None, lease_until=None)
        .returning(delivery.c.id, delivery.c.channel, delivery.c.person, delivery.c.failing_since)
    ).all()
    under_way = sa.exists().where(
        delivery.c.firing_id == firing.c.id, delivery.c.state.in_(("waiting", "claimed", "sending"))
    )
    connection.execute(
        sa.update(firing)
        .where(*earlier, firing.c.state == "pending", ~under_way)
        .values(state="overtaken", settled_at=now)
    )
    return [Replaced(*row) for row in rows]


def end_noticed(connection: sa.Connection, case_id: int, steps: Collection[str], state: str, now: dt.datetime) -> None:
    """End what was noticed for steps of a case, or was cancelled, and has not fired."""
    mine = (firing.c.case_id == case_id, firing.c.step.in_(sorted(steps)))
    waits = firing.c.state.in_(("noticed", "cancelled"))
    connection.execute(sa.update(firing).where(*mine, waits).values(state=state, settled_at=now))


def give_up(connection: sa.Connection, firing_id: int, now: dt.datetime) -> None:
    """Cancel a firing that reached nobody, so that it can be armed again."""
    mine = (firing.c.id == firing_id, firing.c.state == "pending")
    connection.execute(sa.update(firing).where(*mine).values(state="cancelled", settled_at=now))


def settle(connection: sa.Connection, firing_ids: Collection[int], now: dt.datetime) -> dict[int, str]:
    """Bring firings up to date with their deliveries: fired once one was accepted, rejected or unsure.

    A firing whose deliveries were all cancelled is cancelled, so that it can be armed again; one whose deliveries all
    expired, or reached their cap, has ended.

    Returns
    -------
    The cases whose ladder may go on because of this, each with the state that its firing came to.
    """
    if not firing_ids:
        return {}
    # Grouped, for there may be one delivery for each person of a crowd; and only until the first is accepted.
    open_yet = sa.or_(firing.c.state == "pending", sa.and_(firing.c.state == "fired", firing.c.accepted_at.is_(None)))
    kinds = (firing.c.id, firing.c.case_id, firing.c.round, delivery.c.state, delivery.c.extra)
    rows = connection.execute(
        sa.select(*kinds, sa.func.min(delivery.c.settled_at).label("settled_at"))
        .join(delivery, delivery.c.firing_id == firing.c.id)
        .where(firing.c.id.in_(sorted(firing_ids)), open_yet)
        .group_by(*kinds)
    ).all()
    # What was cancelled in an earlier round says nothing of how this one ends.
    rows = [row for row in rows if row.state != "cancelled" or row.extra.get("round", 0) == row.round]
    moved: dict[int, str] = {}
    values = []
    by_firing: dict[int, list[Any]] = {}
    for row in rows:
        by_firing.setdefault(row.id, []).append(row)
    for firing_id, mine in by_firing.items():
        states = {row.state for row in mine}
        accepted = min((row.settled_at for row in mine if row.state == "accepted"), default=None)
        state = _state(states)
        if state == "pending":
            continue
        values.append({"number": firing_id, "now": state, "accepted": accepted, "at": now})
        moved[mine[0].case_id] = state
    if values:
        connection.execute(_SETTLE, values)
    return moved


def _state(states: set[str]) -> str:
    if states & {"accepted", "rejected", "unsure"}:
        return "fired"
    if states & {"waiting", "claimed", "sending"}:
        return "pending"
    if "cancelled" in states:
        return "cancelled"
    return "expired"
